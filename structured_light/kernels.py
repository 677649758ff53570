"""Fused per-pixel kernels of the decoder. Each reads a frame once; a pixel that saturates in a phase step is poisoned with NaN."""
# pyright: reportGeneralTypeIssues=false, reportArgumentType=false

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange

MAIN_WEAK = 0x8000
"""Flag in a code: a Gray bit was too close to its threshold to be read."""
GUARD_WEAK = 0x4000
"""Flag in a code: the complementary bit was."""
CODE = 0x3FFF
QUANTISATION_DN2 = np.float32(1 / 12)


@njit(cache=True, error_model="numpy", inline="always")
def _turns(s, c):
    """atan2(s, c)/2π in [0, 1], float32 arithmetic, to 1e-7 turns."""
    a, b = abs(c), abs(s)
    large, small = max(a, b), min(a, b)
    swapped = b > a
    r = small / large if large > 0 else np.float32(0)
    # beyond tan(π/8) the argument is folded once more: the odd series below then needs six terms only
    folded = r > np.float32(0.41421357)
    if folded:
        r = (r - np.float32(1)) / (r + np.float32(1))
    q = r * r
    t = r * (
        np.float32(0.15915494)
        + q
        * (
            np.float32(-0.053051643)
            + q * (np.float32(0.03183085) + q * (np.float32(-0.022732997) + q * (np.float32(0.017485123) + q * np.float32(-0.012245))))
        )
    )
    if folded:
        t += np.float32(0.125)
    if swapped:
        t = np.float32(0.25) - t
    if c < 0:
        t = np.float32(0.5) - t
    if s < 0:
        t = np.float32(1) - t
    return t


@njit(cache=True, error_model="numpy", parallel=True, nogil=True)
def start_phase(pixels, saturation, total, cosine, sine, squares):
    """Begin the sums with step 0, whose cosine is 1 and sine 0."""
    for y in prange(pixels.shape[0]):
        for x in range(pixels.shape[1]):
            value = np.float32(pixels[y, x])
            total[y, x] = value if value < saturation else np.float32(np.nan)
            cosine[y, x] = value
            sine[y, x] = np.float32(0)
            squares[y, x] = value * value


@njit(cache=True, error_model="numpy", parallel=True, nogil=True)
def add_phase(pixels, saturation, c, s, total, cosine, sine, squares):
    """Add one phase step with weights c = cos(2πk/N), s = sin(2πk/N)."""
    for y in prange(pixels.shape[0]):
        for x in range(pixels.shape[1]):
            value = np.float32(pixels[y, x])
            total[y, x] += value if value < saturation else np.float32(np.nan)
            cosine[y, x] += c * value
            sine[y, x] += s * value
            squares[y, x] += value * value


@njit(cache=True, error_model="numpy", parallel=True, nogil=True)
def start_thresholds(total, steps, threshold):
    """Gray thresholds of the first exposure: the mean of its phase steps."""
    for y in prange(total.shape[0]):
        for x in range(total.shape[1]):
            threshold[y, x] = total[y, x] / steps


@njit(cache=True, error_model="numpy", parallel=True, nogil=True)
def take_unsaturated(shorter, steps, longer_by, black, saturation, total, cosine, sine, squares, threshold):
    """Where every exposure so far saturated, take over the sums of a shorter one that did not.

    The Gray frames are taken with the first exposure, ``longer_by`` times as long: their two levels are foreseen, the bright one at
    most at saturation, and the threshold put in the middle.
    """
    total_, cosine_, sine_, squares_ = shorter
    scale = np.float32(2 / steps)
    for y in prange(total.shape[0]):
        for x in range(total.shape[1]):
            if total[y, x] == total[y, x] or total_[y, x] != total_[y, x]:
                continue
            c, s = cosine_[y, x], sine_[y, x]
            a, b = total_[y, x] / steps - black, scale * math.sqrt(c * c + s * s)
            bright = min((a + b) * longer_by + black, saturation)
            dark = min((a - b) * longer_by + black, saturation)
            threshold[y, x] = (bright + dark) / 2
            total[y, x], cosine[y, x], sine[y, x], squares[y, x] = total_[y, x], c, s, squares_[y, x]


@njit(cache=True, error_model="numpy", parallel=True, nogil=True)
def add_bit(pixels, first, flag, scale, margin, level, code):
    """Append one Gray bit, turned into binary on the way; remember in ``flag`` that it was within ``margin`` of the threshold."""
    for y in prange(pixels.shape[0]):
        for x in range(pixels.shape[1]):
            above = np.float32(pixels[y, x]) - level[y, x] * scale
            old = 0 if first else int(code[y, x])
            low = old & CODE
            bit = (low & 1) ^ (1 if above > 0 else 0)
            new = (old & ~CODE) | ((low << 1 | bit) & CODE)
            if abs(above) < margin:
                new |= flag
            code[y, x] = np.uint16(new)


@njit(cache=True, error_model="numpy", parallel=True, nogil=True)
def fold_coarse(coarse, steps, min_modulation, total, phase):
    """Sums of further fringes → their phase, 1/65536 turns; where it cannot be trusted the pixel is poisoned in ``total``."""
    total_, cosine_, sine_, _ = coarse
    for y in prange(total.shape[0]):
        for x in range(total.shape[1]):
            c, s = cosine_[y, x], sine_[y, x]
            if total_[y, x] != total_[y, x] or 2 / steps * math.sqrt(c * c + s * s) < min_modulation:
                total[y, x] = np.float32(np.nan)
            phase[y, x] = np.uint16(int(_turns(s, c) * 65536 + 0.5) & 0xFFFF)


@njit(cache=True, error_model="numpy", inline="always")
def _fit(total, c, s, squares, steps, limits):
    """Mean, amplitude, noise over amplitude and turns of one pixel; turns are NaN where the sinusoid cannot be trusted."""
    min_modulation, max_contrast, gate, tolerance, offset, slope = limits
    n = np.float32(steps)
    b = np.float32(2) / n * math.sqrt(c * c + s * s)
    a = total / n
    variance = max(offset + slope * a, QUANTISATION_DN2)
    contrast = math.sqrt(variance) / b
    t = np.float32(np.nan)
    if b >= min_modulation and contrast <= max_contrast:  # false, too, where the mean is NaN
        # the squares nearly cancel: float32 would leave noise of its own
        energy = np.float64(squares) - steps * (np.float64(a) * a + np.float64(b) * b / 2)
        allowed = math.sqrt(gate * variance) + tolerance * b
        if energy <= allowed * allowed:
            t = _turns(s, c)
    return a, b, contrast, t


@njit(cache=True, error_model="numpy", parallel=True, nogil=True)
def finish_gray(total, cosine, sine, squares, code, steps, period, orders, length, limits, column, modulation, mean, sigma):
    """Sums and codes → column, modulation, mean and σ of the column; NaN in ``column`` where the pixel cannot be trusted.

    Gray edges lie at s = 0 (mod 1), the complementary one's at ½. Between ¼ and ¾ the order is read from the Gray code,
    elsewhere from the code that includes the complementary bit. A bit that is weak, or a half that contradicts the phase, an
    eighth of a period or more from where it may be, is a conflict.
    """
    factor = np.float32(period / (2 * math.pi) * math.sqrt(2 / steps))
    clear = np.float32(0.125)
    for y in prange(total.shape[0]):
        for x in range(total.shape[1]):
            a, b, contrast, t = _fit(total[y, x], cosine[y, x], sine[y, x], squares[y, x], steps, limits)
            modulation[y, x] = b
            mean[y, x] = a
            value = np.float32(np.nan)
            if t == t:
                word = int(code[y, x])
                half = word & CODE
                if t < np.float32(0.25):
                    order = (half + 1) >> 1
                elif t < np.float32(0.75):
                    order = half >> 1
                else:
                    order = ((half + 1) >> 1) - 1
                position = (order + t) * period - np.float32(0.5)
                edge = min(t, np.float32(1) - t)
                guard_edge = abs(t - np.float32(0.5))
                conflict = (word & MAIN_WEAK and edge > clear) or (word & GUARD_WEAK and guard_edge > clear)
                if edge > clear and guard_edge > clear and (half & 1) != (1 if t > np.float32(0.5) else 0):
                    conflict = True
                if not conflict and 0 <= order < orders and position < length:
                    value = position
            column[y, x] = value
            sigma[y, x] = factor * contrast if value == value else np.float32(np.nan)


@njit(cache=True, error_model="numpy", parallel=True, nogil=True)
def finish_phase(total, cosine, sine, squares, steps, limits, turns, modulation, mean, contrast):
    """Sums → phase in turns, NaN where the pixel cannot be trusted, modulation, mean and noise over modulation."""
    for y in prange(total.shape[0]):
        for x in range(total.shape[1]):
            a, b, k, t = _fit(total[y, x], cosine[y, x], sine[y, x], squares[y, x], steps, limits)
            modulation[y, x] = b
            mean[y, x] = a
            contrast[y, x] = k
            turns[y, x] = t
