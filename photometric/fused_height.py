"""The fused height: the cloud's trueness with the normals' detail.

The height z sought has the normals' slopes g between neighbouring pixels a, b, and is the cloud's z_SL on the whole, both in the
least-squares sense:

    Σ (z_b - z_a - g_ab)² + Σ λ_p (z_p - z_SL,p)² → min,   hence   (Λ + ω²) ẑ = Λ z_SL - div g

(screened Poisson; D. Nehab, S. Rusinkiewicz, J. Davis, R. Ramamoorthi, Efficiently combining positions and normals for precise
3D geometry, SIGGRAPH 2005). Five things keep it honest on real parts:

- *Bias.* Metal, interreflections, and lamps that stand a little elsewhere turn normals by degrees, but alike for neighbours, as
  noise does not. What the normals' slopes are off the cloud's in the mean around each pixel is taken off them: the cloud tells
  slopes over some pixels well enough, and normals tell what is finer.
- *Creases.* At a sharp edge the lens and the mosaic blur the normals over a pixel or two, to both sides alike, so that the mean
  slopes still agree: λ_p grows with the change of the normals' slope from pixel to pixel, over the cloud's σ_z.
- *Steps.* Where the cloud's difference between two pixels is not the normals' within what its noise and their tolerance allow
  (a wall, whose slope a camera does not see), or neither normal is known, the cloud's difference stands in for g: steps stay as
  sharp, and as rough, as in the cloud.
- *Limit.* No pixel leaves the cloud by more than three of its standard deviations.
- *Blindness.* Where the cloud is blind the result is NaN. Normals could lead on from its rim, but the cloud is blind where walls
  are: on the demo rig's parts such heights were wrong by 2 to 5 mm.

As λ is at least 1/FARTHEST_PX², what a pixel says reaches some pixels far, and Chebyshev's iteration with bounds known beforehand (G. Golub,
R. Varga, Numerische Mathematik 3, 1961) solves the system for the correction to the cloud in passes that each read and write it once.
Through a pin-hole it is the logarithm of depth that has the normals' slopes; see :mod:`photometric.integration`.
"""

from __future__ import annotations

import cv2
import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from photometric.integration import LEAST_FACING

DETAIL_PX = 4.0
"""Distance over which normals lead, pixels: λ is 1/DETAIL_PX² where the cloud is as certain as it mostly is. What is coarser the bias has taken off them anyhow."""
FARTHEST_PX = 6.0
"""The same where the cloud is less certain than it mostly is: λ falls with 1/σ_z² down to 1/FARTHEST_PX²."""
BIAS_PX = 3.0
"""Standard deviation of the Gaussian over which slopes are compared, pixels: over it a cloud's noise averages to a tenth."""
CREASE_WEIGHT = 1.0
"""λ for each σ_z that the normals' slope changes by from a pixel to the next: chosen on three parts (docs/decisions/0008-fused-height.md)."""
CREASE_PX = 1.5
"""Standard deviation of the Gaussian that spreads a crease over the pixels around it."""
SLOPE_TOLERANCE = 0.1
"""What a slope may be wrong by before a step is assumed, mm/mm (6°)."""
STEP_SIGMAS = 4.0
"""A difference of the cloud beyond this many of its standard deviations is a step, not noise."""
LIMIT_SIGMAS = 3.0
"""What a pixel may leave the cloud by, in its standard deviations."""

F32 = NDArray[np.float32]

_PASSES = 44
"""They leave a thousandth of the correction."""


def fuse_height(normals: F32, valid: NDArray[np.bool_], z_mm: F32, sigma_z_mm: F32, pixel_pitch_mm: float, camera_distance_mm: float) -> F32:
    """Join the cloud's height and the normals.

    Args:
        normals: (H, W, 3) unit vectors in the rig frame (y against rows).
        valid: (H, W) where to believe them.
        z_mm: (H, W) height of the cloud in the rig frame, mm; NaN where unknown.
        sigma_z_mm: (H, W) its standard deviation, mm; NaN where unknown.
        pixel_pitch_mm: size of a pixel on the reference plane, mm.
        camera_distance_mm: distance of the camera's centre of projection from the reference plane, mm.

    Returns:
        (H, W) height in the rig frame, mm; NaN where the cloud is. Without valid normals it is the cloud's height.
    """
    known = np.isfinite(z_mm) & (sigma_z_mm > 0)
    if not known.any():
        return np.full(z_mm.shape, np.nan, np.float32)
    distance = np.float32(camera_distance_mm)
    cloud = np.where(known, -distance * np.log1p(-z_mm / distance), 0).astype(np.float32)
    sigma = np.where(known, sigma_z_mm, 1).astype(np.float32)
    excess, used = np.empty((2, *z_mm.shape), np.float32), np.empty((2, *z_mm.shape), np.float32)
    _compare_slopes(
        normals, valid, known, cloud, sigma, np.float32(pixel_pitch_mm), distance, np.float32(LEAST_FACING), np.float32(SLOPE_TOLERANCE),
        np.float32(STEP_SIGMAS), excess, used,
    )  # fmt: skip
    _without_bias(excess, used)
    certainty = np.minimum((np.median(sigma[known]) / sigma) ** 2, 1)
    creases = _creases(normals, valid, pixel_pitch_mm, camera_distance_mm)
    lam = np.maximum(certainty / DETAIL_PX**2, 1 / FARTHEST_PX**2) + CREASE_WEIGHT * creases / sigma
    correction = _solve(np.where(known, lam, 1).astype(np.float32), -_divergence(excess))
    limit = LIMIT_SIGMAS * sigma
    fused = -distance * np.expm1(-(cloud + np.clip(correction, -limit, limit)) / distance)
    return np.where(known, fused, np.nan).astype(np.float32)


def _without_bias(excess: F32, used: F32) -> None:
    """Take off what the slopes of the normals are off the cloud's in the mean around each pixel."""
    for e, n in zip(excess, used, strict=True):
        total, count = (cv2.GaussianBlur(image, (0, 0), BIAS_PX) for image in (e, n))
        e -= n * total / np.maximum(count, 1e-3)


def _creases(normals: F32, valid: NDArray[np.bool_], pitch: float, distance: float) -> F32:
    """Change of the normals' slope from one pixel to the next, mm a pixel each, around every pixel."""
    H, W = valid.shape
    rise = np.zeros((2, H, W), np.float32)
    _all_slopes(normals, valid, np.float32(pitch), np.float32(distance), np.float32(LEAST_FACING), rise)
    along, across = np.array([-0.5, 0, 0.5], np.float32), np.ones(1, np.float32)
    squares = np.zeros((H, W), np.float32)
    for slope in rise:
        for kx, ky in ((along, across), (across, along)):
            squares += cv2.sepFilter2D(slope, cv2.CV_32F, kx, ky) ** 2
    return np.asarray(cv2.GaussianBlur(np.sqrt(squares), (0, 0), CREASE_PX), np.float32)


def _divergence(flow: F32) -> F32:
    """Divergence of (2, H, W) flows to the next column and row, of which nothing comes in from outside."""
    out = flow[0] + flow[1]
    out[:, 1:] -= flow[0][:, :-1]
    out[1:] -= flow[1][:-1]
    return out


def _solve(lam: F32, right: F32) -> F32:
    """x of (Λ + ω²) x = right."""
    # D = Λ + 4 holds the diagonal, so that the eigenvalues of D⁻¹(Λ + ω²) lie from λ/(λ + 4) of the least λ to 2.
    least = 1 / (1 + 4 * FARTHEST_PX**2)
    middle, half = (2 + least) / 2, (2 - least) / 2
    x, after, step = np.zeros_like(right), np.empty_like(right), np.zeros_like(right)
    keep, take = 0.0, 1 / middle
    for n in range(_PASSES):
        _improve(lam, right, x, step, np.float32(keep), np.float32(take), after)
        x, after = after, x
        before = take
        take = 1 / (middle - half * half * before / (2 if n == 0 else 4))
        keep = take * middle - 1
    return x


@njit(cache=True, error_model="numpy", parallel=True, nogil=True)
def _improve(lam, right, x, step, keep, take, out):
    """One pass: step = keep · step + take · D⁻¹(right - (Λ + ω²) x), out = x + step; nothing flows through the image's edge."""
    H, W = x.shape
    for v in prange(H):
        up, down = max(v - 1, 0), min(v + 1, H - 1)
        for u in range(W):
            left, beside = x[v, max(u - 1, 0)], x[v, min(u + 1, W - 1)]
            here = x[v, u]
            off = right[v, u] - lam[v, u] * here + (left - here) + (beside - here) + (x[up, u] - here) + (x[down, u] - here)
            change = keep * step[v, u] + take * off / (lam[v, u] + np.float32(4))
            step[v, u] = change
            out[v, u] = here + change


@njit(cache=True, error_model="numpy", inline="always")
def _slopes(normals, v, u, H, W, pitch, distance, least):
    """Change of -distance·ln(depth) along columns and rows, mm a pixel."""
    a, b = (u - np.float32(0.5) * (W - 1)) * pitch / distance, (np.float32(0.5) * (H - 1) - v) * pitch / distance
    facing = max(normals[v, u, 2] - a * normals[v, u, 0] - b * normals[v, u, 1], least)
    return -normals[v, u, 0] / facing * pitch, normals[v, u, 1] / facing * pitch


@njit(cache=True, error_model="numpy", parallel=True, nogil=True)
def _all_slopes(normals, valid, pitch, distance, least, rise):
    """Rise to the next column and row of (2, H, W) where normals are valid; elsewhere it stays as it is."""
    H, W = valid.shape
    for v in prange(H):
        for u in range(W):
            if valid[v, u]:
                rise[0, v, u], rise[1, v, u] = _slopes(normals, v, u, H, W, pitch, distance, least)


@njit(cache=True, error_model="numpy", parallel=True, nogil=True)
def _compare_slopes(normals, valid, known, cloud, sigma, pitch, distance, least, tolerance, sigmas, excess, used):
    """By how much the normals' rise to the next column and the next row exceeds the cloud's.

    Args:
        normals: (H, W, 3) float32.
        valid: (H, W) bool, where to believe them.
        known: (H, W) bool, where to believe the cloud.
        cloud: (H, W) float32, -distance·ln(depth/distance), mm.
        sigma: (H, W) float32, its standard deviation, mm.
        pitch: pixel pitch on the reference plane, mm.
        distance: camera's height above the reference plane, mm.
        least: smallest cosine between normal and viewing ray to believe.
        tolerance: see SLOPE_TOLERANCE.
        sigmas: see STEP_SIGMAS.
        excess: (2, H, W) float32, written: mm; zero where there is nothing to compare, across a step, and through the image's edge.
        used: (2, H, W) float32, written: 0 there, else 1.
    """
    H, W = cloud.shape
    for v in prange(H):
        for u in range(W):
            here = _slopes(normals, v, u, H, W, pitch, distance, least)
            for axis in range(2):
                excess[axis, v, u] = used[axis, v, u] = 0
                y, x = v + axis, u + 1 - axis
                if y >= H or x >= W or not (known[v, u] and known[y, x]) or not (valid[v, u] or valid[y, x]):
                    continue
                there = _slopes(normals, y, x, H, W, pitch, distance, least)
                if not valid[y, x]:
                    slope = here[axis]
                elif not valid[v, u]:
                    slope = there[axis]
                else:
                    slope = np.float32(0.5) * (here[axis] + there[axis])
                extra = slope - (cloud[y, x] - cloud[v, u])
                # A steep slope is known less well, and changes more within a pixel.
                if abs(extra) <= sigmas * np.sqrt(sigma[v, u] ** 2 + sigma[y, x] ** 2) + tolerance * (pitch + slope * slope / pitch):
                    excess[axis, v, u] = extra
                    used[axis, v, u] = 1
