"""The bytes that DLP controllers are sent and send, against those in their makers' documents.

Where a test names DLPU018J, its bytes are those of an example printed in the DLPC900 Programmer's Guide (sections 1.2 and 5.3).
The others were put together by hand from the field tables of DLPU018J and DLPU010 and from Texas Instruments' dlpc350_api.cpp.
"""

import numpy as np
import pytest

from acquisition.drivers import dlpc350, dlpc900
from acquisition.drivers import dlpc_common as common
from acquisition.drivers.dlpc_common import Led, Message, parse_answer, reports


def bytes_of(message: Message, sequence: int = 0) -> str:
    (report,) = reports(message, sequence)
    length = report[2] | report[3] << 8
    assert len(report) == 64
    assert not any(report[4 + length :])
    return report[: 4 + length].hex(" ").upper()


def test_a_read_is_framed_as_the_guide_prints_it() -> None:
    """DLPU018J table 1-5: read the curtain colour."""
    assert bytes_of(Message(0x1100, is_read=True), 0x11) == "C0 11 02 00 00 11"


def test_a_write_is_framed_as_the_guide_prints_it() -> None:
    """DLPU018J table 1-7: set the curtain colour, no answer wanted."""
    message = Message(0x1100, bytes.fromhex("FF 01 FF 01 FF 01"), wants_answer=False)
    assert bytes_of(message, 0x12) == "00 12 08 00 00 11 FF 01 FF 01 FF 01"


def test_an_answer_is_read_as_the_guide_prints_it() -> None:
    """DLPU018J table 1-6."""
    answer = parse_answer(bytes.fromhex("C0 11 06 00 FF 01 FF 01 FF 01").ljust(64, b"\0"))
    assert (answer.sequence, answer.failed, answer.data) == (0x11, False, bytes.fromhex("FF 01 FF 01 FF 01"))


def test_the_error_flag_of_an_answer_is_seen() -> None:
    assert parse_answer(bytes.fromhex("60 05 00 00").ljust(64, b"\0")).failed


@pytest.mark.parametrize("head", ["DF 11 02 00", "C0 11 3D 00", "80 11 02 00"], ids=["flags", "length", "no answer"])
def test_what_cannot_be_an_answer_is_refused(head: str) -> None:
    with pytest.raises(ValueError, match="flags"):
        parse_answer(bytes.fromhex(head).ljust(64, b"\0"))
    with pytest.raises(ValueError, match="report of 4 bytes"):
        parse_answer(bytes.fromhex(head))


def test_a_long_message_goes_on_in_further_reports_without_a_header() -> None:
    payload = bytes(i % 251 for i in range(200))
    parts = reports(Message(0x1A34, payload), 7)
    assert [len(part) for part in parts] == [64] * 4
    assert b"".join(parts) == (bytes.fromhex("40 07 CA 00 34 1A") + payload).ljust(256, b"\0")


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (common.set_display_mode(dlpc350.PATTERN_MODE), "40 00 03 00 1B 1A 01"),
        (common.set_leds(common.LEDS_BY_SEQUENCER), "40 00 03 00 07 1A 08"),
        (common.set_leds(common.LEDS_DARK), "40 00 03 00 07 1A 00"),
        (common.run(common.Run.STOP), "40 00 03 00 24 1A 00"),
        (common.run(common.Run.START), "40 00 03 00 24 1A 02"),
        (common.READ_HARDWARE_STATUS, "C0 00 02 00 0A 1A"),
        (common.READ_MAIN_STATUS, "C0 00 02 00 0C 1A"),
        (dlpc350.patterns_from_flash(), "40 00 03 00 22 1A 03"),
        (dlpc350.trigger_mode_1(), "40 00 03 00 23 1A 01"),
        (dlpc350.set_exposure(8333, 10000), "40 00 0A 00 29 1A 8D 20 00 00 10 27 00 00"),
        (dlpc350.configure(3, 1, repeat=True), "40 00 06 00 31 1A 02 01 02 00"),
        (dlpc350.VALIDATE, "40 00 03 00 1A 1A 00"),
        (dlpc350.READ_VALIDATION, "C0 00 02 00 1A 1A"),
        (dlpc350.READ_IMAGES_IN_FLASH, "C0 00 02 00 42 1A"),
    ],
)
def test_dlpc350_commands(message: Message, expected: str) -> None:
    assert bytes_of(message) == expected


def test_the_dlpc350s_pattern_table_goes_through_its_mailbox() -> None:
    grey = dlpc350.Entry(number=1, bits=8, led=Led.WHITE, swap=True)
    binary = dlpc350.Entry(number=23, bits=1, led=Led.BLUE, trigger=dlpc350.Trigger.EXTERNAL_RISING, black_after=True)
    assert [bytes_of(message) for message in dlpc350.pattern_table([grey, binary])] == [
        "40 00 03 00 33 1A 02",
        "40 00 03 00 32 1A 00",
        "40 00 08 00 34 1A 04 78 04 5D 41 02",
        "40 00 03 00 33 1A 00",
    ]


def test_the_dlpc350s_image_table_of_two_is_sent_backwards() -> None:
    assert [bytes_of(m) for m in dlpc350.image_table([4, 5, 6])][2] == "40 00 05 00 34 1A 04 05 06"
    assert [bytes_of(m) for m in dlpc350.image_table([4, 5])][2] == "40 00 04 00 34 1A 05 04"
    assert bytes_of(dlpc350.image_table([4])[0]) == "40 00 03 00 33 1A 01"


@pytest.mark.parametrize(("number", "bits"), [(24, 1), (3, 8), (-1, 1), (0, 5)])
def test_a_pattern_that_no_24_bit_image_holds_is_refused(number: int, bits: int) -> None:
    with pytest.raises(ValueError, match="pattern"):
        dlpc350.Entry(number, bits, Led.WHITE).word()


def test_a_validation_is_told_in_words() -> None:
    assert dlpc350.validation_errors(b"\x00") == []
    assert dlpc350.validation_errors(b"\x13") == [
        "exposure or period is out of range",
        "a pattern number does not exist",
        "exposure and period differ by less than 230 µs",
    ]
    assert dlpc350.validation_errors(b"\x04", ignore=0x04) == []


@pytest.mark.parametrize(
    ("message", "data"),
    [
        (common.set_display_mode(dlpc900.ON_THE_FLY_MODE), "1B 1A 03"),
        (dlpc900.define(0, dlpc900.Entry(200, 0, 1, Led.RED, image=0, plane=0)), "34 1A 00 00 C8 00 00 11 00 00 00 00 00 00"),
        (dlpc900.define(1, dlpc900.Entry(400, 0, 2, Led.GREEN, image=0, plane=1)), "34 1A 01 00 90 01 00 23 00 00 00 00 00 08"),
        (dlpc900.configure(2, 0), "31 1A 02 00 00 00 00 00"),
        (dlpc900.start_image(0, 6057), "2A 1A 00 00 A9 17 00 00"),
        (common.run(common.Run.START), "24 1A 02"),
    ],
)
def test_the_guides_own_example_of_patterns_on_the_fly(message: Message, data: str) -> None:
    """DLPU018J section 5.3, each step."""
    assert bytes_of(message)[12:] == data


def test_the_guides_example_loads_504_bytes_at_a_time_and_the_rest() -> None:
    """DLPU018J section 5.3, steps 6 to 18: 6057 bytes; the last piece is 9 bytes."""
    chunks = list(dlpc900.image_chunks(bytes(6057)))
    assert [chunk.payload[:2].hex(" ").upper() for chunk in chunks] == ["F8 01"] * 12 + ["09 00"]
    assert all(chunk.command == 0x1A2B and not chunk.wants_answer for chunk in chunks)
    assert [len(reports(chunk, 0)) for chunk in chunks] == [8] * 12 + [1]


def test_a_dlpc900_pattern_that_waits_is_dark_after_and_lies_high_in_a_late_image() -> None:
    message = dlpc900.define(399, dlpc900.Entry(4046, 954, 8, Led.BLUE, image=16, plane=8, wait=True))
    assert bytes_of(message) == "40 00 0E 00 34 1A 8F 01 CE 0F 00 CF BA 03 00 00 10 40"


def test_a_dlpc900_is_told_which_of_its_patterns_to_show() -> None:
    assert bytes_of(dlpc900.reorder([5], 0)) == "40 00 0A 00 32 1A 01 00 00 00 00 00 05 00"
    assert bytes_of(dlpc900.reorder([1, 300], 2)) == "40 00 0C 00 32 1A 02 00 02 00 00 00 01 00 2C 01"


def test_an_image_is_packed_by_the_enhanced_run_length_rules() -> None:
    """DLPU018J table 2-115, by hand: a run, a single pixel, a stretch, a line like the one above, a run of 128 or more."""
    rows = [[1] * 300, [1] * 300, [2] * 298 + [3, 4], [0] * 299 + [9], [5, 6] * 150]
    encoded = dlpc900.encode_image(np.array(rows, np.uint32))
    expected = (
        "AC 02 00 00 01  00 00"
        "00 01 AC 02  00 00"
        "AA 02 00 00 02  00 02 00 00 03 00 00 04  00 00"
        "AB 02 00 00 00  01 00 00 09  00 00"
        "00 AC 02" + "00 00 05 00 00 06" * 150 + "00 00"
        "00 01 00"
    )
    data = bytes.fromhex(expected)
    data += bytes(-len(data) % 4)
    header = "53 70 6C 64 2C 01 05 00" + (48 + len(data)).to_bytes(4, "little").hex() + "FF" * 8 + "00 00 00 00 00 02 01" + "00" * 21
    assert encoded == bytes.fromhex(header) + data


def test_the_three_bytes_of_a_pixel_hold_the_high_planes_first() -> None:
    encoded = dlpc900.encode_image(np.full((2, 8), 0x123456, np.uint32))
    assert encoded[48:52].hex() == "08123456"


def test_an_image_that_grows_by_packing_goes_uncompressed() -> None:
    noise = np.random.default_rng(1).integers(0, 1 << 24, (4, 8), dtype=np.uint32)
    encoded = dlpc900.encode_image(noise)
    assert encoded[25] == 0
    assert len(encoded) == 48 + 3 * 4 * 8
    assert int.from_bytes(encoded[48:51], "big") == noise[0, 0]


def test_statuses_are_told_in_words() -> None:
    assert common.hardware_errors(b"\x01") == common.hardware_errors(b"\x11") == []
    assert common.hardware_errors(b"\x80") == ["initialisation failed", "the sequencer failed"]
    assert common.is_running(b"\x02")
    assert not common.is_running(b"\x01")
    assert common.version(bytes([3, 0, 1, 4])) == "4.1.3"
