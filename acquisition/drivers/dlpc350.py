"""Messages of the DLPC350, the controller of the LightCrafter 4500. Pure: bytes only.

Sources: DLPC350 Programmer's Guide DLPU010, and Texas Instruments' own dlpc350_api.cpp, which is public in several repositories.
What the driver does with them is in dlp_controllers.py.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from acquisition.drivers.dlpc_common import Led, Message

PATTERN_MODE = 1
"""Display mode: 0 is video, 1 patterns."""
MAX_ENTRIES = 128
"""Entries of the pattern lookup table."""
MAX_IMAGES = 64
"""Entries of the image table."""
FLASH_LOAD_S = 0.2
"""Time in which a 24-bit image comes from flash into the frame buffer."""

_IMAGES, _PATTERNS, _CLOSED = 1, 2, 0

READ_DATA_SOURCE = Message(0x1A22, is_read=True)
READ_EXPOSURE = Message(0x1A29, is_read=True)
READ_RUN_STATE = Message(0x1A24, is_read=True)
READ_VALIDATION = Message(0x1A1A, is_read=True)
READ_IMAGES_IN_FLASH = Message(0x1A42, is_read=True)
VALIDATE = Message(0x1A1A, b"\x00")
"""Check what was configured; READ_VALIDATION tells the result. The payload byte is not documented to mean anything."""

VALIDATION_BUSY = 0x80
VALIDATION_ERRORS = {
    0: "exposure or period is out of range",
    1: "a pattern number does not exist",
    2: "TRIG_OUT_1 would stay on, or dark times overlap",
    3: "no dark time before a pattern that waits for a trigger",
    4: "exposure and period differ by less than 230 µs",
}
"""What each bit of the validation's result means."""


class Trigger(IntEnum):
    """What a pattern of the table waits for."""

    INTERNAL = 0
    EXTERNAL_RISING = 1
    EXTERNAL_FALLING = 2
    NONE = 3


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the pattern lookup table."""

    number: int
    """Which pattern of the 24-bit image, counted in patterns of this depth: green, then red, then blue planes, low bits first."""
    bits: int
    """Bits a pixel: 1 or 8."""
    led: Led
    trigger: Trigger = Trigger.INTERNAL
    black_after: bool = False
    """Dark after the pattern; needs 230 µs."""
    swap: bool = False
    """Take the next image of the image table first."""

    def word(self) -> int:
        """The 24 bits of the row (DLPU010, "Pattern Definition"). Raises ValueError for what the row cannot hold."""
        if self.bits not in (1, 8) or not 0 <= self.number < 24 // self.bits:
            raise ValueError(f"pattern {self.number} of {self.bits} bits")
        row = self.trigger | self.number << 2 | self.bits << 8 | self.led << 12
        return row | self.black_after << 17 | self.swap << 18


def patterns_from_flash() -> Message:
    """Pattern data come from flash (3), not from the video port (0)."""
    return Message(0x1A22, b"\x03")


def trigger_mode_1() -> Message:
    """Patterns advance by the internal timer or by TRIG_IN_1, as each row of the table says."""
    return Message(0x1A23, b"\x01")


def set_exposure(exposure_us: int, period_us: int) -> Message:
    """Exposure and period of every pattern, µs."""
    return Message(0x1A29, struct.pack("<II", exposure_us, period_us))


def configure(entries: int, images: int, repeat: bool) -> Message:
    """How many rows and images the tables have; numbers are sent one less. TRIG_OUT_2 marks the start of each round."""
    return Message(0x1A31, bytes([entries - 1, repeat, entries - 1, images - 1]))


def pattern_table(entries: Sequence[Entry]) -> list[Message]:
    """Write the pattern lookup table through its mailbox, three bytes a row."""
    if not 1 <= len(entries) <= MAX_ENTRIES:
        raise ValueError(f"the table has 1 to {MAX_ENTRIES} rows, not {len(entries)}")
    rows = b"".join(entry.word().to_bytes(3, "little") for entry in entries)
    return _mailbox(_PATTERNS, rows)


def image_table(images: Sequence[int]) -> list[Message]:
    """Write the numbers of the flash images in the order in which the patterns need them.

    A table of exactly two is sent backwards, as Texas Instruments' own library does.
    """
    if not 1 <= len(images) <= MAX_IMAGES:
        raise ValueError(f"the table has 1 to {MAX_IMAGES} images, not {len(images)}")
    return _mailbox(_IMAGES, bytes(reversed(images)) if len(images) == 2 else bytes(images))


def validation_errors(result: bytes, ignore: int = 0) -> list[str]:
    """What the validation found, in words.

    Args:
        result: the byte of READ_VALIDATION, not busy.
        ignore: mask of bits that do not matter.
    """
    return [text for bit, text in VALIDATION_ERRORS.items() if (result[0] & ~ignore) >> bit & 1]


def _mailbox(which: int, data: bytes) -> list[Message]:
    return [Message(0x1A33, bytes([which])), Message(0x1A32, b"\x00"), Message(0x1A34, data), Message(0x1A33, bytes([_CLOSED]))]
