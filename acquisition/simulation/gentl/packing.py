"""What the virtual camera puts on the wire: pixels in their PFNC format. The driver's unpacking is written apart from it and tested against it."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from acquisition.devices import Pixels
from rig_configs.cameras import PixelFormat, WireFormat


def pack(pixels: Pixels, seen: PixelFormat, wire: WireFormat, out: NDArray[np.uint8]) -> int:
    """Write a frame as its bytes on the wire.

    Args:
        pixels: (H, W) or (H, W, 3) uint8 or uint16, right-aligned digital numbers of format ``seen``.
        seen: the sensor's format.
        wire: the wire's; where it has fewer bits the lowest are lost, where it has more they are zero.
        out: bytes to write to.

    Returns:
        bytes written.
    """
    shift = wire.pixel_format.bits - seen.bits
    flat = np.ascontiguousarray(pixels).reshape(-1)
    if shift:
        flat = np.left_shift(flat, shift, dtype=np.uint16) if shift > 0 else np.right_shift(flat, -shift, dtype=np.uint16)
    size = (flat.size * (8 if wire.pixel_format.is_rgb else wire.bits_per_pixel) + 7) // 8
    into = out[:size]
    if wire.is_packed:
        (_pack12 if wire.pixel_format.bits == 12 else _pack10)(flat.astype(np.uint16, copy=False), into)
    else:
        into.view("<u2" if wire.pixel_format.bits > 8 else np.uint8)[:] = flat
    return size


@njit(cache=True, nogil=True)
def _pack12(pixels, out):
    for pair in range(pixels.size // 2):
        a, b = pixels[2 * pair], pixels[2 * pair + 1]
        out[3 * pair] = a & 0xFF
        out[3 * pair + 1] = (a >> 8) | ((b & 0xF) << 4)
        out[3 * pair + 2] = b >> 4
    if pixels.size % 2:
        out[out.size - 2] = pixels[-1] & 0xFF
        out[out.size - 1] = pixels[-1] >> 8


@njit(cache=True, nogil=True)
def _pack10(pixels, out):
    out[:] = 0
    for i in range(pixels.size):
        bit = 10 * i
        value = np.uint32(pixels[i]) << np.uint32(bit % 8)
        out[bit // 8] |= value & 0xFF
        out[bit // 8 + 1] |= (value >> 8) & 0xFF
