"""Relative height from normals that stops at steps.

Every pixel's slope should be the height's difference to its neighbours on *both* sides of it, along columns and along rows; at a step
one side disagrees, and the one that agrees better decides, softly: with residuals r₊ and r₋ of the two sides, their weights are
w₊ = σ(k (r₋² - r₊²)) and w₋ = 1 - w₊ (X. Cao, H. Santo, B. Shi, F. Okura, Y. Matsushita, Bilateral normal integration, ECCV 2022).
Weights and height are solved in turns. Each turn is a Laplace equation with a weight an edge, by conjugate gradients preconditioned
by the cosine transform.

It costs some hundred cosine transforms: for regions with steps, not for whole pictures. A piece that is cut off by steps on all
sides has a height of its own, which no normal tells.
"""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from photometric.integration import LEAST_FACING, integrate_normals

SHARPNESS = 10.0
"""k: how soon a side is believed alone; residuals are in pixels. With the paper's 2 a wall takes three times the rounds."""
ROUNDS = 60
_ENOUGH = 1e-4
_LOOSE = 1e-4
"""What still ties pixels across a step, so that every piece has a height."""

F64 = NDArray[np.float64]


def integrate_bilaterally(
    normals: NDArray[np.float32],
    valid: NDArray[np.bool_],
    pixel_pitch_mm: float,
    camera_distance_mm: float,
    sharpness: float = SHARPNESS,
    rounds: int = ROUNDS,
) -> NDArray[np.float32]:
    """Integrate normals to relative height, keeping steps.

    Args:
        normals: (H, W, 3) unit vectors in the rig frame (y against rows), of a picture that has the optical axis in its middle.
        valid: (H, W) where to believe them; what lies between is filled in level.
        pixel_pitch_mm: size of a pixel on the reference plane, mm.
        camera_distance_mm: distance of the camera's centre of projection from the reference plane, mm.
        sharpness: see SHARPNESS.
        rounds: at most how often weights and height are solved in turns.

    Returns:
        (H, W) height in mm, mean zero over the valid pixels; NaN outside the rectangle that holds them, which alone is integrated.
    """
    H, W = valid.shape
    pitch, distance = pixel_pitch_mm, camera_distance_mm
    height = np.full(valid.shape, np.nan, np.float32)
    if not valid.any():
        return height
    rows, columns = (np.flatnonzero(valid.any(axis=axis)) for axis in (1, 0))
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    start = integrate_normals(normals, valid, pitch, distance)[box].astype(np.float64)
    # -distance·ln(depth/distance) in pixels is what integrates exactly; see photometric.integration.
    z = -distance * np.log1p(-start / distance) / pitch
    a = (np.arange(W)[box[1]] - (W - 1) / 2) * pitch / distance
    b = ((H - 1) / 2 - np.arange(H)[box[0]])[:, None] * pitch / distance
    normals, valid = normals[box], valid[box]
    n = np.where(valid[..., None], normals, np.array([0, 0, 1], np.float32)).astype(np.float64)
    facing: F64 = np.maximum(n[..., 2] - a * n[..., 0] - b * n[..., 1], LEAST_FACING)
    slopes = (-n[..., 0] / facing, n[..., 1] / facing)
    inverse = _closed_form(*valid.shape)
    before = np.inf
    for _ in range(rounds):
        weights, flows, energy = [], [], 0.0
        for axis, slope in zip((1, 0), slopes, strict=True):
            w, g, e = _edges(z, slope, facing, valid, axis, sharpness)
            weights.append(w)
            flows.append(g)
            energy += e
        if before - energy <= _ENOUGH * energy and np.isfinite(before):
            break
        before = energy
        z = _solve(z, weights, flows, inverse)
    inside = -distance * np.expm1(-z * pitch / distance)
    height[box] = inside - inside[valid].mean()
    return height


def _edges(z: F64, slope: F64, facing: F64, valid: NDArray[np.bool_], axis: int, sharpness: float) -> tuple[F64, F64, float]:
    """Weight and flow of every edge to the next pixel along an axis, and the energy: two pixels speak for an edge, one from each end."""
    difference = np.diff(z, axis=axis)
    before, after = _cut(axis, None, -1), _cut(axis, 1, None)
    both = valid[before] & valid[after]
    forward, backward = np.full_like(z, np.inf), np.full_like(z, np.inf)
    forward[before] = np.where(both, facing[before] * (difference - slope[before]), np.inf)
    backward[after] = np.where(both, facing[after] * (difference - slope[after]), np.inf)
    # A side that is not there leaves all the weight to the other one.
    with np.errstate(invalid="ignore"):
        lead = np.nan_to_num(backward**2 - forward**2, nan=0.0, posinf=1e3, neginf=-1e3)
    share = 1 / (1 + np.exp(-np.clip(sharpness * lead, -60, 60)))
    from_before = np.where(both, share[before] * facing[before] ** 2, 0)
    from_after = np.where(both, (1 - share[after]) * facing[after] ** 2, 0)
    weight = from_before + from_after
    flow = from_before * slope[before] + from_after * slope[after]
    energy = float((from_before * (difference - slope[before]) ** 2 + from_after * (difference - slope[after]) ** 2).sum())
    return np.where(both, weight + _LOOSE, np.where(valid[before] | valid[after], _LOOSE, 1.0)), flow, energy


def _cut(axis: int, start: int | None, stop: int | None) -> tuple[slice, slice]:
    part = slice(start, stop)
    return (part, slice(None)) if axis == 0 else (slice(None), part)


def _closed_form(H: int, W: int) -> F64:
    """Inverse of the Laplacian in the cosine transform's terms, without the mean."""
    omega2 = (2 - 2 * np.cos(np.pi * np.arange(H) / H))[:, None] + (2 - 2 * np.cos(np.pi * np.arange(W) / W))[None, :]
    omega2[0, 0] = np.inf
    return 1 / omega2


def _laplace(z: F64, weights: list[F64], flows: list[F64] | None = None) -> F64:
    """Minus the divergence of weight · rise (less the flow, where one is given)."""
    out = np.zeros_like(z)
    for i, axis in enumerate((1, 0)):
        through = weights[i] * np.diff(z, axis=axis)
        if flows is not None:
            through -= flows[i]
        out[_cut(axis, None, -1)] -= through
        out[_cut(axis, 1, None)] += through
    return out


def _solve(z: F64, weights: list[F64], flows: list[F64], inverse: F64, iterations: int = 60) -> F64:
    """The height whose weighted rises are the flows, from a height near it."""
    workers = min(8, os.cpu_count() or 1)

    def precondition(values: F64) -> F64:
        spectrum = np.asarray(fft.dctn(values, type=2, norm="ortho", workers=workers)) * inverse
        return np.asarray(fft.idctn(spectrum, type=2, norm="ortho", workers=workers))

    x, residual = z.copy(), -_laplace(z, weights, flows)
    direction = p = precondition(residual)
    rho = first = float(np.vdot(residual, p))
    for _ in range(iterations):
        if rho <= 1e-6 * first or rho <= 0:
            break
        applied = _laplace(direction, weights)
        step = rho / float(np.vdot(direction, applied))
        x += step * direction
        residual -= step * applied
        p = precondition(residual)
        rho, last = float(np.vdot(residual, p)), rho
        direction = p + rho / last * direction
    return x
