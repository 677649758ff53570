"""Where lights are, seen in a mirror sphere on the reference plane.

The sphere's diameter is known, and so is the height of its centre: its outline in the image gives the two coordinates that are
left. In each zone's frame the highlight is where the sphere reflects that zone: the reflected ray points at it. The rays from
several places of the sphere meet at the zone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from photometric.camera import Array, pixel_pitch_mm, points_at_height, project, view_rays
from rig_configs.calibration import Pinhole
from rig_configs.errors import CalibrationFailed

_ANGLES = 240
_STEPS = 121
_REACH = 0.15
"""How far the search for the outline looks inwards and outwards, as a share of the radius."""
_HIGHLIGHT_WITHIN = 0.72
"""Share of the outline's radius within which lights above the reference plane are reflected (sin 45° = 0.71)."""

LARGEST_ANGLE_DEG = 2.0
"""Largest RMS angle between reflected rays and the light they are to show."""

Image = NDArray[Any]


def sphere_outline(camera: Pinhole, centre_mm: Array, radius_mm: float, angles: int = _ANGLES) -> Array:
    """The outline of a sphere in the image: where the cone from the camera's centre touches it, (angles, 2) pixels."""
    to = centre_mm - camera.centre_mm
    d2 = float(to @ to)
    axis = to / np.sqrt(d2)
    side = np.cross(axis, [0.0, 1.0, 0.0])
    side /= np.linalg.norm(side)
    other = np.cross(axis, side)
    phi = np.linspace(0, 2 * np.pi, angles, endpoint=False)[:, None]
    circle = radius_mm * np.sqrt(1 - radius_mm**2 / d2) * (np.cos(phi) * side + np.sin(phi) * other)
    return project(camera, centre_mm - to * (radius_mm**2 / d2) + circle)


def locate_sphere(image: Image, camera: Pinhole, diameter_mm: float, *, bright: bool = False) -> Array:
    """Find the sphere on the plate.

    Args:
        image: (H, W) picture in which the sphere is darker than the plate all around it, and nothing casts a shadow: the maximum
            over the zones' frames, each divided by the plate's own. Highlights may be in it.
        bright: the sphere, a matt white one, is brighter than the plate instead.
        camera: the calibrated camera.
        diameter_mm: the sphere's diameter, mm; it rests on the plane z = 0.

    Returns:
        (3,) its centre in the rig frame, mm.

    Raises:
        CalibrationFailed: there is no sphere, it is cut off by the image's edge, or its diameter is another.
    """
    radius_mm = diameter_mm / 2
    smooth = np.asarray(cv2.GaussianBlur(-image.astype(np.float32) if bright else image.astype(np.float32), (0, 0), 1.0), np.float32)
    centre = points_at_height(camera, _dark_blob(smooth, camera, diameter_mm), radius_mm)
    fit = _fit_outline(smooth, camera, centre, diameter_mm)
    for _ in range(8):
        centre = points_at_height(camera, project(camera, centre) + fit.shift_px, radius_mm)
        if np.hypot(*fit.shift_px) < 0.005:
            break
        fit = _fit_outline(smooth, camera, centre, diameter_mm)
    if fit.spread > 0.03:
        raise _no_sphere(diameter_mm)
    if abs(fit.growth) > 0.05:
        raise CalibrationFailed(
            f"The sphere looks like one of {diameter_mm * (1 + fit.growth):.2f} mm diameter, not {diameter_mm:g} mm.",
            cure="Measure the sphere, and write its diameter into rig.yaml (artefacts: sphere_diameter_mm, or matt_sphere_diameter_mm).",
            detail="sphere_diameter",
        )
    return centre


def _no_sphere(diameter_mm: float) -> CalibrationFailed:
    return CalibrationFailed(
        f"No sphere of {diameter_mm:g} mm is seen on the plate.",
        cure="Lay the sphere in the field, clear of its edges: a mirror sphere on a brighter plate, a matt white one on a darker plate.",
        detail="no_sphere",
    )


def _dark_blob(smooth: NDArray[np.float32], camera: Pinhole, diameter_mm: float) -> Array:
    """Middle of the largest dark blob, (2,) pixels, if it has about the size of the sphere."""
    plate, dark = float(np.median(smooth)), float(np.percentile(smooth, 1))
    rough = 1.4826 * float(np.median(np.abs(smooth - plate)))
    _, blobs, stats, _ = cv2.connectedComponentsWithStats((smooth < 0.5 * (plate + dark)).astype(np.uint8))
    if len(stats) < 2 or plate - dark < 4 * rough:
        raise _no_sphere(diameter_mm)
    largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    # Highlights are holes in the blob: its hull is what counts.
    rows, columns = np.nonzero(blobs == largest)
    hull = cv2.convexHull(np.column_stack([columns, rows]).astype(np.int32))
    area_px = np.pi * (0.5 * diameter_mm / pixel_pitch_mm(camera)) ** 2
    moments = cv2.moments(hull)
    if not 0.3 < moments["m00"] / area_px < 2.0:
        raise _no_sphere(diameter_mm)
    return np.array([moments["m10"], moments["m01"]]) / moments["m00"]


@dataclass(frozen=True, slots=True)
class _OutlineFit:
    shift_px: Array
    """(2,) how the outline must shift to lie on the edge that is seen."""
    growth: float
    """How it must grow, as a share of its radius; takes up what blur and threshold do to all sides alike."""
    spread: float
    """RMS distance from the edge after that, as a share of the radius."""


def _fit_outline(smooth: NDArray[np.float32], camera: Pinhole, centre: Array, diameter_mm: float) -> _OutlineFit:
    outline = sphere_outline(camera, centre, diameter_mm / 2)
    H, W = smooth.shape
    if (outline < 0).any() or (outline > [W - 1, H - 1]).any():
        raise CalibrationFailed(
            "The sphere is cut off by the edge of the image.", cure="Move the sphere towards the middle of the field.", detail="sphere_cut_off"
        )
    middle = outline.mean(0)
    spokes = outline - middle
    r = np.linalg.norm(spokes, axis=1)
    scales = np.linspace(1 + _REACH, 1 - _REACH, _STEPS)
    at = (middle + scales[None, :, None] * spokes[:, None, :]).astype(np.float32)
    profile = cv2.remap(smooth, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    edge = _edges(np.asarray(profile, np.float64))
    found = np.isfinite(edge)
    if np.count_nonzero(found) < 0.6 * _ANGLES:
        raise _no_sphere(diameter_mm)
    design = np.column_stack([spokes / r[:, None], np.ones(len(r))])[found]
    off = (_REACH * (1 - 2 * edge) * r)[found]
    fit, keep = trimmed_fit(design, off, 0.05)
    left = (off - design @ fit)[keep]
    return _OutlineFit(fit[:2], float(fit[2] / r.mean()), float(np.sqrt(np.mean(left**2)) / r.mean()))


def _edges(profile: Array) -> Array:
    """Where profiles, outside to inside, first fall through the middle between their ends' levels, as a share of their length; NaN if nowhere."""
    n = profile.shape[1]
    outer, inner = np.median(profile[:, : n // 4], axis=1), np.median(profile[:, -n // 4 :], axis=1)
    level = 0.5 * (outer + inner)
    below = profile < level[:, None]
    below[:, 0] = False
    first = np.argmax(below, axis=1)
    rows = np.arange(len(profile))
    a, b = profile[rows, first - 1], profile[rows, first]
    with np.errstate(invalid="ignore", divide="ignore"):
        edge = (first - 1 + (a - level) / (a - b)) / (n - 1)
    contrast = outer - inner
    return np.where((first > 0) & (contrast > 0.3 * np.median(contrast)) & (contrast > 0), edge, np.nan)


def trimmed_fit(design: Array, values: Array, least: float) -> tuple[Array, NDArray[np.bool_]]:
    """Least squares without outliers: what lies further off than three robust standard deviations, and ``least``, is left out.

    Returns:
        The coefficients, and which values were kept.
    """
    fit = np.asarray(np.linalg.lstsq(design, values, rcond=None)[0], np.float64)
    keep = np.ones(len(values), np.bool_)
    for _ in range(4):
        off = np.abs(values - design @ fit)
        keep = off <= max(3 * 1.4826 * float(np.median(off)), least)
        fit = np.asarray(np.linalg.lstsq(design[keep], values[keep], rcond=None)[0], np.float64)
    return fit, keep


def locate_highlight(
    image: Image, others: Image, camera: Pinhole, centre_mm: Array, diameter_mm: float, saturation_dn: float, zone: str = ""
) -> Array:
    """Find the reflection of a light zone in the sphere.

    Args:
        image: (H, W) the zone's frame, DN.
        others: (H, W) the median of the other zones' frames, DN: what is not this zone's doing.
        camera: the calibrated camera.
        centre_mm: (3,) centre of the sphere, mm.
        diameter_mm: its diameter, mm.
        saturation_dn: digital number at which pixels saturate; the highlight may be saturated.
        zone: name of the zone, for messages.

    Returns:
        (2,) column and row of the highlight's centre of gravity, pixels.

    Raises:
        CalibrationFailed: there is no highlight (a dead light), or one too large (not a mirror, over-exposed).
    """
    outline = sphere_outline(camera, centre_mm, diameter_mm / 2).astype(np.float32)
    middle = outline.mean(0)
    mask = np.zeros(image.shape, np.uint8)
    cv2.fillPoly(mask, [np.rint(middle + _HIGHLIGHT_WITHIN * (outline - middle)).astype(np.int32)], 1)
    disc = mask.astype(bool)
    left, top, width, height = cv2.boundingRect(mask)
    window = (slice(top, top + height), slice(left, left + width))
    own = cv2.GaussianBlur(image[window].astype(np.float32) - others[window].astype(np.float32), (0, 0), 0.8)
    own = np.where(disc[window], own, -np.inf)
    base = float(np.median(own[disc[window]]))
    peak = float(own.max())
    if peak - base < 0.05 * saturation_dn:
        raise CalibrationFailed(
            f"Zone '{zone}' has no highlight in the sphere.",
            cure="Check that the zone lights up and that its cable is in the right socket, clean the sphere, then capture again.",
            detail="dead_light",
        )
    level = 0.5 * (base + peak)
    _, blobs = cv2.connectedComponents((own > level).astype(np.uint8))
    blob = blobs == blobs[np.unravel_index(np.argmax(own), own.shape)]
    if np.count_nonzero(blob) > 0.25 * np.count_nonzero(disc):
        raise CalibrationFailed(
            f"The highlight of zone '{zone}' covers much of the sphere.",
            cure="Use a polished mirror sphere, or a shorter exposure, then capture again.",
            detail="highlight_size",
        )
    rows, columns = np.nonzero(blob)
    weight = (own - level)[blob]
    return np.array([columns @ weight, rows @ weight]) / weight.sum() + [left, top]


def reflected_ray(camera: Pinhole, highlight_px: Array, centre_mm: Array, diameter_mm: float) -> tuple[Array, Array]:
    """The ray from a highlight on the sphere towards the light: its start (3,) mm and unit direction (3,), rig frame."""
    ray = view_rays(camera, highlight_px)
    start = camera.centre_mm
    along = float((centre_mm - start) @ ray)
    miss2 = float(((centre_mm - start) ** 2).sum()) - along**2
    radius = diameter_mm / 2
    on_sphere = start + ray * (along - np.sqrt(max(radius**2 - miss2, 0.0)))
    normal = (on_sphere - centre_mm) / radius
    return on_sphere, ray - 2 * (ray @ normal) * normal


def zone_position(starts_mm: Array, directions: Array, zone: str = "") -> tuple[Array, Array]:
    """The point nearest to all reflected rays, in the sense of least squares of angles.

    Args:
        starts_mm: (P, 3) starts of the rays, mm.
        directions: (P, 3) unit directions.
        zone: name of the zone, for messages.

    Returns:
        The zone's position (3,) mm, and for each ray its angle to the direction to that point (P,) degrees.

    Raises:
        CalibrationFailed: the rays are too few or too close together, miss one another, or meet below the plate.
    """
    together = CalibrationFailed(
        f"The sphere's places are too close together to tell how far away zone '{zone}' is.",
        cure="Capture the sphere at five places or more, spread over the field.",
        detail="places",
    )
    if len(starts_mm) < 2:
        raise together
    across = np.eye(3) - directions[:, :, None] * directions[:, None, :]  # (P, 3, 3)
    if np.linalg.cond(across.sum(0)) > 1e6:
        raise together
    point = np.linalg.solve(across.sum(0), np.einsum("pij,pj->i", across, starts_mm))
    for _ in range(5):  # a distance from a ray, over the distance along it, is an angle
        weight = 1 / ((point - starts_mm) ** 2).sum(1)
        point = np.linalg.solve(np.einsum("p,pij->ij", weight, across), np.einsum("p,pij,pj->i", weight, across, starts_mm))
    distance = np.linalg.norm(point - starts_mm, axis=1)
    to = (point - starts_mm) / distance[:, None]
    angle = np.degrees(2 * np.arcsin(np.clip(np.linalg.norm(to - directions, axis=1) / 2, 0, 1)))
    check_scatter(angle, zone, "The highlights")
    # Scatter of the point along its least certain direction, from the rays' own scatter.
    freedom = max(2 * len(starts_mm) - 3, 1)
    scatter = np.sqrt(np.radians(angle) @ np.radians(angle) / freedom / np.linalg.eigvalsh(np.einsum("p,pij->ij", 1 / distance**2, across))[0])
    if scatter > 0.3 * distance.mean():
        raise together
    if point[2] <= 0:
        raise CalibrationFailed(
            f"Zone '{zone}' seems to lie below the plate.", cure="Check the sphere's diameter, and capture it again.", detail="light_position"
        )
    return point, angle


def check_scatter(angles_deg: Array, zone: str, what: str) -> None:
    """Refuse a zone whose directions (P,) miss the fitted light by these angles, degrees.

    Raises:
        CalibrationFailed: their RMS is above 2°.
    """
    rms = float(np.sqrt(np.mean(angles_deg**2)))
    if rms > LARGEST_ANGLE_DEG:
        raise CalibrationFailed(
            f"{what} of zone '{zone}' do not point at one light: they miss it by {rms:.1f}°, most at sphere capture {np.argmax(angles_deg) + 1}.",
            cure="Check that the zones' cables were not swapped and nothing moved between the captures, then capture again.",
            detail="light_scatter",
        )
