"""A memory bank: the patches of good parts, thinned to a coreset, and the distance of a new patch to the nearest of them.

References:
    Roth et al., "Towards total recall in industrial anomaly detection" (PatchCore), CVPR 2022: coreset and neighbour re-weighting.
    Wang et al., M3DM, CVPR 2023: one bank a modality, here each with its own mean, standard deviation and coreset.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from inference.coreset import k_centre_greedy
from inference.nearest import nearest_rows

_LEAST_STD = 0.5
"""Of the root mean square of its group's standard deviations: a channel that hardly moves on good parts, such as a bin of FPFH that
is empty nearly everywhere, must not shout at its first move."""


def channel_scale(std: NDArray[np.float32], groups: Sequence[int]) -> NDArray[np.float32]:
    """(C,) factors that standardise the channels and let every group of channels count alike, however wide it is.

    Args:
        std: (C,) standard deviation of each channel.
        groups: sizes of consecutive groups, C in all.
    """
    scales: list[NDArray[np.float32]] = []
    for part in np.split(std, np.cumsum(groups)[:-1]):
        least = _LEAST_STD * float(np.sqrt(np.mean(part**2))) + 1e-12
        scales.append(np.sqrt(1.0 / (len(groups) * len(part))) / np.maximum(part, least))
    return np.concatenate(scales).astype(np.float32)


@dataclass(frozen=True, slots=True)
class MemoryBank:
    """Coreset rows in standardised units.

    Distances are root mean squares over the standardised channels, so that banks of different widths speak one language:
    the Euclidean distance over √C, which is also what the re-weighting takes.
    """

    mean: NDArray[np.float32]
    """(C,)"""
    scale: NDArray[np.float32]
    """(C,) see ``channel_scale``."""
    rows: NDArray[np.float32]
    """(M, C) standardised."""
    parts: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    """(M,) the taught part that each row comes from, by its place among them; empty where that was not kept."""

    @classmethod
    def fit(
        cls,
        patches: NDArray[np.float32],
        groups: Sequence[int],
        share: float,
        seed: int,
        cancelled: Callable[[], bool] = lambda: False,
        parts: NDArray[np.int32] | None = None,
    ) -> MemoryBank:
        """Standardise (N, C) patches of good parts by their own statistics and keep the coreset.

        Args:
            patches: (N, C) float32.
            groups: sizes of the groups of channels that count alike, see ``channel_scale``.
            share: of the patches to keep, 0 to 1.
            seed: of the coreset.
            cancelled: see ``k_centre_greedy``.
            parts: (N,) the part that each patch is of.
        """
        mean, scale = patches.mean(axis=0).astype(np.float32), channel_scale(patches.std(axis=0), groups)
        empty = cls(mean, scale, np.zeros((0, len(mean)), np.float32))
        rows, kept = empty.thinned(patches, share, seed, cancelled)
        return cls(mean, scale, rows) if parts is None else cls(mean, scale, rows, parts[kept])

    def thinned(
        self, patches: NDArray[np.float32], share: float, seed: int, cancelled: Callable[[], bool] = lambda: False
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """(M, C) rows of a coreset of (N, C) patches in this bank's units, and (M,) which patches they are; see ``fit``."""
        standardised = (patches - self.mean) * self.scale
        kept = k_centre_greedy(standardised, max(1, round(share * len(patches))), seed, cancelled)
        return np.ascontiguousarray(standardised[kept]), kept

    def _standardise(self, patches: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.ascontiguousarray((patches - self.mean) * self.scale)

    def distances(self, patches: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Nearest distance of (N, C) patches: (N,) distances and (N,) rows of the bank."""
        return nearest_rows(self._standardise(patches), self.rows)

    def sample_score(self, patches: NDArray[np.float32], distance: NDArray[np.float32], index: NDArray[np.int64], neighbours: int) -> float:
        """Score of a sample: its farthest patch's distance s*, weighed by how usual the matched row is.

        w = 1 − exp(s*) / Σ exp(‖m_test − m_k‖) over the ``neighbours`` bank rows nearest to the matched one, itself among them
        (distances already over √C). A match that is itself far from the rest of the bank raises the weight towards 1; one in a crowd
        leaves 1 − 1/neighbours. With one neighbour there is nothing to weigh by, and the score is s* itself.
        """
        worst = int(distance.argmax())
        s_star = float(distance[worst])
        if neighbours == 1:
            return s_star
        rows = torch.from_numpy(self.rows)
        around = (rows - rows[int(index[worst])]).square().sum(dim=1)
        nearest = torch.topk(around, min(neighbours, len(rows)), largest=False).indices
        test = torch.from_numpy(self._standardise(patches[worst : worst + 1]))
        to_neighbours = (rows[nearest] - test).square().sum(dim=1).sqrt()
        weight = 1.0 - 1.0 / float(torch.exp(to_neighbours - s_star).sum())
        return weight * s_star
