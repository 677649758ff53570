"""Phase clean-up that invents nothing: a bilateral mean over the 3 × 3 neighbourhood, by opposite pairs.

The midpoint of two opposite neighbours lies on any plane that the pixel lies on, so slopes are not flattened. A pair counts where
both are measured and their midpoint agrees with the pixel within noise; a pixel without a measurement stays without.
"""
# pyright: reportGeneralTypeIssues=false, reportArgumentType=false

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

AGREE_SIGMAS = 3.0


def smooth(column: NDArray[np.float32], sigma_column: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Average each pixel with the opposite neighbours that agree with it.

    Args:
        column: (H, W) projector column, NaN where unknown.
        sigma_column: (H, W) its standard deviation.

    Returns:
        both anew, (H, W) float32, NaN exactly where ``column`` is.
    """
    out, sigma_out = np.empty_like(column), np.empty_like(sigma_column)
    _smooth(column, sigma_column, out, sigma_out)
    return out, sigma_out


@njit(cache=True, error_model="numpy", parallel=True, nogil=True)
def _smooth(column, sigma, out, sigma_out):
    height, width = column.shape
    for y in prange(height):
        for x in range(width):
            here, own = column[y, x], sigma[y, x] * sigma[y, x]
            total, weight, variance = np.float64(here), 1.0, np.float64(own)
            if here == here and 0 < y < height - 1 and 0 < x < width - 1:
                for pair in range(4):
                    dy, dx = (0, 1) if pair == 0 else (1, pair - 2)
                    one, other = column[y - dy, x - dx], column[y + dy, x + dx]
                    middle = (one + other) / 2
                    half = (sigma[y - dy, x - dx] ** 2 + sigma[y + dy, x + dx] ** 2) / 4
                    if abs(middle - here) < AGREE_SIGMAS * np.sqrt(own + half):  # false where a neighbour is NaN
                        total += 2 * middle
                        weight += 2
                        variance += 4 * half
            out[y, x] = total / weight
            sigma_out[y, x] = np.sqrt(variance) / weight
