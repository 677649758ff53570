"""The benchmark's numbers: I-AUROC over samples, P-AUROC and AUPRO over pixels.

Pixels are too many to keep: a hundred maps of 20 megapixels are 8 GB. They are counted instead, in bins that need no range
beforehand: read as integers, positive floats stand in the order of their values, so their upper bits are bins of equal *relative* width
(here 1/2048), the same for every map and every method. Counts of several samples add up.

What is lost is the order within a bin, and both areas lie in a bracket that the counts prove: between two thresholds at bin edges
a curve of rates can only rise, so it stays in the rectangle between its two ends, and the trapezoid taken here is off by half that
rectangle at most. ``Area.error`` is the sum of those halves.

References:
    Fawcett, "An introduction to ROC analysis", 2006.
    Bergmann et al., "The MVTec 3D-AD dataset", VISAPP 2022 (per-region overlap, to a false-positive rate of 0.3).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import stats

AUPRO_LIMIT = 0.3
"""False-positive rate up to which AUPRO integrates."""
_SHIFT = 12
"""Bits of a float32's mantissa that are dropped: 11 stay, 2,048 bins to the octave."""
_SMALLEST = np.finfo(np.float32).tiny


def sample_auroc(scores: NDArray[np.floating], defective: NDArray[np.bool_]) -> float:
    """I-AUROC: the probability that a defective sample scores higher than a good one, ties counted half; exact.

    Args:
        scores: (N,) higher is more anomalous.
        defective: (N,)

    Returns:
        0 to 1; NaN where a kind is missing.
    """
    scores, defective = np.asarray(scores, np.float64), np.asarray(defective, np.bool_)
    bad, good = int(defective.sum()), int((~defective).sum())
    if not bad or not good:
        return float("nan")
    ranks = stats.rankdata(scores)
    return float((ranks[defective].sum() - bad * (bad + 1) / 2) / (bad * good))


@dataclass(frozen=True, slots=True)
class Area:
    """An area under a curve, and how far the exact one may lie from it."""

    value: float
    error: float


@dataclass(frozen=True, slots=True)
class PixelCounts:
    """Pixels of maps by their score; adds up over samples."""

    first: int
    """Number of the lowest bin kept here; bin 0 is that of the score 0, and holds nothing else."""
    good: NDArray[np.int64]
    """(B,) pixels that are not defective."""
    defective: NDArray[np.int64]
    """(B,) pixels that are."""
    overlap: NDArray[np.float64]
    """(B,) the same, each pixel counted as its share of its region; a region sums to 1."""
    regions: int
    """Connected defective regions (8 neighbours)."""

    @classmethod
    def of(cls, anomaly_map: NDArray[np.floating], mask: NDArray[np.bool_]) -> PixelCounts:
        """Count one map.

        Args:
            anomaly_map: (H, W) not negative, finite.
            mask: (H, W) where it is defective.

        Raises:
            ValueError: the shapes differ, or a score is negative or not finite.
        """
        scores = np.ascontiguousarray(anomaly_map, dtype=np.float32)
        if scores.shape != mask.shape:
            raise ValueError(f"Map and mask must have one shape, got {scores.shape} and {mask.shape}.")
        if not np.isfinite(scores).all() or scores.min(initial=0.0) < 0.0:
            raise ValueError("Scores of pixels must be finite and not negative.")
        # Below the normal floats there is only zero here, so that its bin is exact. Adding 0 makes a negative zero positive.
        bins = (np.where(scores < _SMALLEST, np.float32(0.0), scores) + np.float32(0.0)).view(np.uint32) >> np.uint32(_SHIFT)
        mask = np.ascontiguousarray(mask, dtype=np.bool_)
        first = int(bins.min(initial=0))
        size = int(bins.max(initial=0)) - first + 1
        relative = (bins - np.uint32(first)).astype(np.int64)
        inside = relative[mask]
        defective = np.bincount(inside, minlength=size)
        good = np.bincount(relative.ravel(), minlength=size) - defective
        count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
        region = np.asarray(labels, np.int64)[mask]
        share = 1.0 / np.bincount(region, minlength=count)[region]
        overlap = np.bincount(inside, weights=share, minlength=size).astype(np.float64)
        return cls(first, good, defective, overlap, count - 1)

    def __add__(self, other: PixelCounts) -> PixelCounts:
        """Both together."""
        first = min(self.first, other.first)
        size = max(self.first + len(self.good), other.first + len(other.good)) - first

        def summed(a: NDArray, b: NDArray) -> NDArray:
            total = np.zeros(size, a.dtype)
            total[self.first - first : self.first - first + len(a)] += a
            total[other.first - first : other.first - first + len(b)] += b
            return total

        return PixelCounts(
            first,
            summed(self.good, other.good),
            summed(self.defective, other.defective),
            summed(self.overlap, other.overlap),
            self.regions + other.regions,
        )

    @classmethod
    def total(cls, counts: Iterable[PixelCounts]) -> PixelCounts:
        """All together; empty where there are none."""
        result = cls(0, np.zeros(1, np.int64), np.zeros(1, np.int64), np.zeros(1), 0)
        for each in counts:
            result = result + each
        return result

    def auroc(self) -> Area:
        """P-AUROC over all pixels; NaN where a kind is missing."""
        return self._area(self.defective, float(self.defective.sum()), 1.0)

    def aupro(self, limit: float = AUPRO_LIMIT) -> Area:
        """Mean overlap of the regions over the false-positive rate from 0 to ``limit``, divided by ``limit``; NaN without a region."""
        return self._area(self.overlap, float(self.regions), limit)

    def _area(self, found: NDArray, whole: float, limit: float) -> Area:
        if not self.good.sum() or not whole:
            return Area(float("nan"), 0.0)
        used = np.flatnonzero((self.good > 0) | (found > 0))[::-1]  # from the highest score down
        across = np.concatenate([[0.0], np.cumsum(self.good[used]) / self.good.sum()])
        up = np.concatenate([[0.0], np.minimum(np.cumsum(found[used]) / whole, 1.0)])
        exact = self.first + used == 0
        start, end = np.minimum(across[:-1], limit), np.minimum(across[1:], limit)
        width, whole_width = end - start, np.diff(across)
        share = np.divide(width, whole_width, out=np.zeros_like(width), where=whole_width > 0)
        rise = np.diff(up)
        area = float(np.sum(width * (up[:-1] + 0.5 * share * rise)))
        # Where the limit cuts a bin, its curve may be anywhere in the rectangle, and the part of it taken is not its middle.
        half = np.where(exact, 0.0, width * np.where(share < 1.0, np.maximum(0.5 * share, 1.0 - 0.5 * share), 0.5) * rise)
        return Area(area / limit, float(half.sum()) / limit)
