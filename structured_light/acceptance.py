"""What a measured artefact says about the rig, in the manner of VDI/VDE 2634 part 2: a plane, two spheres on a bar, a step.

Each function takes the organised points of one scan and the artefact's certificate, finds the artefact in them, and fits it by least squares.
At most 0.3 % of the points may be rejected before a fit is judged, as the guideline has it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from rig_configs.errors import ReconstructionError

F64 = NDArray[np.float64]

REJECTED_SHARE = 0.003
"""The largest residuals that do not count."""
CAP_SHARE = 0.75
"""Sphere points count down to where the surface has turned away from the camera by this share of the radius."""
TOP_SHARE = 0.3
"""A sphere is found by what stands above this share of its diameter."""
GROSS_SIGMAS = 5.0
MARGIN_PX_SHARE = 0.01
"""Points nearer than this share of the image's width to the artefact's rim do not count: they are edges, not faces."""


@dataclass(frozen=True, slots=True)
class PlaneFit:
    """A measured plane."""

    sigma_um: float
    """Standard deviation of the distances from the plane, µm."""
    flatness_um: float
    """Range of the distances, µm, without the 0.3 % largest."""
    completeness: float
    """Share of the field's pixels that have a point."""
    outlier_rate: float
    """Share of points further than 5 σ from the plane, σ as predicted or as found, whichever is larger."""
    residual_um: NDArray[np.float32]
    """(H, W) signed distances, µm, for the report; NaN where there is no point."""


@dataclass(frozen=True, slots=True)
class SphereFit:
    """A measured sphere."""

    centre_mm: tuple[float, float, float]
    form_um: float
    """Standard deviation of the radial distances, µm."""
    form_range_um: float
    """Range of the radial distances, µm, without the 0.3 % largest: the guideline's probing error of form."""
    diameter_mm: float
    points: int
    outlier_rate: float


@dataclass(frozen=True, slots=True)
class StepFit:
    """A measured step between two parallel faces."""

    height_mm: float
    upper_sigma_um: float
    lower_sigma_um: float


def measure_plane(xyz_mm: NDArray[np.float32], sigma_z_mm: NDArray[np.float32]) -> PlaneFit:
    """Fit a plane that fills the field.

    Args:
        xyz_mm: (H, W, 3) points in the rig frame, mm, NaN where unknown.
        sigma_z_mm: (H, W) their predicted standard deviation, mm.

    Raises:
        ReconstructionError: there are hardly any points.
    """
    known = np.isfinite(xyz_mm[..., 2])
    points = _enough(xyz_mm[known].astype(np.float64), "plane")
    distance = _plane_distances(points)
    kept = np.abs(distance) <= np.quantile(np.abs(distance), 1 - REJECTED_SHARE)
    distance = _plane_distances(points, kept)
    sigma = float(distance[kept].std())
    residual = np.full(known.shape, np.nan, np.float32)
    residual[known] = 1e3 * distance
    gross = np.abs(distance) > GROSS_SIGMAS * np.maximum(sigma_z_mm[known], sigma)
    return PlaneFit(1e3 * sigma, 1e3 * float(np.ptp(distance[kept])), float(known.mean()), float(gross.mean()), residual)


def measure_spheres(xyz_mm: NDArray[np.float32], sigma_z_mm: NDArray[np.float32], diameter_mm: float, count: int) -> list[SphereFit]:
    """Fit spheres that lie on the reference plane, apart from each other; left to right in the image.

    Args:
        xyz_mm: (H, W, 3) points in the rig frame, mm, NaN where unknown.
        sigma_z_mm: (H, W) their predicted standard deviation, mm.
        diameter_mm: by certificate; used to find and to bound the cap, never in the fit.
        count: how many there are.

    Raises:
        ReconstructionError: another number of spheres is seen.
    """
    height = np.nan_to_num(xyz_mm[..., 2], nan=-1.0)
    tops = cv2.morphologyEx((height > TOP_SHARE * diameter_mm).astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(tops, connectivity=8)
    large = [i for i in range(1, len(stats)) if stats[i, cv2.CC_STAT_AREA] > 0.2 * stats[1:, cv2.CC_STAT_AREA].max()]
    if len(large) != count:
        raise ReconstructionError(
            f"{len(large)} spheres are seen, not {count}.", cure="Lay the artefact wholly into the field and scan again.", detail="artefact"
        )
    large.sort(key=lambda i: stats[i, cv2.CC_STAT_LEFT])
    return [_sphere(xyz_mm[labels == i].astype(np.float64), sigma_z_mm[labels == i], diameter_mm / 2) for i in large]


def measure_step(xyz_mm: NDArray[np.float32], nominal_mm: float) -> StepFit:
    """Distance between a block's upper face and the plane it stands on, both fitted with one direction.

    Args:
        xyz_mm: (H, W, 3) points in the rig frame, mm, NaN where unknown.
        nominal_mm: by certificate; used to tell the faces apart, never in the fit.

    Raises:
        ReconstructionError: two faces are not seen.
    """
    known = np.isfinite(xyz_mm[..., 2])
    margin = max(3, round(MARGIN_PX_SHARE * known.shape[1])) | 1
    around = np.ones((margin, margin), np.uint8)
    base = _plane_of(_enough(xyz_mm[known].astype(np.float64), "base"))
    above = np.where(known, _height_over(xyz_mm, base), np.nan)
    upper, lower = above > nominal_mm / 2, above <= nominal_mm / 2
    faces = [xyz_mm[cv2.erode((side & known).astype(np.uint8), around) > 0].astype(np.float64) for side in (lower, upper)]
    low, high = (_enough(f, "step") for f in faces)
    offsets = np.concatenate([np.zeros(len(low)), np.ones(len(high))])
    both = np.concatenate([low, high])
    design = np.column_stack([np.ones(len(both)), both[:, :2] - both[:, :2].mean(axis=0), offsets])
    kept, off, values = np.ones(len(both), bool), np.zeros(len(both)), np.zeros(4)
    for _ in range(2):
        values = np.linalg.lstsq(design[kept], both[kept, 2], rcond=None)[0]
        off = both[:, 2] - design @ values
        kept = np.abs(off) <= np.quantile(np.abs(off), 1 - REJECTED_SHARE)
    tilt = 1 / np.sqrt(1 + values[1] ** 2 + values[2] ** 2)
    sigma_um = [1e3 * tilt * float(off[kept & (offsets == side)].std()) for side in (1, 0)]
    return StepFit(float(values[3] * tilt), sigma_um[0], sigma_um[1])


def temporal_sigma(z_mm: NDArray[np.float32], predicted_mm: NDArray[np.float32]) -> tuple[float, float]:
    """Scatter of repeated scans of one scene, and how well it was predicted.

    Args:
        z_mm: (N, H, W) heights of N scans.
        predicted_mm: (N, H, W) their predicted standard deviations.

    Returns:
        root mean square over the pixels of the scatter, µm, and the predicted one over it.
    """
    always = np.isfinite(z_mm).all(axis=0)
    measured = float(np.sqrt(np.mean(np.var(z_mm[:, always].astype(np.float64), axis=0, ddof=1))))
    predicted = float(np.sqrt(np.mean(predicted_mm[:, always].astype(np.float64) ** 2)))
    return 1e3 * measured, predicted / measured


def _sphere(points: F64, sigma_mm: NDArray[np.float32], radius_mm: float) -> SphereFit:
    known = np.isfinite(points[:, 2])
    points, sigma_mm = _enough(points[known], "sphere"), sigma_mm[known]
    # Algebraic fit (|p|² = 2 c·p + k) as the start of the geometric one.
    middle = points.mean(axis=0)
    centred = points - middle
    start = np.linalg.lstsq(np.column_stack([2 * centred, np.ones(len(centred))]), np.sum(centred**2, axis=1), rcond=None)[0]
    x = np.array([*start[:3], np.sqrt(start[3] + start[:3] @ start[:3])])
    used = np.ones(len(points), bool)
    for _ in range(3):
        cap = np.hypot(*(centred[:, :2] - x[:2]).T) < CAP_SHARE * radius_mm
        off = np.linalg.norm(centred - x[:3], axis=1) - x[3]
        used = cap & (np.abs(off) <= np.quantile(np.abs(off[cap]), 1 - REJECTED_SHARE))
        chosen = centred[used]
        for _ in range(4):  # Gauss-Newton: a sphere's residuals are nearly linear in centre and radius
            radial = chosen - x[:3]
            distance = np.linalg.norm(radial, axis=1)
            x = x + np.linalg.lstsq(np.column_stack([radial / distance[:, None], np.ones(len(chosen))]), distance - x[3], rcond=None)[0]
    off = np.linalg.norm(centred - x[:3], axis=1) - x[3]
    sigma = float(off[used].std())
    cap = np.hypot(*(centred[:, :2] - x[:2]).T) < CAP_SHARE * radius_mm
    gross = np.abs(off[cap]) > GROSS_SIGMAS * np.maximum(sigma_mm[cap], sigma)
    centre = middle + x[:3]
    return SphereFit(
        (float(centre[0]), float(centre[1]), float(centre[2])),
        1e3 * sigma,
        1e3 * float(np.ptp(off[used])),
        2 * float(x[3]),
        int(used.sum()),
        float(gross.mean()),
    )


def _plane_of(points: F64) -> F64:
    """z = a + b x + c y of the lower half of the points: what a block on a plane leaves of the plane."""
    design = np.column_stack([np.ones(len(points)), points[:, :2]])
    values = np.array([np.median(points[:, 2]), 0.0, 0.0])
    for _ in range(8):
        off = points[:, 2] - design @ values
        low = off <= max(float(np.median(off)), 0.0) + 3e-2
        values = np.linalg.lstsq(design[low], points[low, 2], rcond=None)[0]
    return values.astype(np.float64)


def _height_over(xyz_mm: NDArray[np.float32], plane: F64) -> F64:
    return (xyz_mm[..., 2] - plane[0] - xyz_mm[..., 0] * plane[1] - xyz_mm[..., 1] * plane[2]).astype(np.float64)


def _plane_distances(points: F64, kept: NDArray[np.bool_] | None = None) -> F64:
    """Signed distances from the plane through those kept, upwards, mm."""
    chosen = points if kept is None else points[kept]
    middle = chosen.mean(axis=0)
    centred = chosen - middle
    normal = np.linalg.svd(centred.T @ centred)[0][:, 2]
    return ((points - middle) @ (normal * np.sign(normal[2]))).astype(np.float64)


def _enough(points: F64, what: str) -> F64:
    if len(points) < 500:
        raise ReconstructionError(
            f"Only {len(points)} points of the {what} were measured.",
            cure="Lay the artefact into the field, matt and evenly lit, and scan again.",
            detail="artefact",
        )
    return points
