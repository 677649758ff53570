"""The banks' view of one sample."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from inference.anomaly_map import Canvas
from inference.memory_bank import MemoryBank


def score_banks(
    rows: Sequence[NDArray[np.float32]], banks: Sequence[MemoryBank], neighbours: int, canvas: Canvas | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Hold a sample against its banks.

    Args:
        rows: (N, C) of each bank, see ``methods.View``.
        banks: as many.
        neighbours: see ``MemoryBank.sample_score``.
        canvas: of the sample, where its score is the largest value of the smoothed map; None where it is the re-weighted farthest patch.

    Returns:
        (B,) sample scores, (N, B) distances of cells, and (N, B) the rows that are so near.
    """
    scores: list[float] = []
    columns: list[NDArray[np.float32]] = []
    found: list[NDArray[np.int64]] = []
    for patches, bank in zip(rows, banks, strict=True):
        distance, index = bank.distances(patches)
        if canvas is None:
            scores.append(bank.sample_score(patches, distance, index, neighbours))
        else:
            scores.append(canvas.part_maximum(canvas.smooth(distance)))
        columns.append(distance)
        found.append(index)
    return np.array(scores), np.stack(columns, axis=1).astype(np.float64), np.stack(found, axis=1)
