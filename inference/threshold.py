"""The threshold once people have reviewed verdicts: from good scores alone, or between the good and the defective.

References:
    Vovk, Gammerman & Shafer, "Algorithmic learning in a random world", 2005 (conformal quantile).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.decision import tail_limit


@dataclass(frozen=True, slots=True)
class ThresholdProposal:
    """A threshold of the sample score, and what it does to the parts it was drawn from."""

    threshold: float
    false_rejects: int
    """Good parts above it."""
    missed: int
    """Defective parts at or below it."""
    expected_false_rejects: float
    """Share of further good parts that it rejects, at most, on average: (good parts above + 1) / (good parts + 1)."""


def good_limit(good: NDArray[np.floating], false_reject_rate: float) -> float:
    """The score that a further good part exceeds with the given rate.

    From 1/rate - 1 parts on it is the conformal quantile, which holds whatever the scores' distribution; with fewer no score that was
    seen is high enough, and the tail must be fitted (``tail_limit``).

    Args:
        good: (n,) scores of good parts that the banks have not seen, n ≥ 2.
        false_reject_rate: between 0 and 0.5.
    """
    rank = math.ceil((len(good) + 1) * (1.0 - false_reject_rate))
    if rank > len(good):
        return tail_limit(good, false_reject_rate)
    return float(np.sort(np.asarray(good, np.float64))[rank - 1])


def threshold_from_reviews(
    good: NDArray[np.floating], defective: NDArray[np.floating], false_reject_rate: float, cost_of_a_miss: float = 10.0
) -> ThresholdProposal:
    """Draw the threshold anew from reviewed parts.

    Without defective parts, or where all of them are over the limit of good ones, that limit stays. A defective part below it pulls
    the threshold down half way to the nearest good part under it, while what is gained in misses is worth what is lost in good parts.

    Args:
        good: (n,) held-out scores of taught parts and scores of parts that were reviewed as good, n ≥ 2.
        defective: (m,) scores of parts that were reviewed as defective; may be empty.
        false_reject_rate: of the limit without defective parts.
        cost_of_a_miss: a missed defective part in rejected good ones.
    """
    good, defective = np.sort(np.asarray(good, np.float64)), np.sort(np.asarray(defective, np.float64))
    limit = good_limit(good, false_reject_rate)

    def proposal(threshold: float) -> ThresholdProposal:
        above = int((good > threshold).sum())
        return ThresholdProposal(threshold, above, int((defective <= threshold).sum()), (above + 1) / (len(good) + 1))

    candidates = [limit]
    for score in defective[defective <= limit]:
        below = good[good < score]
        # Half way, so that neither the defective part nor the good one stands on the edge; with no good part below, just under it.
        candidates.append(float(0.5 * (score + below[-1])) if len(below) else float(np.nextafter(score, -np.inf)))
    tried = [proposal(candidate) for candidate in candidates]
    return min(
        tried, key=lambda p: (p.false_rejects / len(good) + (cost_of_a_miss * p.missed / len(defective) if len(defective) else 0.0), -p.threshold)
    )
