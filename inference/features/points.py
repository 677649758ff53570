"""Point features of the organised cloud: what a point backbone says of its shape, and where the cell stands in height.

FPFH and Point-MAE tell the shape around a point and, by design, nothing about where it lies; a plateau that is 0.3 mm too high
changes them only at its rim. The part stands on the reference plane (z = 0 of the rig frame), so height is as good as given by the rig, and
plain quantities are put beside them:

- height, as sine and cosine at octave wavelengths: bounded, so that no outlier drowns the descriptor, and sensitive to changes
  far below the part's own height;
- relief, the height over the local mean, in units of the point pitch, soft-bounded;
- once good parts were seen, how far the height lies outside of theirs at the same place (``height_band``), bounded likewise.
"""

from __future__ import annotations

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from inference.features.registry import PointBackbone
from inference.features.window import Window, filled_from_nearest
from rig_configs.errors import SampleError

_POINTS_PER_CELL = 2
"""Points along one side of a cell: about 10,000 points on a part that fills the window."""
_HEIGHT_OCTAVES = 4
_MIN_COVERAGE = 0.5
HEIGHT_CHANNELS = 2 * _HEIGHT_OCTAVES + 1


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


def organised_points(xyz_mm: NDArray[np.float32], part: NDArray[np.bool_], window: Window, cell_mm: float) -> tuple[NDArray[np.float32], float]:
    """The points that are described: two by two in each feature cell.

    Returns:
        (2 · rows, 2 · columns, 3) float32 mm, NaN where unknown or off the part; and their usual distance, mm.
    """
    rows, columns = window.cells
    pitch_mm = cell_mm / _POINTS_PER_CELL
    cloud = np.ascontiguousarray(window.crop(xyz_mm), dtype=np.float32)
    inside = np.ascontiguousarray(window.crop(part))
    return _block_points(cloud, inside, rows * _POINTS_PER_CELL, columns * _POINTS_PER_CELL, 2.0 * pitch_mm), pitch_mm


def part_heights(xyz_mm: NDArray[np.float32], part: NDArray[np.bool_], window: Window, cell_mm: float) -> NDArray[np.float32]:
    """Height image of the part for the height band: (2 · rows, 2 · columns) float32 mm over the reference plane, 0 off the part.

    A point of the part that is unknown takes the height of its nearest neighbour.
    """
    z = organised_points(xyz_mm, part, window, cell_mm)[0][..., 2]
    known = np.isfinite(z)
    if not known.any():
        return np.zeros(z.shape, np.float32)
    inside = np.repeat(np.repeat(window.cell_mask(part), _POINTS_PER_CELL, axis=0), _POINTS_PER_CELL, axis=1) | known
    return np.where(inside, filled_from_nearest(np.where(known, z, 0.0).astype(np.float32), known), np.float32(0.0))


def outside_channel(outside_mm: NDArray[np.float32], cells: NDArray[np.bool_], cell_mm: float) -> NDArray[np.float32]:
    """(N, 1) how far the marked cells lie outside the height band, in point pitches, soft-bounded to ±1: a piece that is missing is no more
    of a defect than one that is bent by a millimetre, and its map must not drown everybody else's.
    """
    rows, columns = cells.shape
    of_cell = outside_mm.reshape(rows, _POINTS_PER_CELL, columns, _POINTS_PER_CELL).mean(axis=(1, 3))
    return np.tanh(of_cell[cells] / (cell_mm / _POINTS_PER_CELL)).astype(np.float32)[:, None]


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


def point_features(
    xyz_mm: NDArray[np.float32], part: NDArray[np.bool_], window: Window, cell_mm: float, backbone: PointBackbone, name: str = ""
) -> NDArray[np.float32]:
    """Features of the cloud on the grid of feature cells.

    Args:
        xyz_mm: (H, W, 3) organised points in the rig frame, mm; NaN where unknown.
        part: (H, W) the outlined part.
        window: where the cells lie.
        cell_mm: side of one cell, mm; the radii of features and the height wavelengths follow from it.
        backbone: what describes the shape.
        name: of the sample, for messages.

    Returns:
        (channels + 9, rows, columns) float32: the backbone's, 8 height, 1 relief. A cell without a point takes those of its nearest neighbour:
        a hole in the cloud is a fault of measurement, not of the part.

    Raises:
        SampleError: less than half of the part has points (``sample.invalid.points``).
    """
    inside = window.cell_mask(part)
    points, pitch_mm = organised_points(xyz_mm, part, window, cell_mm)
    valid = np.isfinite(points[..., 2])

    z = np.where(valid, points[..., 2], 0.0).astype(np.float32)
    channels = backbone.channels
    values = np.zeros((*valid.shape, channels + HEIGHT_CHANNELS), np.float32)
    if valid.any():
        values[..., :channels] = backbone(points, pitch_mm)
    for octave in range(_HEIGHT_OCTAVES):
        phase = 2.0 * np.pi * z / (4.0 * cell_mm * 2.0**octave)
        values[..., channels + 2 * octave] = np.sin(phase)
        values[..., channels + 2 * octave + 1] = np.cos(phase)
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
