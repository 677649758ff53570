"""Which lights of a pixel to believe: the drop rule, and least squares on what remains.

With four lights the misfit has one dimension, so that it tells *that* the lights disagree and not *which* of them is wrong; what
shadows and highlights look like has to say that: a shadow is far darker than the other lights, a highlight far brighter than the
others predict. Their thresholds are those that cost least on simulated parts with truth; ``tests/benchmarks/drop_rule_sweep.py``
shows the figures.
"""

from __future__ import annotations

import numpy as np
from numba import njit

SHADOW_RATIO = np.float32(0.1)
"""The darkest light is in shadow where it gives less than this share of the second brightest."""
HIGHLIGHT_RATIO = np.float32(1.5)
"""The brightest light is a highlight where it exceeds what the others predict by this factor. On parts that had no say in it (limit switch,
knob cap, humidity sensor) 1.25 would be 4 to 7 % better in the mean, on the fork terminal's bare metal 11 % worse."""
PREDICTED_SHADOW_RATIO = np.float32(0.3)
"""A light that geometry predicts to be in shadow is, where it gives less than this share of the second brightest. Clouds have faults,
above all at edges: believed without looking at the picture, they cost more than they give."""
LEAST_DETERMINANT = np.float32(1e-4)
"""Three lights span too little where det(LᵀL) is below this."""

# error_model="numpy": a pixel without light divides by zero and ends as not valid; Python's way would end the scan.
MATHS = {"contract", "reassoc", "arcp", "nsz", "afn"}  # not nnan: float images may hold NaN, which must end as not valid


@njit(cache=True, error_model="numpy", fastmath=MATHS)
def _least_squares(b, L, usable, x):
    """x = (LᵀL)⁻¹Lᵀb over the usable lights, and (LᵀL)⁻¹ as its six upper elements; rank is False where they span no volume."""
    xx = xy = xz = yy = yz = zz = np.float32(0)
    bx = by = bz = np.float32(0)
    for k in range(b.size):
        if usable[k]:
            lx, ly, lz = L[k, 0], L[k, 1], L[k, 2]
            xx += lx * lx
            xy += lx * ly
            xz += lx * lz
            yy += ly * ly
            yz += ly * lz
            zz += lz * lz
            bx += lx * b[k]
            by += ly * b[k]
            bz += lz * b[k]
    ixx, ixy, ixz = yy * zz - yz * yz, xz * yz - xy * zz, xy * yz - xz * yy
    iyy, iyz, izz = xx * zz - xz * xz, xy * xz - xx * yz, xx * yy - xy * xy
    det = xx * ixx + xy * ixy + xz * ixz
    rank = det > LEAST_DETERMINANT
    s = np.float32(1) / det if rank else np.float32(0)
    ixx, ixy, ixz, iyy, iyz, izz = ixx * s, ixy * s, ixz * s, iyy * s, iyz * s, izz * s
    x[0] = ixx * bx + ixy * by + ixz * bz
    x[1] = ixy * bx + iyy * by + iyz * bz
    x[2] = ixz * bx + iyz * by + izz * bz
    return rank, ixx, ixy, ixz, iyy, iyz, izz


@njit(cache=True, error_model="numpy", fastmath=MATHS)
def solve_pixel(b, L, usable, x):
    """The drop rule, then least squares, for one pixel and any number of lights.

    As long as more than three lights remain, the darkest is dropped while it is below :data:`SHADOW_RATIO` of the second brightest;
    if none is, the brightest is dropped if it exceeds :data:`HIGHLIGHT_RATIO` times what the others predict for it.

    Args:
        b: (K,) float32, relative answers ρ n·l.
        L: (K, 3) float32, unit directions to the lights.
        usable: (K,) bool, lights to consider; on return the lights that were used.
        x: (3,) float32, receives ρn.

    Returns:
        (lights, residual): how many lights were used, 0 where three independent ones were not to be had, and their RMS misfit.
    """
    bad = (0, np.float32(0))
    first = second = np.float32(-np.inf)
    brightest = -1
    count = 0
    for k in range(b.size):
        if usable[k]:
            count += 1
            if b[k] > first:
                second, first, brightest = first, b[k], k
            elif b[k] > second:
                second = b[k]
    if count < 3:
        return bad
    shadows = 0
    while count > 3:
        darkest = -1
        for k in range(b.size):
            if usable[k] and (darkest < 0 or b[k] < b[darkest]):
                darkest = k
        if not b[darkest] < SHADOW_RATIO * second:
            break
        usable[darkest] = False
        shadows += 1
        count -= 1
    rank, ixx, ixy, ixz, iyy, iyz, izz = _least_squares(b, L, usable, x)
    if not rank:
        return bad
    if count > 3 and shadows == 0:
        lx, ly, lz = L[brightest, 0], L[brightest, 1], L[brightest, 2]
        error = b[brightest] - (lx * x[0] + ly * x[1] + lz * x[2])
        leverage = ixx * lx * lx + iyy * ly * ly + izz * lz * lz + np.float32(2) * (ixy * lx * ly + ixz * lx * lz + iyz * ly * lz)
        free = np.float32(1) - leverage
        if free > np.float32(1e-3) and b[brightest] > HIGHLIGHT_RATIO * (b[brightest] - error / free):
            usable[brightest] = False
            count -= 1
            rank = _least_squares(b, L, usable, x)[0]
            if not rank:
                return bad
    total = np.float32(0)
    for k in range(b.size):
        if usable[k]:
            e = b[k] - (L[k, 0] * x[0] + L[k, 1] * x[1] + L[k, 2] * x[2])
            total += e * e
    return count if x[2] > 0 else 0, np.sqrt(total / np.float32(count))
