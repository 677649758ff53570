"""Where lights are, from the matt white plate at several heights.

A plate at X with normal n answers to zone k at P with

    i = v · c · D(e) · n·l(X) / r²(X),

v what lens and sensor do to the pixel, the same for every zone and height; c the lamp's power, within what it wanders from capture
to capture; D its lobe about the axis from P to the rig's origin, cos^m times a lean to one side. Logarithms make it a sum: v leaves
with the mean over all zones and heights of a pixel, and least squares finds P, m and the lean of all zones together. What tells the
distance is how the light grows and shifts when the plate rises; what tells lobe from place is that every zone shares one v.

Reference: Y. Quéau et al., LED-based photometric stereo: modeling, calibration and numerical solution, JMIV 60 (2018), whose
calibration samples the same irradiance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from photometric.calibration import Plate, ZonesFit, check_frames, fit_plate, zones_fit
from photometric.camera import Array, view_rays
from photometric.flat_field import FlatField, block_pixels, fit_flat_field
from photometric.sphere import trimmed_fit
from rig_configs.calibration import Pinhole
from rig_configs.errors import CalibrationFailed

Image = NDArray[Any]

LEAST_HEIGHTS = 3
"""The reference plane's among them."""
_LEAST_LIFT = 0.02
"""Least range of the heights, as a share of the camera's distance."""
_WANDER = 0.002
"""How well a lamp's power repeats from capture to capture, 1 σ: lets the fit trust the shape of the light more than its level."""
_LOBE, _LOBE_SIGMA, _LEAN_SIGMA = 1.0, 1.0, 0.1
"""A bare diffuser's exponent, and how far lamps are expected to be from it and from even."""
_CELLS_ACROSS = 24
_LARGEST_MISFIT = 0.015
_LARGEST_UNFLATNESS_MM = 0.05
_LEAST_MEASURED = 0.5
_LARGEST_SIGMA = 0.1
"""Largest standard deviation of a position, as a share of the camera's distance."""


@dataclass(frozen=True, slots=True)
class PlatePose:
    """Where the plate lies: z = height + slopes · (x, y)."""

    height_mm: float
    slopes: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class RaisedPlate:
    """Captures of the plate in one pose."""

    zones: Sequence[Image]
    """The K zones' frames, (H, W) luminance, DN."""
    dark: Image
    """The frame with every zone off, (H, W) luminance, DN."""
    pose: PlatePose


def plate_pose(xyz_mm: NDArray[np.float32]) -> PlatePose:
    """Where a plate lies that a cloud was measured of.

    Args:
        xyz_mm: (H, W, 3) points in the rig frame, mm; NaN where unknown.

    Raises:
        CalibrationFailed: less than half of it was measured, or it is not flat within 0.05 mm RMS.
    """
    points = xyz_mm.reshape(-1, 3).astype(np.float64)
    known = np.isfinite(points).all(axis=1)
    if known.mean() < _LEAST_MEASURED:
        raise CalibrationFailed(
            f"Only {100 * known.mean():.0f} % of the white plate was measured by the projectors.",
            cure="Lay the matt white plate so that it fills the field, within the depth that the projectors are sharp in.",
            detail="plate_not_measured",
        )
    x, y, z = points[known].T
    plane, kept = trimmed_fit(np.column_stack([np.ones_like(x), x, y]), z, 1e-3)
    off = z - np.column_stack([np.ones_like(x), x, y]) @ plane
    rms_mm = float(np.sqrt(np.mean(off**2)))
    if rms_mm > _LARGEST_UNFLATNESS_MM or kept.mean() < 0.8:
        raise CalibrationFailed(
            f"The white plate is not flat: {1e3 * rms_mm:.0f} µm RMS off a plane.",
            cure="Use a flat, stiff, matt white plate with nothing on it; then check the projectors: d3station calibrate check.",
            detail="plate_not_flat",
        )
    return PlatePose(float(plane[0]), (float(plane[1]), float(plane[2])))


def calibrate_zones_by_plate(
    camera: Pinhole, zone_names: Sequence[str], plates: Sequence[RaisedPlate], exposure_us: float, saturation_dn: float
) -> ZonesFit:
    """Calibrate all zones from the matt white plate at several heights.

    Args:
        camera: the calibrated camera.
        zone_names: names of the K zones.
        plates: captures of the plate at three heights or more; the first lies on the reference plane.
        exposure_us: exposure of all frames, µs.
        saturation_dn: digital number at and above which a pixel is saturated.

    Raises:
        CalibrationFailed: the captures do not determine the light; says which zone or height, and what to do.
    """
    heights = [plate.pose.height_mm for plate in plates]
    away_mm = float(np.linalg.norm(camera.centre_mm))
    if len(plates) < LEAST_HEIGHTS or np.ptp(heights) < _LEAST_LIFT * away_mm:
        raise CalibrationFailed(
            f"The plate's heights ({', '.join(f'{h:.1f}' for h in heights)} mm) do not tell where the lights are.",
            cure=f"Capture the plate at {LEAST_HEIGHTS} heights or more, over a range of {_LEAST_LIFT * away_mm:.0f} mm or more.",
            detail="heights",
        )
    check_frames(camera, zone_names, [plate.zones for plate in plates], [plate.dark for plate in plates])
    lowest = fit_plate(camera, zone_names, plates[0].zones, plates[0].dark, exposure_us, saturation_dn)
    flats = [list(lowest.flats), *(_flats(zone_names, plate, n, exposure_us, saturation_dn) for n, plate in enumerate(plates[1:], 2))]
    light = _NearLight(camera, flats, [plate.pose for plate in plates])
    positions, misfit, sigma_mm = light.fit(away_mm)
    _check(zone_names, heights, positions, misfit, sigma_mm, away_mm)
    return zones_fit(camera, zone_names, Plate(lowest.flats, lowest.black_level_dn), positions, light.angles_deg(positions, misfit))


def _flats(names: Sequence[str], plate: RaisedPlate, number: int, exposure_us: float, saturation_dn: float) -> list[FlatField]:
    try:
        return [fit_flat_field(frame, plate.dark, exposure_us, saturation_dn, zone=name) for name, frame in zip(names, plate.zones, strict=True)]
    except CalibrationFailed as failure:
        raise CalibrationFailed(
            f"Plate capture {number}, {plate.pose.height_mm:.1f} mm high: {failure.message}",
            cure=failure.cure,
            detail=failure.code.removeprefix("calibration.failed."),
        ) from failure


def _check(names: Sequence[str], heights: Sequence[float], positions: Array, misfit: Array, sigma_mm: Array, away_mm: float) -> None:
    rms = np.sqrt(np.mean(misfit**2, axis=2))  # (K, J)
    if rms.max() > _LARGEST_MISFIT:
        k, j = divmod(int(np.argmax(rms)), rms.shape[1])
        raise CalibrationFailed(
            f"The plate is not lit as by one light a zone: off by {100 * rms.max():.1f} %, most in zone '{names[k]}' at {heights[j]:.1f} mm.",
            cure="Check that the zones' cables were not swapped, the plate lay level and nothing moved between the captures, then capture again.",
            detail="light_scatter",
        )
    for name, position, sigma in zip(names, positions, sigma_mm, strict=True):
        if sigma > _LARGEST_SIGMA * away_mm or position[2] <= max(heights) or np.linalg.norm(position) > 20 * away_mm:
            raise CalibrationFailed(
                f"The plates do not tell where zone '{name}' is.",
                cure="Capture the plate at more heights, farther apart; check the heights of the spacers.",
                detail="light_position",
            )


class _NearLight:
    """The model of all zones' answers on B cells of the image, and its fit."""

    def __init__(self, camera: Pinhole, flats: Sequence[Sequence[FlatField]], poses: Sequence[PlatePose]) -> None:
        columns, rows = block_pixels((camera.height_px, camera.width_px))
        step = -(-columns.shape[1] // _CELLS_ACROSS)
        pixels = np.stack([_coarser(columns, step), _coarser(rows, step)], -1).reshape(-1, 2)
        rays, eye = view_rays(camera, pixels), camera.centre_mm
        self._points = []
        """For each pose (B, 3) mm."""
        self._normals = []
        for pose in poses:
            up = np.array([-pose.slopes[0], -pose.slopes[1], 1.0])
            self._points.append(eye + rays * ((pose.height_mm - up @ eye) / (rays @ up))[:, None])
            self._normals.append(up / np.linalg.norm(up))
        measured = np.array([[_coarser(flat.measured_dn_per_ms, step).ravel() for flat in pose] for pose in flats])  # (J, K, B)
        self._measured = np.log(np.maximum(measured, 1e-9)).swapaxes(0, 1)
        noise = np.median([np.median(np.abs(flat.off_percent)) for pose in flats for flat in pose]) * 1.4826 / 100
        self._sigma = max(float(noise) / step, 2e-4)
        self._shape: tuple[int, int, int] = (self._measured.shape[0], self._measured.shape[1], self._measured.shape[2])

    def fit(self, away_mm: float) -> tuple[Array, Array, Array]:
        """Positions (K, 3) mm, relative misfit (K, J, B), and the largest standard deviation of each position (K,), mm."""
        K, J, _ = self._shape
        start = np.zeros((K, 6 + J))
        start[:, :3] = self._start(away_mm)
        start[:, 3] = _LOBE
        scale = np.tile(np.r_[np.full(3, away_mm), 1.0, 0.1, 0.1, np.full(J, 0.1)], K)
        fit = least_squares(self._residuals, start.ravel(), self._jacobian, x_scale=scale, loss="soft_l1", f_scale=4.0)  # pyright: ignore[reportArgumentType]
        found = np.asarray(fit.x, np.float64).reshape(K, -1)
        covariance = np.linalg.inv(fit.jac.T @ fit.jac).reshape(K, 6 + J, K, 6 + J)
        sigma = np.array([np.sqrt(np.linalg.eigvalsh(covariance[k, :3, k, :3])[-1]) for k in range(K)])
        return found[:, :3], self._misfit(found), sigma

    def angles_deg(self, positions: Array, misfit: Array) -> Array:
        """The misfit as the angle by which the light would have to turn to explain it, (K, J) degrees: d(log n·l) = tan dθ."""
        middles = np.array([points.mean(0) for points in self._points])  # (J, 3)
        to = positions[:, None] - middles
        slant = np.arccos(np.clip((to * np.array(self._normals)).sum(-1) / np.linalg.norm(to, axis=-1), 0, 1))
        return np.degrees(np.sqrt(np.mean(misfit**2, axis=2)) / np.tan(np.maximum(slant, np.radians(10))))

    def _start(self, away_mm: float) -> Array:
        """Positions to start from, (K, 3): as far as the camera, on the side that the lowest plate is brighter."""
        x, y, _ = self._points[0].T
        against_mean = self._measured[:, 0] - self._measured[:, 0].mean(0)
        slope = np.linalg.lstsq(np.column_stack([np.ones_like(x), x, y]), against_mean.T, rcond=None)[0][1:].T  # (K, 2)
        side = slope / np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-12)
        return away_mm * np.column_stack([side, np.ones(len(side))]) / np.sqrt(2)

    def _residuals(self, parameters: Array) -> Array:
        found = parameters.reshape(self._shape[0], -1)
        return np.concatenate([(self._misfit(found) / self._sigma).ravel(), self._prior(found)])

    def _prior(self, found: Array) -> Array:
        gains = found[:, 6:]
        wander = (gains - gains.mean(1, keepdims=True)) / _WANDER
        # The level of all is v's: the last term fixes it.
        return np.concatenate([(found[:, 3] - _LOBE) / _LOBE_SIGMA, found[:, 4:6].ravel() / _LEAN_SIGMA, wander.ravel(), gains.mean(1)])

    def _jacobian(self, parameters: Array) -> Array:
        """By differences, of which each zone needs its own alone: what v takes out of the others follows."""
        K, J, B = self._shape
        found = parameters.reshape(K, -1)
        slopes = np.zeros((K, J, B, K, 6 + J))
        for k, j in np.ndindex(K, J):
            for i, step in enumerate((1e-3, 1e-3, 1e-3, 1e-4, 1e-4, 1e-4)):
                more, less = found[k].copy(), found[k].copy()
                more[i] += step
                less[i] -= step
                slopes[k, j, :, k, i] = (self._log_answer(less, j) - self._log_answer(more, j)) / (2 * step)
            slopes[k, j, :, k, 6 + j] = -1
        slopes -= slopes.mean((0, 1))
        still = self._prior(np.zeros_like(found))
        prior = np.stack([self._prior(unit.reshape(K, -1)) - still for unit in np.eye(found.size)], axis=1)  # the prior is affine
        return np.vstack([slopes.reshape(K * J * B, -1) / self._sigma, prior])

    def _misfit(self, found: Array) -> Array:
        """(K, J, B) logarithm of measured over modelled light, v taken out."""
        model = np.array([[self._log_answer(zone, j) for j in range(self._shape[1])] for zone in found])
        off = self._measured - model
        return off - off.mean((0, 1))

    def _log_answer(self, zone: Array, pose: int) -> Array:
        position, lobe, lean, gain = zone[:3], zone[3], zone[4:6], zone[6 + pose]
        to = position - self._points[pose]
        r = np.linalg.norm(to, axis=-1)
        axis = position / np.linalg.norm(position)
        across = np.cross([0.0, 0.0, 1.0], axis)
        across /= max(float(np.linalg.norm(across)), 1e-9)
        e = to / r[:, None]
        leaning = lean[0] * (e @ across) + lean[1] * (e @ np.cross(axis, across))
        return gain + lobe * np.log(np.maximum(e @ axis, 1e-6)) + leaning + np.log(np.maximum(to @ self._normals[pose], 1e-6)) - 3 * np.log(r)


def _coarser(values: Array, step: int) -> Array:
    """Means over ``step`` × ``step`` values, (h, w) → (h // step, w // step)."""
    h, w = values.shape[0] // step, values.shape[1] // step
    return values[: h * step, : w * step].reshape(h, step, w, step).mean((1, 3))
