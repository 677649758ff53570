"""Point features of the organised cloud: FPFH, and where the cell stands in height.

FPFH tells the shape around a point and, by design, nothing about where it lies; a plateau that is 0.3 mm too high changes it
only at its rim. The part stands on the reference plane (z = 0 of the rig frame), so height is as good as given by the rig, and
two plain quantities are put beside FPFH:

- height, as sine and cosine at octave wavelengths: bounded, so that no outlier drowns the descriptor, and sensitive to changes
  far below the part's own height;
- relief, the height over the local mean, in units of the point pitch, soft-bounded.

References:
    Rusu et al., "Fast point feature histograms (FPFH) for 3D registration", ICRA 2009.
"""

from __future__ import annotations

import cv2
import numba
import numpy as np
import open3d as o3d
from numpy.typing import NDArray

from inference.features.window import Window, filled_from_nearest
from rig_configs.errors import SampleError

_POINTS_PER_CELL = 2
"""Points along one side of a cell: about 10,000 points on a part that fills the window."""
_NORMAL_REACH = 2
"""Points to each side of the plane fit of a normal, and the usual radius of 2 point pitches v."""
_FEATURE_RADIUS, _FEATURE_NEIGHBOURS = 5.0, 100
"""Radius in point pitches v, and the most neighbours, of FPFH."""
_HEIGHT_OCTAVES = 4
_MIN_COVERAGE = 0.5
FPFH_CHANNELS = 33
HEIGHT_CHANNELS = 2 * _HEIGHT_OCTAVES + 1
POINT_CHANNELS = FPFH_CHANNELS + HEIGHT_CHANNELS


@numba.njit(cache=True)
def _block_points(xyz: NDArray[np.float32], part: NDArray[np.bool_], rows: int, columns: int, tolerance: float) -> NDArray[np.float32]:
    """Mean point of each block of pixels; at a height step only the side that holds the block's median, so that no point floats in the air."""
    height, width = part.shape
    points = np.full((rows, columns, 3), np.nan, np.float32)
    buffer = np.empty((height // rows + 2) * (width // columns + 2), np.float32)
    for r in range(rows):
        y0, y1 = r * height // rows, (r + 1) * height // rows
        for c in range(columns):
            x0, x1 = c * width // columns, (c + 1) * width // columns
            count = 0
            for y in range(y0, y1):
                for x in range(x0, x1):
                    if part[y, x] and np.isfinite(xyz[y, x, 0]) and np.isfinite(xyz[y, x, 1]) and np.isfinite(xyz[y, x, 2]):
                        buffer[count] = xyz[y, x, 2]
                        count += 1
            if 4 * count < (y1 - y0) * (x1 - x0) or count == 0:
                continue
            median = np.partition(buffer[:count], count // 2)[count // 2]
            used, sx, sy, sz = 0, 0.0, 0.0, 0.0
            for y in range(y0, y1):
                for x in range(x0, x1):
                    if part[y, x] and np.isfinite(xyz[y, x, 0]) and np.isfinite(xyz[y, x, 1]) and abs(xyz[y, x, 2] - median) <= tolerance:
                        sx += xyz[y, x, 0]
                        sy += xyz[y, x, 1]
                        sz += xyz[y, x, 2]
                        used += 1
            points[r, c, 0] = sx / used
            points[r, c, 1] = sy / used
            points[r, c, 2] = sz / used
    return points


@numba.njit(cache=True)
def _organised_normals(points: NDArray[np.float32], reach: int) -> NDArray[np.float64]:
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
    """(N, 33) square roots of the FPFH of (N, 3) points and normals; the squares of each of its three histograms sum to 1.

    The root makes the Euclidean distance that of Hellinger, the fitting one for histograms (as in RootSIFT): plain differences
    would hear the full bins alone.
    """
    cloud = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(points.astype(np.float64)))
    cloud.normals = o3d.utility.Vector3dVector(normals)
    search = o3d.geometry.KDTreeSearchParamHybrid(_FEATURE_RADIUS * pitch_mm, _FEATURE_NEIGHBOURS)
    # Open3D's stub forgets that the indices are optional.
    feature = o3d.pipelines.registration.compute_fpfh_feature(cloud, search)  # pyright: ignore[reportCallIssue]
    histograms = np.asarray(feature.data).T
    return np.sqrt(histograms / 100.0).astype(np.float32)


def _relief(z: NDArray[np.float32], valid: NDArray[np.bool_], pitch_mm: float) -> NDArray[np.float32]:
    """Height over the mean of 9×9 points around, in point pitches, soft-bounded to ±1."""
    filled = np.where(valid, z, 0.0).astype(np.float32)
    box = (9, 9)
    weight = cv2.blur(valid.astype(np.float32), box)
    mean = cv2.blur(filled, box) / np.maximum(weight, 1e-6)
    return np.tanh((filled - mean) / pitch_mm)


def _pool(values: NDArray[np.float32], valid: NDArray[np.bool_], cells: tuple[int, int]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Mean over the valid points of each cell: (rows, columns, C) and which cells have any."""
    shape = (cells[0], _POINTS_PER_CELL, cells[1], _POINTS_PER_CELL)
    count = valid.reshape(shape).sum(axis=(1, 3))
    total = np.where(valid[..., None], values, 0.0).reshape(*shape, -1).sum(axis=(1, 3))
    return (total / np.maximum(count, 1)[..., None]).astype(np.float32), count > 0


def point_features(xyz_mm: NDArray[np.float32], part: NDArray[np.bool_], window: Window, cell_mm: float, name: str = "") -> NDArray[np.float32]:
    """Features of the cloud on the grid of feature cells.

    Args:
        xyz_mm: (H, W, 3) organised points in the rig frame, mm; NaN where unknown.
        part: (H, W) the outlined part.
        window: where the cells lie.
        cell_mm: side of one cell, mm; the radii of features and the height wavelengths follow from it.
        name: of the sample, for messages.

    Returns:
        (42, rows, columns) float32: 33 FPFH, 8 height, 1 relief. A cell without a point takes those of its nearest neighbour:
        a hole in the cloud is a fault of measurement, not of the part.

    Raises:
        SampleError: less than half of the part has points (``sample.invalid.points``).
    """
    rows, columns = window.cells
    inside = window.cell_mask(part)
    pitch_mm = cell_mm / _POINTS_PER_CELL
    cloud = np.ascontiguousarray(window.crop(xyz_mm), dtype=np.float32)
    points = _block_points(cloud, np.ascontiguousarray(window.crop(part)), rows * _POINTS_PER_CELL, columns * _POINTS_PER_CELL, 2.0 * pitch_mm)
    valid = np.isfinite(points[..., 2])

    z = np.where(valid, points[..., 2], 0.0).astype(np.float32)
    values = np.zeros((*valid.shape, POINT_CHANNELS), np.float32)
    if valid.any():
        values[valid, :FPFH_CHANNELS] = _fpfh(points[valid], _organised_normals(points, _NORMAL_REACH)[valid], pitch_mm)
    for octave in range(_HEIGHT_OCTAVES):
        phase = 2.0 * np.pi * z / (4.0 * cell_mm * 2.0**octave)
        values[..., FPFH_CHANNELS + 2 * octave] = np.sin(phase)
        values[..., FPFH_CHANNELS + 2 * octave + 1] = np.cos(phase)
    values[..., -1] = _relief(z, valid, pitch_mm)

    pooled, known = _pool(values, valid, window.cells)
    covered = (known & inside).sum() / max(int(inside.sum()), 1)
    if covered < _MIN_COVERAGE:
        raise SampleError(
            f"Only {covered:.0%} of the part in sample '{name}' has points.",
            cure="Check the projectors and the fringe exposure; a shiny part may need matting spray or a longer exposure.",
            detail="points",
        )
    return np.ascontiguousarray(filled_from_nearest(pooled, known).transpose(2, 0, 1))
