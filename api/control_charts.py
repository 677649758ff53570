"""Control charts: p-chart, EWMA, and the rules that tell a change from chance.

References:
    Montgomery, Introduction to Statistical Quality Control: p-chart with variable sample size, EWMA chart, moving range.
    Western Electric Co., Statistical Quality Control Handbook, 1956. Nelson, "The Shewhart control chart: tests for special causes", 1984.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from api.schemas_statistics import Rule

EWMA_WEIGHT = 0.2
EWMA_WIDTH = 2.86
"""λ and L: with these a false alarm comes once in about 370 points, as on a 3 σ chart, and a shift of 1 σ is told after ten."""
_D2 = 1.128
"""Expected range of two normal values, in σ."""

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PLimits:
    """A p-chart's centre and, for each group, limits and distance from the centre in σ."""

    centre: float
    lower: F64
    upper: F64
    sigmas: F64


def p_limits(inspected: Sequence[int], bad: Sequence[int]) -> PLimits:
    """3 σ limits of the share of bad ones in groups of different sizes, each ≥ 1."""
    n = np.asarray(inspected, np.float64)
    share = np.asarray(bad, np.float64) / n
    centre = float(np.sum(bad) / n.sum())
    sigma = np.sqrt(centre * (1 - centre) / n)
    sigmas = np.divide(share - centre, sigma, out=np.zeros_like(share), where=sigma > 0)
    return PLimits(centre, np.maximum(centre - 3 * sigma, 0.0), np.minimum(centre + 3 * sigma, 1.0), sigmas)


@dataclass(frozen=True, slots=True)
class Ewma:
    """An EWMA chart's line and limits, and each value's distance from the centre in σ."""

    line: F64
    lower: F64
    upper: F64
    sigmas: F64

    @property
    def beyond(self) -> NDArray[np.bool_]:
        """Where the line is beyond its limits."""
        return (self.line > self.upper) | (self.line < self.lower)


def moving_range_sigma(values: F64) -> float:
    """σ of single values from the mean range of neighbours: a slow drift among them does not widen it."""
    return float(np.abs(np.diff(values)).mean() / _D2)


def ewma(values: F64, centre: float, sigma: float) -> Ewma:
    """The EWMA of values that have this centre and σ while nothing changes."""
    line = np.empty_like(values)
    level = centre
    for i, value in enumerate(values):
        level = EWMA_WEIGHT * value + (1 - EWMA_WEIGHT) * level
        line[i] = level
    steps = np.arange(1, len(values) + 1)
    width = EWMA_WIDTH * sigma * np.sqrt(EWMA_WEIGHT / (2 - EWMA_WEIGHT) * (1 - (1 - EWMA_WEIGHT) ** (2 * steps)))
    return Ewma(line, centre - width, centre + width, (values - centre) / sigma if sigma > 0 else np.zeros_like(values))


def rules_fired(sigmas: F64) -> list[list[Rule]]:
    """Which rules fire at each point.

    Args:
        sigmas: (N,) distances from the centre in σ, in order.
    """
    fired: list[list[Rule]] = []
    for i in range(len(sigmas)):
        rules: list[Rule] = []
        if abs(sigmas[i]) > 3:
            rules.append(Rule.BEYOND_3_SIGMA)
        if _side(sigmas, i, window=3, least=2, beyond=2.0):
            rules.append(Rule.TWO_OF_THREE)
        if _side(sigmas, i, window=5, least=4, beyond=1.0):
            rules.append(Rule.FOUR_OF_FIVE)
        if _side(sigmas, i, window=8, least=8, beyond=0.0):
            rules.append(Rule.EIGHT_IN_A_ROW)
        steps = np.sign(np.diff(sigmas[max(0, i - 13) : i + 1]))
        if len(steps) >= 5 and abs(steps[-5:].sum()) == 5:
            rules.append(Rule.SIX_TRENDING)
        if len(steps) == 13 and bool((steps[1:] * steps[:-1] == -1).all()):
            rules.append(Rule.FOURTEEN_ALTERNATING)
        fired.append(rules)
    return fired


def _side(sigmas: F64, i: int, *, window: int, least: int, beyond: float) -> bool:
    """Whether of the last points enough lie beyond a distance on the side of the point itself."""
    if i + 1 < window or abs(sigmas[i]) <= beyond:
        return False
    recent = sigmas[i + 1 - window : i + 1] * np.sign(sigmas[i])
    return int((recent > beyond).sum()) >= least
