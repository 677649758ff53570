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
"""Greatest distance over which the normals lead, pixels: against noise alone the best is the ratio of the cloud's noise to the
slopes', σ_z / (σ_slope · pitch), 3 µm / (0.01 · 29 µm) on the demo rig."""
BIAS_PX = 3.0
"""Standard deviation of the Gaussian over which normals and cloud are compared, pixels: the mean slope of the cloud is known to
0.1° over it."""
BIAS_WEIGHT = 2.0
"""λ for each σ_z that a wrong slope adds up to in a pixel."""
SLOPE_TOLERANCE = 0.15
"""What a normal's slope may be wrong by, mm/mm, before a step is assumed: 8°, more than matt and metal parts show away from steps."""
STEP_SIGMAS = 5.0
"""A difference of the cloud beyond this many of its standard deviations is a step, not noise."""

F32 = NDArray[np.float32]

_ITERATIONS = 30
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
    pitch, distance = np.float32(pixel_pitch_mm), np.float32(camera_distance_mm)
    start = np.where(known, -distance * np.log1p(-z_mm / distance), 0).astype(np.float32)
    sigma = np.where(known, sigma_z_mm, 1).astype(np.float32)
    excess, used = np.empty((2, *z_mm.shape), np.float32), np.empty((2, *z_mm.shape), np.float32)
    _excess(normals, valid, known, start, sigma, pitch, distance, np.float32(LEAST_FACING), np.float32(SLOPE_TOLERANCE), np.float32(STEP_SIGMAS), excess, used)
    weight = np.where(known, 1 / detail_px**2 + BIAS_WEIGHT * _bias(excess, used) / sigma, 0).astype(np.float32)
    correction = _solve(weight, -_divergence(excess), float(np.median(weight[known])))
    correction = _limited(correction, sigma, known)
    return np.where(known, -distance * np.expm1(-(start + correction) / distance), np.nan).astype(np.float32)


MODE = "C"
TH = 0.3
CLIP = 3.0
def _limited(correction, sigma, known):
    if MODE in "BC":
        m = cv2.GaussianBlur(np.where(known, correction, 0).astype(np.float32), (0,0), BIAS_PX)/np.maximum(cv2.GaussianBlur(known.astype(np.float32),(0,0),BIAS_PX),1e-3)
        correction = correction - np.sign(m)*np.maximum(np.abs(m)-TH*sigma,0)
    if MODE in "AC":
        correction = np.clip(correction, -CLIP*sigma, CLIP*sigma)
    return correction


def _bias(excess: F32, used: F32) -> F32:
    """Size of the mean difference of slopes between normals and cloud around each pixel, mm a pixel."""
    means = []
    for e, n in zip(excess, used, strict=True):
        total, count = (np.asarray(cv2.GaussianBlur(i, (0, 0), BIAS_PX), np.float32) for i in (e, n))
        means.append(total / np.maximum(count, 1e-3))
    return np.hypot(*means)


def _divergence(flow: F32) -> F32:
    out = flow[0] + flow[1]
    out[:, 1:] -= flow[0][:, :-1]
    out[1:] -= flow[1][:-1]
    return out


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


@njit(cache=True, error_model="numpy", parallel=True, nogil=True)
def _excess(normals, valid, known, start, sigma, pitch, distance, least, tolerance, sigmas, excess, used):
    """By how much the normals' rise to the next column and row exceeds the start's, mm: (2, H, W) float32, written to ``excess``.

    Zero where no normal is known, across a step, and through the image's edge; ``used`` is 1 elsewhere.
    """
    H, W = start.shape
    for v in prange(H):
        for u in range(W):
            here = _slopes(normals, v, u, H, W, pitch, distance, least)
            for axis in range(2):
                excess[axis, v, u] = used[axis, v, u] = 0
                y, x = v + axis, u + 1 - axis
                if y >= H or x >= W or not (known[v, u] and known[y, x]) or not (valid[v, u] or valid[y, x]):
                    continue
                count = np.float32(valid[v, u]) + np.float32(valid[y, x])
                there = _slopes(normals, y, x, H, W, pitch, distance, least)
                slope = (here[axis] * np.float32(valid[v, u]) + there[axis] * np.float32(valid[y, x])) / count
                extra = slope - (start[y, x] - start[v, u])
                # A steep slope is known less well, and changes more within a pixel.
                allowed = sigmas * np.sqrt(sigma[v, u] ** 2 + sigma[y, x] ** 2) + tolerance * (pitch + slope * slope / pitch)
                if abs(extra) > allowed:
                    continue
                excess[axis, v, u] = extra
                used[axis, v, u] = 1
