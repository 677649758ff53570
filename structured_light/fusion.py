"""Four-eye fusion: of what several projectors say about one pixel, keep what agrees and weigh it by its certainty.

At each pixel every height votes for the heights it agrees with, |z_i − z_j| < 4 √(σ_i² + σ_j²) + floor. The largest group wins
(of equal groups the more certain) and is averaged with weights 1/σ². Interreflections, blurred edges and stray light hardly ever
agree between two directions; a shadow is filled by whoever sees into it. A lone height is kept and marked by ``views`` = 1.
"""
# pyright: reportGeneralTypeIssues=false, reportArgumentType=false

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from structured_light.triangulation import Heights

VOTE_SIGMAS = 4.0
MODEL_FLOOR_MM = 0.01
"""Disagreement between projectors that calibration and fringe shape alone may cause, mm."""


def fuse(heights: Sequence[Heights], floor_mm: float = MODEL_FLOOR_MM) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.uint8]]:
    """Fuse what one or more projectors measured.

    Args:
        heights: one per projector, all (H, W).
        floor_mm: disagreement allowed beyond noise, mm.

    Returns:
        z_mm (H, W) float32 and its σ (H, W) float32, NaN where unknown; views (H, W) uint8, how many agree.
    """
    shape = heights[0].z_mm.shape
    z, sigma, views = np.empty(shape, np.float32), np.empty(shape, np.float32), np.empty(shape, np.uint8)
    _fuse(tuple(h.z_mm for h in heights), tuple(h.sigma_z_mm for h in heights), np.float32(floor_mm), z, sigma, views)
    return z, sigma, views


@njit(cache=True, error_model="numpy", parallel=True, nogil=True)
def _fuse(zs, sigmas, floor, z_out, sigma_out, views_out):
    n = len(zs)
    for v in prange(z_out.shape[0]):
        z, variance = np.empty(n, np.float64), np.empty(n, np.float64)
        for u in range(z_out.shape[1]):
            seen = 0
            for i in range(n):
                if zs[i][v, u] == zs[i][v, u]:
                    z[seen] = zs[i][v, u]
                    variance[seen] = np.float64(sigmas[i][v, u]) ** 2
                    seen += 1
            best_count, best_weight, best_z = 0, 0.0, np.nan
            for i in range(seen):
                count, weight, offset = 0, 0.0, 0.0
                for j in range(seen):
                    difference = z[j] - z[i]
                    if abs(difference) < VOTE_SIGMAS * np.sqrt(variance[i] + variance[j]) + floor:
                        w = 1 / max(variance[j], 1e-18)
                        count += 1
                        weight += w
                        offset += w * difference
                if count > best_count or (count == best_count and weight > best_weight):
                    best_count, best_weight, best_z = count, weight, z[i] + offset / weight
            z_out[v, u] = best_z
            sigma_out[v, u] = 1 / np.sqrt(best_weight) if best_count > 0 else np.nan
            views_out[v, u] = best_count
