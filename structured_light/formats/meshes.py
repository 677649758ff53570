"""Surfaces: the points joined to triangles between neighbouring pixels, split where the depth jumps.

Of four neighbouring pixels that are all known, the shorter diagonal makes two triangles; of three, one. A triangle with an edge longer
than ``JUMP`` point spacings would bridge a step that nobody measured, and is left out. Triangles face the camera.
"""
# pyright: reportGeneralTypeIssues=false, reportArgumentType=false

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numba import njit
from numpy.typing import NDArray

from structured_light.formats.layers import ROWS_AT_ONCE, Layers, text
from structured_light.point_map import PointMap

JUMP = 6.0
"""Longest edge in point spacings: a slope of 80° between neighbours."""

_TRIANGLE = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])


def point_spacing_mm(cloud: PointMap) -> float:
    """Median distance between points of neighbouring columns, mm; NaN where there are none."""
    stride = max(1, len(cloud.views) // 256)
    xyz, known = cloud.xyz_mm[::stride], cloud.views[::stride] > 0
    both = known[:, 1:] & known[:, :-1]
    steps = (xyz[:, 1:] - xyz[:, :-1])[both]
    return float(np.median(np.linalg.norm(steps, axis=-1))) if len(steps) else float("nan")


def grid_triangles(cloud: PointMap, jump: float = JUMP) -> Iterator[tuple[int, NDArray[np.int32]]]:
    """Triangles between neighbouring pixels, a band of rows at a time.

    Args:
        cloud: the cloud.
        jump: longest edge in point spacings.

    Yields:
        First row of the band, and (M, 3, 2) int32: row and column of each corner, the row counted from the band's first. A band's
        triangles lie between its rows and the first row of the next.
    """
    longest = np.float32(jump * point_spacing_mm(cloud))
    H, W = cloud.views.shape
    room = np.empty((2 * ROWS_AT_ONCE * W, 3, 2), np.int32)
    for first in range(0, H - 1, ROWS_AT_ONCE):
        band = np.s_[first : first + ROWS_AT_ONCE + 1]
        count = _triangles(cloud.xyz_mm[band], cloud.views[band], longest * longest, room)
        yield first, room[:count]


def write_stl(path: Path, cloud: PointMap, *, normals: NDArray[np.float32] | None = None, rgb: NDArray[np.uint8] | None = None) -> int:
    """Write the surface as a binary STL, mm, with the triangles' own normals.

    Args:
        path: the file.
        cloud: the cloud.
        normals: not used: STL has normals of triangles only.
        rgb: not used: STL has no colours.

    Returns:
        How many triangles were written.
    """
    del normals, rgb
    written = 0
    with path.open("wb") as file:
        file.write(b"d3station, mm".ljust(80) + bytes(4))
        for first, triangles in grid_triangles(cloud):
            corners = cloud.xyz_mm[first + triangles[..., 0], triangles[..., 1]]
            block = np.zeros(len(corners), _TRIANGLE)
            normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
            block["normal"] = normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), np.float32(1e-30))
            block["corners"] = corners
            file.write(block.tobytes())
            written += len(block)
        file.seek(80)
        file.write(written.to_bytes(4, "little"))
    return written


def write_obj(path: Path, cloud: PointMap, *, normals: NDArray[np.float32] | None = None, rgb: NDArray[np.uint8] | None = None) -> int:
    """Write points and surface as a Wavefront OBJ, mm; colours follow the position as red, green, blue from 0 to 1.

    Args:
        path: the file.
        cloud: the cloud.
        normals: (H, W, 3) unit normals in the cloud's frame.
        rgb: (H, W, 3) colours.

    Returns:
        How many points were written.
    """
    layers = Layers(cloud, normals, rgb)
    count = 0
    with path.open("wb") as file:
        file.write(b"# d3station, mm\n")
        for band in layers.bands():
            points, facing, colours = layers.known(band)
            columns = points if colours is None else np.column_stack([points, colours / np.float32(255)])
            file.write(text("v %.5f %.5f %.5f" + ("" if colours is None else " %.4f %.4f %.4f") + "\n", columns))
            if facing is not None:
                file.write(text("vn %.5f %.5f %.5f\n", facing))
            count += len(points)
        row = "f %d %d %d\n" if normals is None else "f %d//%d %d//%d %d//%d\n"
        before = 0
        for first, triangles in grid_triangles(cloud):
            known = cloud.views[first : first + ROWS_AT_ONCE + 1] > 0
            number = before + np.cumsum(known.ravel()).reshape(known.shape)
            corners = number[triangles[..., 0], triangles[..., 1]]
            file.write(text(row, corners if normals is None else np.repeat(corners, 2, axis=1)))
            before += int(np.count_nonzero(known[:ROWS_AT_ONCE]))
    return count


@njit(cache=True, error_model="numpy", inline="always")
def _near(xyz, a, b, longest2):
    d = xyz[a[0], a[1]] - xyz[b[0], b[1]]
    return d[0] * d[0] + d[1] * d[1] + d[2] * d[2] <= longest2


@njit(cache=True, error_model="numpy")
def _emit(xyz, a, b, c, longest2, out, count):
    if _near(xyz, a, b, longest2) and _near(xyz, b, c, longest2) and _near(xyz, c, a, longest2):
        for i in range(2):
            out[count, 0, i] = a[i]
            out[count, 1, i] = b[i]
            out[count, 2, i] = c[i]
        return count + 1
    return count


@njit(cache=True, error_model="numpy", nogil=True)
def _triangles(xyz, views, longest2, out):
    """Corners run against the clock as the camera sees them: in a right-handed frame the normal then points to the camera."""
    count = 0
    for v in range(views.shape[0] - 1):
        for u in range(views.shape[1] - 1):
            a, b, c, d = (v, u), (v + 1, u), (v + 1, u + 1), (v, u + 1)
            known = (1 if views[a] > 0 else 0, 1 if views[b] > 0 else 0, 1 if views[c] > 0 else 0, 1 if views[d] > 0 else 0)
            number = known[0] + known[1] + known[2] + known[3]
            if number == 4:
                e, f = xyz[a[0], a[1]] - xyz[c[0], c[1]], xyz[b[0], b[1]] - xyz[d[0], d[1]]
                if e[0] * e[0] + e[1] * e[1] + e[2] * e[2] <= f[0] * f[0] + f[1] * f[1] + f[2] * f[2]:
                    count = _emit(xyz, a, b, c, longest2, out, count)
                    count = _emit(xyz, a, c, d, longest2, out, count)
                else:
                    count = _emit(xyz, a, b, d, longest2, out, count)
                    count = _emit(xyz, b, c, d, longest2, out, count)
            elif number == 3:
                if known[0] == 0:
                    count = _emit(xyz, b, c, d, longest2, out, count)
                elif known[1] == 0:
                    count = _emit(xyz, a, c, d, longest2, out, count)
                elif known[2] == 0:
                    count = _emit(xyz, a, b, d, longest2, out, count)
                else:
                    count = _emit(xyz, a, b, c, longest2, out, count)
    return count
