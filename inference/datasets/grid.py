"""The organised cloud and its pixel grid: whether X and Y are real, how to rebuild them, and where the part is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inference.foreground import foreground_of

LEAST_FIT = 0.9
"""Real X and Y explain the pixel's column and row but for this share of their variance."""
_SAMPLES = 20_000
_PLANE_BORDER = 0.06
_PLANE_ROUNDS = 4


def known_points(xyz_mm: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which pixels have a point, (H, W) bool, of a cloud (H, W, 3) with NaN where unknown."""
    return np.asarray(np.isfinite(xyz_mm).all(-1), np.bool_)


def has_real_xy(xyz_mm: NDArray[np.float32]) -> bool:
    """Whether X and Y tell where on the grid a point is, in whatever frame; placeholders (constants) do not.

    Args:
        xyz_mm: (H, W, 3), NaN where unknown.
    """
    rows, columns = np.nonzero(known_points(xyz_mm))
    if len(rows) < 16:
        return True  # too few points to accuse
    some = slice(None, None, max(1, len(rows) // _SAMPLES))
    rows, columns = rows[some], columns[some]
    points = xyz_mm[rows, columns].astype(np.float64)
    planar = np.column_stack([points[:, :2], np.ones(len(points))])
    for place in (columns, rows):
        spread = float(np.var(place))
        if spread == 0:
            continue
        solution, *_ = np.linalg.lstsq(planar, place.astype(np.float64), rcond=None)
        if np.var(place - planar @ solution) > (1 - LEAST_FIT) * spread:
            return False
    return True


def grid_xy(shape: tuple[int, int], pitch_mm: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """X and Y of the pixels of a grid around its middle, each (H, W), mm: X along columns, Y against rows."""
    height, width = shape
    x = (np.arange(width) - (width - 1) / 2) * pitch_mm
    y = ((height - 1) / 2 - np.arange(height)) * pitch_mm
    grid_x, grid_y = np.meshgrid(x.astype(np.float32), y.astype(np.float32))
    return grid_x, grid_y


def rebuilt_xy(xyz_mm: NDArray[np.float32], pitch_mm: float) -> NDArray[np.float32]:
    """The cloud with X and Y made anew from grid × pitch, (H, W, 3); unknown points stay unknown."""
    rebuilt = xyz_mm.copy()
    known = known_points(xyz_mm)
    height, width = xyz_mm.shape[:2]
    for axis, values in enumerate(grid_xy((height, width), pitch_mm)):
        rebuilt[..., axis][known] = values[known]
    return rebuilt


def part_of(xyz_mm: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Mask of the part in a cloud whose reference plane is anywhere: what stands out of the plane through the border of the grid.

    Args:
        xyz_mm: (H, W, 3), NaN where unknown.

    Returns:
        (H, W) bool. Where the border holds no points, the set has no background, and every known point is the part.
    """
    above = above_plane(xyz_mm)
    return known_points(xyz_mm) if above is None else foreground_of(np.dstack([above, above, above]))


def above_plane(xyz_mm: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """Height over the plane through the border of the grid, (H, W) mm, NaN where unknown, positive where the part is.

    None where the border holds too few points for a plane.
    """
    known = known_points(xyz_mm)
    height, width = xyz_mm.shape[:2]
    rim = max(1, round(_PLANE_BORDER * min(height, width)))
    border = known.copy()
    border[rim:-rim, rim:-rim] = False
    if border.sum() < 0.2 * (known.size - (height - 2 * rim) * (width - 2 * rim)):
        return None
    rows, columns = np.nonzero(border)
    z = xyz_mm[rows, columns, 2].astype(np.float64)
    basis = np.column_stack([columns, rows, np.ones(len(rows))])
    inlier = np.ones(len(rows), np.bool_)
    plane = np.zeros(3)
    for _ in range(_PLANE_ROUNDS):
        plane, *_ = np.linalg.lstsq(basis[inlier], z[inlier], rcond=None)
        off = np.abs(z - basis @ plane)
        inlier = off <= max(2.5 * float(np.median(off)), 0.02)
    v, u = np.mgrid[0:height, 0:width]
    above = (xyz_mm[..., 2] - (plane[0] * u + plane[1] * v + plane[2])).astype(np.float32)
    # Sensors may count z towards the part or towards the camera: the part is on the side where more stands out.
    with np.errstate(invalid="ignore"):
        if np.sum(above < -0.3) > np.sum(above > 0.3):
            above = -above
    return above
