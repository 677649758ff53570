"""Where lights are, from the shading of a matt white sphere on the dark plate.

In each zone's frame the sphere, divided by the flat field of the same pixel, answers with

    R(X) = a · (n·l(X) / r²(X)) / (l_z(X₀) / r²(X₀)),

n its normal at X, l and r direction and distance to the zone, X₀ the point of the reference plane in the same pixel, a its albedo
relative to the plate (and how much the lamp drifted since). Lens and pixel response cancel; what the lamp's lobe changes between X
and X₀ is small beside the shading. That is the solver's own model, the normal known and the light wanted. One sphere gives a
direction; several places give the position.

Reference for light from a Lambertian sphere: A. Hertzmann, S. M. Seitz, Example-based photometric stereo, PAMI 27 (2005).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from photometric.calibration import Plate, ZonesFit, check_frames, fit_plate, zones_fit
from photometric.camera import Array, points_at_height, view_rays
from photometric.light_model import polynomial_terms
from photometric.sphere import check_scatter, locate_sphere, sphere_outline
from rig_configs.calibration import Pinhole
from rig_configs.errors import CalibrationFailed

Image = NDArray[Any]

_PIXELS = 4000
"""Pixels of a sphere that are used, spread evenly over it: more do not make the fit any better."""
_LEAST_COSINE = 0.25
"""Neither grazing light, where the lamp is partly behind the horizon, nor grazing sight, where a pixel's normal is uncertain."""
_LARGEST_PARALLAX_DEG = 40.0
"""A light seen from two places of the field in directions farther apart than this is two lights."""
_WHAT = "The shadings"
_LARGEST_MISFIT = 0.06
_LARGEST_SATURATED_SHARE = 0.01


@dataclass(frozen=True, slots=True)
class _Place:
    """A sphere at one place: N pixels of it."""

    surface_mm: Array
    """(N, 3) points on the sphere."""
    plate_mm: Array
    """(N, 3) points of the reference plane in the same pixels."""
    normals: Array
    """(N, 3)."""
    answers: Array
    """(K, N) signal over flat field; NaN where saturated."""

    def lit(self, zone: int, position_mm: Array) -> _Place:
        """Those of its pixels that a zone at this position lights well."""
        to = position_mm - self.surface_mm
        cosine = (to * self.normals).sum(-1) / np.linalg.norm(to, axis=-1)
        used = (cosine > _LEAST_COSINE) & np.isfinite(self.answers[zone])
        return _Place(self.surface_mm[used], self.plate_mm[used], self.normals[used], self.answers[:, used])


def calibrate_zones_by_matt_sphere(
    camera: Pinhole,
    zone_names: Sequence[str],
    sphere_images: Sequence[Sequence[Image]],
    sphere_darks: Sequence[Image],
    sphere_exposure_us: float,
    sphere_diameter_mm: float,
    plate_images: Sequence[Image],
    dark_image: Image,
    exposure_us: float,
    saturation_dn: float,
) -> ZonesFit:
    """Calibrate all zones from a matt white sphere at one or more places of the dark plate, and one matt white plate.

    One place gives each zone's direction, but its distance badly; five or more, spread over the field, give its position.

    Args:
        camera: the calibrated camera.
        zone_names: names of the K zones.
        sphere_images: for each place of the sphere the K zones' frames, (H, W) luminance, DN; must not be saturated.
        sphere_darks: for each place the frame with every zone off, (H, W) luminance, DN.
        sphere_exposure_us: exposure of these, µs; the sphere, which faces the light, is brighter than the plate.
        sphere_diameter_mm: diameter of the sphere, which rests on z = 0, mm.
        plate_images: the K zones' frames of the matt white plate at z = 0, (H, W) luminance, DN; must not be saturated.
        dark_image: (H, W) luminance of the plate with every zone off, DN.
        exposure_us: exposure of the plate's frames, µs.
        saturation_dn: digital number at and above which a pixel is saturated.

    Raises:
        CalibrationFailed: the captures do not determine the light; says which zone or place, and what to do.
    """
    check_frames(camera, zone_names, sphere_images, sphere_darks)
    plate = fit_plate(camera, zone_names, plate_images, dark_image, exposure_us, saturation_dn)
    places: list[_Place] = []
    for number, (frames, dark) in enumerate(zip(sphere_images, sphere_darks, strict=True), 1):
        try:
            places.append(_measure(camera, zone_names, frames, dark, sphere_exposure_us, sphere_diameter_mm, plate, saturation_dn))
        except CalibrationFailed as failure:
            raise CalibrationFailed(
                f"Sphere capture {number} of {len(sphere_images)}: {failure.message}",
                cure=failure.cure,
                detail=failure.code.removeprefix("calibration.failed."),
            ) from failure
    away_mm = float(np.linalg.norm(camera.centre_mm))
    fits = [_locate(places, k, name, away_mm) for k, name in enumerate(zone_names)]
    return zones_fit(camera, zone_names, plate, np.array([position for position, _ in fits]), np.array([angles for _, angles in fits]))


def _measure(
    camera: Pinhole, names: Sequence[str], frames: Sequence[Image], dark: Image, exposure_us: float, diameter_mm: float, plate: Plate, full_dn: float
) -> _Place:
    H, W = dark.shape
    v, u = np.meshgrid(np.linspace(-1, 1, H), np.linspace(-1, 1, W), indexing="ij")
    terms = polynomial_terms(u, v)
    answers = []
    for frame, flat in zip(frames, plate.flats, strict=True):
        answer = (frame.astype(np.float64) - dark) / (exposure_us / 1000) / np.maximum(terms @ flat.coefficients, 1e-9)
        answers.append(np.where(frame >= full_dn, np.nan, answer))
    stack = np.stack(answers)
    # A shadow is dark in one zone's frame; the sphere is bright in some of them all around.
    brightest = np.where(np.isnan(stack), np.nanmax(stack), stack).max(0)
    centre = locate_sphere(brightest, camera, diameter_mm, bright=True)
    pixels, surface, normals = _cap(camera, centre, diameter_mm / 2)
    chosen = stack[:, pixels[:, 1], pixels[:, 0]]
    for name, saturated, answer in zip(names, np.isnan(chosen), chosen, strict=True):
        if saturated.mean() > _LARGEST_SATURATED_SHARE:
            raise CalibrationFailed(
                f"The sphere is saturated in the light of zone '{name}': {100 * saturated.mean():.0f} % of it.",
                cure="Shorten the light exposure in rig.yaml, or dim the zone; a matt sphere that faces the light is brighter than the plate.",
                detail="saturated_sphere",
            )
        if np.nanpercentile(answer, 95) < 0.1 * np.nanmax(chosen):
            raise CalibrationFailed(
                f"Zone '{name}' does not light the sphere.",
                cure="Check that the zone lights up and that its cable is in the right socket, then capture again.",
                detail="dead_light",
            )
    return _Place(surface, points_at_height(camera, pixels.astype(np.float64), 0.0), normals, chosen)


def _cap(camera: Pinhole, centre_mm: Array, radius_mm: float) -> tuple[NDArray[np.intp], Array, Array]:
    """Pixels (N, 2) that see the sphere not too slantingly, the points (N, 3) mm they see, and the normals (N, 3) there."""
    outline = sphere_outline(camera, centre_mm, radius_mm)
    low, high = np.floor(outline.min(0)).astype(int), np.ceil(outline.max(0)).astype(int)
    step = max(1, int(np.sqrt(np.prod(high - low) / _PIXELS)))
    grid = np.stack(np.meshgrid(*(np.arange(a, b + 1, step) for a, b in zip(low, high, strict=True))), -1).reshape(-1, 2)
    rays = view_rays(camera, grid.astype(np.float64))
    to = centre_mm - camera.centre_mm
    along = rays @ to
    depth2 = radius_mm**2 - (to @ to - along**2)
    on = depth2 > 0
    grid, rays = grid[on], rays[on]
    surface = camera.centre_mm + rays * (along[on] - np.sqrt(depth2[on]))[:, None]
    normals = (surface - centre_mm) / radius_mm
    facing = -(rays * normals).sum(-1) > _LEAST_COSINE
    return grid[facing], surface[facing], normals[facing]


def _locate(places: Sequence[_Place], zone: int, name: str, away_mm: float) -> tuple[Array, Array]:
    """A zone's position (3,) mm, and for each place the angle (P,) degrees between the direction measured there and that to the position."""
    middle = np.mean([place.surface_mm.mean(0) for place in places], axis=0)
    directions = np.array([_direction(place, zone) for place in places])
    apart_deg = np.degrees(np.arccos(np.clip(directions @ np.median(directions, axis=0), -1, 1)))
    if apart_deg.max() > _LARGEST_PARALLAX_DEG:
        check_scatter(apart_deg, name, _WHAT)
    start = middle + away_mm * directions.mean(0)
    position, used = start, list(places)
    for _ in range(2):  # which pixels are lit hangs on where the light is
        used = [place.lit(zone, position) for place in places]
        fit = least_squares(_misfits, position, x_scale=away_mm, loss="soft_l1", f_scale=0.05, args=(used, zone))
        position = np.asarray(fit.x, np.float64)
    off = _misfits(position, used, zone)
    if position[2] <= 0 or not np.linalg.norm(position) < 20 * away_mm:
        raise CalibrationFailed(
            f"The shading of the sphere does not tell where zone '{name}' is.",
            cure="Capture the matt sphere at five places or more, spread over the field.",
            detail="light_position",
        )
    angles = np.array([_turned_deg(place, zone, position) for place in used])
    check_scatter(angles, name, _WHAT)
    rms = float(np.sqrt(np.mean(off**2)))
    if rms > _LARGEST_MISFIT:
        raise CalibrationFailed(
            f"The sphere in the light of zone '{name}' is not shaded as a matt one: {100 * rms:.0f} % off.",
            cure="Use a clean, matt white sphere on a dark plate, without gloss; for a mirror sphere: calibrate lights --from mirror-sphere.",
            detail="not_matt",
        )
    return position, angles


def _direction(place: _Place, zone: int) -> Array:
    """Unit direction (3,) to a zone taken to be far away: R ≈ n·b where b shines."""
    answers = place.answers[zone]
    used = np.isfinite(answers) & (answers > 0.3 * np.nanpercentile(answers, 99))
    b = np.linalg.lstsq(place.normals[used], answers[used], rcond=None)[0]
    return b / np.linalg.norm(b)


def _model(place: _Place, position: Array) -> tuple[Array, Array]:
    """R/a of every pixel (N,), and what it takes n·l times to give it (N,)."""
    to, to_plate = position - place.surface_mm, position - place.plate_mm
    r, r_plate = np.linalg.norm(to, axis=-1), np.linalg.norm(to_plate, axis=-1)
    scale = (r_plate / r) ** 2 * r_plate / np.maximum(to_plate[:, 2], 1e-3 * r_plate)
    return scale * (to * place.normals).sum(-1) / r, scale


def _misfit(place: _Place, zone: int, position: Array) -> Array:
    """What is left of R/a (N,) when the light stands there, at the albedo a that fits best."""
    model, _ = _model(place, position)
    answers = place.answers[zone]
    return answers / max(float(answers @ model / (model @ model)), 1e-9) - model


def _misfits(position: Array, places: Sequence[_Place], zone: int) -> Array:
    return np.concatenate([_misfit(place, zone, position) for place in places])


def _turned_deg(place: _Place, zone: int, position: Array) -> float:
    """By how much the light would have to turn for the shading at this place to fit best, degrees."""
    _, scale = _model(place, position)
    more = np.linalg.lstsq(scale[:, None] * place.normals, _misfit(place, zone, position), rcond=None)[0]
    to = position - place.surface_mm.mean(0)
    to /= np.linalg.norm(to)
    return float(np.degrees(np.linalg.norm(more - (more @ to) * to)))
