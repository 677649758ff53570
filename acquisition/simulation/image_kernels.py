"""The fused loop that makes a picture: light on surfaces, times a projector's pattern, through the lens onto the sensor's filters."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

_ROWS_A_TASK = 48


@njit(cache=True, parallel=True, fastmath=True)
def add_image(planes, pattern, column, row, softness, spread, polynomials, response, layout, centre, vignetting, out):
    """Add the picture of some light to ``out``.

    Every pixel gathers its neighbours' light with the point spread of its own depth, so that at an edge it sees a mixture of both
    surfaces, each with its own place in the pattern. Rows pass through a ring just as long as the point spread is wide.

    Args:
        planes: (1 or 3, H, W) light of each surface point, of one colour or three; no NaN.
        pattern: (L, h, w) what a projector shows, at L degrees of blur; h = 1 where all its rows are alike. Empty: the light is steady.
        column: (H, W) place in the pattern, finite; of no size without a pattern, as the next two.
        row: (H, W), unused where h = 1.
        softness: (H, W) degree of the pattern's blur, from 0 to L - 1; of no size where L = 1.
        spread: (H, W) or of no size, which is 0 everywhere: see ``point_spread.tap_polynomials``.
        polynomials: (r, 6) from there.
        response: (3,) of the red, green and blue pixels.
        layout: 0 one plane, 1 RGGB mosaic of three, 2 three channels.
        centre: (2,) column and row that vignetting is about.
        vignetting: loss at the corner.
        out: (H, W, 1 or 3).
    """
    C, H, W = planes.shape
    r = polynomials.shape[0]
    corner2 = np.float32(centre[0] ** 2 + centre[1] ** 2)
    cx, cy, loss = np.float32(centre[0]), np.float32(centre[1]), np.float32(vignetting) / corner2
    red, green, blue = np.float32(response[0]), np.float32(response[1]), np.float32(response[2])
    rows = 2 * r + 1
    for task in prange((H + _ROWS_A_TASK - 1) // _ROWS_A_TASK):
        first, last = task * _ROWS_A_TASK, min((task + 1) * _ROWS_A_TASK, H)
        ring = np.empty((rows, C, W), np.float32)
        lit = np.empty(W + 2 * r, np.float32)
        shown = np.empty(W, np.float32)
        weights = np.empty((r + 1, W), np.float32)
        seen = np.empty((C, W), np.float32)
        for y in range(first - r, last + r):
            yy = min(max(y, 0), H - 1)
            _weigh(spread, yy, polynomials, weights)
            patterned = pattern.size > 0
            if patterned:
                _sample(pattern, column, row, softness, yy, shown)
            for c in range(C):
                if patterned:
                    _times(shown, planes[c, yy], lit[r : r + W])
                else:
                    lit[r : r + W] = planes[c, yy]
                lit[:r] = lit[r]
                lit[r + W :] = lit[r + W - 1]
                target = ring[y % rows, c]
                _times(weights[0], lit[r : r + W], target)
                for k in range(1, r + 1):
                    _add_pair(weights[k], lit[r - k : r - k + W], lit[r + k : r + k + W], target)
            i = y - r
            if i < first:
                continue
            _weigh(spread, i, polynomials, weights)
            for c in range(C):
                _times(weights[0], ring[i % rows, c], seen[c])
                for k in range(1, r + 1):
                    _add_pair(weights[k], ring[(i - k) % rows, c], ring[(i + k) % rows, c], seen[c])
            dy = np.float32(i) - cy
            for j in range(W):
                dx = np.float32(j) - cx
                shown[j] = 1 - loss * (dx * dx + dy * dy)
            if layout == 0:
                _expose(np.float32(1), seen[0], shown, out[i, :, 0])
            elif layout == 2:
                _expose(red, seen[0], shown, out[i, :, 0])
                _expose(green, seen[1], shown, out[i, :, 1])
                _expose(blue, seen[2], shown, out[i, :, 2])
            elif i % 2 == 0:
                _expose(red, seen[0, ::2], shown[::2], out[i, ::2, 0])
                _expose(green, seen[1, 1::2], shown[1::2], out[i, 1::2, 0])
            else:
                _expose(green, seen[1, ::2], shown[::2], out[i, ::2, 0])
                _expose(blue, seen[2, 1::2], shown[1::2], out[i, 1::2, 0])


@njit(cache=True, fastmath=True)
def _times(a, b, out):
    for j in range(out.size):
        out[j] = a[j] * b[j]


@njit(cache=True, fastmath=True)
def _add_pair(weight, a, b, out):
    for j in range(out.size):
        out[j] += weight[j] * (a[j] + b[j])


@njit(cache=True, fastmath=True)
def _expose(response, light, left, out):
    for j in range(out.size):
        out[j] += response * light[j] * left[j]


@njit(cache=True, fastmath=True)
def _weigh(spread, i, polynomials, weights):
    """Weights of the taps of a row of pixels, (r + 1, W)."""
    centre = weights[0]
    centre[:] = 1
    for k in range(1, weights.shape[0]):
        p, weight = polynomials[k - 1], weights[k]
        if spread.size == 0:
            weight[:] = p[0]
        else:
            _horner(p, spread[i], weight)
        _subtract_twice(weight, centre)


@njit(cache=True, fastmath=True)
def _horner(p, s, out):
    p0, p1, p2, p3, p4, p5 = p[0], p[1], p[2], p[3], p[4], p[5]
    for j in range(out.size):
        out[j] = p0 + s[j] * (p1 + s[j] * (p2 + s[j] * (p3 + s[j] * (p4 + s[j] * p5))))


@njit(cache=True, fastmath=True)
def _subtract_twice(a, out):
    for j in range(out.size):
        out[j] -= 2 * a[j]


@njit(cache=True, fastmath=True)
def _sample(pattern, column, row, softness, i, shown):
    """A row of the pattern's light, read linearly between its pixels and its degrees of blur."""
    levels, h = pattern.shape[:2]
    if h > 1:
        _sample_area(pattern, column[i], row[i], softness[i] if levels > 1 else column[i], shown)
        return
    if levels == 1:
        _sample_line(pattern[0, 0], column[i], shown)
    else:
        _sample_lines(pattern[:, 0], column[i], softness[i], shown)


@njit(cache=True, fastmath=True)
def _sample_line(line, column, shown):
    last = np.float32(line.size - 1.001)
    for j in range(shown.size):
        u = min(max(column[j], np.float32(0)), last)
        x = np.uint32(u)
        f = u - np.float32(x)
        shown[j] = line[x] + f * (line[x + np.uint32(1)] - line[x])


@njit(cache=True, fastmath=True)
def _sample_lines(lines, column, softness, shown):
    last, sharpest = np.float32(lines.shape[1] - 1.001), np.float32(lines.shape[0] - 1.001)
    for j in range(shown.size):
        u = min(max(column[j], np.float32(0)), last)
        s = min(softness[j], sharpest)
        x, k = np.uint32(u), np.uint32(s)
        f, g = u - np.float32(x), s - np.float32(k)
        x1, k1 = x + np.uint32(1), k + np.uint32(1)
        sharp = lines[k, x] + f * (lines[k, x1] - lines[k, x])
        soft = lines[k1, x] + f * (lines[k1, x1] - lines[k1, x])
        shown[j] = sharp + g * (soft - sharp)


@njit(cache=True, fastmath=True)
def _sample_area(pattern, column, row, softness, shown):
    levels, h, w = pattern.shape
    last, lowest, softest = np.float32(w - 1.001), np.float32(h - 1.001), np.float32(levels - 1.001)
    for j in range(shown.size):
        u, v = min(max(column[j], np.float32(0)), last), min(max(row[j], np.float32(0)), lowest)
        x, y = np.uint32(u), np.uint32(v)
        fx, fy = u - np.float32(x), v - np.float32(y)
        if levels == 1:
            shown[j] = _between(pattern[0], x, y, fx, fy)
        else:
            s = min(softness[j], softest)
            k = np.uint32(s)
            sharp = _between(pattern[k], x, y, fx, fy)
            soft = _between(pattern[k + np.uint32(1)], x, y, fx, fy)
            shown[j] = sharp + (s - np.float32(k)) * (soft - sharp)


@njit(cache=True, fastmath=True, inline="always")
def _between(image, x, y, fx, fy):
    x1, y1 = x + np.uint32(1), y + np.uint32(1)
    upper = image[y, x] + fx * (image[y, x1] - image[y, x])
    lower = image[y1, x] + fx * (image[y1, x1] - image[y1, x])
    return upper + fy * (lower - upper)


@njit(cache=True, parallel=True, fastmath=True)
def add(a, factor, out):
    """Add one map, times a factor, to another; both flat."""
    for i in prange(out.size):
        out[i] += factor * a[i]
