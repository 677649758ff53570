"""The fused kernel for exactly four lights: one pass over the images, the drop rule included, without a branch a pixel.

Four directions in space depend on one another: there is one unit vector w with Lᵀw = 0, and ``r = w·b`` is all that can be said of
the misfit. Without light k the other three predict ``b_k - r / w_k`` for it, and the least-squares normal of those three is the
pseudo-inverse of all four applied to b with b_k replaced by that. So dropping a light costs one division and a few selects; the
five pseudo-inverses (all four, or one of four left out) need not be kept.

The loops are written for the vectoriser: scratch planes at constant distances in one array, which needs no check for overlap;
unsigned indices, which cannot be negative; selects in place of branches.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from photometric.drop_rule import HIGHLIGHT_RATIO, MATHS, PREDICTED_SHADOW_RATIO, SHADOW_RATIO
from photometric.streaming import LANES, finish_streams, stream

CHUNK = 128
"""Pixels that are worked on together: their scratch stays in a core's nearest cache."""
_ROWS_A_TASK = 16
_NOTHING = np.float32(-1e30)
"""Signal of a light that must not be used: darker than any shadow, hence dropped."""


@njit(cache=True, error_model="numpy", fastmath=MATHS, forceinline=True)
def _pixel(s0, s1, s2, s3, g, spare, matrix):
    """One pixel: signals s (DN/ms), g (what makes them b), and the 4×4 matrix from signals to ρn and r.

    ``spare[k]`` is 1 where the lights other than k span all directions. Returns normal, albedo, residual and how many lights were used.
    """
    zero, one = np.float32(0), np.float32(1)
    x0, x1, x2, x3, y0, y1, y2, y3, z0, z1, z2, z3, w0, w1, w2, w3 = matrix
    b0, b1, b2, b3 = g[0] * s0, g[1] * s1, g[2] * s2, g[3] * s3
    high01, low01 = b0 if b0 > b1 else b1, b1 if b0 > b1 else b0
    high23, low23 = b2 if b2 > b3 else b3, b3 if b2 > b3 else b2
    first, middle = high01 if high01 > high23 else high23, high23 if high01 > high23 else high01
    last, other = low23 if low01 > low23 else low01, low01 if low01 > low23 else low23
    second, third = middle if middle > other else other, other if middle > other else middle

    s0, s1, s2, s3 = s0 if s0 > zero else zero, s1 if s1 > zero else zero, s2 if s2 > zero else zero, s3 if s3 > zero else zero
    r = w0 * s0 + w1 * s1 + w2 * s2 + w3 * s3
    shadow = last < SHADOW_RATIO * second
    suspect = last if shadow else first
    is0, is1, is2 = b0 == suspect, b1 == suspect, b2 == suspect
    share = w0 if is0 else (w1 if is1 else (w2 if is2 else w3))
    seen = s0 if is0 else (s1 if is1 else (s2 if is2 else s3))
    enough = spare[0] if is0 else (spare[1] if is1 else (spare[2] if is2 else spare[3]))
    excess = r / share
    drop = shadow | (seen > HIGHLIGHT_RATIO * (seen - excess))
    excess = excess if drop else zero
    s0 -= excess if is0 else zero
    s1 -= excess if is1 else zero
    s2 -= excess if is2 else zero
    s3 -= zero if is0 | is1 | is2 else excess

    x = x0 * s0 + x1 * s1 + x2 * s2 + x3 * s3
    y = y0 * s0 + y1 * s1 + y2 * s2 + y3 * s3
    z = z0 * s0 + z1 * s1 + z2 * s2 + z3 * s3
    square = x * x + y * y + z * z
    inverse = one / np.sqrt(square)
    spanned = enough if drop else one
    good = (z > zero) & (third > zero) & (spanned > zero)
    residual = np.float32(0.5) * (r if r > zero else -r)  # one component over four lights, RMS
    residual = zero if drop else residual
    count = np.float32(3) if drop else np.float32(4)
    return (
        x * inverse if good else zero,
        y * inverse if good else zero,
        z * inverse if good else one,
        square * inverse if good else zero,
        residual if good else zero,
        count if good else zero,
    )


@njit(cache=True, error_model="numpy", fastmath=MATHS)
def _interpolate_rows(table, y, cell, out, slope):
    """A table's rows above and below image row y, interpolated, and the change from there to the next column, per pixel."""
    above = y // cell
    step = np.float32(1) / np.float32(cell)
    f = np.float32(y - above * cell) * step
    for n in range(out.shape[0]):
        for c in range(out.shape[1]):
            out[n, c] = table[above, n, c] + f * (table[above + 1, n, c] - table[above, n, c])
        for c in range(out.shape[1] - 1):
            slope[n, c] = (out[n, c + 1] - out[n, c]) * step


@njit(cache=True, error_model="numpy", fastmath=MATHS, forceinline=True)
def _four(m, c):
    """Column c of a (4, columns) array as a tuple, which the loops keep in registers."""
    return m[0, c], m[1, c], m[2, c], m[3, c]


@njit(cache=True, error_model="numpy", fastmath=MATHS, forceinline=True)
def _sixteen(m, c):
    """Column c of a (16, columns) array as a tuple."""
    return (
        m[0, c], m[1, c], m[2, c], m[3, c], m[4, c], m[5, c], m[6, c], m[7, c],
        m[8, c], m[9, c], m[10, c], m[11, c], m[12, c], m[13, c], m[14, c], m[15, c],
    )  # fmt: skip


@njit(cache=True, error_model="numpy", fastmath=MATHS, forceinline=True)
def _along(a, d, f):
    """a + f·d of two tuples of sixteen."""
    return (
        a[0] + f * d[0], a[1] + f * d[1], a[2] + f * d[2], a[3] + f * d[3],
        a[4] + f * d[4], a[5] + f * d[5], a[6] + f * d[6], a[7] + f * d[7],
        a[8] + f * d[8], a[9] + f * d[9], a[10] + f * d[10], a[11] + f * d[11],
        a[12] + f * d[12], a[13] + f * d[13], a[14] + f * d[14], a[15] + f * d[15],
    )  # fmt: skip


# Planes of the scratch array.
_RAMP, _ROOM, _RELIEF, _S0, _S1, _S2, _S3, _X, _Y, _Z, _ALBEDO, _RESIDUAL, _COUNT = (n * CHUNK for n in range(13))
_PLANES = 13


@njit(cache=True, error_model="numpy", fastmath=MATHS, forceinline=True)
def _signals(image, o, n, black, per_ms, floor, saturation, work, plane):
    """Signals of a light above black and ambient, DN/ms, or what marks that the light must not be used."""
    least = floor * per_ms
    for i in range(n):
        value = np.float32(image[o + np.uintp(i)])
        s = (value - black) * per_ms - work[_ROOM + i]
        work[plane + i] = s if (s >= least) & (value < saturation) else _NOTHING


@njit(cache=True, error_model="numpy", fastmath=MATHS)
def _solve_rows(
    first, last, width, images, ambient, excluded, shaded, height, per_mm, black, per_ms, ambient_per_ms, saturation, floor, cell, transform, lights, spare,
    raised_transform, normals, albedo, residual, valid_lights, valid, streamed,
):  # fmt: skip
    """:func:`solve_four_lights` for the rows from first to last."""
    image0, image1, image2, image3 = images
    has_ambient, has_excluded, has_shaded, has_relief = ambient.size > 0, excluded.size > 0, shaded.size > 0, height.size > 0
    work, xyz, banned = np.zeros(_PLANES * CHUNK, np.float32), np.empty(3 * CHUNK, np.float32), np.zeros(CHUNK, np.int32)
    for i in range(CHUNK):
        work[_RAMP + i] = i
    T, dT = np.empty(transform.shape[1:], np.float32), np.empty(transform.shape[1:], np.float32)
    R, dR = np.empty(transform.shape[1:], np.float32), np.empty(transform.shape[1:], np.float32)
    G, S = np.empty((4, transform.shape[2]), np.float32), np.empty((4, transform.shape[2]), np.float32)
    chunk = min(cell, CHUNK)
    for y in range(first, last):
        above = y // cell
        _interpolate_rows(transform, y, cell, T, dT)
        if has_relief:
            _interpolate_rows(raised_transform, y, cell, R, dR)
        for k in range(4):
            for c in range(G.shape[1] - 1):  # only compared with one another: the cell's mean is good enough
                G[k, c] = np.float32(0.5) * (lights[above, 4 * k, c] + lights[above + 1, 4 * k, c + 1])
                S[k, c] = spare[above, k, c]
        for x0 in range(0, width, chunk):
            n = min(chunk, width - x0)
            c = x0 // cell
            at = y * width + x0
            o = np.uintp(at)
            into = np.float32(x0 - c * cell)
            if has_ambient:
                for i in range(n):
                    work[_ROOM + i] = (np.float32(ambient[o + np.uintp(i)]) - black) * ambient_per_ms
            _signals(image0, o, n, black, per_ms[0], floor, saturation, work, _S0)
            _signals(image1, o, n, black, per_ms[1], floor, saturation, work, _S1)
            _signals(image2, o, n, black, per_ms[2], floor, saturation, work, _S2)
            _signals(image3, o, n, black, per_ms[3], floor, saturation, work, _S3)
            if has_excluded:
                for i in range(n):
                    banned[i] = np.int32(excluded[o + np.uintp(i)])
                for i in range(n):
                    work[_S0 + i] = work[_S0 + i] if banned[i] & 1 == 0 else _NOTHING
                    work[_S1 + i] = work[_S1 + i] if banned[i] & 2 == 0 else _NOTHING
                    work[_S2 + i] = work[_S2 + i] if banned[i] & 4 == 0 else _NOTHING
                    work[_S3 + i] = work[_S3 + i] if banned[i] & 8 == 0 else _NOTHING

            if has_shaded:
                for i in range(n):
                    banned[i] = np.int32(shaded[o + np.uintp(i)])
                for i in range(n):
                    b0, b1, b2, b3 = G[0, c] * work[_S0 + i], G[1, c] * work[_S1 + i], G[2, c] * work[_S2 + i], G[3, c] * work[_S3 + i]
                    high01, low01 = b0 if b0 > b1 else b1, b1 if b0 > b1 else b0
                    high23, low23 = b2 if b2 > b3 else b3, b3 if b2 > b3 else b2
                    middle, other = high23 if high01 > high23 else high01, low01 if low01 > low23 else low23
                    limit = PREDICTED_SHADOW_RATIO * (middle if middle > other else other)
                    work[_S0 + i] = _NOTHING if (banned[i] & 1 != 0) & (b0 < limit) else work[_S0 + i]
                    work[_S1 + i] = _NOTHING if (banned[i] & 2 != 0) & (b1 < limit) else work[_S1 + i]
                    work[_S2 + i] = _NOTHING if (banned[i] & 4 != 0) & (b2 < limit) else work[_S2 + i]
                    work[_S3 + i] = _NOTHING if (banned[i] & 8 != 0) & (b3 < limit) else work[_S3 + i]

            g, enough, t, dt = _four(G, c), _four(S, c), _sixteen(T, c), _sixteen(dT, c)
            if has_relief:
                for i in range(n):
                    above_plane = height[o + np.uintp(i)]
                    work[_RELIEF + i] = above_plane * per_mm if above_plane == above_plane else np.float32(0)  # NaN is not itself
                u, du = _sixteen(R, c), _sixteen(dR, c)
                for i in range(n):
                    f = into + work[_RAMP + i]
                    matrix = _along(_along(t, dt, f), _along(u, du, f), work[_RELIEF + i])
                    work[_X + i], work[_Y + i], work[_Z + i], work[_ALBEDO + i], work[_RESIDUAL + i], work[_COUNT + i] = _pixel(
                        work[_S0 + i], work[_S1 + i], work[_S2 + i], work[_S3 + i], g, enough, matrix
                    )
            else:
                for i in range(n):
                    matrix = _along(t, dt, into + work[_RAMP + i])
                    work[_X + i], work[_Y + i], work[_Z + i], work[_ALBEDO + i], work[_RESIDUAL + i], work[_COUNT + i] = _pixel(
                        work[_S0 + i], work[_S1 + i], work[_S2 + i], work[_S3 + i], g, enough, matrix
                    )

            for i in range(n):
                valid_lights[o + np.uintp(i)] = np.uint8(np.int32(work[_COUNT + i]))
            for i in range(n):
                valid[o + np.uintp(i)] = work[_COUNT + i] > np.float32(0)
            if streamed:
                for i in range(n):
                    xyz[3 * i], xyz[3 * i + 1], xyz[3 * i + 2] = work[_X + i], work[_Y + i], work[_Z + i]
                for i in range(0, 3 * n, LANES):
                    stream(normals, 3 * at + i, xyz, i)
                for i in range(0, n, LANES):
                    stream(albedo, at + i, work, _ALBEDO + i)
                for i in range(0, n, LANES):
                    stream(residual, at + i, work, _RESIDUAL + i)
            else:
                for i in range(n):
                    j = np.uintp(3) * (o + np.uintp(i))
                    normals[j], normals[j + np.uintp(1)], normals[j + np.uintp(2)] = work[_X + i], work[_Y + i], work[_Z + i]
                for i in range(n):
                    albedo[o + np.uintp(i)] = work[_ALBEDO + i]
                for i in range(n):
                    residual[o + np.uintp(i)] = work[_RESIDUAL + i]
    finish_streams()


@njit(cache=True, error_model="numpy", parallel=True, nogil=True)
def solve_four_lights(
    width, images, ambient, excluded, shaded, height, per_mm, black, per_ms, ambient_per_ms, saturation, floor, cell, transform, lights, spare,
    raised_transform, normals, albedo, residual, valid_lights, valid, streamed,
):  # fmt: skip
    """Like ``kernels.solve_images``, for four lights; every image is given flat.

    Args:
        width: pixels in a row.
        images: four arrays (H·W,) uint8, uint16 or float32, DN.
        ambient: (H·W,) of the same kind, the frame with every light off; (0,) for none.
        excluded: (H·W,) uint16, bit k set where light k must not be used; (0,) for none.
        shaded: (H·W,) uint8, bit k set where light k is predicted to be in shadow; (0,) for none.
        height: (H·W,) float32, height above the reference plane, mm, NaN where unknown (taken as 0); (0,) for none.
        per_mm: 1 / height of the raised table, 1/mm.
        black: black level, DN.
        per_ms: (4,) float32, 1 / exposure of each image, 1/ms.
        ambient_per_ms: 1 / exposure of the ambient frame, 1/ms.
        saturation: DN at and above which a pixel is saturated.
        floor: DN above black and ambient below which a light tells nothing.
        cell: side of the tables' cells, pixels.
        transform: see ``LightTables``.
        lights: see ``LightTables``.
        spare: see ``LightTables``.
        raised_transform: the transform at the raised table's height, less that on the plane.
        normals: (3·H·W,) float32, written.
        albedo: (H·W,) float32, written.
        residual: (H·W,) float32, written.
        valid_lights: (H·W,) uint8, written.
        valid: (H·W,) bool, written.
        streamed: whether normals, albedo and residual may be written by ``stream``.
    """
    rows = albedo.size // width
    for task in prange((rows + _ROWS_A_TASK - 1) // _ROWS_A_TASK):
        _solve_rows(
            task * _ROWS_A_TASK, min(rows, (task + 1) * _ROWS_A_TASK), width, images, ambient, excluded, shaded, height, per_mm, black, per_ms, ambient_per_ms,
            saturation, floor, cell, transform, lights, spare, raised_transform, normals, albedo, residual, valid_lights, valid, streamed,
        )  # fmt: skip
