"""The fused height has the cloud's trueness, the normals' detail, and is never worse than the cloud by more than its noise."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from photometric.fused_height import LIMIT_SIGMAS, fuse_height

H, W, PITCH, DISTANCE, SIGMA = 240, 360, 0.01, 200.0, 0.002
EVERYWHERE = np.ones((H, W), bool)
ROWS, COLUMNS = np.mgrid[:H, :W]
U, V = COLUMNS - (W - 1) / 2, (H - 1) / 2 - ROWS

Field = NDArray[np.float64]


def truth_of(z: Field) -> tuple[Field, NDArray[np.float32]]:
    """Height and normals of a surface seen through a pin-hole: z at the plane point that each pixel looks at."""
    points = np.stack([U * PITCH * (1 - z / DISTANCE), V * PITCH * (1 - z / DISTANCE), z], -1)
    normals = np.cross(np.gradient(points, axis=0), np.gradient(points, axis=1))
    return z, (normals / np.linalg.norm(normals, axis=-1, keepdims=True)).astype(np.float32)


def relief() -> Field:
    """Part-sized form, and a scratch of 1 µm that is lost in the cloud's noise of 2 µm."""
    scratch = -0.001 * np.exp(-(((U * 0.6 + V * 0.8) / 4) ** 2)) * (np.abs(U) < 80)
    return 3 + 0.05 * np.sin(U / 50) * np.cos(V / 40) + 0.02 * U * PITCH + scratch


def tilted(normals: NDArray[np.float32], p: Field, q: Field, noise: float = 0.0, seed: int = 0) -> NDArray[np.float32]:
    """Normals turned by slopes p, q and by noise, rad."""
    off = np.stack([p, q], -1) + noise * np.random.default_rng(seed).normal(size=(H, W, 2))
    turned = normals.astype(np.float64)
    turned[..., :2] += off
    return (turned / np.linalg.norm(turned, axis=-1, keepdims=True)).astype(np.float32)


def cloud_of(z: Field, seed: int = 1) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    noisy = z + SIGMA * np.random.default_rng(seed).normal(size=(H, W))
    return noisy.astype(np.float32), np.full((H, W), SIGMA, np.float32)


def fuse(normals, cloud, valid=EVERYWHERE, **options) -> NDArray[np.float32]:
    return fuse_height(normals, valid, *cloud, PITCH, DISTANCE, **options)


ONE_DEGREE = np.radians(1.0)
SMOOTH_BIAS = ONE_DEGREE * U / (W / 2), -ONE_DEGREE * V / (H / 2)


def test_a_smooth_bias_of_one_degree_does_no_harm():
    z, normals = truth_of(relief())
    cloud = cloud_of(z)
    fused = fuse(tilted(normals, *SMOOTH_BIAS, noise=0.01), cloud)
    error, alone = fused - z, cloud[0] - z
    assert fused.dtype == np.float32
    assert error.std() < 0.25 * alone.std()
    assert abs(error.mean()) < 0.2e-3
    # Nowhere is a bend left over: the mean of every 40 x 40 pixels is right, too.
    assert np.abs(error.reshape(H // 40, 40, W // 40, 40).mean((1, 3))).max() < 0.5e-3


def test_a_bias_that_is_the_same_everywhere_does_no_harm():
    z, normals = truth_of(relief())
    cloud = cloud_of(z)
    error = fuse(tilted(normals, 0 * U + ONE_DEGREE, 0 * U), cloud) - z
    assert error.std() < 0.5 * SIGMA
    assert abs(error.mean()) < 0.2e-3


def test_a_scratch_that_the_noise_of_the_cloud_hides_is_there():
    z, normals = truth_of(relief())
    cloud = cloud_of(z)
    fused = fuse(tilted(normals, *SMOOTH_BIAS, noise=0.01), cloud)
    groove = np.exp(-(((U * 0.6 + V * 0.8) / 4) ** 2)) * (np.abs(U) < 80)
    form = z + 0.001 * groove
    seen, hidden = fused - form, cloud[0] - form
    bottom, flat = groove > 0.9, (groove < 0.01) & (np.abs(U) < 80)
    contrast = [(d[flat].mean() - d[bottom].mean()) / d[flat].std() for d in (seen, hidden)]
    assert contrast[0] > 2
    assert contrast[1] < 0.7
    assert seen[flat].mean() - seen[bottom].mean() == pytest.approx(0.001, rel=0.3)


def test_normals_that_are_quite_wrong_are_not_followed():
    """Turned by up to 15° over a few pixels, as interreflections do: what is left is the cloud."""
    z, normals = truth_of(relief())
    cloud = cloud_of(z)
    wrong = 0.26 * np.sin(U / 8) * np.sin(V / 8)
    error = fuse(tilted(normals, wrong, wrong, noise=0.01), cloud) - z
    assert error.std() < 1.1 * SIGMA
    assert abs(error.mean()) < 0.2e-3


def test_a_step_stays_a_step():
    """A wall of 1 mm, of which the normals see nothing."""
    form = np.where(U < 10, 3.0, 4.0)
    z, _ = truth_of(form)
    normals = np.broadcast_to(np.float32([0, 0, 1]), (H, W, 3)).copy()
    cloud = cloud_of(z)
    error = fuse(normals, cloud) - z
    assert error.std() < 0.3 * SIGMA
    assert np.abs(error).max() < 3 * SIGMA


def test_no_pixel_leaves_the_cloud_by_more_than_its_noise():
    z, normals = truth_of(relief())
    cloud = cloud_of(z)
    rng = np.random.default_rng(5)
    fused = fuse(tilted(normals, 0 * U, 0 * U, noise=0.5), cloud)
    assert np.abs(fused - cloud[0]).max() <= LIMIT_SIGMAS * SIGMA * 1.001
    nonsense = rng.normal(size=(H, W, 3)).astype(np.float32)
    nonsense /= np.linalg.norm(nonsense, axis=-1, keepdims=True)
    assert np.abs(fuse(nonsense, cloud) - cloud[0]).max() <= LIMIT_SIGMAS * SIGMA * 1.001


def test_an_uncertain_pixel_counts_for_less():
    z, normals = truth_of(relief())
    z_mm, sigma = cloud_of(z)
    rough = (U > 40) & (U < 100)
    z_mm = np.where(rough, z + 10 * (z_mm - z), z_mm).astype(np.float32)
    sigma = np.where(rough, 10 * sigma, sigma)
    told = fuse(normals, (z_mm, sigma)) - z
    assert told[rough].std() < 0.12 * (10 * SIGMA)
    assert told[~rough].std() < 0.3 * SIGMA


def test_where_the_cloud_is_blind_nothing_is_guessed():
    z, normals = truth_of(relief())
    z_mm, sigma = cloud_of(z)
    blind = (np.hypot(U, V) < 20) | (np.random.default_rng(6).random((H, W)) < 0.02)
    z_mm[blind] = np.nan
    sigma[blind] = np.nan
    fused = fuse(tilted(normals, *SMOOTH_BIAS, noise=0.01), (z_mm, sigma))
    assert (np.isnan(fused) == blind).all()
    assert (fused - z)[~blind].std() < 0.35 * SIGMA


def test_without_normals_it_is_the_cloud():
    z, normals = truth_of(relief())
    cloud = cloud_of(z)
    np.testing.assert_allclose(fuse(normals, cloud, valid=~EVERYWHERE), cloud[0], atol=2e-6)


def test_normals_that_are_not_valid_are_not_read():
    z, normals = truth_of(relief())
    cloud = cloud_of(z)
    valid = np.random.default_rng(7).random((H, W)) > 0.1
    spoilt = normals.copy()
    spoilt[~valid] = (0, 0, 1)
    first = fuse(spoilt, cloud, valid=valid)
    spoilt[~valid] = np.nan
    np.testing.assert_array_equal(fuse(spoilt, cloud, valid=valid), first)
    assert (first - z).std() < 0.3 * SIGMA


def test_nothing_known_at_all_is_nan_and_no_fault():
    _, normals = truth_of(relief())
    nothing = np.full((H, W), np.nan, np.float32)
    assert np.isnan(fuse(normals, (nothing, nothing))).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (5, 1), (3, 4)])
def test_the_smallest_images(shape):
    normals = np.zeros((*shape, 3), np.float32)
    normals[..., 2] = 1
    z = np.full(shape, 2, np.float32)
    fused = fuse_height(normals, np.ones(shape, bool), z, np.full(shape, SIGMA, np.float32), PITCH, DISTANCE)
    np.testing.assert_allclose(fused, 2, atol=1e-4)
