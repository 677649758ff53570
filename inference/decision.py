"""Decision: two one-class SVMs over the three banks, and limits that stand without a single defective part.

Everything here is fitted on *held-out* good parts. A good part scored against a bank that holds its own patches is nearly
at distance zero; limits drawn from such scores reject every new good part.

References:
    Schölkopf et al., "Estimating the support of a high-dimensional distribution", 2001 (one-class SVM).
    Hahn, "Factors for calculating two-sided prediction intervals", 1969 (t-based prediction limit of a small sample).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from sklearn.linear_model import SGDOneClassSVM

_OFFSET = 4.0
"""Added to standardised scores: the linear one-class SVM separates the data from the origin, so they must lie to one side of it."""


def tail_limit(scores: NDArray[np.floating], false_reject_rate: float) -> float:
    """The score that a further good part exceeds with the given rate, from a small sample of good scores.

    The larger of two estimates: the one-sided t prediction limit, mean + t·s·√(1 + 1/n), which pays for the uncertainty of
    mean and spread; and the Gumbel quantile by moments, widened by the same small-sample factor, for the scores are maxima
    over patches and their upper tail is longer than a normal one. Both need no defective part and cannot collapse onto the
    scores: they lie above the mean by at least 2 standard deviations for rates up to 2 %.

    Args:
        scores: (n,) held-out scores of good parts, n ≥ 2.
        false_reject_rate: between 0 and 0.5.
    """
    n, mean, spread = len(scores), float(np.mean(scores)), float(np.std(scores, ddof=1))
    student = float(stats.t.ppf(1.0 - false_reject_rate, n - 1)) * math.sqrt(1.0 + 1.0 / n)
    widening = student / float(stats.norm.ppf(1.0 - false_reject_rate))
    beta = math.sqrt(6.0) / math.pi
    gumbel = beta * (-math.log(-math.log1p(-false_reject_rate)) - np.euler_gamma) * widening
    # Identical scores are a sign of repeated samples, not of a perfect process: never a limit that equals the scores.
    return mean + max(student, gumbel) * max(spread, 1e-3 * abs(mean))


@dataclass(frozen=True, slots=True)
class OneClassFusion:
    """A linear one-class SVM over standardised bank scores; higher is more anomalous."""

    mean: NDArray[np.float64]
    """(B,) of the held-out good scores."""
    std: NDArray[np.float64]
    """(B,)"""
    coef: NDArray[np.float64]
    """(B,) not negative."""
    offset: float

    @classmethod
    def fit(cls, scores: NDArray[np.floating], seed: int = 42) -> OneClassFusion:
        """Fit on (N, B) held-out good scores."""
        mean, std = scores.mean(axis=0).astype(np.float64), scores.std(axis=0).astype(np.float64)
        std = np.maximum(std, 1e-3 * np.abs(mean) + 1e-12)
        svm = SGDOneClassSVM(nu=0.5, random_state=seed).fit(_OFFSET + (scores - mean) / std)
        coef = np.maximum(svm.coef_.ravel(), 0.0)
        if not coef.any():
            coef = np.ones_like(coef)
        return cls(mean, std, coef, float(svm.offset_.item()))

    def score(self, scores: NDArray[np.floating]) -> NDArray[np.float64]:
        """(..., B) bank scores to (...) fused ones: the signed distance to the SVM's plane, up to its scale."""
        return (_OFFSET + (scores - self.mean) / self.std) @ self.coef - self.offset


@dataclass(frozen=True, slots=True)
class Decision:
    """Both SVMs and every limit."""

    sample: OneClassFusion
    threshold: float
    """Of the sample score."""
    bank_limits: NDArray[np.float64]
    """(B,) of each bank's sample score."""
    pixel: OneClassFusion
    pixel_typical: float
    """Fused distance of a typical good cell: 0 of the anomaly map."""
    pixel_limit: float
    """Limit of a good part's smoothed maximum: 1 of the anomaly map."""
    cell_typical: NDArray[np.float64]
    """(B,) distance of a typical good cell to each bank."""
    cell_limits: NDArray[np.float64]
    """(B,) limit of the largest cell distance of a good part to each bank."""
