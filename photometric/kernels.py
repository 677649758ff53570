"""The fused kernels for any number of lights: one pass over the images, on all cores, no full-size temporaries.

:func:`solve_images` works through a row cell by cell (see ``light_model``). A first, branch-free part applies the least-squares
matrix to every pixel of the cell and marks the pixels that a shadow, a highlight or saturation may have spoilt; a second part
solves the marked ones again, one by one, with the drop rule.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from photometric.drop_rule import HIGHLIGHT_RATIO, MATHS, SHADOW_RATIO, solve_pixel

_ROWS_A_TASK = 16


@njit(cache=True, error_model="numpy", fastmath=MATHS)
def _interpolate_rows(table, y, cell, out):
    """The table's rows above and below image row y, interpolated: (rows, n, columns) → (n, columns)."""
    above = y // cell
    f = np.float32(y - above * cell) / np.float32(cell)
    for n in range(out.shape[0]):
        for c in range(out.shape[1]):
            out[n, c] = table[above, n, c] + f * (table[above + 1, n, c] - table[above, n, c])


@njit(cache=True, error_model="numpy", fastmath=MATHS)
def _solve_rows(
    first,
    last,
    images,
    ambient,
    excluded,
    relief,
    black,
    per_ms,
    ambient_per_ms,
    saturation,
    floor,
    cell,
    transform,
    lights,
    raised_transform,
    raised_lights,
    least_check,
    normals,
    albedo,
    residual,
    valid_lights,
    valid,
):
    """:func:`solve_images` for the rows from first to last; small enough in its scratch to stay in a core's nearest cache."""
    K = len(images)
    W = albedo.shape[1]
    columns = transform.shape[2]
    has_ambient, has_excluded, has_relief = ambient.size > 0, excluded.size > 0, relief.size > 0
    zero, one = np.float32(0), np.float32(1)
    step, share = one / np.float32(cell), one / np.float32(K)
    # Cautious forms of the drop rule's two tests: what passes both needs no second look.
    shadow = np.float32(1.2) * SHADOW_RATIO
    misfit = np.float32(0.9) * (one - one / HIGHLIGHT_RATIO) * least_check
    misfit2 = misfit * misfit
    T, D = np.empty(transform.shape[1:], np.float32), np.empty(lights.shape[1:], np.float32)
    T1, D1 = np.empty(transform.shape[1:], np.float32), np.empty(lights.shape[1:], np.float32)
    signal, solved = np.empty((K, cell), np.float32), np.empty((K, cell), np.float32)
    room = np.zeros(cell, np.float32)
    low, high, marked = np.empty(cell, np.float32), np.empty(cell, np.float32), np.empty(cell, np.float32)
    rho, unexplained = np.empty(cell, np.float32), np.empty(cell, np.float32)
    b, L, usable, x = np.empty(K, np.float32), np.empty((K, 3), np.float32), np.empty(K, np.bool_), np.empty(3, np.float32)
    for y in range(first, last):
        _interpolate_rows(transform, y, cell, T)
        _interpolate_rows(lights, y, cell, D)
        if has_relief:
            _interpolate_rows(raised_transform, y, cell, T1)
            _interpolate_rows(raised_lights, y, cell, D1)
        for c in range(columns - 1):
            x0 = c * cell
            n = min(cell, W - x0)

            # --- every pixel of the cell; many short loops, each of which the compiler turns into vector instructions
            if has_ambient:
                for i in range(n):
                    room[i] = (np.float32(ambient[y, x0 + i]) - black) * ambient_per_ms
            for i in range(n):
                low[i], high[i], marked[i] = np.float32(1e30), np.float32(-1e30), zero
            for k in range(K):
                image, scale = images[k], per_ms[k]
                g = np.float32(0.5) * (D[4 * k, c] + D[4 * k, c + 1])
                least = floor * scale * g
                for i in range(n):
                    value = np.float32(image[y, x0 + i])
                    s = (value - black) * scale - room[i]
                    signal[k, i] = s
                    s = s * g
                    low[i] = s if s < low[i] else low[i]
                    high[i] = s if s > high[i] else high[i]
                    mark = one if value >= saturation else marked[i]
                    marked[i] = mark if s >= least else one
            for j in range(K):
                for k in range(K):
                    t0 = T[j * K + k, c]
                    dt = (T[j * K + k, c + 1] - t0) * step
                    if k == 0:
                        for i in range(n):
                            solved[j, i] = (t0 + dt * np.float32(i)) * signal[k, i]
                    else:
                        for i in range(n):
                            solved[j, i] += (t0 + dt * np.float32(i)) * signal[k, i]
                    if has_relief:
                        t0 = T1[j * K + k, c]
                        dt = (T1[j * K + k, c + 1] - t0) * step
                        for i in range(n):
                            solved[j, i] += (t0 + dt * np.float32(i)) * relief[y, x0 + i] * signal[k, i]
            for i in range(n):
                length = np.sqrt(solved[0, i] * solved[0, i] + solved[1, i] * solved[1, i] + solved[2, i] * solved[2, i])
                inverse = one / length
                solved[0, i] *= inverse
                solved[1, i] *= inverse
                solved[2, i] *= inverse
                rho[i] = length
                unexplained[i] = zero
            for j in range(3, K):
                for i in range(n):
                    unexplained[i] += solved[j, i] * solved[j, i]
            for i in range(n):
                mark = one if low[i] < shadow * high[i] else marked[i]
                mark = one if unexplained[i] > misfit2 * high[i] * high[i] else mark
                marked[i] = mark if solved[2, i] > zero else one
            for i in range(n):
                albedo[y, x0 + i] = rho[i]
            for i in range(n):
                residual[y, x0 + i] = np.sqrt(unexplained[i] * share)
            for i in range(n):
                valid_lights[y, x0 + i] = K
            for i in range(n):
                valid[y, x0 + i] = True
            for i in range(n):
                normals[y, x0 + i, 0] = solved[0, i]
                normals[y, x0 + i, 1] = solved[1, i]
                normals[y, x0 + i, 2] = solved[2, i]
            if has_excluded:
                for i in range(n):
                    marked[i] = one if excluded[y, x0 + i] != 0 else marked[i]

            # --- pixels that need a second look
            for i in range(n):
                if marked[i] == zero:
                    continue
                f = np.float32(i) * step
                for k in range(K):
                    for d in range(4):
                        value = D[4 * k + d, c] + f * (D[4 * k + d, c + 1] - D[4 * k + d, c])
                        if has_relief:
                            value += relief[y, x0 + i] * (D1[4 * k + d, c] + f * (D1[4 * k + d, c + 1] - D1[4 * k + d, c]))
                        if d == 0:
                            b[k] = value * signal[k, i]
                        else:
                            L[k, d - 1] = value
                    lit = signal[k, i] >= floor * per_ms[k] and images[k][y, x0 + i] < saturation
                    usable[k] = lit and not (has_excluded and (excluded[y, x0 + i] >> k) & 1)
                count, rms = solve_pixel(b, L, usable, x)
                good = count > 0
                length = np.sqrt(x[0] * x[0] + x[1] * x[1] + x[2] * x[2])
                valid_lights[y, x0 + i] = count
                valid[y, x0 + i] = good
                albedo[y, x0 + i] = length if good else zero
                residual[y, x0 + i] = rms if good else zero
                for d in range(3):
                    normals[y, x0 + i, d] = x[d] / length if good else (one if d == 2 else zero)


@njit(cache=True, error_model="numpy", parallel=True, nogil=True)
def solve_images(
    images,
    ambient,
    excluded,
    relief,
    black,
    per_ms,
    ambient_per_ms,
    saturation,
    floor,
    cell,
    transform,
    lights,
    raised_transform,
    raised_lights,
    least_check,
    normals,
    albedo,
    residual,
    valid_lights,
    valid,
):
    """Normals, albedo, residual and validity of every pixel.

    Args:
        images: K arrays (H, W) uint8, uint16 or float32, DN.
        ambient: (H, W) of the same kind, the frame with every light off; (0, 0) for none.
        excluded: (H, W) uint16, bit k set where light k must not be used; (0, 0) for none.
        relief: (H, W) float32, 0 on the reference plane to 1 at the raised tables' height; (0, 0) for none.
        black: black level, DN.
        per_ms: (K,) float32, 1 / exposure of each image, 1/ms.
        ambient_per_ms: 1 / exposure of the ambient frame, 1/ms.
        saturation: DN at and above which a pixel is saturated.
        floor: DN above black and ambient below which a light tells nothing.
        cell: side of the tables' cells, pixels.
        transform: see ``LightTables``.
        lights: see ``LightTables``.
        raised_transform: the same at the height at which ``relief`` is 1, less the values on the plane.
        raised_lights: likewise.
        least_check: see ``LightTables``.
        normals: (H, W, 3) float32, written.
        albedo: (H, W) float32, written.
        residual: (H, W) float32, written.
        valid_lights: (H, W) uint8, written.
        valid: (H, W) bool, written.
    """
    H = albedo.shape[0]
    for task in prange((H + _ROWS_A_TASK - 1) // _ROWS_A_TASK):
        _solve_rows(
            task * _ROWS_A_TASK,
            min(H, (task + 1) * _ROWS_A_TASK),
            images,
            ambient,
            excluded,
            relief,
            black,
            per_ms,
            ambient_per_ms,
            saturation,
            floor,
            cell,
            transform,
            lights,
            raised_transform,
            raised_lights,
            least_check,
            normals,
            albedo,
            residual,
            valid_lights,
            valid,
        )


@njit(cache=True, error_model="numpy", parallel=True, fastmath=MATHS, nogil=True)
def normals_to_rgb(normals, out):
    """128 + 127·n, rounded: (H, W, 3) float32 → (H, W, 3) uint8."""
    H, W = normals.shape[:2]
    for y in prange(H):
        for x in range(W):
            for d in range(3):
                out[y, x, d] = np.uint8(np.float32(128.5) + np.float32(127) * normals[y, x, d])


@njit(cache=True, error_model="numpy", inline="always")
def _slopes(normals, valid, y, x, pitch, a, b, least):
    """Change of -distance·ln(depth), in mm a pixel, along columns and rows; zero where not valid."""
    if not valid[y, x]:
        return np.float32(0), np.float32(0)
    facing = normals[y, x, 2] - a * normals[y, x, 0] - b * normals[y, x, 1]
    facing = facing if facing > least else least
    return -normals[y, x, 0] / facing * pitch, normals[y, x, 1] / facing * pitch


@njit(cache=True, error_model="numpy", parallel=True, nogil=True)
def divergence(normals, valid, pitch, distance, least, out):
    """Divergence of the slopes between neighbouring pixels, mm a pixel².

    A slope between two pixels is the mean of those of them that are valid, and zero where neither is; through the image's
    edge nothing flows (Neumann), which is what the cosine transform assumes.

    Args:
        normals: (H, W, 3) float32.
        valid: (H, W) bool.
        pitch: pixel pitch on the reference plane, mm.
        distance: camera's height above the reference plane, mm.
        least: smallest cosine between normal and viewing ray to believe; steeper slopes are cut to it.
        out: (H, W) float32, written.
    """
    H, W = valid.shape
    for y in prange(H):
        b = np.float32((0.5 * (H - 1) - y) * pitch / distance)
        above_b = np.float32((0.5 * (H - 1) - y + 1) * pitch / distance)
        below_b = np.float32((0.5 * (H - 1) - y - 1) * pitch / distance)
        before = np.float32(0)
        p0, _ = _slopes(normals, valid, y, 0, pitch, np.float32(-0.5 * (W - 1) * pitch / distance), b, least)
        for x in range(W):
            a = np.float32((x - 0.5 * (W - 1)) * pitch / distance)
            after = np.float32(0)
            p1 = np.float32(0)
            if x + 1 < W:
                p1, _ = _slopes(normals, valid, y, x + 1, pitch, np.float32(a + pitch / distance), b, least)
                count = np.float32(valid[y, x]) + np.float32(valid[y, x + 1])
                after = (p0 + p1) / count if count > 0 else np.float32(0)
            total = after - before
            before, p0 = after, p1
            _, q = _slopes(normals, valid, y, x, pitch, a, b, least)
            if y + 1 < H:
                _, other = _slopes(normals, valid, y + 1, x, pitch, a, below_b, least)
                count = np.float32(valid[y, x]) + np.float32(valid[y + 1, x])
                total += (q + other) / count if count > 0 else np.float32(0)
            if y > 0:
                _, other = _slopes(normals, valid, y - 1, x, pitch, a, above_b, least)
                count = np.float32(valid[y, x]) + np.float32(valid[y - 1, x])
                total -= (q + other) / count if count > 0 else np.float32(0)
            out[y, x] = total
