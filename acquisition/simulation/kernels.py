"""The loops over pixels that find what a picture shows and how it is lit."""

from __future__ import annotations

import numpy as np
from numba import njit, prange


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
def ray_directions(K, d, R, out):
    """Unit vectors in the rig frame through the pixels' centres, (H, W, 3): Brown-Conrady undone by fixed-point iteration."""
    for i in prange(out.shape[0]):
        for j in range(out.shape[1]):
            xd, yd = (j - K[0, 2]) / K[0, 0], (i - K[1, 2]) / K[1, 1]
            x, y = xd, yd
            for _ in range(40):
                r2 = x * x + y * y
                radial = 1 + r2 * (d[0] + r2 * (d[1] + r2 * d[4]))
                nx = (xd - 2 * d[2] * x * y - d[3] * (r2 + 2 * x * x)) / radial
                ny = (yd - d[2] * (r2 + 2 * y * y) - 2 * d[3] * x * y) / radial
                moved = abs(nx - x) + abs(ny - y)
                x, y = nx, ny
                if moved < 1e-12:
                    break
            scale = 1 / np.sqrt(x * x + y * y + 1)
            for c in range(3):
                out[i, j, c] = (x * R[0, c] + y * R[1, c] + R[2, c]) * scale


@njit(cache=True, parallel=True)
def depth(xyz, axis, offset, out):
    """Depth of points before a device along its axis, (H, W) mm; where there is no point, ``out`` stays."""
    for i in prange(xyz.shape[0]):
        for j in range(xyz.shape[1]):
            z = axis[0] * xyz[i, j, 0] + axis[1] * xyz[i, j, 1] + axis[2] * xyz[i, j, 2] + offset
            if z > 0:
                out[i, j] = z


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
    """Rays (H, W, 6) from each surface point to a light, in units of their distance.

    Points that cannot see the light anyway (facing away, no surface, or not ``inside``) get a ray of no length, and False back.
    """
    for i in prange(xyz.shape[0]):
        for j in range(xyz.shape[1]):
            facing = np.float32(0)
            for c in range(3):
                out[i, j, c] = xyz[i, j, c]
                out[i, j, 3 + c] = light[c] - xyz[i, j, c]
                facing += normal[i, j, c] * out[i, j, 3 + c]
            if not facing > 0 or not inside[i, j]:
                inside[i, j] = False
                for c in range(3):
                    out[i, j, c] = 1e4
                    out[i, j, 3 + c] = 0
                out[i, j, 5] = 1


@njit(cache=True, parallel=True, fastmath=True)
def irradiance(xyz, normal, light, axis, skew, lobe, intensity, seen, whole, out):
    """What each surface point gets from one lamp, cosine included, (H, W): in shares of what a facet gets that faces the lamp on its
    axis, times intensity over distance squared.

    ``seen`` of ``whole`` parts of the lamp are in sight. Off the axis, radiant intensity falls as cos^lobe and leans by ``skew``.
    """
    share, tilted = np.float32(intensity / whole), skew[0] != 0 or skew[1] != 0 or skew[2] != 0
    for i in prange(xyz.shape[0]):
        for j in range(xyz.shape[1]):
            out[i, j] = 0
            if seen[i, j] == 0:
                continue
            lx, ly, lz = light[0] - xyz[i, j, 0], light[1] - xyz[i, j, 1], light[2] - xyz[i, j, 2]
            d2 = lx * lx + ly * ly + lz * lz
            inv = 1 / np.sqrt(d2)
            lx, ly, lz = lx * inv, ly * inv, lz * inv
            nl = normal[i, j, 0] * lx + normal[i, j, 1] * ly + normal[i, j, 2] * lz
            off_axis = max(-(lx * axis[0] + ly * axis[1] + lz * axis[2]), np.float32(0))
            if lobe != 1:
                off_axis = off_axis**lobe
            if tilted:
                off_axis *= max(1 - (lx * skew[0] + ly * skew[1] + lz * skew[2]), np.float32(0))
            out[i, j] = share * seen[i, j] / d2 * max(nl, np.float32(0)) * off_axis


@njit(cache=True, parallel=True, fastmath=True)
def reflect(xyz, normal, albedo, material, f0, along2, across2, grain, eye, light, radius, direct, spread, planes, diffuse):
    """Light that surfaces send to the eye from one lamp: Lambert plus GGX (Walter et al. 2007), along and across a brushed surface's
    grain as Heitz (2014) has it; (1 or 3, H, W) ``planes``, one being the mean of the colours.

    A lamp of some size widens the highlight: its angular radius, halved as a normal's turn is, adds to the roughness. ``direct`` is
    the irradiance, ``spread`` what of it a translucent body spreads about. ``diffuse`` becomes the diffuse share, unless of no size.
    """
    for i in prange(xyz.shape[0]):
        for j in range(xyz.shape[1]):
            m = material[i, j]
            nx, ny, nz = normal[i, j, 0], normal[i, j, 1], normal[i, j, 2]
            gloss, fresnel = np.float32(0), np.float32(0)
            if direct[i, j] > 0:
                lx, ly, lz = light[0] - xyz[i, j, 0], light[1] - xyz[i, j, 1], light[2] - xyz[i, j, 2]
                vx, vy, vz = eye[0] - xyz[i, j, 0], eye[1] - xyz[i, j, 1], eye[2] - xyz[i, j, 2]
                inv = 1 / np.sqrt(lx * lx + ly * ly + lz * lz)
                lx, ly, lz = lx * inv, ly * inv, lz * inv
                iv = 1 / np.sqrt(vx * vx + vy * vy + vz * vz)
                vx, vy, vz = vx * iv, vy * iv, vz * iv
                nl = max(nx * lx + ny * ly + nz * lz, np.float32(1e-3))
                nv = max(nx * vx + ny * vy + nz * vz, np.float32(1e-3))
                hx, hy, hz = lx + vx, ly + vy, lz + vz
                ih = 1 / np.sqrt(hx * hx + hy * hy + hz * hz)
                hx, hy, hz = hx * ih, hy * ih, hz * ih
                nh = nx * hx + ny * hy + nz * hz
                wide = (np.float32(0.5) * radius * inv) ** 2
                a2 = along2[m] + wide
                if along2[m] == across2[m]:
                    k = nh * nh * (a2 - 1) + 1
                    D = a2 / (np.float32(np.pi) * k * k)
                    shadowed, masked = a2 * (1 / (nl * nl) - 1), a2 * (1 / (nv * nv) - 1)
                else:
                    b2 = across2[m] + wide
                    gn = grain[m, 0] * nx + grain[m, 1] * ny + grain[m, 2] * nz
                    tx, ty, tz = grain[m, 0] - gn * nx, grain[m, 1] - gn * ny, grain[m, 2] - gn * nz
                    it = 1 / np.sqrt(max(tx * tx + ty * ty + tz * tz, np.float32(1e-12)))
                    tx, ty, tz = tx * it, ty * it, tz * it
                    ht, lt, vt = hx * tx + hy * ty + hz * tz, lx * tx + ly * ty + lz * tz, vx * tx + vy * ty + vz * tz
                    hb2 = max(1 - nh * nh - ht * ht, np.float32(0))
                    lb2, vb2 = max(1 - nl * nl - lt * lt, np.float32(0)), max(1 - nv * nv - vt * vt, np.float32(0))
                    k = ht * ht / a2 + hb2 / b2 + nh * nh
                    D = 1 / (np.float32(np.pi) * np.sqrt(a2 * b2) * k * k)
                    shadowed, masked = (a2 * lt * lt + b2 * lb2) / (nl * nl), (a2 * vt * vt + b2 * vb2) / (nv * nv)
                G = 4 / ((1 + np.sqrt(1 + shadowed)) * (1 + np.sqrt(1 + masked)))
                fresnel = (1 - (vx * hx + vy * hy + vz * hz)) ** 5
                gloss = direct[i, j] * np.float32(np.pi) * D * G / (4 * nl * nv)
            total, matt = np.float32(0), np.float32(0)
            for c in range(3):
                lambert = spread[i, j] * albedo[i, j, c]
                value = lambert + gloss * (f0[m, c] + (1 - f0[m, c]) * fresnel)
                matt += lambert
                total += value
                if planes.shape[0] == 3:
                    planes[c, i, j] = value
            if planes.shape[0] == 1:
                planes[0, i, j] = total / 3
            if diffuse.size > 0:
                diffuse[i, j] = matt / total if total > 0 else np.float32(0)


@njit(cache=True, parallel=True, fastmath=True)
def lambert(albedo, light, planes):
    """Add what matt surfaces send: albedo (H, W, 3) times light (H, W, 1 or 3), to (1 or 3, H, W) planes, one being the mean."""
    white = light.shape[2] == 1
    for i in prange(albedo.shape[0]):
        for j in range(albedo.shape[1]):
            total = np.float32(0)
            for c in range(3):
                value = albedo[i, j, c] * light[i, j, 0 if white else c]
                total += value
                if planes.shape[0] == 3:
                    planes[c, i, j] += value
            if planes.shape[0] == 1:
                planes[0, i, j] += total / 3


@njit(cache=True, parallel=True)
def patterned(full, pattern, column, row, out):
    """Light at full white, times the pattern (h, w) read linearly at each place; h may be 1 where all its rows are alike."""
    h, w = pattern.shape
    for i in prange(full.shape[0]):
        for j in range(full.shape[1]):
            u, v = min(max(column[i, j], np.float32(0)), np.float32(w - 1)), min(max(row[i, j], np.float32(0)), np.float32(h - 1))
            x, y = min(int(u), w - 2), min(int(v), max(h - 2, 0))
            below, fx, fy = min(y + 1, h - 1), u - x, v - y
            upper = pattern[y, x] + fx * (pattern[y, x + 1] - pattern[y, x])
            lower = pattern[below, x] + fx * (pattern[below, x + 1] - pattern[below, x])
            out[i, j] = full[i, j] * (upper + fy * (lower - upper))
