"""Surfaces light each other, by one diffuse bounce: what the open hemisphere over a coarse grid of points brings back from its hits."""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from acquisition.simulation.tracing import Scene, Surface

F32 = NDArray[np.float32]

DIRECTIONS = 96
"""Rays from each point of the grid."""
GRID_ROWS = 114
"""Points of the grid down the picture."""
_LIFT_MM = 0.004


class Bounce:
    """The hits of one view's hemisphere rays, and how their light comes back to every pixel.

    Args:
        scene: what the rays may hit.
        surface: what the camera's pixels see.
    """

    def __init__(self, scene: Scene, surface: Surface) -> None:
        height = surface.material.shape[0]
        self._step = max(1, height // GRID_ROWS)
        coarse = (slice(self._step // 2, None, self._step),) * 2
        grid = surface[coarse]
        self._points, self._normals = grid.xyz_mm, grid.normals
        self._surface = surface
        seen = np.flatnonzero(np.isfinite(self._points[..., 2]).reshape(-1))
        starts, directions = _hemispheres(self._points.reshape(-1, 3)[seen], self._normals.reshape(-1, 3)[seen])
        hits = scene.hit(starts, directions)
        hit = np.isfinite(hits.xyz_mm[..., 2])
        self._from = np.repeat(seen, hit.sum(1)).astype(np.int64)
        self.hits = hits[np.nonzero(hit)]
        """What the rays hit, (K, 1, …): rays that hit nothing are left out."""

    def irradiance(self, at_hits: F32) -> F32:
        """What every pixel's point gets by way of the hits.

        Args:
            at_hits: (K, 1) irradiance of the hits.

        Returns:
            (H, W, 3) float32 irradiance.
        """
        rows, columns = self._points.shape[:2]
        sent = at_hits * self.hits.albedo[:, 0] / np.float32(DIRECTIONS)
        grid = np.stack([np.bincount(self._from, sent[:, c], rows * columns) for c in range(3)], -1)
        out = np.empty(self._surface.xyz_mm.shape, np.float32)
        _interpolate(
            grid.reshape(rows, columns, 3).astype(np.float32),
            self._points,
            self._normals,
            self._surface.xyz_mm,
            self._surface.normals,
            self._step,
            out,
        )
        return out


def _hemispheres(points: F32, normals: F32) -> tuple[F32, F32]:
    """Rays over each point, more of them where the cosine is larger: starts and directions, (G, DIRECTIONS, 3)."""
    k = np.arange(DIRECTIONS)
    radius, angle = np.sqrt((k + 0.5) / DIRECTIONS), k * np.pi * (3 - np.sqrt(5))
    local = np.stack([radius * np.cos(angle), radius * np.sin(angle), np.sqrt(1 - radius**2)], -1).astype(np.float32)
    # A frame on each normal without a branch but one sign: Duff et al., JCGT 6 (2017).
    x, y, z = normals.T
    sign = np.where(z >= 0, np.float32(1), np.float32(-1))
    a = -1 / (sign + z)
    b = x * y * a
    first = np.stack([1 + sign * x * x * a, sign * b, -sign * x], -1)
    second = np.stack([b, sign + y * y * a, -y], -1)
    directions = np.einsum("kc,cgd->gkd", local, np.stack([first, second, normals]))
    starts = np.broadcast_to((points + _LIFT_MM * normals)[:, None], directions.shape)
    return np.ascontiguousarray(starts, np.float32), np.ascontiguousarray(directions, np.float32)


@njit(cache=True, parallel=True)
def _interpolate(grid, points, normals, xyz, normal, step, out):
    """Between the grid's points, bilinearly, those of other surfaces weighing little: off the pixel's plane, or turned away from it."""
    rows, columns = grid.shape[:2]
    pitch2 = np.float32(1e-6)
    for c in range(3):
        middle, beside = points[rows // 2, columns // 2, c], points[rows // 2, columns // 2 - 1, c]
        if np.isfinite(middle) and np.isfinite(beside):
            pitch2 += (middle - beside) ** 2
    for i in prange(out.shape[0]):
        v = min(max((i - step // 2) / step, 0.0), rows - 1.0)
        y = min(int(v), rows - 2)
        for j in range(out.shape[1]):
            if not np.isfinite(xyz[i, j, 2]):
                for c in range(3):
                    out[i, j, c] = 0
                continue
            u = min(max((j - step // 2) / step, 0.0), columns - 1.0)
            x = min(int(u), columns - 2)
            total, red, green, blue = np.float32(1e-12), np.float32(0), np.float32(0), np.float32(0)
            for a in range(2):
                for b in range(2):
                    p, n = points[y + a, x + b], normals[y + a, x + b]
                    if not np.isfinite(p[2]):
                        continue
                    off = np.float32(0)
                    along = np.float32(0)
                    for c in range(3):
                        off += (xyz[i, j, c] - p[c]) * normal[i, j, c]
                        along += n[c] * normal[i, j, c]
                    near = (1 - abs(v - y - a)) * (1 - abs(u - x - b)) + 1e-3
                    weight = near * max(along, np.float32(0)) ** 4 / (1 + 25 * off * off / pitch2) + np.float32(1e-6)
                    total += weight
                    red += weight * grid[y + a, x + b, 0]
                    green += weight * grid[y + a, x + b, 1]
                    blue += weight * grid[y + a, x + b, 2]
            out[i, j, 0] = red / total
            out[i, j, 1] = green / total
            out[i, j, 2] = blue / total
