"""Normals of an organised cloud, where there are no lights to measure them with."""
# pyright: reportGeneralTypeIssues=false, reportArgumentType=false

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from structured_light.formats.meshes import JUMP, point_spacing_mm
from structured_light.point_map import PointMap

REACH_PX = 2
"""Points this far to either side give the slope."""


def cloud_normals(cloud: PointMap) -> NDArray[np.float32]:
    """Normal of every point, by the points two pixels to its sides; nearer ones where those are unknown or across a jump of depth.

    Returns:
        (H, W, 3) float32 unit vectors towards the camera in the cloud's frame; NaN where a row or column has no neighbour.
    """
    normals = np.empty(cloud.xyz_mm.shape, np.float32)
    _normals(cloud.xyz_mm, cloud.views, np.float32(JUMP * point_spacing_mm(cloud)), normals)
    return normals


@njit(cache=True, error_model="numpy", inline="always")
def _neighbour(xyz, views, v, u, dv, du, longest):
    """Distance to the farthest usable neighbour in one direction, 0 where there is none."""
    found = 0
    for k in range(1, REACH_PX + 1):
        y, x = v + k * dv, u + k * du
        if not (0 <= y < views.shape[0] and 0 <= x < views.shape[1]) or views[y, x] == 0:
            break
        before = xyz[y - dv, x - du]
        d = xyz[y, x] - before
        if d[0] * d[0] + d[1] * d[1] + d[2] * d[2] > longest * longest:
            break
        found = k
    return found


@njit(cache=True, error_model="numpy", parallel=True, nogil=True)
def _normals(xyz, views, longest, out):
    for v in prange(views.shape[0]):
        for u in range(views.shape[1]):
            out[v, u] = np.float32(np.nan)
            if views[v, u] == 0:
                continue
            left, right = _neighbour(xyz, views, v, u, 0, -1, longest), _neighbour(xyz, views, v, u, 0, 1, longest)
            up, down = _neighbour(xyz, views, v, u, -1, 0, longest), _neighbour(xyz, views, v, u, 1, 0, longest)
            if left + right == 0 or up + down == 0:
                continue
            a, b = xyz[v, u + right] - xyz[v, u - left], xyz[v - up, u] - xyz[v + down, u]
            nx, ny, nz = a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]
            length = np.sqrt(nx * nx + ny * ny + nz * nz)
            if length > 0:
                out[v, u, 0], out[v, u, 1], out[v, u, 2] = nx / length, ny / length, nz / length
