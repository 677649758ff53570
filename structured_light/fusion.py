"""Four-eye fusion: of what several projectors say about one pixel, keep what agrees and weigh it by its certainty.

At each pixel every height votes for the heights it agrees with, |z_i − z_j| < 4 √(σ_i² + σ_j²) + floor. The largest group wins
(of equal groups the more certain) and is averaged with weights 1/σ². Interreflections, blurred edges and stray light hardly ever
agree between two directions (docs/decisions/0005-fringes.md has what is left of them); a shadow is filled by whoever sees into it. A lone height is kept and marked by ``views`` = 1, but
where another contradicts it, only if it is clearly the more certain: light that came by a detour is weak.
"""
# pyright: reportGeneralTypeIssues=false, reportArgumentType=false

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from structured_light.triangulation import Heights

VOTE_SIGMAS = 4.0
MODEL_FLOOR_MM = 0.01
"""Disagreement between projectors that calibration and fringe shape alone may cause, mm."""
CLEARLY_MORE_CERTAIN = 1.5
"""Ratio of the standard deviations from which on one of two contradicting heights is believed."""


@dataclass(frozen=True, slots=True)
class Fused:
    """What the projectors agree on."""

    z_mm: NDArray[np.float32]
    """(H, W) mm, NaN where unknown."""
    sigma_z_mm: NDArray[np.float32]
    """(H, W) mm, NaN where unknown."""
    views: NDArray[np.uint8]
    """(H, W) how many agree."""
    measured: tuple[float, ...]
    """Share of the pixels that each projector measured."""
    contradicted: float
    """Share, of the pixels that two or more projectors measured, on which no two agree."""


def fuse(heights: Sequence[Heights], floor_mm: float = MODEL_FLOOR_MM, z_mm: NDArray[np.float32] | None = None) -> Fused:
    """Fuse what one or more projectors measured.

    Args:
        heights: one per projector, all (H, W).
        floor_mm: disagreement allowed beyond noise, mm.
        z_mm: heights that are no longer needed, filled anew.
    """
    shape = heights[0].z_mm.shape
    z = np.empty(shape, np.float32) if z_mm is None else z_mm
    sigma, views = np.empty(shape, np.float32), np.empty(shape, np.uint8)
    counts = np.zeros((shape[0], len(heights) + 2), np.int64)
    _fuse(tuple(h.z_mm for h in heights), tuple(h.sigma_z_mm for h in heights), np.float32(floor_mm), z, sigma, views, counts)
    *measured, several, contradicted = counts.sum(axis=0).tolist()
    return Fused(z, sigma, views, tuple(m / z.size for m in measured), contradicted / max(several, 1))


@njit(cache=True, error_model="numpy", parallel=True, nogil=True)
def _fuse(zs, sigmas, floor, z_out, sigma_out, views_out, counts):
    n = len(zs)
    for v in prange(z_out.shape[0]):
        z, variance, weight = np.empty(n, np.float32), np.empty(n, np.float32), np.empty(n, np.float32)
        for u in range(z_out.shape[1]):
            seen = 0
            for i in range(n):
                if zs[i][v, u] == zs[i][v, u]:
                    z[seen] = zs[i][v, u]
                    variance[seen] = max(sigmas[i][v, u] * sigmas[i][v, u], np.float32(1e-18))
                    weight[seen] = 1 / variance[seen]
                    seen += 1
                    counts[v, i] += 1
            best_count, best_weight, best_z, second_weight = 0, np.float32(0), np.float32(np.nan), np.float32(0)
            for i in range(seen):
                count, sum_weight, offset = 0, np.float32(0), np.float32(0)
                for j in range(seen):
                    difference = z[j] - z[i]
                    beyond = abs(difference) - floor
                    if beyond < 0 or beyond * beyond < np.float32(VOTE_SIGMAS * VOTE_SIGMAS) * (variance[i] + variance[j]):
                        count += 1
                        sum_weight += weight[j]
                        offset += weight[j] * difference
                if count > best_count or (count == best_count and sum_weight > best_weight):
                    second_weight = best_weight
                    best_count, best_weight, best_z = count, sum_weight, z[i] + offset / sum_weight
                else:
                    second_weight = max(second_weight, sum_weight)
            if seen > 1:
                counts[v, n] += 1
                if best_count == 1:
                    counts[v, n + 1] += 1
                    if best_weight < np.float32(CLEARLY_MORE_CERTAIN * CLEARLY_MORE_CERTAIN) * second_weight:
                        best_count = 0
            z_out[v, u] = best_z if best_count > 0 else np.float32(np.nan)
            sigma_out[v, u] = 1 / np.sqrt(best_weight) if best_count > 0 else np.float32(np.nan)
            views_out[v, u] = best_count
