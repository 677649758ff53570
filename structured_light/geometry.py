"""Rays of camera pixels and the optics of a pin-hole with Brown-Conrady distortion, as fused kernels."""
# pyright: reportGeneralTypeIssues=false, reportArgumentType=false

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from rig_configs.calibration import Pinhole, ProjectorCalibration
from rig_configs.errors import CalibrationError

NEWTON_STEPS = 12


class Geometry(Protocol):
    """What measuring points needs of a calibration, which is one."""

    @property
    def camera(self) -> Pinhole:
        """The camera."""
        ...

    @property
    def projectors(self) -> Sequence[ProjectorCalibration]:
        """The projectors, in the rig's order."""
        ...

    @property
    def black_level_dn(self) -> float:
        """Mean of the dark image, digital numbers."""
        ...


def ray_slopes(camera: Pinhole) -> NDArray[np.float32]:
    """How far each pixel's ray moves in x and y while it falls by 1 in z.

    The points a pixel sees are X(z) = (cx + (cz − z) mx, cy + (cz − z) my, z) with c the centre of projection: z itself is the
    only unknown of a pixel.

    Returns:
        (H, W, 2) float32 (mx, my), rig frame.

    Raises:
        CalibrationError: some ray does not go down, so that z does not parametrise it.
    """
    slopes = np.empty((camera.height_px, camera.width_px, 2), np.float32)
    worst = _ray_slopes(camera.K, camera.d, camera.R, slopes)
    if worst >= 0:
        raise CalibrationError(
            "The calibrated camera does not look down on the reference plane with all of its field.",
            cure="Calibrate the rig again: d3station calibrate all.",
            detail="camera_pose",
        )
    return slopes


def undistort(camera: Pinhole, pixels: NDArray[np.floating]) -> NDArray[np.float64]:
    """Pixels → normalised undistorted coordinates, the exact inverse of the distortion by Newton's method.

    Args:
        camera: the pin-hole.
        pixels: (M, 2) columns and rows.

    Returns:
        (M, 2) float64 x/z, y/z in the device frame.
    """
    out = np.empty((len(pixels), 2))
    _undistort(camera.K, camera.d, np.ascontiguousarray(pixels, np.float64), out)
    return out


def epipolar_angle_deg(camera: Pinhole, projector: Pinhole) -> float:
    """The angle across fringes at which a height moves them most, for ``projectors[].fringe_angle_deg``.

    It is the direction, from projector columns towards rows, in which the projector sees the camera's axis rise from the reference
    plane: fringes across it have the steepest ∂w/∂z, so the smallest σ_z.

    Returns:
        degrees, −180 to 180.
    """
    slopes = -camera.R.T @ [0.0, 0.0, 1.0]  # along the camera's axis, up
    origin = camera.centre_mm - slopes * camera.centre_mm[2] / slopes[2]
    low, high = (projector.R @ (origin + h * slopes) + projector.t for h in (-0.5, 0.5))
    moved = high[:2] / high[2] - low[:2] / low[2]
    return float(np.degrees(np.arctan2(projector.fy_px * moved[1], projector.fx_px * moved[0])))


@njit(cache=True, error_model="numpy", inline="always")
def distort(x, y, d):
    """Distorted normalised coordinates and their derivatives: xd, yd, ∂xd/∂x, ∂xd/∂y, ∂yd/∂y (∂yd/∂x equals ∂xd/∂y)."""
    k1, k2, p1, p2, k3 = d[0], d[1], d[2], d[3], d[4]
    r2 = x * x + y * y
    radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
    growth = k1 + r2 * (2 * k2 + 3 * r2 * k3)
    xd = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
    yd = y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y
    xx = radial + 2 * x * x * growth + 2 * p1 * y + 6 * p2 * x
    xy = 2 * x * y * growth + 2 * p1 * x + 2 * p2 * y
    yy = radial + 2 * y * y * growth + 6 * p1 * y + 2 * p2 * x
    return xd, yd, xx, xy, yy


@njit(cache=True, error_model="numpy", inline="always")
def undistort_point(xd, yd, d):
    """Newton's method on the two distortion equations at once."""
    x, y = xd, yd
    for _ in range(NEWTON_STEPS):
        fx, fy, xx, xy, yy = distort(x, y, d)
        ex, ey = fx - xd, fy - yd
        determinant = xx * yy - xy * xy
        x -= (yy * ex - xy * ey) / determinant
        y -= (xx * ey - xy * ex) / determinant
        if abs(ex) + abs(ey) < 1e-14:
            break
    return x, y


@njit(cache=True, error_model="numpy", parallel=True, nogil=True)
def _undistort(K, d, pixels, out):
    for i in prange(len(pixels)):
        out[i, 0], out[i, 1] = undistort_point((pixels[i, 0] - K[0, 2]) / K[0, 0], (pixels[i, 1] - K[1, 2]) / K[1, 1], d)


@njit(cache=True, error_model="numpy", parallel=True, nogil=True)
def _ray_slopes(K, d, R, slopes):
    steepest = np.empty(slopes.shape[0])
    for v in prange(slopes.shape[0]):
        steepest[v] = -1e9
        for u in range(slopes.shape[1]):
            x, y = undistort_point((u - K[0, 2]) / K[0, 0], (v - K[1, 2]) / K[1, 1], d)
            dx = R[0, 0] * x + R[1, 0] * y + R[2, 0]
            dy = R[0, 1] * x + R[1, 1] * y + R[2, 1]
            dz = R[0, 2] * x + R[1, 2] * y + R[2, 2]
            steepest[v] = max(steepest[v], dz)
            slopes[v, u, 0] = -dx / dz
            slopes[v, u, 1] = -dy / dz
    return steepest.max()
