"""What the noise of the captures leaves open in a calibrated geometry.

The covariance of the adjustment is carried to the devices in the rig frame, and to measured heights, by samples of it: the frame itself
hangs on the adjusted camera and first board pose, which makes closed forms long and samples short.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from rig_configs.calibration import DeviceUncertainty, Pinhole, ProjectorCalibration, Uncertainty
from rig_configs.schema import RigConfig
from structured_light.bundle import Bundle
from structured_light.geometry import ray_slopes
from structured_light.rig_frame import in_rig_frame
from structured_light.triangulation import Triangulator, points

SAMPLES = 200
GRID = (24, 16)
"""Columns and rows of the places whose height is judged."""


def uncertainty_of(rig: RigConfig, bundle: Bundle) -> Uncertainty:
    """Standard deviations of the devices' parameters and of a height measured by all projectors on the reference plane.

    Args:
        rig: the rig.
        bundle: its adjustment, with covariance.
    """
    samples = [in_rig_frame(rig, b) for b in _samples(bundle)]
    names = ["camera", *(p.name for p in rig.projectors)]
    of_device = zip(*([camera, *projectors] for camera, projectors in samples), strict=True)
    sigma_um = height_sigma_um(rig, bundle)
    return Uncertainty(
        devices=tuple(_of_device(name, list(device)) for name, device in zip(names, of_device, strict=True)),
        height_median_um=float(np.nanmedian(sigma_um)),
        height_max_um=float(np.nanmax(sigma_um)),
    )


def height_sigma_um(rig: RigConfig, bundle: Bundle) -> NDArray[np.float64]:
    """By how much the calibration's own uncertainty may put a height on the reference plane off, the mean over the projectors that light the
    place, 1 σ. Height and tilt of the whole do not count: the plate that lies there sets them.

    Returns:
        (rows, columns) µm, on a coarse grid over the camera's image; NaN where no projector shines.
    """
    camera, projectors = in_rig_frame(rig, bundle)
    grid = _coarse(camera)
    plane = points(np.zeros(GRID[::-1], np.float32), ray_slopes(grid), grid.centre_mm).astype(np.float64)
    columns = [_columns(p, plane) for p in projectors]
    sigma = np.zeros(GRID[::-1], np.float32)
    heights = []
    for b in _samples(bundle):
        other_camera, others = in_rig_frame(rig, b)
        coarse = _coarse(other_camera)
        slopes = ray_slopes(coarse)
        each = [Triangulator(coarse, p, slopes).heights(c, sigma).z_mm for p, c in zip(others, columns, strict=True)]
        heights.append(_levelled(np.ma.masked_invalid(np.stack(each)).mean(axis=0).filled(np.nan).astype(np.float64), plane))
    return 1e3 * np.std(np.stack(heights), axis=0)


def _levelled(z_mm: NDArray[np.float64], plane_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Heights at points of the reference plane, less the plane nearest to them."""
    design = np.dstack([np.ones_like(z_mm), plane_mm[..., :2]])
    known = np.isfinite(z_mm)
    return z_mm - design @ np.linalg.lstsq(design[known], z_mm[known], rcond=None)[0]


def _samples(bundle: Bundle) -> list[Bundle]:
    x = bundle.vector()
    values, vectors = np.linalg.eigh(bundle.covariance)
    spread = vectors * np.sqrt(np.maximum(values, 0))
    return [bundle.with_vector(x + spread @ z) for z in np.random.default_rng(0).standard_normal((SAMPLES, len(x)))]


def _of_device(name: str, samples: list[Pinhole]) -> DeviceUncertainty:
    position = np.std([s.centre_mm for s in samples], axis=0)
    axes = np.array([s.R[2] for s in samples])
    mean = axes.mean(axis=0)
    return DeviceUncertainty(
        name=name,
        focal_px=float(np.std([s.fx_px for s in samples])),
        principal_point_px=float(np.hypot(*np.std([(s.cx_px, s.cy_px) for s in samples], axis=0))),
        position_um=(float(1e3 * position[0]), float(1e3 * position[1]), float(1e3 * position[2])),
        pointing_mdeg=float(1e3 * np.degrees(np.sqrt(np.mean(np.sum((axes - mean) ** 2, axis=1))))),
    )


def _coarse(camera: Pinhole) -> Pinhole:
    """The same camera with a few large pixels."""
    columns, rows = GRID
    sx, sy = columns / camera.width_px, rows / camera.height_px
    return camera.model_copy(
        update={
            "width_px": columns,
            "height_px": rows,
            "fx_px": camera.fx_px * sx,
            "fy_px": camera.fy_px * sy,
            "cx_px": (camera.cx_px + 0.5) * sx - 0.5,
            "cy_px": (camera.cy_px + 0.5) * sy - 0.5,
        }
    )


def _columns(projector: ProjectorCalibration, xyz_mm: NDArray[np.float64]) -> NDArray[np.float32]:
    """Projector column of points (h, w, 3), NaN outside its picture."""
    turn, _ = cv2.Rodrigues(projector.R)
    pixels, _ = cv2.projectPoints(xyz_mm.reshape(-1, 1, 3), turn, projector.t, projector.K, projector.d)
    column, row = np.asarray(pixels, np.float64).reshape(*xyz_mm.shape[:2], 2).transpose(2, 0, 1)
    lit = (column >= 0) & (column <= projector.width_px - 1) & (row >= 0) & (row <= projector.height_px - 1)
    return np.where(lit, column, np.nan).astype(np.float32)
