"""FPFH of an organised cloud.

The grid tells who is near: neighbours within the radius lie in a small window around a point, so no tree is built, and each pair of
points is compared once for both. The histograms are those of the usual implementations.

Reference:
    Rusu et al., "Fast point feature histograms (FPFH) for 3D registration", ICRA 2009.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

CHANNELS = 33
_NORMAL_REACH = 2
"""Points to each side of the plane fit of a normal, and the usual radius of 2 point pitches v."""
_RADIUS = 5.0
"""In point pitches v; about 80 neighbours."""
_BINS = 11


@dataclass(frozen=True, slots=True)
class Fpfh:
    """Square roots of FPFH.

    The root makes the Euclidean distance that of Hellinger, the fitting one for histograms (as in RootSIFT): plain differences
    would hear the full bins alone.
    """

    channels: int = CHANNELS
    weights_sha256: str = ""

    def __call__(self, points: NDArray[np.float32], pitch_mm: float) -> NDArray[np.float32]:
        """(R, C, 3) points, mm, NaN where unknown, to (R, C, 33); zero where unknown. See ``PointBackbone``."""
        valid = np.isfinite(points[..., 2])
        values = np.zeros((*valid.shape, CHANNELS), np.float32)
        if valid.any():
            values = fpfh_histograms(points, organised_normals(points, _NORMAL_REACH), _RADIUS * pitch_mm, int(_RADIUS) + 1)
            np.sqrt(values / 100.0, out=values)
        return values


@numba.njit(cache=True)
def organised_normals(points: NDArray[np.float32], reach: int) -> NDArray[np.float64]:
    """(rows, columns, 3) unit normals by the least-squares plane z = ax + by + c over (2·reach + 1)² points around; (0, 0, 1) where undetermined.

    The plane is a graph over x and y, so the normal always looks up to the camera: eigenvector normals have no sign of their own
    and flip at random on steep walls.
    """
    rows, columns = points.shape[:2]
    normals = np.zeros((rows, columns, 3))
    for r in range(rows):
        for c in range(columns):
            normals[r, c, 2] = 1.0
            if not np.isfinite(points[r, c, 2]):
                continue
            n, sx, sy, sz, sxx, sxy, syy, sxz, syz = 0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
            for i in range(max(r - reach, 0), min(r + reach + 1, rows)):
                for j in range(max(c - reach, 0), min(c + reach + 1, columns)):
                    if np.isfinite(points[i, j, 2]):
                        x, y, z = points[i, j, 0] - points[r, c, 0], points[i, j, 1] - points[r, c, 1], points[i, j, 2] - points[r, c, 2]
                        n += 1
                        sx, sy, sz = sx + x, sy + y, sz + z
                        sxx, sxy, syy, sxz, syz = sxx + x * x, sxy + x * y, syy + y * y, sxz + x * z, syz + y * z
            if n < 3:
                continue
            cxx, cxy, cyy, cxz, cyz = sxx - sx * sx / n, sxy - sx * sy / n, syy - sy * sy / n, sxz - sx * sz / n, syz - sy * sz / n
            determinant = cxx * cyy - cxy * cxy
            if determinant <= 1e-6 * cxx * cyy:
                continue
            a, b = (cxz * cyy - cyz * cxy) / determinant, (cyz * cxx - cxz * cxy) / determinant
            length = np.sqrt(a * a + b * b + 1.0)
            normals[r, c, 0], normals[r, c, 1], normals[r, c, 2] = -a / length, -b / length, 1.0 / length
    return normals


@numba.njit(cache=True)
def _bin(share: float) -> int:
    return min(max(int(np.floor(_BINS * share)), 0), _BINS - 1)


@numba.njit(cache=True)
def fpfh_histograms(points: NDArray[np.float32], normals: NDArray[np.float64], radius: float, reach: int) -> NDArray[np.float32]:
    """FPFH of every known point.

    Args:
        points: (R, C, 3), NaN where unknown.
        normals: (R, C, 3) unit.
        radius: of the neighbourhood, in the unit of the points.
        reach: steps of the grid to each side beyond which no point is within the radius.

    Returns:
        (R, C, 33): three histograms of 11 bins, each of its own 100 per cent and 100 of its neighbours', which are weighed by 1 / d²;
        zero where unknown or alone.
    """
    rows, columns = points.shape[:2]
    simple = np.zeros((rows, columns, 3 * _BINS), np.float32)
    count = np.zeros((rows, columns), np.int64)
    for r in range(rows):
        for c in range(columns):
            if not np.isfinite(points[r, c, 2]):
                continue
            for i in range(r, min(r + reach + 1, rows)):
                for j in range(c + 1 if i == r else max(c - reach, 0), min(c + reach + 1, columns)):
                    # Against NaN every comparison is false.
                    dx = np.float64(points[i, j, 0]) - points[r, c, 0]
                    dy = np.float64(points[i, j, 1]) - points[r, c, 1]
                    dz = np.float64(points[i, j, 2]) - points[r, c, 2]
                    square = dx * dx + dy * dy + dz * dz
                    if not square <= radius * radius:
                        continue
                    one, two = _pair_bins(dx, dy, dz, square, normals[r, c], normals[i, j])
                    three = two // _BINS
                    two = two % _BINS
                    for y, x in ((r, c), (i, j)):
                        simple[y, x, one] += 1.0
                        simple[y, x, _BINS + two] += 1.0
                        simple[y, x, 2 * _BINS + three] += 1.0
                        count[y, x] += 1
    for r in range(rows):
        for c in range(columns):
            if count[r, c] > 0:
                for k in range(3 * _BINS):
                    simple[r, c, k] *= np.float32(100.0 / count[r, c])
    return _weighed(points, simple, count, radius, reach)


@numba.njit(cache=True)
def _pair_bins(dx: float, dy: float, dz: float, square: float, first: NDArray[np.float64], second: NDArray[np.float64]) -> tuple[int, int]:
    """Bins of the three angles between two points' frames: the first's, and the second's with eleven times the third's.

    The point whose normal is nearer to the line between them is the source, so the pair is the same from either side.
    """
    distance = np.sqrt(square)
    if distance == 0.0:
        return _bin(0.5), _bin(0.5) * (_BINS + 1)
    a1 = (first[0] * dx + first[1] * dy + first[2] * dz) / distance
    a2 = (second[0] * dx + second[1] * dy + second[2] * dz) / distance
    swapped = abs(a1) < abs(a2)
    u, other = (second, first) if swapped else (first, second)
    phi = -a2 if swapped else a1
    if swapped:
        dx, dy, dz = -dx, -dy, -dz
    vx, vy, vz = dy * u[2] - dz * u[1], dz * u[0] - dx * u[2], dx * u[1] - dy * u[0]
    length = np.sqrt(vx * vx + vy * vy + vz * vz)
    if length == 0.0:
        return _bin(0.5), _bin(0.5) * (_BINS + 1)
    vx, vy, vz = vx / length, vy / length, vz / length
    wx, wy, wz = u[1] * vz - u[2] * vy, u[2] * vx - u[0] * vz, u[0] * vy - u[1] * vx
    alpha = vx * other[0] + vy * other[1] + vz * other[2]
    theta = np.arctan2(wx * other[0] + wy * other[1] + wz * other[2], u[0] * other[0] + u[1] * other[1] + u[2] * other[2])
    return _bin((theta + np.pi) / (2.0 * np.pi)), _bin((alpha + 1.0) / 2.0) + _BINS * _bin((phi + 1.0) / 2.0)


@numba.njit(cache=True)
def _weighed(points: NDArray[np.float32], simple: NDArray[np.float32], count: NDArray[np.int64], radius: float, reach: int) -> NDArray[np.float32]:
    """Each point's own histograms, and those of its neighbours by 1 / d², scaled to 100 again."""
    rows, columns = points.shape[:2]
    result = np.zeros_like(simple)
    total = np.empty(3 * _BINS, np.float64)
    for r in range(rows):
        for c in range(columns):
            if count[r, c] == 0:
                continue
            total[:] = 0.0
            for i in range(max(r - reach, 0), min(r + reach + 1, rows)):
                for j in range(max(c - reach, 0), min(c + reach + 1, columns)):
                    dx, dy, dz = points[i, j, 0] - points[r, c, 0], points[i, j, 1] - points[r, c, 1], points[i, j, 2] - points[r, c, 2]
                    square = np.float64(dx * dx + dy * dy + dz * dz)
                    if square <= radius * radius and square > 0.0:
                        weight = 1.0 / square
                        for k in range(3 * _BINS):
                            total[k] += weight * simple[i, j, k]
            for h in range(3):
                whole = 0.0
                for k in range(h * _BINS, (h + 1) * _BINS):
                    whole += total[k]
                for k in range(h * _BINS, (h + 1) * _BINS):
                    result[r, c, k] = simple[r, c, k] + (100.0 * total[k] / whole if whole > 0.0 else 0.0)
    return result
