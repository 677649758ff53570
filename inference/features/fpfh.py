"""FPFH of an organised cloud.

Reference:
    Rusu et al., "Fast point feature histograms (FPFH) for 3D registration", ICRA 2009.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import open3d as o3d
from numpy.typing import NDArray

CHANNELS = 33
_NORMAL_REACH = 2
"""Points to each side of the plane fit of a normal, and the usual radius of 2 point pitches v."""
_RADIUS, _NEIGHBOURS = 5.0, 100
"""Radius in point pitches v, and the most neighbours."""


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
            values[valid] = _fpfh(points[valid], organised_normals(points, _NORMAL_REACH)[valid], pitch_mm)
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


def _fpfh(points: NDArray[np.float32], normals: NDArray[np.float64], pitch_mm: float) -> NDArray[np.float32]:
    """(N, 33) square roots of the FPFH of (N, 3) points and normals."""
    cloud = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(points.astype(np.float64)))
    cloud.normals = o3d.utility.Vector3dVector(normals)
    search = o3d.geometry.KDTreeSearchParamHybrid(_RADIUS * pitch_mm, _NEIGHBOURS)
    # Open3D's stub forgets that the indices are optional.
    feature = o3d.pipelines.registration.compute_fpfh_feature(cloud, search)  # pyright: ignore[reportCallIssue]
    histograms = np.asarray(feature.data).T
    return np.sqrt(histograms / 100.0).astype(np.float32)
