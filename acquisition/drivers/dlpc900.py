"""Messages of the DLPC900, the controller of the LightCrafter 6500 and 9000. Pure: bytes only.

Source: DLPC900 Programmer's Guide DLPU018J (sections named below). Not in the parts of it that could be read, and taken from two
open drivers that agree (Pycrafter6500, e841018/ERLE): the order of a pixel's three bytes, and that a run may be of one pixel.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from acquisition.drivers.dlpc_common import Led, Message

ON_THE_FLY_MODE = 3
"""Display mode: patterns that are loaded through USB."""
MAX_ENTRIES = 400
MAX_PLANES = 400
"""Bit planes that the controller's memory holds."""
CHUNK_BYTES = 504
"""Most image bytes in one load command."""
HEADER_BYTES = 48
HARDWARE = {0x01: (1920, 1080), 0x02: (2560, 1600)}
"""(columns, rows) of the boards by the first byte of READ_HARDWARE: DLP6500, DLP9000."""

READ_ERROR = Message(0x0100, is_read=True)
"""The error code of the last command, 0 for none."""
READ_HARDWARE = Message(0x0206, is_read=True)
"""Kind of board, then 31 characters about the firmware."""

ERRORS = {
    1: "batch file checksum",
    2: "device failure",
    3: "no such command",
    4: "controller and mirrors do not fit",
    5: "not in this display mode",
    6: "a parameter is wrong",
    7: "what the parameter names is not there",
    8: "out of memory",
    9: "unknown image compression",
    10: "bit position out of range",
    11: "image not in flash",
    12: "dark time out of range",
    13: "delay out of range",
    14: "exposure out of range",
    15: "pattern number out of range",
    16: "wrong pattern definition",
    17: "image memory address out of range",
    255: "internal error",
}

_UNCOMPRESSED, _ENHANCED_RLE = 0, 2
_END_OF_LINE, _COPY, _END_OF_IMAGE = b"\x00\x00", b"\x00\x01", b"\x00\x01\x00"


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the pattern lookup table."""

    exposure_us: int
    dark_us: int
    """Dark time after the exposure, µs."""
    bits: int
    """Bits a pixel, 1 to 8."""
    led: Led
    image: int
    """Which of the 24-bit images."""
    plane: int
    """The pattern's lowest bit in the image, 0 to 23."""
    wait: bool = False
    """Wait for TRIG_IN_1."""


def define(index: int, entry: Entry) -> Message:
    """Pattern Display LUT Definition. Bit 0 of byte 5 clears the pattern after its exposure, byte 9 leaves TRIG_OUT_2 on."""
    options = 1 | (entry.bits - 1) << 1 | entry.led << 4 | entry.wait << 7
    exposure, dark = entry.exposure_us.to_bytes(3, "little"), entry.dark_us.to_bytes(3, "little")
    where = entry.image | entry.plane << 11
    return Message(0x1A34, struct.pack("<H", index) + exposure + bytes([options]) + dark + b"\x00" + struct.pack("<H", where))


def configure(entries: int, shown: int) -> Message:
    """Pattern Display LUT Configuration: number of rows, and of patterns to show; 0 repeats for ever."""
    return Message(0x1A31, struct.pack("<HI", entries, shown))


def reorder(indices: Sequence[int], shown: int) -> Message:
    """Pattern Display LUT Reorder Configuration: show only these rows, in this order, without loading the images again."""
    return Message(0x1A32, struct.pack(f"<HI{len(indices)}H", len(indices), shown, *indices))


def start_image(index: int, size: int, secondary: bool = False) -> Message:
    """Initialize Pattern BMP Load: the image's number, and its size in bytes with its header. Images are loaded last first."""
    return Message(0x1A2C if secondary else 0x1A2A, struct.pack("<HI", index, size))


def image_chunks(image: bytes, secondary: bool = False) -> Iterator[Message]:
    """Pattern BMP Load: an encoded image in pieces of at most 504 bytes. Not acknowledged; READ_ERROR tells how it went."""
    for start in range(0, len(image), CHUNK_BYTES):
        piece = image[start : start + CHUNK_BYTES]
        yield Message(0x1A2D if secondary else 0x1A2B, struct.pack("<H", len(piece)) + piece, wants_answer=False)


def encode_image(planes: NDArray[np.uint32]) -> bytes:
    """An image as the controller takes it: header, and pixels by enhanced run length or uncompressed, whichever is shorter.

    Args:
        planes: (H, W) uint32, bit n of a pixel is bit plane n, 0 to 23. One half of the columns for each controller of a LightCrafter 9000.
    """
    height, width = planes.shape
    # The third byte holds planes 0 to 7, the second 8 to 15, the first 16 to 23.
    pixels = np.stack([planes >> 16, planes >> 8, planes], axis=-1).astype(np.uint8)
    packed = _enhanced_rle(planes, pixels)
    compression, data = (_ENHANCED_RLE, packed) if len(packed) < pixels.size else (_UNCOMPRESSED, pixels.tobytes())
    data += bytes(-len(data) % 4)
    # Signature, size, length, reserved, background colour, reserved, compression, reserved (DLPU018J 2.4.2).
    header = struct.pack("<4sHHI8s4s4B20x", b"Spld", width, height, HEADER_BYTES + len(data), b"\xff" * 8, bytes(4), 0, compression, 1, 0)
    return header + data


def _enhanced_rle(planes: NDArray[np.uint32], pixels: NDArray[np.uint8]) -> bytes:
    """DLPU018J 2.4.3.2. A line that repeats the one above is copied whole; any other is cut into runs and stretches without one."""
    out = bytearray()
    width = planes.shape[1]
    for y, row in enumerate(planes):
        if y and np.array_equal(row, planes[y - 1]):
            out += _COPY + _count(width)
        else:
            _encode_row(row, pixels[y].tobytes(), out)
        out += _END_OF_LINE
    return bytes(out + _END_OF_IMAGE)


def _encode_row(row: NDArray[np.uint32], raw: bytes, out: bytearray) -> None:
    edges = np.flatnonzero(np.diff(row)) + 1
    starts = [0, *edges.tolist()]
    ends = [*edges.tolist(), len(row)]
    alone = 0  # pixels before this run that are like neither neighbour
    for start, end in zip(starts, ends, strict=True):
        if end - start == 1:
            alone += 1
            continue
        _encode_stretch(raw[3 * (start - alone) : 3 * start], out)
        alone = 0
        out += _count(end - start) + raw[3 * start : 3 * start + 3]
    _encode_stretch(raw[3 * (len(row) - alone) :] if alone else b"", out)


def _encode_stretch(raw: bytes, out: bytearray) -> None:
    pixels = len(raw) // 3
    if pixels == 1:
        out += _count(1) + raw
    elif pixels:
        out += b"\x00" + _count(pixels) + raw


def _count(n: int) -> bytes:
    """A number of pixels: one byte below 128, else two, low seven bits first."""
    return bytes([n]) if n < 128 else bytes([n & 0x7F | 0x80, n >> 7])
