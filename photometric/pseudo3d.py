"""The pseudo-3D pictures: what the normals say of the surface, in 8 bits, for people and for D³M.

None of them shows the albedo: print, stains and gloss are gone, form remains.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from photometric.kernels import normals_to_rgb

FULL_TURN = 0.25
"""Change of slope from a pixel to the next, rad, at which the curvature picture is black or white."""
RAKING = (-0.5, 0.5, 0.7071)
"""Light of the shaded picture: from the upper left, half-way down, where people expect it."""

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]


def pseudo3d_image(normals: F32, out: U8 | None = None) -> U8:
    """The normal map as a colour picture: red, green and blue are 128 + 127 times the normal's x, y and z.

    Args:
        normals: (H, W, 3) unit vectors in the rig frame.
        out: (H, W, 3) array to write into.

    Returns:
        (H, W, 3) RGB; a surface that faces the camera is (128, 128, 255).
    """
    picture = np.empty(normals.shape, np.uint8) if out is None else out
    normals_to_rgb(normals, picture)
    return picture


def curvature_image(normals: F32, valid: NDArray[np.bool_]) -> U8:
    """Mean curvature: edges and scratches light where the surface is convex, dark where it is concave, 128 where it is plane.

    The change of the normal's x along columns and y along rows, ½ (∂n_x/∂x + ∂n_y/∂y), by central differences; 128 where one of the
    neighbours is not valid. Full scale is :data:`FULL_TURN` a pixel.

    Args:
        normals: (H, W, 3) unit vectors in the rig frame (y against rows).
        valid: (H, W) where to believe them.

    Returns:
        (H, W) grey.
    """
    picture = np.full(valid.shape, 128, np.uint8)
    _curvature(normals, valid, np.float32(127 / FULL_TURN), picture)
    return picture


def gradient_image(normals: F32, valid: NDArray[np.bool_]) -> U8:
    """Inclination: 0 where the surface faces the camera's axis, 255 where it is upright (the angle, linearly); 0 where not valid."""
    picture = np.zeros(valid.shape, np.uint8)
    _inclination(normals, valid, picture)
    return picture


def shaded_image(normals: F32, valid: NDArray[np.bool_], light: tuple[float, float, float] = RAKING) -> U8:
    """The surface as matt white plaster under one distant light, 255·max(n·l, 0); 0 where not valid.

    Args:
        normals: (H, W, 3) unit vectors in the rig frame.
        valid: (H, W) where to believe them.
        light: direction to the light in the rig frame, of any length.

    Returns:
        (H, W) grey.
    """
    picture = np.zeros(valid.shape, np.uint8)
    direction = np.asarray(light, np.float32)
    _shaded(normals, valid, direction / np.linalg.norm(direction), picture)
    return picture


@njit(cache=True, error_model="numpy", parallel=True, nogil=True)
def _curvature(normals, valid, scale, out):
    H, W = valid.shape
    for y in prange(1, H - 1):
        for x in range(1, W - 1):
            if valid[y, x] and valid[y, x - 1] and valid[y, x + 1] and valid[y - 1, x] and valid[y + 1, x]:
                turn = normals[y, x + 1, 0] - normals[y, x - 1, 0] + normals[y - 1, x, 1] - normals[y + 1, x, 1]
                value = np.float32(128) + scale * np.float32(0.25) * turn
                out[y, x] = np.uint8(min(max(np.rint(value), np.float32(1)), np.float32(255)))


@njit(cache=True, error_model="numpy", parallel=True, nogil=True)
def _inclination(normals, valid, out):
    H, W = valid.shape
    for y in prange(H):
        for x in range(W):
            if valid[y, x]:
                angle = np.arctan2(np.sqrt(normals[y, x, 0] ** 2 + normals[y, x, 1] ** 2), normals[y, x, 2])
                out[y, x] = np.uint8(min(np.rint(angle * np.float32(510 / np.pi)), 255))


@njit(cache=True, error_model="numpy", parallel=True, nogil=True)
def _shaded(normals, valid, light, out):
    H, W = valid.shape
    for y in prange(H):
        for x in range(W):
            if valid[y, x]:
                cosine = normals[y, x, 0] * light[0] + normals[y, x, 1] * light[1] + normals[y, x, 2] * light[2]
                out[y, x] = np.uint8(np.rint(np.float32(255) * min(max(cosine, np.float32(0)), np.float32(1))))
