"""What the DLPC350 and the DLPC900 have in common: the framing of a message into USB HID reports, and the commands with one code.

A message is ``flags, sequence, length (2), command (2), payload``, low bytes first, cut into reports of 64 bytes and filled up
with zeros. Flags: bit 7 a read, bit 6 an answer is wanted, bit 5 (in answers) the command failed. The length counts command and
payload. The answer repeats flags and sequence, and its data follow the length. Sources: DLPC900 Programmer's Guide DLPU018J,
"USB Read/Write Transaction Sequence"; DLPC350 Programmer's Guide DLPU010, section 1.2; Texas Instruments' dlpc350_api.cpp.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

REPORT_BYTES = 64
_HEADER = struct.Struct("<BBH")
_READ, _REPLY, _FAILED = 0x80, 0x40, 0x20
_NEVER_SET = 0x1F  # endpoint and reserved bits: all zero in a projector's own answers


@dataclass(frozen=True, slots=True)
class Message:
    """One command to a controller."""

    command: int
    """The 16-bit code, as 0x1A24."""
    payload: bytes = b""
    is_read: bool = False
    wants_answer: bool = True
    """Whether the controller acknowledges; a read always does."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    sequence: int
    """That of the message it answers."""
    failed: bool
    """Command not found, or refused."""
    data: bytes


class Run(IntEnum):
    """Pattern Display Start/Stop, 0x1A24."""

    STOP = 0
    PAUSE = 1
    START = 2


class Led(IntEnum):
    """LED select of a pattern: bit 0 red, bit 1 green, bit 2 blue."""

    RED = 1
    GREEN = 2
    BLUE = 4
    WHITE = 7


LEDS_DARK = 0x00
"""LED enable: by hand, all off."""
LEDS_BY_SEQUENCER = 0x08
"""LED enable: the pattern sequence turns them on and off."""

READ_HARDWARE_STATUS = Message(0x1A0A, is_read=True)
READ_SYSTEM_STATUS = Message(0x1A0B, is_read=True)
READ_MAIN_STATUS = Message(0x1A0C, is_read=True)
READ_LEDS = Message(0x1A07, is_read=True)
READ_DISPLAY_MODE = Message(0x1A1B, is_read=True)
READ_VERSION = Message(0x0205, is_read=True)

_HARDWARE_ERRORS = {
    1: "the controller does not fit the mirrors or the firmware",
    2: "the mirror reset controller failed",
    6: "the sequencer aborted",
    7: "the sequencer failed",
}


def reports(message: Message, sequence: int) -> list[bytes]:
    """The 64-byte reports of a message.

    Args:
        message: what to send.
        sequence: 0 to 255; the answer repeats it.
    """
    flags = (_READ if message.is_read else 0) | (_REPLY if message.is_read or message.wants_answer else 0)
    body = _HEADER.pack(flags, sequence, len(message.payload) + 2) + struct.pack("<H", message.command) + message.payload
    body += bytes(-len(body) % REPORT_BYTES)
    return [body[i : i + REPORT_BYTES] for i in range(0, len(body), REPORT_BYTES)]


def parse_answer(report: bytes) -> Answer:
    """Read an answer of one report.

    Raises:
        ValueError: it cannot be one: wrong size, impossible flags or length.
    """
    if len(report) != REPORT_BYTES:
        raise ValueError(f"a report of {len(report)} bytes")
    flags, sequence, length = _HEADER.unpack_from(report)
    if flags & _NEVER_SET or not flags & _REPLY or length > REPORT_BYTES - _HEADER.size:
        raise ValueError(f"flags 0x{flags:02X} and length {length}")
    return Answer(sequence, bool(flags & _FAILED), report[_HEADER.size : _HEADER.size + length])


def set_display_mode(mode: int) -> Message:
    """Choose between video and pattern modes; the controllers number them differently."""
    return Message(0x1A1B, bytes([mode]))


def set_leds(enable: int) -> Message:
    """LED enable, LEDS_DARK or LEDS_BY_SEQUENCER."""
    return Message(0x1A07, bytes([enable]))


def run(state: Run) -> Message:
    """Start, pause or stop the pattern sequence."""
    return Message(0x1A24, bytes([state]))


def hardware_errors(status: bytes) -> list[str]:
    """What is wrong, of the byte of READ_HARDWARE_STATUS, in words; bit 0 is set where initialisation went well (DLPU018J)."""
    byte = status[0]
    found = [text for bit, text in _HARDWARE_ERRORS.items() if byte >> bit & 1]
    return found if byte & 1 else ["initialisation failed", *found]


def is_running(main_status: bytes) -> bool:
    """Whether the sequencer runs, of the byte of READ_MAIN_STATUS: its bit 1."""
    return bool(main_status[0] >> 1 & 1)


def version(data: bytes) -> str:
    """The application's version of READ_VERSION: patch in the low 16 bits, then minor, then major."""
    patch, minor, major = struct.unpack_from("<HBB", data)
    return f"{major}.{minor}.{patch}"
