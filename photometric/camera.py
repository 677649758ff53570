"""What photometric stereo needs of the camera: where pixels look, and where points are seen."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from rig_configs.calibration import Pinhole

Array = NDArray[np.float64]


def view_rays(camera: Pinhole, pixels: Array) -> Array:
    """Unit viewing directions of pixels, away from the camera.

    Args:
        camera: the calibrated camera.
        pixels: (..., 2) columns and rows, pixels; they may lie outside the image.

    Returns:
        (..., 3) unit vectors in the rig frame.
    """
    flat = np.ascontiguousarray(pixels, np.float64).reshape(-1, 1, 2)
    ideal = np.asarray(cv2.undistortPoints(flat, camera.K, camera.d)).reshape(-1, 2)
    rays = np.column_stack([ideal, np.ones(len(ideal))]) @ camera.R  # R is orthonormal: rows times R is Rᵀ times columns
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    return rays.reshape(*pixels.shape[:-1], 3)


def points_at_height(camera: Pinhole, pixels: Array, z_mm: float) -> Array:
    """The points at height ``z_mm`` above the reference plane that pixels see, (..., 2) → (..., 3) mm in the rig frame."""
    rays = view_rays(camera, pixels)
    centre = camera.centre_mm
    return centre + rays * ((z_mm - centre[2]) / rays[..., 2:3])


def project(camera: Pinhole, points_mm: Array) -> Array:
    """Pixels at which points of the rig frame are seen, (..., 3) mm → (..., 2) columns and rows."""
    flat = np.ascontiguousarray(points_mm, np.float64).reshape(-1, 1, 3)
    rotation = np.asarray(cv2.Rodrigues(camera.R)[0])
    pixels = np.asarray(cv2.projectPoints(flat, rotation, camera.t, camera.K, camera.d)[0], np.float64)
    return pixels.reshape(*points_mm.shape[:-1], 2)


def pixel_pitch_mm(camera: Pinhole) -> float:
    """Size of a pixel on the reference plane under the optical axis, mm."""
    return float(abs(camera.centre_mm[2]) / (0.5 * (camera.fx_px + camera.fy_px)))
