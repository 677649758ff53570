"""Modalities that a data set does not hold, from those that it does."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from inference.datasets import grid
from inference.features.window import filled_from_nearest

FIELD_MM = 53.0
"""Width that a cloud of unknown unit is scaled to, so that 'stands out of the plane' means the same in every set."""
FLAT = (128, 128, 255)
"""The pseudo-3D picture of a surface that faces the camera."""
_SMOOTH_PX = 1.0


def normals_picture(xyz_mm: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Normals of an organised cloud as a pseudo-3D picture, (H, W, 3) uint8 RGB: 128 + 127 n, with x right, y up and z to the camera.

    It shows no more than the cloud does; photometric stereo would.

    Args:
        xyz_mm: (H, W, 3), NaN where unknown; those pixels face the camera.
    """
    known = grid.known_points(xyz_mm)
    picture = np.full((*known.shape, 3), FLAT, np.uint8)
    if not known.any():
        return picture
    filled = np.asarray(cv2.GaussianBlur(filled_from_nearest(xyz_mm, known), (0, 0), _SMOOTH_PX), np.float32)
    along_rows, along_columns = np.gradient(filled, axis=0), np.gradient(filled, axis=1)
    normals = np.cross(along_rows, along_columns)  # rows run against y
    length = np.linalg.norm(normals, axis=-1, keepdims=True)
    normals /= np.maximum(length, 1e-12)
    normals[normals[..., 2] < 0] *= -1
    shown = known & (length[..., 0] > 0)
    picture[shown] = np.clip(np.round(128.0 + 127.0 * normals[shown]), 0, 255).astype(np.uint8)
    return picture


def standing_on_plane(xyz: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """A cloud of any unit and pose as the station's: millimetres up from the plane it lies on; and the part on it.

    Args:
        xyz: (H, W, 3), NaN where unknown, x along columns.

    Returns:
        (H, W, 3), scaled so that the columns cover 53 units, z over the plane through the border of the picture, towards the
        camera; and (H, W) where the part is. Without a background z is measured from the farthest point, and every point is the part.
    """
    known = grid.known_points(xyz)
    if not known.any():
        return xyz, known
    steps = np.abs(np.diff(xyz[..., 0], axis=1))
    steps = steps[np.isfinite(steps)]
    pitch = float(np.median(steps)) if steps.size else 0.0
    scaled = xyz if pitch <= 0 else (xyz * np.float32(FIELD_MM / xyz.shape[1] / pitch)).astype(np.float32)
    above = grid.above_plane(scaled)
    if above is None:
        # Sensors of such sets count z away from the camera.
        above = np.nanmax(scaled[..., 2]) - scaled[..., 2]
    standing = np.dstack([scaled[..., 0], scaled[..., 1], above]).astype(np.float32)
    return standing, grid.part_of(scaled)


def cloud_of_depth(depth: NDArray[np.float32], focal_px: float) -> NDArray[np.float32]:
    """Points of a depth picture under a pinhole camera with its centre in the middle.

    Args:
        depth: (H, W) distance along the optical axis; NaN where unknown.
        focal_px: focal length.

    Returns:
        (H, W, 3) in the unit of ``depth``: x right, y up, z away from the camera.
    """
    height, width = depth.shape
    u = (np.arange(width, dtype=np.float32) - (width - 1) / 2) / np.float32(focal_px)
    v = ((height - 1) / 2 - np.arange(height, dtype=np.float32)) / np.float32(focal_px)
    return np.dstack([depth * u[None, :], depth * v[:, None], depth]).astype(np.float32)


def flat_cloud(shape: tuple[int, int]) -> NDArray[np.float32]:
    """A plane at z = 0 under a grid whose columns cover 53 mm, (H, W, 3): for pictures without any shape."""
    x, y = grid.grid_xy(shape, FIELD_MM / shape[1])
    return np.dstack([x, y, np.zeros_like(x)])
