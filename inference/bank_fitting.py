"""Fitting a memory bank, and how far good parts lie from banks that have not seen them.

The parts are split into folds, and each fold is thinned to a coreset of its own. The bank that has not seen a fold is the union of
the other folds' coresets: the same share of patches as the real bank keeps, for a fifth of one coreset's time in place of four
coresets'. A union covers a little less well than one coreset over all, so that held-out distances come out up to a tenth too large,
never too small, and so do the limits drawn from them (on three simulated parts: 0 to 8 % against coresets made anew).
Mean and scale are those of all parts: two rows out of thousands of patches do not remember a part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.anomaly_map import Canvas
from inference.features.extraction import SampleFeatures
from inference.memory_bank import MemoryBank
from inference.methods import SampleScore
from inference.scoring import score_banks


@dataclass(frozen=True, slots=True)
class BankSettings:
    """How banks are made."""

    share: float
    """Of the patches that are kept."""
    most_rows: int
    """However many patches there are."""
    sample_score: SampleScore
    neighbours: int
    folds: int
    seed: int


@dataclass(frozen=True, slots=True)
class BankFit:
    """A bank, and its held-out view of each good part."""

    bank: MemoryBank
    scores: NDArray[np.float64]
    """(S,) sample scores."""
    distances: tuple[NDArray[np.float64], ...]
    """(N_i,) of each part's cells."""


def fit_bank(
    rows: Sequence[NDArray[np.float32]],
    parts: Sequence[SampleFeatures],
    groups: Sequence[int],
    settings: BankSettings,
    cancelled: Callable[[], bool] = lambda: False,
) -> BankFit:
    """Fit a bank.

    Args:
        rows: (N_i, C) of each good part.
        parts: the parts, for where their cells lie.
        groups: see ``channel_scale``.
        settings: how.
        cancelled: see ``k_centre_greedy``.
    """
    patches = np.concatenate(rows)
    share = min(settings.share, settings.most_rows / len(patches))
    of_part = np.repeat(np.arange(len(rows), dtype=np.int32), [len(of_one) for of_one in rows])
    bank = MemoryBank.fit(patches, groups, share, settings.seed, cancelled, of_part)
    del patches
    order = np.random.default_rng(settings.seed).permutation(len(rows))
    folds = [fold.tolist() for fold in np.array_split(order, settings.folds) if len(fold)]
    thinned = [bank.thinned(np.concatenate([rows[i] for i in fold]), share, settings.seed, cancelled)[0] for fold in folds]
    scores = np.zeros(len(rows))
    distances: dict[int, NDArray[np.float64]] = {}
    for number, fold in enumerate(folds):
        unseen = MemoryBank(bank.mean, bank.scale, np.concatenate([kept for i, kept in enumerate(thinned) if i != number]))
        for i in fold:
            canvas = Canvas.of(parts[i]) if settings.sample_score == "map" else None
            score, distance, _ = score_banks([rows[i]], [unseen], settings.neighbours, canvas)
            scores[i], distances[i] = score[0], distance[:, 0]
    return BankFit(bank, scores, tuple(distances[i] for i in range(len(rows))))
