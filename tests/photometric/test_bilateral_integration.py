"""Integration that keeps steps, where Poisson's makes ramps of them."""

from __future__ import annotations

import numpy as np
import pytest

from photometric.bilateral_integration import integrate_bilaterally
from photometric.integration import integrate_normals

PITCH, FAR = 0.1, 1e5
H, W = 96, 128
ROWS, COLUMNS = np.mgrid[:H, :W]
X, Y = (COLUMNS - (W - 1) / 2) * PITCH, ((H - 1) / 2 - ROWS) * PITCH
ALL = np.ones((H, W), bool)


def normals_of(p, q, noise=0.0):
    rng = np.random.default_rng(0)
    n = np.stack([-p + noise * rng.normal(size=p.shape), -q + noise * rng.normal(size=p.shape), np.ones_like(p)], -1)
    return (n / np.linalg.norm(n, axis=-1, keepdims=True)).astype(np.float32)


def ramp():
    """Level ground, out of which a ramp rises whose side is a wall that grows to 2.4 mm; no normal shows the wall."""
    on = (X < 0) & (Y > -1)
    z = np.where(on, 0.45 * (Y + 1), 0)
    return z - z.mean(), normals_of(0 * X, np.where(on, 0.45, 0.0), noise=0.002)


def test_a_wall_that_grows_out_of_level_ground_stays_a_wall():
    z, normals = ramp()
    bilateral = integrate_bilaterally(normals, ALL, PITCH, FAR) - z
    poisson = integrate_normals(normals, ALL, PITCH, FAR) - z
    assert np.abs(poisson).mean() > 0.2
    assert np.abs(bilateral).mean() < 0.1 * np.abs(poisson).mean()


def test_a_smooth_relief_comes_out_as_by_poisson():
    z = 0.8 * np.sin(X / 2.5) * np.cos(Y / 2)
    normals = normals_of(0.32 * np.cos(X / 2.5) * np.cos(Y / 2), -0.4 * np.sin(X / 2.5) * np.sin(Y / 2))
    height = integrate_bilaterally(normals, ALL, PITCH, FAR)
    assert np.abs(height - (z - z.mean())).max() < 5e-3
    assert abs(height.mean()) < 1e-5


def test_pixels_that_are_not_valid_are_not_read():
    z, normals = ramp()
    valid = ALL.copy()
    valid[10:16, 90:96] = False
    spoilt = normals.copy()
    spoilt[~valid] = np.nan
    clean = normals.copy()
    clean[~valid] = (0, 0, 1)
    first = integrate_bilaterally(clean, valid, PITCH, FAR, rounds=5)
    assert np.isfinite(first).all()
    np.testing.assert_allclose(integrate_bilaterally(spoilt, valid, PITCH, FAR, rounds=5), first, atol=1e-5)
    full = integrate_bilaterally(clean, valid, PITCH, FAR)
    assert np.abs(full - z + z[valid].mean())[valid].mean() < 0.05


@pytest.mark.parametrize("shape", [(1, 7), (7, 1), (2, 2)])
def test_the_smallest_images(shape):
    normals = np.broadcast_to(np.float32([0, 0, 1]), (*shape, 3)).copy()
    np.testing.assert_allclose(integrate_bilaterally(normals, np.ones(shape, bool), PITCH, 100.0), 0, atol=1e-6)
    assert np.isnan(integrate_bilaterally(normals, np.zeros(shape, bool), PITCH, 100.0)).all()
