"""Coreset by greedy k-centre: the patches that together lie closest to all others.

The greedy rule takes, again and again, the patch that is farthest from all taken so far; its covering radius is at most twice
the best possible. Done here with running minimum distances, never a distance matrix, and several picks a pass:

    The pool is the patches with the largest minimum distances. As long as the farthest patch *inside* the pool is at least as
    far as the farthest one *outside* was when the pool was drawn, it is the farthest of all, for distances only ever shrink.
    Such picks are those of the plain greedy rule, one by one; the distances of everybody else to them are then brought up to
    date in a single matrix product.

References:
    Gonzalez, "Clustering to minimize the maximum intercluster distance", 1985.
    Achlioptas, "Database-friendly random projections", 2003; Li, Hastie & Church, "Very sparse random projections", 2006.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from rig_configs.errors import Cancelled

_POOL = 512
_PICKS = 64
_BLOCK = 8192


def projection_dims(count: int, distortion: float = 0.9) -> int:
    """Johnson-Lindenstrauss dimension for ``count`` vectors: 267 at 50,000 and ε = 0.9."""
    return math.ceil(4.0 * math.log(max(count, 2)) / (distortion**2 / 2.0 - distortion**3 / 3.0))


def sparse_random_projection(patches: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    """(N, C) to (N, D) with distances kept; returned as it is where D would not be below C."""
    count, channels = patches.shape
    dims = projection_dims(count)
    if dims >= channels:
        return patches
    density = 1.0 / math.sqrt(channels)
    rng = np.random.default_rng(seed)
    signs = rng.choice(np.array([-1.0, 0.0, 1.0], np.float32), size=(channels, dims), p=[density / 2, 1.0 - density, density / 2])
    matrix = torch.from_numpy(signs * np.float32(1.0 / math.sqrt(density * dims)))
    return (torch.from_numpy(patches) @ matrix).numpy()


def _shrink(minimum: torch.Tensor, patches: torch.Tensor, squares: torch.Tensor, picked: list[int]) -> None:
    """Lower the squared minimum distances in place by the distances to newly picked patches."""
    centres = patches[picked]
    for start in range(0, len(patches), _BLOCK):
        rows = slice(start, start + _BLOCK)
        distances = torch.addmm(squares[picked][None, :], patches[rows], centres.T, alpha=-2.0).amin(dim=1) + squares[rows]
        torch.minimum(minimum[rows], distances.clamp_(min=0.0), out=minimum[rows])
    minimum[picked] = 0.0


def k_centre_greedy(patches: NDArray[np.float32], count: int, seed: int = 0, cancelled: Callable[[], bool] = lambda: False) -> NDArray[np.int64]:
    """Indices of ``count`` patches by the greedy k-centre rule.

    Args:
        patches: (N, C) float32.
        count: how many to take, at most N.
        seed: of the random projection and the first patch.
        cancelled: asked every pass.

    Returns:
        (count,) indices in the order of picking, no index twice.

    Raises:
        Cancelled: ``cancelled`` said so.
    """
    projected = torch.from_numpy(sparse_random_projection(np.ascontiguousarray(patches), seed))
    count = min(count, len(projected))
    squares = projected.square().sum(dim=1)
    minimum = torch.full((len(projected),), math.inf)
    picked = [int(np.random.default_rng(seed).integers(len(projected)))]
    _shrink(minimum, projected, squares, picked)
    taken = torch.zeros(len(projected), dtype=torch.bool)
    taken[picked] = True
    pool_size = min(_POOL, len(projected))
    while len(picked) < count:
        if cancelled():
            raise Cancelled("Teaching was stopped while the memory bank was made.", cure="Start it again when wanted; nothing was changed.")
        ranked = torch.where(taken, -1.0, minimum)
        distance, pool = torch.topk(ranked, pool_size)
        # Strictly outside the pool nobody is farther than its last member; when all are in the pool, nobody is outside.
        outside = float(distance[-1]) if pool_size < len(projected) else -math.inf
        members, member_squares = projected[pool], squares[pool]
        # A coincident patch (distance 0) is as good as any; a taken one (-1) never is.
        distance = distance.clone()
        fresh: list[int] = []
        while len(fresh) < min(_PICKS, count - len(picked)):
            best = int(distance.argmax())
            if (fresh and float(distance[best]) < outside) or float(distance[best]) < 0.0:
                break
            fresh.append(int(pool[best]))
            to_best = (member_squares - 2.0 * (members @ members[best]) + member_squares[best]).clamp_(min=0.0)
            torch.minimum(distance, to_best, out=distance)
            distance[best] = -1.0
        _shrink(minimum, projected, squares, fresh)
        taken[fresh] = True
        picked.extend(fresh)
    return np.array(picked, np.int64)


def covering_radius(patches: NDArray[np.float32], picked: NDArray[np.int64]) -> float:
    """Largest distance of any patch to its nearest picked one, in the original space."""
    everything = torch.from_numpy(np.ascontiguousarray(patches))
    squares = everything.square().sum(dim=1)
    minimum = torch.full((len(everything),), math.inf)
    for start in range(0, len(picked), 256):
        _shrink(minimum, everything, squares, picked[start : start + 256].tolist())
    return math.sqrt(float(minimum.max()))
