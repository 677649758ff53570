"""The fused height: the cloud's trueness with the normals' detail.

The height sought follows the normals from pixel to pixel and the cloud on the whole; both in the least-squares sense,

    Σ (z_a - z_b - g_ab)² over neighbours + Σ λ_p (z_p - z_SL,p)² over pixels → min,     (Λ + ω²) ẑ = Λ z_SL - div g,

which the cosine transform solves in closed form where λ is the same everywhere, ẑ = (λ z_SL - div g) / (λ + ω²) (screened
Poisson; after D. Nehab et al., Efficiently combining positions and normals for precise 3D geometry, SIGGRAPH 2005). Details
finer than 1/√λ pixels come from the normals, everything coarser from the cloud: a bias of the normals that is smooth over that
distance, which is what near-light errors and calibration leave, does no harm.

Three things keep it honest on real parts:

- *Steps.* Where the cloud's own difference between two pixels is out of what its noise and the normals' tolerance allow (a
  wall, whose slope a camera does not see; an undercut), or no normal is known, the cloud's difference is used in place of g.
  Steps stay as sharp, and as rough, as in the cloud.
- *Confidence.* λ goes with 1/σ_z² of the cloud, and is zero where the cloud is blind. The system is then no longer one
  transform; it is solved for the correction to the cloud by conjugate gradients with the closed form as preconditioner.
- *Reach.* Where the cloud is blind, the normals lead on from its rim, as far as details reach, 1/√λ pixels: beyond that a
  height would be a guess, and stays NaN.

Seen through a pin-hole, the logarithm of depth is what has the normals' slopes; see :mod:`photometric.integration`.
"""

from __future__ import annotations

import os

import cv2
import numpy as np
from numba import njit, prange
from numpy.typing import NDArray
from scipy import fft

from photometric.integration import LEAST_FACING

DETAIL_PX = 10.0
"""Distance up to which details come from the normals, pixels: λ = 1/DETAIL_PX²."""
SLOPE_TOLERANCE = 0.15
"""What a normal's slope may be wrong by, mm/mm, before a step is assumed: 8°, more than matt and metal parts show away from steps."""
STEP_SIGMAS = 5.0
"""A difference of the cloud beyond this many of its standard deviations is a step, not noise."""

F32 = NDArray[np.float32]

_CONFIDENCE = (0.01, 4.0)  # of a pixel against the median one: no pixel nails the surface down, none is ignored for its σ alone
_ITERATIONS = 20
_ENOUGH = 1e-3


def fuse_height(
    normals: F32,
    valid: NDArray[np.bool_],
    z_mm: F32,
    sigma_z_mm: F32,
    pixel_pitch_mm: float,
    camera_distance_mm: float,
    detail_px: float = DETAIL_PX,
) -> F32:
    """Join normals and the cloud's height.

    Args:
        normals: (H, W, 3) unit vectors in the rig frame (y against rows).
        valid: (H, W) where to believe them.
        z_mm: (H, W) height of the cloud in the rig frame, mm; NaN where unknown.
        sigma_z_mm: (H, W) its standard deviation, mm; NaN where unknown.
        pixel_pitch_mm: size of a pixel on the reference plane, mm.
        camera_distance_mm: distance of the camera's centre of projection from the reference plane, mm.
        detail_px: distance up to which details come from the normals, pixels. The optimum against noise alone is the ratio of the
            cloud's noise to the slopes', σ_z / (σ_slope · pitch): 3 µm / (0.01 · 29 µm) ≈ 10 on the reference rigs; less where
            the normals are wrong over short distances.

    Returns:
        (H, W) height in the rig frame, mm; NaN where neither knows.
    """
    known = np.isfinite(z_mm) & np.isfinite(sigma_z_mm)
    if not known.any():
        return np.full(z_mm.shape, np.nan, np.float32)
    lam = 1 / detail_px**2
    distance = np.float32(camera_distance_mm)
    start, away_px = _filled(-distance * np.log1p(-z_mm / distance), known)
    typical = np.float32(np.median(sigma_z_mm[known]))
    sigma = np.where(known, sigma_z_mm, typical).astype(np.float32)
    weight = np.where(known, lam * np.clip((typical / sigma) ** 2, *_CONFIDENCE), 0).astype(np.float32)
    flow = np.empty(z_mm.shape, np.float32)
    _disagreement(
        normals, valid, known, start, sigma, np.float32(pixel_pitch_mm), distance, np.float32(LEAST_FACING), np.float32(SLOPE_TOLERANCE),
        np.float32(STEP_SIGMAS), flow,
    )  # fmt: skip
    log_depth = start + _solve(weight, flow, lam)
    fused = -distance * np.expm1(-log_depth / distance)
    fused[~(known | (valid & (away_px <= detail_px)))] = np.nan
    return fused.astype(np.float32)


def _filled(values: F32, known: NDArray[np.bool_]) -> tuple[F32, F32]:
    """Values with every unknown one taken from the nearest known, and how far away that is, pixels."""
    away, label = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )  # labels are given to the known pixels one by one
    by_label = np.empty(int(label.max()) + 1, np.float32)
    by_label[label[known]] = values[known]
    return by_label[label], np.asarray(away, np.float32)


def _solve(weight: F32, right: F32, lam: float) -> F32:
    """Conjugate gradients for (Λ + ω²) x = right, preconditioned by the closed form for the same λ everywhere."""
    H, W = right.shape
    workers = min(8, os.cpu_count() or 1)
    omega2 = (2 - 2 * np.cos(np.pi * np.arange(H) / H))[:, None] + (2 - 2 * np.cos(np.pi * np.arange(W) / W))[None, :]
    closed_form = (1 / (lam + omega2)).astype(np.float32)

    def precondition(values: F32) -> F32:
        spectrum = np.asarray(fft.dctn(values, type=2, norm="ortho", workers=workers))
        spectrum *= closed_form
        return np.asarray(fft.idctn(spectrum, type=2, norm="ortho", overwrite_x=True, workers=workers), np.float32)

    x = np.zeros_like(right)
    residual = right.copy()
    z = precondition(residual)
    direction = z.copy()
    rho = first = float(np.vdot(residual, z))
    applied = np.empty_like(right)
    for _ in range(_ITERATIONS):
        if rho <= _ENOUGH**2 * first:
            break
        _apply(weight, direction, applied)
        step = np.float32(rho / float(np.vdot(direction, applied)))
        x += step * direction
        residual -= step * applied
        z = precondition(residual)
        rho, before = float(np.vdot(residual, z)), rho
        direction *= np.float32(rho / before)
        direction += z
    return x


@njit(cache=True, error_model="numpy", parallel=True, nogil=True)
def _apply(weight, x, out):
    """(Λ + ω²) x: the screened Laplacian, nothing flowing through the image's edge."""
    H, W = x.shape
    for v in prange(H):
        for u in range(W):
            total = weight[v, u] * x[v, u]
            if u > 0:
                total += x[v, u] - x[v, u - 1]
            if u + 1 < W:
                total += x[v, u] - x[v, u + 1]
            if v > 0:
                total += x[v, u] - x[v - 1, u]
            if v + 1 < H:
                total += x[v, u] - x[v + 1, u]
            out[v, u] = total


@njit(cache=True, error_model="numpy", inline="always")
def _slopes(normals, v, u, H, W, pitch, distance, least):
    """Change of -distance·ln(depth) along columns and rows, mm a pixel."""
    a, b = (u - np.float32(0.5) * (W - 1)) * pitch / distance, (np.float32(0.5) * (H - 1) - v) * pitch / distance
    facing = max(normals[v, u, 2] - a * normals[v, u, 0] - b * normals[v, u, 1], least)
    return -normals[v, u, 0] / facing * pitch, normals[v, u, 1] / facing * pitch


@njit(cache=True, error_model="numpy", inline="always")
def _extra(slope_a, slope_b, valid_a, valid_b, known, rise, sigma_a, sigma_b, pitch, tolerance, sigmas):
    """By how much the normals' rise from a to b exceeds the start's; zero where they know none, or across a step."""
    count = np.float32(valid_a) + np.float32(valid_b)
    if count == 0:
        return np.float32(0)
    slope = (slope_a * np.float32(valid_a) + slope_b * np.float32(valid_b)) / count
    # A steep slope is known less well, and changes more within a pixel.
    allowed = sigmas * np.sqrt(sigma_a * sigma_a + sigma_b * sigma_b) + tolerance * (pitch + slope * slope / pitch)
    if known and abs(slope - rise) > allowed:
        return np.float32(0)
    return slope - rise


@njit(cache=True, error_model="numpy", parallel=True, nogil=True)
def _disagreement(normals, valid, known, start, sigma, pitch, distance, least, tolerance, sigmas, out):
    """-div of what the normals' slopes exceed the start's by, mm a pixel²: (H, W) float32, written to ``out``."""
    H, W = start.shape
    for v in prange(H):
        for u in range(W):
            p, q = _slopes(normals, v, u, H, W, pitch, distance, least)
            total = np.float32(0)
            for side in range(4):
                dv, du = ((0, -1), (0, 1), (-1, 0), (1, 0))[side]
                y, x = v + dv, u + du
                if y < 0 or y >= H or x < 0 or x >= W:
                    continue
                p2, q2 = _slopes(normals, y, x, H, W, pitch, distance, least)
                sign = np.float32(du + dv)
                own, other = (p, p2) if du != 0 else (q, q2)
                rise = sign * (start[y, x] - start[v, u])
                both = known[v, u] and known[y, x]
                total -= sign * _extra(own, other, valid[v, u], valid[y, x], both, rise, sigma[v, u], sigma[y, x], pitch, tolerance, sigmas)
            out[v, u] = total
