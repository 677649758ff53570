"""The nearest of many rows, exactly, and the same whatever the blocks, the batch and the threads.

The expanded square |r|² − 2 q·r is one matrix product (|r|² goes along as one more column) whose rounding errors hang on how it is
blocked. So it only says which rows may be the nearest: those within twice the worst rounding error of the smallest. Those few, one or two as a rule,
are compared by the difference itself, in float64 and in one order, so that the answer is that of a plain search in float64.

References:
    Higham, "Accuracy and stability of numerical algorithms", 2002, section 3.1: the bound of a dot product's error, for any order.
"""

from __future__ import annotations

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray

_QUERIES = 256
_ROWS = 8192
_WIDTH = 64
"""Columns of the product that are looked at only if the smallest of them may be the nearest."""


def nearest_rows(queries: NDArray[np.float32], rows: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Distance to the nearest of ``rows``, and which it is.

    Args:
        queries: (N, C) float32, finite.
        rows: (M, C) float32, finite, M ≥ 1.

    Returns:
        (N,) Euclidean distances and (N,) indices; of rows that are equally near the first one.
    """
    count, channels = queries.shape
    squared, index, least = np.full(count, np.inf), np.zeros(count, np.int64), np.full(count, np.inf, np.float32)
    doubled = np.ones((count, channels + 1), np.float32)
    np.multiply(queries, -2.0, out=doubled[:, :channels])
    length, longest = np.linalg.norm(queries, axis=1), float(np.linalg.norm(rows, axis=1).max())
    # Twice, for both the smallest and the other may be wrong; the squares in the last column are sums like the product itself.
    slack = (2.0 * (2 * channels + 2) * 2.0**-24 * (2.0 * length * longest + longest**2)).astype(np.float32)
    for first in range(0, len(rows), _ROWS):
        span = rows[first : first + _ROWS]
        filled = np.zeros((-(-len(span) // _WIDTH) * _WIDTH, channels + 1), np.float32)
        filled[: len(span), :channels] = span
        filled[:, channels] = np.inf  # rows that are none are never near
        filled[: len(span), channels] = np.einsum("ij,ij->i", span, span)
        turned = torch.from_numpy(filled).T
        product = torch.empty(min(_QUERIES, count), len(filled))
        for start in range(0, count, _QUERIES):
            block = np.s_[start : start + _QUERIES]
            values = product[: len(length[block])]
            torch.mm(torch.from_numpy(doubled[block]), turned, out=values)
            lowest = values.view(len(values), -1, _WIDTH).amin(dim=2)
            _compare(lowest.numpy(), values.numpy(), queries[block], span, slack[block], first, least[block], squared[block], index[block])
    return np.sqrt(squared).astype(np.float32), index


# Without fast maths: sums in one order, the same on every machine.
@njit(cache=True, error_model="numpy", nogil=True)
def _compare(lowest, values, queries, span, slack, first, least, squared, index):
    """Hold the rows of a span that may be the nearest against the nearest so far, in place."""
    for i in range(lowest.shape[0]):
        least[i] = min(least[i], lowest[i].min())
        limit = least[i] + slack[i]
        for k in range(lowest.shape[1]):
            if lowest[i, k] > limit:
                continue
            for j in range(k * _WIDTH, min((k + 1) * _WIDTH, span.shape[0])):
                if values[i, j] <= limit:
                    total = 0.0
                    for c in range(span.shape[1]):
                        difference = np.float64(queries[i, c]) - np.float64(span[j, c])
                        total += difference * difference
                    if total < squared[i]:
                        squared[i], index[i] = total, first + j
