"""Decision: two one-class SVMs over the banks, and limits that stand without a single defective part.

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

from inference.methods import Rule

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


def joint_limits(scores: NDArray[np.floating], false_reject_rate: float) -> NDArray[np.float64]:
    """Limits of several voices that a further good part keeps *all* of but for the given rate.

    The lower of two limits (20 parts at a rate of 2 %: 1.0 % of good parts are rejected with normal voices, 2.8 % with the long tails
    of a Gumbel distribution). One: ``tail_limit`` at an equal share of the rate for each voice
    (Bonferroni). Two: the voice's mean plus so many of its standard deviations as ``tail_limit`` gives, at the whole rate, of the
    largest standardised voice of each part, each part standardised by the others, as a new one will be. Voices that agree or have
    short tails need less than Bonferroni's share (20 parts, four normal voices, 0.5 %: 4.4 standard deviations in place of 5.6); with
    few parts the other is lower.

    Args:
        scores: (n, V) held-out scores of good parts, n ≥ 3.
        false_reject_rate: of all voices together.
    """
    n = len(scores)
    mean, spread = scores.mean(axis=0), np.maximum(scores.std(axis=0, ddof=1), 1e-3 * np.abs(scores.mean(axis=0)) + 1e-12)
    others_mean = (n * mean - scores) / (n - 1)
    others_variance = ((n - 1) * spread**2 - n / (n - 1) * (scores - mean) ** 2) / (n - 2)
    # A part that is most of the spread leaves hardly any to the others; it then counts at most as far out as can be told.
    others_spread = np.sqrt(np.maximum(others_variance, (0.25 * spread) ** 2))
    farthest = ((scores - others_mean) / others_spread).max(axis=1)
    together = mean + max(tail_limit(farthest, false_reject_rate), 2.0) * spread
    apart = np.array([tail_limit(column, false_reject_rate / scores.shape[1]) for column in scores.T])
    return np.minimum(together, apart).astype(np.float64)


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
        coef = np.maximum(np.asarray(svm.coef_, np.float64).ravel(), 0.0)
        if not coef.any():
            coef = np.ones_like(coef)
        return cls(mean, std, coef, float(np.asarray(svm.offset_).item()))

    def score(self, scores: NDArray[np.floating]) -> NDArray[np.float64]:
        """(..., B) bank scores to (...) fused ones: the signed distance to the SVM's plane, up to its scale."""
        return (_OFFSET + (scores - self.mean) / self.std) @ self.coef - self.offset


@dataclass(frozen=True, slots=True)
class Judge:
    """A one-class SVM beside the banks it fuses, all on one scale: 0 as a typical good one, 1 at the limit of good ones.

    A weighted sum dilutes what one bank alone sees: a stain at 1.5 times the colour bank's limit may leave the sum below its own.
    So each bank keeps its say: the judgement is the largest of the SVM and the banks, each against its own limit, and the limits
    are drawn so that all together keep the false-reject rate.
    """

    svm: OneClassFusion
    typical: NDArray[np.float64]
    """(1 + B,) of the SVM and of each bank."""
    limit: NDArray[np.float64]
    """(1 + B,)"""

    def voices(self, scores: NDArray[np.floating]) -> NDArray[np.float64]:
        """(..., B) bank scores to (..., 1 + B): the SVM, then each bank; 0 typical, 1 at the limit."""
        return (with_svm(self.svm, scores) - self.typical) / (self.limit - self.typical)


def with_svm(svm: OneClassFusion, scores: NDArray[np.floating]) -> NDArray[np.float64]:
    """(..., B) bank scores to (..., 1 + B) with the SVM's own in front."""
    return np.concatenate([svm.score(scores)[..., None], np.asarray(scores, np.float64)], axis=-1)


def fit_judge(
    svm: OneClassFusion, typical_of: NDArray[np.floating], maxima: NDArray[np.floating], false_reject_rate: float, rule: Rule = "largest"
) -> Judge:
    """Limits of the SVM and the banks.

    Args:
        svm: fitted.
        typical_of: (M, 1 + B) held-out values whose median is the typical one.
        maxima: (N, 1 + B) what is held against the limit, one row a held-out good part.
        false_reject_rate: of the judgement as a whole.
        rule: where the SVM decides alone it has the whole rate, else all voices together.
    """
    typical = np.median(typical_of, axis=0).astype(np.float64)
    if rule == "svm":
        return Judge(svm, typical, np.array([tail_limit(column, false_reject_rate) for column in maxima.T]))
    return Judge(svm, typical, joint_limits(maxima, false_reject_rate))


@dataclass(frozen=True, slots=True)
class Decision:
    """D_a of the paper, on sample scores, and D_s, on cells."""

    sample: Judge
    cell: Judge
    threshold: float = 1.0
    """Of the sample score, which is 1 at the limit of good parts."""
    rule: Rule = "largest"

    def score(self, scores: NDArray[np.floating]) -> NDArray[np.float64]:
        """(..., B) bank scores of samples to (...) judgements: 0 typical, 1 at the limit."""
        voices = self.sample.voices(scores)
        return voices.max(axis=-1) if self.rule == "largest" else voices[..., 0]

    def heard(self, maps: NDArray[np.float32]) -> NDArray[np.float32]:
        """(1 + B, ...) maps of the cells' voices to the one (...) that decides."""
        return maps.max(axis=0) if self.rule == "largest" else maps[0]
