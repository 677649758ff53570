"""Relative height from normals."""

from __future__ import annotations

import numpy as np
import pytest

from photometric.integration import integrate_normals

PITCH = 0.1
FAR = 1e5  # so far that the camera sees in parallel


def grid(H=120, W=180):
    rows, columns = np.mgrid[:H, :W]
    return (columns - (W - 1) / 2) * PITCH, ((H - 1) / 2 - rows) * PITCH


def normals_of(p, q):
    n = np.stack([-p, -q, np.ones_like(p)], -1)
    return (n / np.linalg.norm(n, axis=-1, keepdims=True)).astype(np.float32)


def test_a_tilted_plane_keeps_its_tilt_and_its_sides():
    x, y = grid()
    height = integrate_normals(normals_of(0.3 + 0 * x, -0.2 + 0 * x), np.ones(x.shape, bool), PITCH, FAR)
    np.testing.assert_allclose(height, 0.3 * x - 0.2 * y, atol=2e-3)


def test_a_smooth_relief_is_recovered():
    x, y = grid()
    z = 0.8 * np.sin(x / 2.5) * np.cos(y / 2) + 0.02 * x * y
    p = 0.32 * np.cos(x / 2.5) * np.cos(y / 2) + 0.02 * y
    q = -0.4 * np.sin(x / 2.5) * np.sin(y / 2) + 0.02 * x
    height = integrate_normals(normals_of(p, q), np.ones(x.shape, bool), PITCH, FAR)
    assert abs(height.mean()) < 1e-5
    assert np.sqrt(np.mean((height - (z - z.mean())) ** 2)) < 2e-3


def test_perspective_is_taken_into_account():
    """A tilted plane seen by a close camera: neighbouring pixels see points that are further apart where it is further away."""
    distance = 40.0
    x, y = grid()
    n = np.array([-0.25, 0.15, 1.0])
    n /= np.linalg.norm(n)
    rays = np.stack([x / distance, y / distance, -np.ones_like(x)], -1)
    depth = -n[2] * distance / (rays @ n)  # the plane n·X = 0 seen from (0, 0, distance)
    z = distance - depth
    normals = np.broadcast_to(n.astype(np.float32), (*x.shape, 3)).copy()
    valid = np.ones(x.shape, bool)
    right = integrate_normals(normals, valid, PITCH, distance) - (z - z.mean())
    parallel = integrate_normals(normals, valid, PITCH, FAR) - (z - z.mean())
    assert np.sqrt(np.mean(right**2)) < 0.005
    assert np.sqrt(np.mean(parallel**2)) > 0.04


def test_invalid_pixels_do_not_pull_and_the_mean_is_over_the_valid_ones():
    x, y = grid()
    cap = np.maximum(3.0 - (x**2 + y**2) / 8, 0)
    inside = cap > 0
    p, q = np.where(inside, -x / 4, 0), np.where(inside, -y / 4, 0)
    normals, valid = normals_of(p, q), np.ones(x.shape, bool)
    blind = np.hypot(x - 7.5, y - 4) < 1.0  # on the level ground
    normals[blind] = (0.9, 0.0, 0.436)
    valid[blind] = False
    height = integrate_normals(normals, valid, PITCH, FAR)
    assert abs(height[valid].mean()) < 1e-4
    assert np.abs((height - (cap - cap[valid].mean()))[valid]).max() < 0.06


def test_nothing_valid_is_level():
    height = integrate_normals(np.zeros((8, 9, 3), np.float32), np.zeros((8, 9), bool), PITCH, FAR)
    np.testing.assert_allclose(height, 0, atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 7), (7, 1), (2, 2)])
def test_the_smallest_images(shape):
    normals = np.broadcast_to(np.float32([0, 0, 1]), (*shape, 3)).copy()
    np.testing.assert_allclose(integrate_normals(normals, np.ones(shape, bool), PITCH, 100.0), 0, atol=1e-6)
