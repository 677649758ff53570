"""From a camera's bytes to the station's pixels, by the Pixel Format Naming Convention (PFNC 2.4) of GenICam."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from acquisition.devices import Pixels
from rig_configs.cameras import WireFormat
from rig_configs.errors import FrameFault

_BY_CODE = {wire.pfnc: wire for wire in WireFormat}


def wire_format(code: int) -> WireFormat | None:
    """The format of a PFNC number; None for one that the station does not read."""
    return _BY_CODE.get(code)


def unpack(buffer: bytes | memoryview | NDArray[np.uint8], wire: WireFormat, height_px: int, width_px: int) -> Pixels:
    """Read a frame.

    Args:
        buffer: the frame's bytes, rows without padding; what follows the image, such as chunks, is left out.
        wire: how pixels are packed.
        height_px: rows.
        width_px: columns.

    Returns:
        (H, W), or (H, W, 3) of RGB, uint8 or uint16, right-aligned digital numbers; a copy.

    Raises:
        FrameFault: the buffer is shorter than the image (``short``).
    """
    shape = (height_px, width_px, 3) if wire.pixel_format.is_rgb else (height_px, width_px)
    size = (height_px * width_px * wire.bits_per_pixel + 7) // 8
    raw = np.frombuffer(buffer, np.uint8)
    if raw.size < size:
        raise FrameFault(
            f"A {width_px}x{height_px} frame of {wire} arrived with {raw.size} of {size} bytes.",
            cure="Check the camera's cable and link, then scan again.",
            detail="short",
        )
    raw = raw[:size]
    if not wire.is_packed:
        return raw.view(np.uint8 if wire.pixel_format.bits == 8 else "<u2").reshape(shape).copy()
    pixels = np.empty(height_px * width_px, np.uint16)
    (_unpack12 if wire.pixel_format.bits == 12 else _unpack10)(raw, pixels)
    return pixels.reshape(shape)


@njit(cache=True, nogil=True)
def _unpack12(raw, pixels):
    """Two pixels in three bytes, the first in the lowest bits."""
    for pair in range(pixels.size // 2):
        low, middle, high = np.uint16(raw[3 * pair]), np.uint16(raw[3 * pair + 1]), np.uint16(raw[3 * pair + 2])
        pixels[2 * pair] = low | (middle & 0xF) << 8
        pixels[2 * pair + 1] = middle >> 4 | high << 4
    if pixels.size % 2:
        pixels[-1] = np.uint16(raw[-2]) | (np.uint16(raw[-1]) & 0xF) << 8


@njit(cache=True, nogil=True)
def _unpack10(raw, pixels):
    """Four pixels in five bytes, the first in the lowest bits."""
    for four in range(pixels.size // 4):
        a, b, c = np.uint16(raw[5 * four]), np.uint16(raw[5 * four + 1]), np.uint16(raw[5 * four + 2])
        d, e = np.uint16(raw[5 * four + 3]), np.uint16(raw[5 * four + 4])
        pixels[4 * four] = a | (b & 0x03) << 8
        pixels[4 * four + 1] = b >> 2 | (c & 0x0F) << 6
        pixels[4 * four + 2] = c >> 4 | (d & 0x3F) << 4
        pixels[4 * four + 3] = d >> 6 | e << 2
    for i in range(pixels.size // 4 * 4, pixels.size):
        bit = 10 * i
        two = np.uint32(raw[bit // 8]) | np.uint32(raw[bit // 8 + 1]) << np.uint32(8)
        pixels[i] = (two >> np.uint32(bit % 8)) & np.uint32(0x3FF)


class FrameCounter:
    """Frame ids that only ever rise, of a camera whose counter wraps: a gap is a gap, across the wrap too."""

    def __init__(self, skips_zero: bool) -> None:
        self._lap = 0xFFFF if skips_zero else 0x10000
        self._last: int | None = None
        self._total = 0

    def unwrap(self, frame_id: int) -> int:
        """The id of the next frame, unwrapped. Ids of 16 bits wrap, on GigE Vision 1 from 65535 to 1, for 0 is no id there; longer ones never
        come to that."""
        if self._last is None:
            self._total = frame_id
        else:
            ahead = frame_id - self._last
            # Less than half a lap back is a frame that comes again or out of order, which whoever counts shall see.
            self._total += ahead + self._lap if ahead < -self._lap // 2 and self._last <= 0xFFFF else ahead
        self._last = frame_id
        return self._total
