"""A part's cloud for the browser: quantised, at most a million points, sixteen bytes each.

Little-endian throughout::

    offset  type             what
    0       4 × uint8        'D3PC'
    4       uint32           version, 2
    8       uint32           n, number of points
    12      uint32           number of points in the full cloud
    16      3 × float32      least x, y, z, mm, rig frame
    28      3 × float32      size of the box along x, y, z, mm
    40      n × uint32       pixel: row · width of the pictures + column, rising
    40+4n   n × 3 × uint16   positions: least + size · value / 65535
    40+10n  n × uint16       standard deviation of z: value / 100 µm; 65535 where it is not known
    40+12n  n × 3 × uint8    red, green, blue (sRGB)
    40+15n  n × uint8        anomaly: value / 85, so that 85 is the limit and 255 three times the limit
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

MAGIC = b"D3PC"
VERSION = 2
MOST_POINTS = 1_000_000
HEADER = struct.Struct("<4sIII3f3f")
ANOMALY_SCALE = 85.0
SIGMA_SCALE_PER_MM = 100_000.0
SIGMA_UNKNOWN = 65535


def quantised(
    xyz_mm: NDArray[np.float32],
    rgb: NDArray[np.uint8],
    anomaly: NDArray[np.float32] | None,
    foreground: NDArray[np.bool_],
    sigma_z_mm: NDArray[np.float32] | None = None,
    most: int = MOST_POINTS,
) -> bytes:
    """The part's points.

    Args:
        xyz_mm: (H, W, 3) points, mm; NaN where unknown.
        rgb: (H, W, 3) colours.
        anomaly: (H, W) anomaly map, 1 at the limit; none where the part was not judged.
        foreground: (H, W) where the part is.
        sigma_z_mm: standard deviation of z of the part's known points in the order of their pixels, mm. Another number of them than the
            map has belongs to another cloud, and is not told.
        most: the most points; of more, evenly spread ones are taken.
    """
    there = np.flatnonzero((foreground & np.isfinite(xyz_mm).all(axis=2)).ravel())
    picked = np.arange(len(there)) if len(there) <= most else np.linspace(0, len(there) - 1, most).astype(np.int64)
    chosen = there[picked]
    points = xyz_mm.reshape(-1, 3)[chosen].astype(np.float64)
    least = points.min(axis=0) if len(points) else np.zeros(3)
    size = points.max(axis=0) - least if len(points) else np.zeros(3)
    scaled = np.rint((points - least) / np.where(size > 0, size, 1.0) * 65535).astype("<u2")
    strength = np.zeros(len(chosen), np.uint8)
    if anomaly is not None:
        strength = np.clip(np.rint(anomaly.ravel()[chosen] * ANOMALY_SCALE), 0, 255).astype(np.uint8)
    sigma = np.full(len(chosen), SIGMA_UNKNOWN, "<u2")
    if sigma_z_mm is not None and len(sigma_z_mm) == len(there):
        sigma = np.clip(np.rint(np.nan_to_num(sigma_z_mm[picked], nan=1.0) * SIGMA_SCALE_PER_MM), 0, SIGMA_UNKNOWN).astype("<u2")
    header = HEADER.pack(MAGIC, VERSION, len(chosen), len(there), *least, *size)
    colours = rgb.reshape(-1, 3)[chosen]
    return b"".join(
        block.tobytes() if isinstance(block, np.ndarray) else block for block in (header, chosen.astype("<u4"), scaled, sigma, colours, strength)
    )


def sigma_of(ply: Path) -> NDArray[np.float32] | None:
    """Standard deviation of z of the points of one of our own ``cloud.ply``, (N,) mm; none where the file has none."""
    kinds = {"float": "<f4", "uchar": "u1"}
    fields: list[tuple[str, str]] = []
    count = 0
    with ply.open("rb") as file:
        for line in file:
            words = line.decode("ascii").split()
            if words[:2] == ["element", "vertex"]:
                count = int(words[2])
            elif words[0] == "property":
                fields.append((words[2], kinds[words[1]]))
            elif words[0] == "end_header":
                break
        points = np.fromfile(file, np.dtype(fields), count)
    return points["sigma_z"] if "sigma_z" in (points.dtype.names or ()) else None
