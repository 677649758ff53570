"""Fringe orders from fringes of several periods: each rung of a ladder is a phase, measured or a beat, that unwraps the next finer.

Beats are the difference triangle of the frequencies, D_k = Σ_j (−1)^j C(k, j) f_j, formed from the phases alike. The coarsest rung
covers the whole pattern, with a cyclic guard at both ends: noise there cannot turn the first column into the last.

References:
    Zuo, C. et al., "Temporal phase unwrapping algorithms for fringe projection profilometry: A comparative review",
    Opt. Lasers Eng. 85 (2016).
"""
# pyright: reportGeneralTypeIssues=false, reportArgumentType=false

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit, prange

from rig_configs.fringes import FringeConfig, MultiFrequencyUnwrapping

CYCLIC_GUARD = 0.1
"""Share of the coarsest rung's period that the pattern leaves free."""
RUNG_SIGMAS = 5.0
"""A pixel whose noise could be this many σ from a wrong order on any rung is not measured."""
MAX_LEAST_CONTRAST = 60.0
"""Fringes that need to be stronger than this, in noise, would leave most of a part unmeasured."""
RUNG_LIMIT = 0.35
"""Greatest distance of a rung from the nearest order, turns."""
AGREEMENT_FLOOR = 0.02
"""Disagreement between the phases of one pixel that gamma and blur alone may cause, turns."""


@dataclass(frozen=True, slots=True)
class Rung:
    """A phase that is a whole-numbered sum of measured ones."""

    coefficients: tuple[int, ...]
    """Of the measured phases, finest first."""
    frequency: float
    """Periods a projector pixel; not negative."""


def ladder(fringes: FringeConfig) -> list[Rung]:
    """The rungs from the finest fringes to the one that covers the pattern; the finest alone where a Gray code unwraps."""
    further = fringes.unwrapping
    if not isinstance(further, MultiFrequencyUnwrapping):
        return [Rung((1,), 1 / fringes.period_px)]
    frequencies = [1 / p for p in (fringes.period_px, *further.periods_px)]
    n = len(frequencies)
    rungs = []
    for k in range(n):
        row = [int(j == k) for j in range(n)] if further.method == "hierarchical" else [(-1) ** j * math.comb(k, j) for j in range(n)]
        frequency = sum(c * f for c, f in zip(row, frequencies, strict=True))
        sign = -1 if frequency < 0 else 1
        rungs.append(Rung(tuple(sign * c for c in row), abs(frequency)))
    return rungs


def least_contrast(fringes: FringeConfig) -> float:
    """Fringe amplitude over noise that a pixel needs so that no rung can slip, at :data:`RUNG_SIGMAS`."""
    further = fringes.unwrapping
    if not isinstance(further, MultiFrequencyUnwrapping):
        return 0.0
    turns = [math.sqrt(2 / n) / (2 * math.pi) for n in (fringes.steps, *(further.steps for _ in further.periods_px))]
    rungs = ladder(fringes)
    sigmas = [math.hypot(*(c * t for c, t in zip(r.coefficients, turns, strict=True))) for r in rungs]
    if min(r.frequency for r in rungs) <= 0:
        return math.inf
    orders = [
        math.hypot(sigmas[k], sigmas[k + 1] * rungs[k].frequency / rungs[k + 1].frequency) * RUNG_SIGMAS / RUNG_LIMIT for k in range(len(rungs) - 1)
    ]
    return max([*orders, sigmas[-1] * RUNG_SIGMAS / (CYCLIC_GUARD / 2)])


@njit(cache=True, error_model="numpy", inline="always")
def unwrap(turns, coefficients, frequencies, noise_turns, length):
    """Phases of one pixel → w + ½, projector pixels; NaN where they contradict each other.

    Args:
        turns: (n,) measured phases, turns, finest first.
        coefficients: (n, n) of the rungs, finest first.
        frequencies: (n,) of the rungs.
        noise_turns: (n,) standard deviations of the phases.
        length: of the pattern, projector pixels.
    """
    n = len(turns)
    position = 0.0
    for k in range(n - 1, -1, -1):
        phase = 0.0
        for j in range(n):
            phase += coefficients[k, j] * turns[j]
        if k == n - 1:
            guard = (1 - length * frequencies[k]) / 2
            phase = phase + guard - math.floor(phase + guard) - guard
            position = phase / frequencies[k]
        else:
            expected = position * frequencies[k] - phase
            order = math.floor(expected + 0.5)
            if abs(expected - order) > RUNG_LIMIT:
                return np.nan
            position = (order + phase) / frequencies[k]
    measured = frequencies[0]  # the finest rung is the finest phase
    for j in range(1, n):
        frequency = frequencies[n + j - 1]
        expected = position * frequency - turns[j]
        miss = abs(expected - math.floor(expected + 0.5))
        own = noise_turns[0] * frequency / measured
        if miss > RUNG_SIGMAS * math.sqrt(noise_turns[j] ** 2 + own * own) + AGREEMENT_FLOOR:
            return np.nan
    if not 0 <= position < length:
        return np.nan
    return position


@njit(cache=True, error_model="numpy", parallel=True, nogil=True)
def unwrap_image(fine, coarse, contrast, coefficients, frequencies, noise_shares, length, column):
    """Unwrap every pixel.

    Args:
        fine: (H, W) float32 finest phase, turns; NaN where it cannot be trusted.
        coarse: (n − 1) arrays (H, W) uint16, further phases, 1/65536 turns.
        contrast: (H, W) float32 noise over fringe amplitude, σ_I/B.
        coefficients: (n, n) of the rungs.
        frequencies: (2n − 1,) of the rungs, then of the further fringes.
        noise_shares: (n,) σ of each phase, turns, for σ_I/B = 1.
        length: of the pattern, projector pixels.
        column: (H, W) float32, filled: w, NaN where not told.
    """
    n = len(coarse) + 1
    for y in prange(fine.shape[0]):
        turns, noise = np.empty(n), np.empty(n)
        for x in range(fine.shape[1]):
            if fine[y, x] != fine[y, x]:
                column[y, x] = np.float32(np.nan)
                continue
            turns[0] = fine[y, x]
            for j in range(1, n):
                turns[j] = coarse[j - 1][y, x] / 65536.0
            for j in range(n):
                noise[j] = noise_shares[j] * contrast[y, x]
            column[y, x] = unwrap(turns, coefficients, frequencies, noise, length) - 0.5
