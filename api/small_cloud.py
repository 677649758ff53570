"""A part's cloud for the browser: quantised, at most a million points, ten bytes each.

Little-endian throughout::

    offset  type             what
    0       4 × uint8        'D3PC'
    4       uint32           version, 1
    8       uint32           n, number of points
    12      uint32           number of points in the full cloud
    16      3 × float32      least x, y, z, mm, rig frame
    28      3 × float32      size of the box along x, y, z, mm
    40      n × 3 × uint16   positions: least + size · value / 65535
    40+6n   n × 3 × uint8    red, green, blue (sRGB)
    40+9n   n × uint8        anomaly: value / 85, so that 85 is the limit and 255 three times the limit
"""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

MAGIC = b"D3PC"
VERSION = 1
MOST_POINTS = 1_000_000
HEADER = struct.Struct("<4sIII3f3f")
ANOMALY_SCALE = 85.0


def quantised(
    xyz_mm: NDArray[np.float32], rgb: NDArray[np.uint8], anomaly: NDArray[np.float32] | None, foreground: NDArray[np.bool_], most: int = MOST_POINTS
) -> bytes:
    """The part's points.

    Args:
        xyz_mm: (H, W, 3) points, mm; NaN where unknown.
        rgb: (H, W, 3) colours.
        anomaly: (H, W) anomaly map, 1 at the limit; none where the part was not judged.
        foreground: (H, W) where the part is.
        most: the most points; of more, evenly spread ones are taken.
    """
    there = np.flatnonzero((foreground & np.isfinite(xyz_mm).all(axis=2)).ravel())
    chosen = there if len(there) <= most else there[np.linspace(0, len(there) - 1, most).astype(np.int64)]
    points = xyz_mm.reshape(-1, 3)[chosen].astype(np.float64)
    least = points.min(axis=0) if len(points) else np.zeros(3)
    size = points.max(axis=0) - least if len(points) else np.zeros(3)
    scaled = np.rint((points - least) / np.where(size > 0, size, 1.0) * 65535).astype("<u2")
    strength = np.zeros(len(chosen), np.uint8)
    if anomaly is not None:
        strength = np.clip(np.rint(anomaly.ravel()[chosen] * ANOMALY_SCALE), 0, 255).astype(np.uint8)
    header = HEADER.pack(MAGIC, VERSION, len(chosen), len(there), *least, *size)
    return b"".join((header, scaled.tobytes(), rgb.reshape(-1, 3)[chosen].tobytes(), strength.tobytes()))
