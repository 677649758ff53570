"""Per-pixel kernels of the decoder of foreign captures: which fringe, from Gray codes or from other sets of fringes."""
# pyright: reportGeneralTypeIssues=false, reportArgumentType=false

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange

SAFE = 0.15
"""Distance from an edge of the Gray code, in periods, beyond which the code is trusted to count fringes."""
REACH_PX = 32
"""How far the camera's pixels are searched for a neighbour whose count is safe."""


@njit(cache=True, error_model="numpy", parallel=True, nogil=True)
def add_bit(above, margin, bit, code, weak):
    """Add one Gray bit to a code.

    Args:
        above: (H, W) float32, brightness above the threshold.
        margin: (H, W) float32, below which the bit counts as weak.
        bit: which bit of the code, 0 the finest.
        code: (H, W) uint32, changed.
        weak: (H, W) uint32, the bits that are weak, changed.
    """
    value = np.uint32(1 << bit)
    for y in prange(code.shape[0]):
        for x in range(code.shape[1]):
            if above[y, x] > 0:
                code[y, x] |= value
            if not abs(above[y, x]) >= margin[y, x]:
                weak[y, x] |= value


@njit(cache=True, error_model="numpy", parallel=True, nogil=True)
def positions_of_codes(code, weak, unit, offset, length, widest, out, sigma):
    """Gray code → middle of the projector pixels that have it.

    At the edge of a code one bit is weak, and either reading of it is a neighbour. Where the finest bits are blurred away, what
    the others tell is a wider stretch of the projector, and its middle is taken.

    Args:
        code: (H, W) uint32.
        weak: (H, W) uint32, the bits that are weak.
        unit: projector pixels of one code.
        offset: added to the projector pixel before it was coded.
        length: projector pixels.
        widest: longest stretch of the projector that is still of use, projector pixels.
        out: (H, W) float32, written; NaN where coarser bits are weak, too, and beyond the projector.
        sigma: (H, W) float32, written: standard deviation of a place within its stretch.
    """
    nan = np.float32(np.nan)
    for y in prange(code.shape[0]):
        for x in range(code.shape[1]):
            g, w = np.int64(code[y, x]), np.int64(weak[y, x])
            blurred = 0
            while (w >> blurred) & 1:
                blurred += 1
            rest = w >> blurred
            if blurred == 1 and rest == 0:  # an edge of the finest stripes
                blurred = 0
            shift = g >> 1
            while shift:
                g ^= shift
                shift >>= 1
            stretch = unit * (1 << blurred)
            position = ((g >> blurred) + 0.5) * stretch - offset - 0.5
            inside = -0.5 - 0.5 * stretch <= position <= length - 0.5 + 0.5 * stretch
            good = inside and rest & (rest - 1) == 0 and (blurred == 0 or stretch <= widest)
            out[y, x] = position if good else nan
            sigma[y, x] = stretch / math.sqrt(12.0) if good else nan


@njit(cache=True, error_model="numpy", inline="always")
def _other(place, v, u, dv, du, reach):
    """Steps to the nearest pixel of another code in one direction; 0 where an unknown pixel or nothing comes first."""
    for k in range(1, reach + 1):
        y, x = v + k * dv, u + k * du
        if not (0 <= y < place.shape[0] and 0 <= x < place.shape[1]) or place[y, x] != place[y, x]:
            return 0
        if place[y, x] != place[v, u]:
            return k
    return 0


@njit(cache=True, error_model="numpy", parallel=True, nogil=True)
def interpolate_codes(place, sigma, unit, dv, du, out, sigma_out):
    """Places within a code, by the edges on either side of a pixel: half-way between two pixels of neighbouring codes the projector
    is half-way between the codes.

    Args:
        place: (H, W) float32, middle of each pixel's code.
        sigma: (H, W) float32, its standard deviation; only codes told by all bits are interpolated.
        unit: projector pixels of one code.
        dv: 1 to go along the image's columns, else 0.
        du: 1 to go along the image's rows, else 0.
        out: (H, W) float32, written; the middle where the codes on the sides are not the neighbours.
        sigma_out: (H, W) float32, written.
    """
    whole = 1.01 * unit / math.sqrt(12.0)
    for v in prange(place.shape[0]):
        for u in range(place.shape[1]):
            here = place[v, u]
            out[v, u], sigma_out[v, u] = here, sigma[v, u]
            if not sigma[v, u] < whole:
                continue
            before, after = _other(place, v, u, -dv, -du, REACH_PX), _other(place, v, u, dv, du, REACH_PX)
            if before == 0 or after == 0 or before + after == 2:
                continue
            low, high = place[v - before * dv, u - before * du] - here, place[v + after * dv, u + after * du] - here
            if abs(abs(low) - unit) < 1e-3 * unit and abs(low + high) < 1e-3 * unit:
                run = before + after - 1
                out[v, u] = here + (high / unit) * ((before - 0.5) / run - 0.5) * unit
                sigma_out[v, u] = sigma[v, u] / run


@njit(cache=True, error_model="numpy", parallel=True, nogil=True)
def refine(coarse, turns, period, crest, reach, out):
    """The place nearest to a coarse one that has the phase measured; NaN where that is farther than ``reach``."""
    for y in prange(coarse.shape[0]):
        for x in range(coarse.shape[1]):
            t = np.float64(turns[y, x])
            k = math.floor((coarse[y, x] - crest) / period - t + 0.5)
            position = (k + t) * period + crest
            out[y, x] = position if abs(position - coarse[y, x]) <= reach else np.nan


@njit(cache=True, error_model="numpy", parallel=True, nogil=True)
def excess_fractions(turns, periods, crests, finest, length, tolerance, out):
    """The place whose phases agree best with those measured in all sets (Benoît's method of excess fractions).

    Args:
        turns: (S, H, W) float32, phase of each set, turns in [0, 1); NaN where not known.
        periods: (S,) float64, projector pixels.
        crests: (S,) float64, projector pixel at which each set's phase is 0.
        finest: index of the set that gives the place.
        length: projector pixels.
        tolerance: turns; a pixel whose best place disagrees more is NaN, and one whose second best disagrees less.
        out: (H, W) float32, written.
    """
    S, H, W = turns.shape
    period = periods[finest]
    limit = tolerance * tolerance
    # An end of the projector may look like the other: places a little beyond the ends compete, but do not count.
    low, high = -0.5 - 0.02 * period, length - 0.5 + 0.02 * period
    for y in prange(H):
        for x in range(W):
            t = np.float64(turns[finest, y, x])
            first = math.ceil((low - crests[finest]) / period - t)
            last = math.floor((high - crests[finest]) / period - t)
            best, second, where = np.inf, np.inf, np.nan
            for k in range(first, last + 1):
                position = (k + t) * period + crests[finest]
                cost = 0.0
                for s in range(S):
                    if s != finest:
                        r = (position - crests[s]) / periods[s] - np.float64(turns[s, y, x])
                        r -= math.floor(r + 0.5)
                        cost += r * r
                if cost < best:
                    best, second, where = cost, best, position
                elif cost < second:
                    second = cost
            good = best < limit and second > limit and -0.5 <= where <= length - 0.5
            out[y, x] = where if good else np.nan


@njit(cache=True, error_model="numpy", parallel=True, nogil=True)
def settle_edges(position, period, unit, offset, out):
    """Count again near the edges of a Gray code whose stripes are as wide as a fringe: there a misread bit is a slip of a period.

    A pixel near an edge takes the count that brings it nearest to the nearest pixel, along rows and columns of the camera, that
    is away from edges; NaN where there is none.
    """
    H, W = position.shape
    for y in prange(H):
        for x in range(W):
            here = position[y, x]
            out[y, x] = here
            if not _near_edge(here, period, unit, offset):
                continue
            out[y, x] = np.nan
            for distance in range(1, REACH_PX + 1):
                found = np.nan
                for direction in range(4):
                    v = y + (distance if direction == 0 else -distance if direction == 1 else 0)
                    u = x + (distance if direction == 2 else -distance if direction == 3 else 0)
                    if 0 <= v < H and 0 <= u < W and position[v, u] == position[v, u] and not _near_edge(position[v, u], period, unit, offset):
                        found = position[v, u]
                        break
                if found == found:
                    steps = round((found - here) / period)
                    if abs(steps) <= 1:
                        out[y, x] = here + steps * period
                    break


@njit(cache=True, error_model="numpy", inline="always")
def _near_edge(position, period, unit, offset):
    codes = (position + 0.5 + offset) / unit
    return abs(codes - math.floor(codes + 0.5)) * unit < SAFE * period
