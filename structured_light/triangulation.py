"""Camera ray × surface of a projector column.

A projector column is a plane when the projector does not distort: then z follows in closed form. With distortion it is a
curved surface u = fx·xd(x, y) + cx, for turned fringes w = u cos α + v sin α + w₀; the closed form is the start of Newton's method on z, whose one to three steps end below
1e-6 mm.
"""
# pyright: reportGeneralTypeIssues=false, reportArgumentType=false

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from rig_configs.calibration import Pinhole, ProjectorCalibration
from rig_configs.errors import ReconstructionError
from structured_light.geometry import distort, ray_slopes

NEWTON_STEPS = 6


@dataclass(frozen=True, slots=True)
class Heights:
    """What one projector measures along every camera ray."""

    z_mm: NDArray[np.float32]
    """(H, W) height in the rig frame, mm; NaN where unknown."""
    sigma_z_mm: NDArray[np.float32]
    """(H, W) standard deviation of z from the column's, mm; NaN where unknown."""


class Triangulator:
    """Triangulates one projector against the camera.

    Args:
        camera: the calibrated camera.
        projector: the calibrated projector.
        slopes: ``ray_slopes(camera)``, given where several projectors share it.
        axis: cos α, sin α and w₀ of the coordinate w = x cos α + y sin α + w₀ that the fringes encode; columns where not given.
        height_range_mm: least and greatest z that a surface can have; what seems to lie outside is a false reading, and not known.
    """

    def __init__(
        self,
        camera: Pinhole,
        projector: ProjectorCalibration,
        slopes: NDArray[np.float32] | None = None,
        axis: tuple[float, float, float] = (1.0, 0.0, 0.0),
        height_range_mm: tuple[float, float] | None = None,
    ) -> None:
        self._centre = camera.centre_mm
        self._slopes = ray_slopes(camera) if slopes is None else slopes
        self._projector = projector
        self._axis = axis
        low, high = height_range_mm or (-np.inf, np.inf)
        # Behind the camera is no surface of this world.
        self._range = low, min(high, float(self._centre[2]))

    def heights(self, column: NDArray[np.float32], sigma_column: NDArray[np.float32], out: Heights | None = None) -> Heights:
        """z of every pixel, and its standard deviation σ_u / |∂u/∂z|.

        Args:
            column: (H, W) projector column, or w, NaN where unknown.
            sigma_column: (H, W) its standard deviation, projector pixels.
            out: a result that is no longer needed, filled anew.

        Raises:
            ReconstructionError: the image is not of the calibrated camera's size.
        """
        if column.shape != self._slopes.shape[:2]:
            raise ReconstructionError(
                f"The frames are {column.shape[1]} x {column.shape[0]} pixels, the calibrated camera has "
                f"{self._slopes.shape[1]} x {self._slopes.shape[0]}.",
                cure="Capture with the calibrated image size, or calibrate the rig again.",
                detail="frame_size",
            )
        if out is None or out.z_mm.shape != column.shape:
            out = Heights(np.empty(column.shape, np.float32), np.empty(column.shape, np.float32))
        p, (c, s, w0) = self._projector, self._axis
        across = (c * p.fx_px, s * p.fy_px, c * p.cx_px + s * p.cy_px + w0)
        _heights(column, sigma_column, self._slopes, self._centre, self._range, across, p.d, p.R, p.t, out.z_mm, out.sigma_z_mm)
        return out


def points(z_mm: NDArray[np.float32], slopes: NDArray[np.float32], centre_mm: NDArray[np.float64]) -> NDArray[np.float32]:
    """Heights along camera rays → organised points, (H, W, 3) float32, mm, rig frame; NaN stays NaN."""
    xyz = np.empty((*z_mm.shape, 3), np.float32)
    _points(z_mm, slopes, centre_mm, xyz)
    return xyz


@njit(cache=True, error_model="numpy", parallel=True, nogil=True)
def _points(z, slopes, centre, xyz):
    for v in prange(z.shape[0]):
        for u in range(z.shape[1]):
            drop = centre[2] - z[v, u]
            xyz[v, u, 0] = centre[0] + drop * slopes[v, u, 0]
            xyz[v, u, 1] = centre[1] + drop * slopes[v, u, 1]
            xyz[v, u, 2] = z[v, u]


@njit(cache=True, error_model="numpy", parallel=True, nogil=True)
def _heights(column, sigma, slopes, centre, within, across, d, R, t, z_out, sigma_out):
    gx, gy, w0 = across
    nan = np.float32(np.nan)
    for v in prange(column.shape[0]):
        bend = 0.0  # what distortion does to w, as at the pixel before: with it, the closed form is so near that one step is enough
        for u in range(column.shape[1]):
            z_out[v, u] = nan
            sigma_out[v, u] = nan
            target = column[v, u] - w0
            if target != target:
                continue
            mx, my = np.float64(slopes[v, u, 0]), np.float64(slopes[v, u, 1])
            ox, oy = centre[0] + centre[2] * mx, centre[1] + centre[2] * my
            # in the projector's frame the ray is a + z b
            ax = R[0, 0] * ox + R[0, 1] * oy + t[0]
            ay = R[1, 0] * ox + R[1, 1] * oy + t[1]
            az = R[2, 0] * ox + R[2, 1] * oy + t[2]
            bx = R[0, 2] - R[0, 0] * mx - R[0, 1] * my
            by = R[1, 2] - R[1, 0] * mx - R[1, 1] * my
            bz = R[2, 2] - R[2, 0] * mx - R[2, 1] * my
            straight = target - bend
            z = (straight * az - gx * ax - gy * ay) / (gx * bx + gy * by - straight * bz)
            slope, depth, x, y, xd, yd = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
            for _ in range(NEWTON_STEPS):
                depth = 1 / (az + z * bz)
                x, y = (ax + z * bx) * depth, (ay + z * by) * depth
                xd, yd, xx, xy, yy = distort(x, y, d)
                dx, dy = (bx - x * bz) * depth, (by - y * bz) * depth
                slope = gx * (xx * dx + xy * dy) + gy * (xy * dx + yy * dy)
                step = (gx * xd + gy * yd - target) / slope
                z -= step
                if abs(step) < 1e-4:  # Newton's method squares the error: the next step would be below 1e-7 mm
                    break
            if not (within[0] <= z < within[1] and depth > 0):  # nor behind the projector
                continue
            bend = gx * (xd - x) + gy * (yd - y)
            z_out[v, u] = z
            sigma_out[v, u] = sigma[v, u] / abs(slope)
