"""Calibrating the light from captures: where its zones are, how they light a matt white plate, and whether the camera is linear.

Everything here is a function of images; who captured them, and how, is not its concern.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photometric.camera import points_at_height
from photometric.flat_field import FlatField, fit_flat_field
from photometric.light_model import polynomial_terms
from photometric.sphere import locate_highlight, locate_sphere, reflected_ray, zone_position
from rig_configs.calibration import Pinhole, Vector3, ZoneCalibration
from rig_configs.errors import CalibrationFailed

__all__ = [
    "ZonesFit",
    "black_level",
    "calibrate_zones",
    "check_drawing",
    "check_linearity",
    "fit_flat_field",
    "locate_highlight",
    "locate_sphere",
    "reflected_ray",
    "white_balance",
    "zone_position",
]

Image = NDArray[Any]

_LARGEST_NON_LINEARITY = 0.02


@dataclass(frozen=True, slots=True)
class Plate:
    """What the matt white plate on the reference plane tells: its flat fields, and the black level."""

    flats: tuple[FlatField, ...]
    """One a zone."""
    black_level_dn: float
    """Mean of the dark image, DN."""


@dataclass(frozen=True, slots=True)
class ZonesFit:
    """The calibrated light."""

    zones: tuple[ZoneCalibration, ...]
    """The zones, in the order of their names."""
    black_level_dn: float
    """Mean of the dark image, DN."""
    flats: tuple[FlatField, ...]
    """The zones' flat fields, with their residuals."""
    angles_deg: NDArray[np.float64]
    """(K, P) angle between each zone's measured and modelled direction, at each place of the sphere or height of the plate, degrees."""

    @property
    def light_rms_deg(self) -> float:
        """RMS of the angles between measured and modelled directions, degrees."""
        return float(np.sqrt(np.mean(self.angles_deg**2)))

    @property
    def flat_field_rms_percent(self) -> float:
        """RMS misfit of the flat-field polynomials, per cent of their mean."""
        return float(np.sqrt(np.mean([flat.rms_percent**2 for flat in self.flats])))


def calibrate_zones(
    camera: Pinhole,
    zone_names: Sequence[str],
    sphere_images: Sequence[Sequence[Image]],
    plate_images: Sequence[Image],
    dark_image: Image,
    exposure_us: float,
    sphere_diameter_mm: float,
    saturation_dn: float,
) -> ZonesFit:
    """Calibrate all zones from a mirror sphere at several places and one matt white plate.

    Args:
        camera: the calibrated camera.
        zone_names: names of the K zones.
        sphere_images: for each place of the sphere the K zones' frames, (H, W) luminance, DN; highlights may be saturated.
        plate_images: the K zones' frames of the matt white plate at z = 0, (H, W) luminance, DN; must not be saturated.
        dark_image: (H, W) luminance of the plate with every zone off, or with the lens capped, at the same exposure, DN.
        exposure_us: exposure of all of them, µs.
        sphere_diameter_mm: diameter of the sphere, mm.
        saturation_dn: digital number at and above which a pixel is saturated.

    Raises:
        CalibrationFailed: the captures do not determine the light; says which zone or place, and what to do.
    """
    check_frames(camera, zone_names, sphere_images, [dark_image])
    plate = fit_plate(camera, zone_names, plate_images, dark_image, exposure_us, saturation_dn)
    starts, directions = _reflected_rays(camera, zone_names, sphere_images, plate_images, dark_image, sphere_diameter_mm, saturation_dn)
    fits = [zone_position(starts[:, k], directions[:, k], zone=name) for k, name in enumerate(zone_names)]
    return zones_fit(camera, zone_names, plate, np.array([position for position, _ in fits]), np.array([angle for _, angle in fits]))


def fit_plate(
    camera: Pinhole, zone_names: Sequence[str], plate_images: Sequence[Image], dark_image: Image, exposure_us: float, saturation_dn: float
) -> Plate:
    """Flat fields and black level from the matt white plate on the reference plane; arguments as in :func:`calibrate_zones`.

    Raises:
        CalibrationFailed: the plate is saturated, dark or not evenly white; the dark image is not dark; frames are missing.
    """
    check_frames(camera, zone_names, [plate_images], [dark_image])
    black_level_dn = black_level(dark_image, saturation_dn)
    flats = [fit_flat_field(plate, dark_image, exposure_us, saturation_dn, zone=name) for name, plate in zip(zone_names, plate_images, strict=True)]
    return Plate(tuple(flats), black_level_dn)


def zones_fit(
    camera: Pinhole, zone_names: Sequence[str], plate: Plate, positions_mm: NDArray[np.float64], angles_deg: NDArray[np.float64]
) -> ZonesFit:
    """The calibrated light from positions (K, 3), mm, and their residual angles (K, P), degrees.

    Raises:
        CalibrationFailed: the plate is not lit from there: the zones were swapped between the captures.
    """
    _check_order(camera, zone_names, positions_mm, [flat.coefficients for flat in plate.flats])
    return ZonesFit(
        zones=tuple(
            ZoneCalibration(name=name, position_mm=_vector3(position), flat_field=tuple(float(c) for c in flat.coefficients))
            for name, position, flat in zip(zone_names, positions_mm, plate.flats, strict=True)
        ),
        black_level_dn=plate.black_level_dn,
        flats=plate.flats,
        angles_deg=angles_deg,
    )


def black_level(dark: Image, saturation_dn: float) -> float:
    """Mean of the dark image, DN.

    Raises:
        CalibrationFailed: it is not dark.
    """
    level = float(np.mean(dark, dtype=np.float64))
    if level > 0.25 * saturation_dn:
        raise CalibrationFailed(
            f"The dark image is not dark: {level:.0f} of {saturation_dn:.0f} DN with every light off.",
            cure="Shade the rig from the light of the room, or shorten the light exposure.",
            detail="not_dark",
        )
    return level


def check_linearity(means_dn: Sequence[float], exposures_us: Sequence[float], saturation_dn: float) -> float:
    """Check that the camera answers in proportion to light: exposures of one scene under one steady light.

    Args:
        means_dn: mean of the same unsaturated region in each frame, DN.
        exposures_us: exposure of each frame, µs; three or more that differ by a factor of two or more.
        saturation_dn: full scale, DN.

    Returns:
        Black level by extrapolation to no exposure, DN.

    Raises:
        CalibrationFailed: too few exposures, or the camera is not linear (a gamma, a knee or automatic gain is on).
    """
    level, t = np.asarray(means_dn, np.float64), np.asarray(exposures_us, np.float64)
    if len(np.unique(t)) < 3 or t.max() < 2 * t.min() or len(level) != len(t):
        raise CalibrationFailed(
            "Linearity needs three different exposures or more, of which the longest is at least twice the shortest.",
            cure="Capture the white plate at for example 25, 50, 75 and 100 % of the light exposure.",
            detail="exposures",
        )
    slope, black = np.polyfit(t, level, 1)
    worst = float(np.abs(level - (black + slope * t)).max() / max(float(np.ptp(level)), 1e-9))
    if slope <= 0 or worst > _LARGEST_NON_LINEARITY or black < -_LARGEST_NON_LINEARITY * saturation_dn:
        raise CalibrationFailed(
            f"The camera is not linear: its answer is {100 * worst:.1f} % off a straight line through {len(t)} exposures.",
            cure="Set the camera's Gamma to 1, and turn off GammaEnable, GainAuto, ExposureAuto and any look-up table.",
            detail="not_linear",
        )
    return float(black)


def white_balance(plate_rgb: Image) -> Vector3:
    """Gains of red, green and blue that make the matt white plate grey; green is 1.

    Args:
        plate_rgb: (H, W, 3) the plate in the mean light of the zones, DN above black and ambient.

    Raises:
        CalibrationFailed: a colour is missing.
    """
    red, green, blue = (float(c) for c in np.median(plate_rgb.reshape(-1, 3).astype(np.float32), axis=0))
    if min(red, green, blue) <= 0 or max(red, green, blue) > 20 * min(red, green, blue):
        raise CalibrationFailed(
            f"The white plate is not white: red {red:.0f}, green {green:.0f}, blue {blue:.0f} DN.",
            cure="Use a matt white plate and white light, and check the camera's Bayer order.",
            detail="white_balance",
        )
    return green / red, 1.0, green / blue


# ------------------------------------------------------------------------------------------------------------------ parts


def _reflected_rays(
    camera: Pinhole,
    names: Sequence[str],
    sphere_images: Sequence[Sequence[Image]],
    plate_images: Sequence[Image],
    dark: Image,
    diameter_mm: float,
    saturation_dn: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Starts and directions of the reflected rays, (P, K, 3) each."""
    even = []
    for plate in plate_images:
        light = np.maximum(plate.astype(np.float32) - dark, 1)
        even.append(light / np.median(light))
    starts, directions = [], []
    for place, frames in enumerate(sphere_images):
        stack = np.stack([np.asarray(f, np.float32) for f in frames])
        # A shadow is dark in one zone's frame; the sphere is dark in all of them.
        brightest = np.max([f / e for f, e in zip(stack, even, strict=True)], axis=0)
        try:
            centre = locate_sphere(brightest, camera, diameter_mm)
            rays = []
            for k, name in enumerate(names):
                others = np.median(np.delete(stack, k, axis=0), axis=0)
                highlight = locate_highlight(stack[k], others, camera, centre, diameter_mm, saturation_dn, zone=name)
                rays.append(reflected_ray(camera, highlight, centre, diameter_mm))
        except CalibrationFailed as failure:
            raise CalibrationFailed(
                f"Sphere capture {place + 1} of {len(sphere_images)}: {failure.message}",
                cure=failure.cure,
                detail=failure.code.removeprefix("calibration.failed."),
            ) from failure
        starts.append([start for start, _ in rays])
        directions.append([direction for _, direction in rays])
    return np.array(starts), np.array(directions)


def check_frames(camera: Pinhole, names: Sequence[str], captures: Sequence[Sequence[Image]], darks: Sequence[Image]) -> None:
    """Check that there are captures, each of a frame a zone, and that every frame has the camera's shape.

    Raises:
        CalibrationFailed: they are not.
    """
    if not captures:
        raise CalibrationFailed("There is no capture of the sphere.", cure="Capture the sphere at five places or more.", detail="places")
    if any(len(frames) != len(names) for frames in captures):
        raise CalibrationFailed(
            f"The rig has {len(names)} light zones, but a capture holds another number of frames.", cure="Capture again.", detail="frames"
        )
    shape = (camera.height_px, camera.width_px)
    for image in (*darks, *(frame for frames in captures for frame in frames)):
        if image.shape != shape:
            raise CalibrationFailed(
                f"A frame is of shape {image.shape}; the calibrated camera has {shape}.",
                cure="Calibrate the camera and the lights with the same region of interest.",
                detail="shape",
            )


def check_drawing(zones: Sequence[ZoneCalibration], drawn_mm: NDArray[np.float64]) -> None:
    """Check that each zone shines from about where the rig's drawing has it, (K, 3) mm, and not from another's place.

    Raises:
        CalibrationFailed: zones are swapped.
    """
    drawn = drawn_mm / np.linalg.norm(drawn_mm, axis=1, keepdims=True)
    for k, zone in enumerate(zones):
        best = int(np.argmax(drawn @ np.array(zone.position_mm)))
        if best != k:
            raise CalibrationFailed(
                f"Lights are swapped: zone '{zone.name}' shines from where the drawing has zone '{zones[best].name}'.",
                cure="Check the cables of the light zones, or correct their nominal azimuth and elevation in rig.yaml, then capture again.",
                detail="swapped_lights",
            )


def _check_order(camera: Pinhole, names: Sequence[str], positions: NDArray[np.float64], flats: Sequence[NDArray[np.float64]]) -> None:
    """The plate falls off away from where each zone was found to be: else the zones were swapped between the captures."""
    u, v = np.meshgrid(np.linspace(-1, 1, 16), np.linspace(-1, 1, 12))
    pixels = np.stack([(u + 1) / 2 * (camera.width_px - 1), (v + 1) / 2 * (camera.height_px - 1)], axis=-1)
    to = positions[:, None, None] - points_at_height(camera, pixels, 0.0)
    expected = np.log(to[..., 2] / np.linalg.norm(to, axis=-1) ** 3).reshape(len(names), -1)
    seen = np.log(np.maximum([polynomial_terms(u, v) @ c for c in flats], 1e-9)).reshape(len(names), -1)
    # What all zones share is the lens's doing.
    expected, seen = (x - x.mean(0) for x in (expected, seen))
    expected, seen = (x - x.mean(1, keepdims=True) for x in (expected, seen))
    alike = (seen @ expected.T) / (np.linalg.norm(seen, axis=1)[:, None] * np.linalg.norm(expected, axis=1)[None, :] + 1e-12)
    for k, name in enumerate(names):
        best = int(np.argmax(alike[k]))
        if best != k and alike[k, best] > 0.8:
            raise CalibrationFailed(
                f"Lights are swapped: in the frame of zone '{name}' the white plate is lit from where the fit has zone '{names[best]}'.",
                cure="Check the cables of the light zones, then capture plate and sphere again.",
                detail="swapped_lights",
            )


def _vector3(values: NDArray[np.float64]) -> Vector3:
    x, y, z = (float(v) for v in values)
    return x, y, z
