"""Pixels that see two surfaces at once: at a depth step the lens mixes both, and the phase of the mixture lies on neither.

A pixel is one of them where, along a row, column or diagonal, the surfaces on its two sides, continued to the pixel, lie a wall
apart that no camera from above would see much of, and the pixel's own height between the two, away from both.
"""
# pyright: reportGeneralTypeIssues=false, reportArgumentType=false

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

WALL_DEG = 65.0
"""Least slope of the wall between two surfaces."""
AWAY_SIGMAS = 4.0
AWAY_SHARE = 0.1
"""Least distance from both surfaces: in σ, and as a share of the wall's height."""
REACH_PX = 2
"""How far the lens spreads a step: the surfaces are read from here and one pixel beyond, on both sides."""
CONTINUED_VARIANCE = 14.0
"""Variance of a pixel less a line's continuation 3 z₂ − 2 z₃, in that of one pixel."""


def reject_mixed(z_mm: NDArray[np.float32], sigma_mm: NDArray[np.float32], views: NDArray[np.uint8], pitch_mm: float) -> None:
    """Forget, in place, every pixel that mixes two surfaces: NaN, and 0 ``views``.

    Args:
        z_mm: (H, W) heights, mm; NaN where unknown.
        sigma_mm: (H, W) their standard deviations, mm.
        views: (H, W) how many projectors agree.
        pitch_mm: size of a camera pixel on the part, mm.
    """
    wall = np.float32(2 * REACH_PX * pitch_mm * math.tan(math.radians(WALL_DEG)))
    _reject(z_mm, sigma_mm, wall, views)
    _forget(z_mm, sigma_mm, views)


@njit(cache=True, error_model="numpy", parallel=True, nogil=True)
def _reject(z, sigma, wall, views):
    far = REACH_PX + 1
    height, width = z.shape
    for y in prange(height):
        for x in range(width):
            here = z[y, x]
            if here != here:
                continue
            for direction in range(4):
                dy, dx = (0, 1) if direction == 0 else (1, direction - 2)
                if y - far * dy < 0 or y + far * dy >= height or x - far < 0 or x + far >= width:
                    continue
                near, beyond = z[y - REACH_PX * dy, x - REACH_PX * dx], z[y + REACH_PX * dy, x + REACH_PX * dx]
                if not abs(near - beyond) > wall / 2:
                    continue
                one = 3 * near - 2 * z[y - far * dy, x - far * dx]
                other = 3 * beyond - 2 * z[y + far * dy, x + far * dx]
                step = abs(one - other)
                away = max(np.float32(AWAY_SIGMAS * math.sqrt(CONTINUED_VARIANCE)) * sigma[y, x], np.float32(AWAY_SHARE) * step)
                if step > wall and (here - one) * (other - here) > 0 and abs(here - one) > away and abs(other - here) > away:
                    views[y, x] = 0
                    break


@njit(cache=True, error_model="numpy", parallel=True, nogil=True)
def _forget(z, sigma, views):
    for y in prange(z.shape[0]):
        for x in range(z.shape[1]):
            if views[y, x] == 0:
                z[y, x] = np.float32(np.nan)
                sigma[y, x] = np.float32(np.nan)
