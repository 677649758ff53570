"""Groups of neighbouring points of an organised cloud, and back from groups to points.

The grid tells who is near: a point's neighbours lie in a window of pixels around it, so neither farthest-point sampling nor the search for
neighbours needs a tree or a matrix of all distances.

Reference:
    Qi et al., "PointNet++", NeurIPS 2017: farthest-point sampling, and interpolation by the three nearest, weights 1 / (d² + 1e-8).
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

_EPSILON = 1e-8


@numba.njit(cache=True)
def farthest_points(points: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """Indices of up to ``count`` of (N, 3) points, each the farthest from those before; the first is the one farthest from the mean.

    Starting there makes the choice a function of the cloud alone.
    """
    n = len(points)
    picked = np.empty(min(count, n), np.int64)
    nearest = np.full(n, np.inf, np.float32)
    mx, my, mz = points[:, 0].mean(), points[:, 1].mean(), points[:, 2].mean()
    last, far = 0, -1.0
    for i in range(n):
        d = (points[i, 0] - mx) ** 2 + (points[i, 1] - my) ** 2 + (points[i, 2] - mz) ** 2
        if d > far:
            far, last = d, i
    for k in range(len(picked)):
        picked[k] = last
        px, py, pz = points[last, 0], points[last, 1], points[last, 2]
        far = -1.0
        for i in range(n):
            dx, dy, dz = points[i, 0] - px, points[i, 1] - py, points[i, 2] - pz
            d = dx * dx + dy * dy + dz * dz
            nearest[i] = min(nearest[i], d)
            if nearest[i] > far:
                far, last = nearest[i], i
    return picked


@numba.njit(cache=True)
def grid_neighbours(points: NDArray[np.float32], centres: NDArray[np.int64], count: int, pitch: float) -> NDArray[np.int64]:
    """Flat indices of the nearest points to each centre, (G, count), nearest first, the centre itself among them.

    Args:
        points: (R, C, 3), NaN where unknown.
        centres: (G,) flat indices of known points.
        count: neighbours of each. Where the cloud holds fewer, the nearest ones are repeated.
        pitch: distance along x or y of neighbouring points: what lies more than s steps away is farther than s pitches, so the search
            in a window ends when it has found enough that are nearer.
    """
    rows, columns = points.shape[:2]
    found = np.empty((len(centres), count), np.int64)
    for g in range(len(centres)):
        r, c = centres[g] // columns, centres[g] % columns
        span = int(np.ceil(np.sqrt(count / 3.0)))  # a disc on a flat surface fits with a step to spare
        while True:
            r0, r1, c0, c1 = max(r - span, 0), min(r + span + 1, rows), max(c - span, 0), min(c + span + 1, columns)
            distance = np.empty((r1 - r0) * (c1 - c0), np.float32)
            index = np.empty(len(distance), np.int64)
            n = 0
            for i in range(r0, r1):
                for j in range(c0, c1):
                    if np.isfinite(points[i, j, 2]):
                        dx, dy, dz = points[i, j, 0] - points[r, c, 0], points[i, j, 1] - points[r, c, 1], points[i, j, 2] - points[r, c, 2]
                        distance[n], index[n] = dx * dx + dy * dy + dz * dz, i * columns + j
                        n += 1
            order = np.argsort(distance[:n])
            if (r0 == 0 and c0 == 0 and r1 == rows and c1 == columns) or (n >= count and distance[order[count - 1]] <= (span * pitch) ** 2):
                break
            span *= 2
        for k in range(count):
            found[g, k] = index[order[k % n]]
    return found


@numba.njit(cache=True)
def three_nearest(points: NDArray[np.float32], centres: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The three nearest of (G, 3) centres to each of (N, 3) points, (N, 3), and their weights 1 / (d² + 1e-8), which sum to 1."""
    n = len(points)
    index = np.zeros((n, 3), np.int64)
    weight = np.zeros((n, 3), np.float32)
    for i in range(n):
        d0, d1, d2 = np.inf, np.inf, np.inf
        i0, i1, i2 = 0, 0, 0
        for g in range(len(centres)):
            dx, dy, dz = points[i, 0] - centres[g, 0], points[i, 1] - centres[g, 1], points[i, 2] - centres[g, 2]
            d = dx * dx + dy * dy + dz * dz
            if d < d0:
                d2, i2, d1, i1, d0, i0 = d1, i1, d0, i0, d, g
            elif d < d1:
                d2, i2, d1, i1 = d1, i1, d, g
            elif d < d2:
                d2, i2 = d, g
        w0, w1, w2 = 1.0 / (d0 + _EPSILON), 1.0 / (d1 + _EPSILON), 1.0 / (d2 + _EPSILON)
        total = w0 + w1 + w2
        index[i, 0], index[i, 1], index[i, 2] = i0, i1, i2
        weight[i, 0], weight[i, 1], weight[i, 2] = w0 / total, w1 / total, w2 / total
    return index, weight


def interpolated(values: NDArray[np.float32], index: NDArray[np.int64], weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, C) weighted sums of the rows ``index`` (N, 3) of (G, C) values."""
    result = weight[:, :1] * values[index[:, 0]]
    for k in (1, 2):
        result += weight[:, k : k + 1] * values[index[:, k]]
    return result
