"""Light that wanders within a translucent body before it comes out: irradiance spread sideways over the body's own surface."""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from acquisition.simulation.tracing import Materials, Surface

F32 = NDArray[np.float32]


def scattered(irradiance: F32, surface: Surface, materials: Materials, pixel_mm: float) -> F32:
    """Irradiance as a diffuse surface sees it after the light has wandered, (H, W) float32.

    Each point gets the mean of its neighbours of the same material within reach in space, so that nothing bleeds over a step in
    height or onto another body; the standard deviation along an axis is the material's free path.
    """
    if not (materials.free_path_mm > 0).any():
        return irradiance
    along = np.empty_like(irradiance)
    _spread(irradiance, surface.xyz_mm, surface.material, materials.free_path_mm, np.float32(pixel_mm), 0, along)
    out = np.empty_like(irradiance)
    _spread(along, surface.xyz_mm, surface.material, materials.free_path_mm, np.float32(pixel_mm), 1, out)
    return out


@njit(cache=True, parallel=True, fastmath=True)
def _spread(light, xyz, material, free_path, pixel, axis, out):
    """One pass of the mean, along rows (0) or columns (1), weighed by (1 - d²/7σ²)² of the distance d in space: variance σ²."""
    h, w = light.shape
    for line in prange(h):
        i = np.int64(line)
        for j in range(w):
            m = material[i, j]
            sigma = free_path[m]
            if not sigma > 0:
                out[i, j] = light[i, j]
                continue
            reach2 = 7 * sigma * sigma
            n = int(np.sqrt(reach2) / pixel)
            x, y, z = xyz[i, j, 0], xyz[i, j, 1], xyz[i, j, 2]
            total, weights = light[i, j], np.float32(1)
            at, last = (j, w - 1) if axis == 0 else (i, h - 1)
            for k in range(max(at - n, 0), min(at + n, last) + 1):
                a, b = (i, k) if axis == 0 else (k, j)
                if k == at or material[a, b] != m:
                    continue
                dx, dy, dz = xyz[a, b, 0] - x, xyz[a, b, 1] - y, xyz[a, b, 2] - z
                weight = 1 - (dx * dx + dy * dy + dz * dz) / reach2
                if weight > 0:
                    weight *= weight
                    total += weight * light[a, b]
                    weights += weight
            out[i, j] = total / weights
