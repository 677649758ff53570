"""The loops over pixels that make a simulated picture."""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from scipy.special import ndtri

# The standard normal's quantiles at the middle of 2^16 equal shares: one lookup a pixel instead of a Box-Muller pair.
NORMAL_QUANTILES = ndtri((np.arange(1 << 16) + 0.5) / (1 << 16)).astype(np.float32)


@njit(cache=True, parallel=True)
def project(xyz, K, d, R, t, out):
    """Pin-hole with Brown-Conrady distortion (Brown 1966): (H, W, 3) points → (H, W, 2) pixels, NaN behind the device."""
    for i in prange(xyz.shape[0]):
        for j in range(xyz.shape[1]):
            X, Y, Z = float(xyz[i, j, 0]), float(xyz[i, j, 1]), float(xyz[i, j, 2])
            z = R[2, 0] * X + R[2, 1] * Y + R[2, 2] * Z + t[2]
            if not z > 0:
                out[i, j, 0] = np.nan
                out[i, j, 1] = np.nan
                continue
            x = (R[0, 0] * X + R[0, 1] * Y + R[0, 2] * Z + t[0]) / z
            y = (R[1, 0] * X + R[1, 1] * Y + R[1, 2] * Z + t[1]) / z
            r2 = x * x + y * y
            radial = 1 + r2 * (d[0] + r2 * (d[1] + r2 * d[4]))
            xd = x * radial + 2 * d[2] * x * y + d[3] * (r2 + 2 * x * x)
            yd = y * radial + d[2] * (r2 + 2 * y * y) + 2 * d[3] * x * y
            out[i, j, 0] = K[0, 0] * xd + K[0, 2]
            out[i, j, 1] = K[1, 1] * yd + K[1, 2]


@njit(cache=True, parallel=True)
def surface(primitive, uv, triangles, vertices, normals, albedo, material, texture, texture_uv, rays, out_xyz, out_normal, out_albedo, out_material):
    """What each ray hit: point, smooth normal towards the viewer, albedo and material. Rays that hit nothing get NaN points.

    ``texture`` scales the albedo where ``texture_uv`` (texels) is not negative, bilinearly, texel centres at halves.
    """
    missed = np.uint32(0xFFFFFFFF)
    for i in prange(primitive.shape[0]):
        for j in range(primitive.shape[1]):
            p = primitive[i, j]
            if p == missed:
                for c in range(3):
                    out_xyz[i, j, c] = np.nan
                    out_normal[i, j, c] = 0
                    out_albedo[i, j, c] = 0
                out_material[i, j] = 0
                continue
            a, b, c_ = triangles[p, 0], triangles[p, 1], triangles[p, 2]
            wb, wc = uv[i, j, 0], uv[i, j, 1]
            wa = 1 - wb - wc
            nx = wa * normals[a, 0] + wb * normals[b, 0] + wc * normals[c_, 0]
            ny = wa * normals[a, 1] + wb * normals[b, 1] + wc * normals[c_, 1]
            nz = wa * normals[a, 2] + wb * normals[b, 2] + wc * normals[c_, 2]
            scale = 1 / np.sqrt(nx * nx + ny * ny + nz * nz)
            if nx * rays[i, j, 0] + ny * rays[i, j, 1] + nz * rays[i, j, 2] > 0:
                scale = -scale
            out_normal[i, j, 0] = nx * scale
            out_normal[i, j, 1] = ny * scale
            out_normal[i, j, 2] = nz * scale
            shade = np.float32(1)
            if texture_uv[a, 0] >= 0:
                u = wa * texture_uv[a, 0] + wb * texture_uv[b, 0] + wc * texture_uv[c_, 0]
                v = wa * texture_uv[a, 1] + wb * texture_uv[b, 1] + wc * texture_uv[c_, 1]
                shade = _bilinear(texture, u - 0.5, v - 0.5)
            for c in range(3):
                out_xyz[i, j, c] = wa * vertices[a, c] + wb * vertices[b, c] + wc * vertices[c_, c]
                out_albedo[i, j, c] = shade * (wa * albedo[a, c] + wb * albedo[b, c] + wc * albedo[c_, c])
            out_material[i, j] = material[p]


@njit(cache=True, inline="always")
def _bilinear(image, u, v):
    h, w = image.shape
    u = min(max(u, 0.0), w - 1.000001)
    v = min(max(v, 0.0), h - 1.000001)
    x, y = int(u), int(v)
    fx, fy = np.float32(u - x), np.float32(v - y)
    top = image[y, x] + fx * (image[y, x + 1] - image[y, x])
    bottom = image[y + 1, x] + fx * (image[y + 1, x + 1] - image[y + 1, x])
    return top + fy * (bottom - top)


@njit(cache=True, parallel=True)
def shadow_rays(xyz, normal, light, inside, out):
    """Rays (H, W, 6) from each surface point to a light, in units of their distance: origin lifted off the surface by 4 µm.

    Points that cannot see the light anyway (facing away, no surface, or not ``inside``) get a ray of no length, and False back.
    """
    for i in prange(xyz.shape[0]):
        for j in range(xyz.shape[1]):
            facing = np.float32(0)
            for c in range(3):
                start = xyz[i, j, c] + np.float32(0.004) * normal[i, j, c]
                out[i, j, c] = start
                out[i, j, 3 + c] = light[c] - start
                facing += normal[i, j, c] * out[i, j, 3 + c]
            if not facing > 0 or not inside[i, j]:
                inside[i, j] = False
                for c in range(3):
                    out[i, j, c] = 1e4
                    out[i, j, 3 + c] = 0
                out[i, j, 5] = 1


@njit(cache=True, parallel=True, fastmath=True)
def shade(xyz, normal, albedo, material, f0, roughness, eye, light, axis, lobe, radius, intensity, visible, out):
    """Light that each surface point sends to the eye from one lamp: Lambert plus GGX (Walter et al. 2007), in shares of what a
    perfect white facet sends when it faces the lamp, times intensity over distance squared; (H, W, 3).

    A lamp of some size widens the highlight: its angular radius, halved as a normal's turn is, adds to the roughness.
    """
    for i in prange(xyz.shape[0]):
        for j in range(xyz.shape[1]):
            if not visible[i, j]:
                for c in range(3):
                    out[i, j, c] = 0
                continue
            lx, ly, lz = light[0] - xyz[i, j, 0], light[1] - xyz[i, j, 1], light[2] - xyz[i, j, 2]
            vx, vy, vz = eye[0] - xyz[i, j, 0], eye[1] - xyz[i, j, 1], eye[2] - xyz[i, j, 2]
            d2 = lx * lx + ly * ly + lz * lz
            inv = 1 / np.sqrt(d2)
            lx, ly, lz = lx * inv, ly * inv, lz * inv
            iv = 1 / np.sqrt(vx * vx + vy * vy + vz * vz)
            vx, vy, vz = vx * iv, vy * iv, vz * iv
            nx, ny, nz = normal[i, j, 0], normal[i, j, 1], normal[i, j, 2]
            nl = nx * lx + ny * ly + nz * lz
            nv = max(nx * vx + ny * vy + nz * vz, 1e-3)
            off_axis = max(-(lx * axis[0] + ly * axis[1] + lz * axis[2]), 0.0)
            irradiance = intensity / d2 * nl * off_axis**lobe
            hx, hy, hz = lx + vx, ly + vy, lz + vz
            ih = 1 / np.sqrt(hx * hx + hy * hy + hz * hz)
            nh = (nx * hx + ny * hy + nz * hz) * ih
            vh = (vx * hx + vy * hy + vz * hz) * ih
            m = material[i, j]
            a2 = roughness[m] ** 4 + (0.5 * radius * inv) ** 2
            k = nh * nh * (a2 - 1) + 1
            D = a2 / (np.pi * k * k)
            G = 2 / (1 + np.sqrt(1 + a2 * (1 / (nl * nl) - 1))) * 2 / (1 + np.sqrt(1 + a2 * (1 / (nv * nv) - 1)))
            fresnel = (1 - vh) ** 5
            gloss = np.pi * D * G / (4 * nl * nv)
            for c in range(3):
                F = f0[m, c] + (1 - f0[m, c]) * fresnel
                out[i, j, c] = irradiance * (albedo[i, j, c] + gloss * F)


@njit(cache=True, parallel=True)
def mosaic(rgb, response, bayer, centre, corner2, vignetting, out):
    """What the sensor's pixels see of a picture: RGGB mosaic or the mean of the colours, dimmed towards the corners."""
    for i in prange(rgb.shape[0]):
        for j in range(rgb.shape[1]):
            r2 = ((j - centre[0]) ** 2 + (i - centre[1]) ** 2) / corner2
            if bayer:
                c = (i & 1) + (j & 1)
                value = rgb[i, j, c] * response[c]
            else:
                value = (rgb[i, j, 0] + rgb[i, j, 1] + rgb[i, j, 2]) / 3
            out[i, j] = value * (1 - vignetting * r2)


@njit(cache=True, parallel=True, fastmath=True)
def add(a, out):
    """Add one map to another."""
    for i in prange(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] += a[i, j]


@njit(cache=True, parallel=True)
def add_pattern(light, column_row, pattern, out):
    """Add what a projector sends: its full-white map times the pattern, read bilinearly where the pixel lies in it."""
    for i in prange(out.shape[0]):
        for j in range(out.shape[1]):
            full = light[i, j]
            if full > 0:
                out[i, j] += full * _bilinear(pattern, column_row[i, j, 0], column_row[i, j, 1])


@njit(cache=True, inline="always")
def _hash(x):
    """SplitMix64's finaliser (Steele et al. 2014): a counter to 64 good bits."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@njit(cache=True, parallel=True)
def digitise(light, seconds, full_well, read_noise, black, gain, full_scale, key, quantiles, out):
    """Expose: electrons, shot and read noise, digital numbers.

    The noise of a pixel hangs on ``key`` and the pixel alone, whatever the threads. ``gain`` is in DN an electron.
    """
    width = out.shape[1]
    scale = np.float32(full_well * seconds)
    read2 = np.float32(read_noise * read_noise)
    gain, black = np.float32(gain), np.float32(black + 0.5)
    for i in prange(out.shape[0]):
        for j in range(width):
            electrons = light[i, j] * scale
            bits = _hash(key + np.uint64(i * width + j) * np.uint64(0x9E3779B97F4A7C15))
            noise = quantiles[bits >> np.uint64(48)]
            dn = black + gain * (electrons + np.sqrt(electrons + read2) * noise)
            out[i, j] = min(max(dn, np.float32(0)), np.float32(full_scale))
