from __future__ import annotations

import numpy as np
import pytest

from rig_configs.errors import ReconstructionError
from rig_configs.fringes import FringeConfig
from structured_light.fusion import fuse
from structured_light.patterns import FringePatterns
from structured_light.point_map import PointMap
from structured_light.reconstructor import FourEye
from structured_light.triangulation import Heights

FRINGES = FringeConfig(steps=5, period_px=20)


def heights(z: float, sigma: float, n: int = 50, rng: np.random.Generator | None = None) -> Heights:
    values = np.full((n, n), z, np.float32)
    if rng is not None:
        values += rng.normal(0, sigma, values.shape).astype(np.float32)
    return Heights(values, np.full((n, n), sigma, np.float32))


def fused(several: list[Heights]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    result = fuse(several)
    return result.z_mm, result.sigma_z_mm, result.views


def scan(eye: FourEye, scene, frames_of, seed: int = 0, lit=None) -> PointMap:
    rng = np.random.default_rng(seed)
    patterns = FringePatterns(FRINGES, 1280, 800)
    for p, column in enumerate(scene.columns):
        amplitude = 3000 * (np.ones(column.shape) if lit is None else lit[p])
        for i, frame in enumerate(frames_of(patterns, column, rng, amplitude=amplitude)):
            eye.add(p, i, frame)
    return eye.reconstruct()


def test_an_outlier_is_voted_out_and_the_rest_weighed_by_certainty() -> None:
    z, sigma, views = fused([heights(1.0, 0.002), heights(1.004, 0.004), heights(1.5, 0.001), heights(1.0, 0.002)])
    weights = np.array([1 / 0.002**2, 1 / 0.004**2, 1 / 0.002**2])
    assert (views == 3).all()
    np.testing.assert_allclose(z, weights @ [1.0, 1.004, 1.0] / weights.sum(), rtol=1e-6)
    np.testing.assert_allclose(sigma, weights.sum() ** -0.5, rtol=1e-5)


def test_four_equal_projectors_halve_the_noise() -> None:
    rng = np.random.default_rng(0)
    z, sigma, views = fused([heights(0.0, 0.004, 100, rng) for _ in range(4)])
    assert (views == 4).mean() > 0.99
    assert np.std(z) == pytest.approx(0.002, rel=0.05)
    assert np.mean(sigma) == pytest.approx(0.002, rel=0.02)


def test_a_lone_survivor_is_kept_and_marked() -> None:
    blind = Heights(np.full((50, 50), np.nan, np.float32), np.full((50, 50), np.nan, np.float32))
    z, sigma, views = fused([blind, heights(2.0, 0.003), blind])
    assert (views == 1).all()
    np.testing.assert_allclose(z, 2.0)
    np.testing.assert_allclose(sigma, 0.003)
    z, sigma, views = fused([blind, blind])
    assert np.isnan(z).all()
    assert np.isnan(sigma).all()
    assert not views.any()


def test_of_two_that_disagree_the_more_certain_stays() -> None:
    z, _, views = fused([heights(0.0, 0.004), heights(1.0, 0.002)])
    assert (views == 1).all()
    np.testing.assert_allclose(z, 1.0)


def test_a_scan_gives_the_true_surface(rig, bumpy, frames_of) -> None:
    eye = FourEye(rig.calibration, FRINGES, saturation_dn=4095)
    cloud = scan(eye, bumpy, frames_of)
    error = cloud.xyz_mm - bumpy.xyz
    assert cloud.valid.mean() > 0.999
    assert (cloud.views == 4).mean() > 0.99
    assert abs(np.nanmean(error[..., 2])) < 2e-4
    assert 0.8 < np.nanmean(cloud.sigma_z_mm) / np.nanstd(error[..., 2]) < 1.25
    assert np.nanmax(np.abs(error[..., 2])) < 0.02


def test_coverage_grows_with_the_projectors_where_parts_shade(rig, bumpy, frames_of) -> None:
    y, x = np.mgrid[0:228, 0:342]
    lit = [np.where(mask, 1.0, 0.0) for mask in (x > 80, y > 60, x < 260, y < 170)]
    covered = []
    for used in ((0,), (0, 1), (0, 1, 2, 3)):
        eye = FourEye(rig.calibration, FRINGES, saturation_dn=4095, projectors=used)
        cloud = scan(eye, bumpy, frames_of, lit=lit)
        assert eye.coverage is not None
        assert eye.coverage.fused == pytest.approx(cloud.valid.mean())
        assert len(eye.coverage.projectors) == len(used)
        covered.append(eye.coverage.fused)
    assert covered[0] < covered[1] < covered[2]
    assert covered[2] > 0.99


def test_the_next_part_after_reset_is_not_coloured_by_the_last(rig, bumpy, frames_of) -> None:
    eye = FourEye(rig.calibration, FRINGES, saturation_dn=4095)
    first = scan(eye, bumpy, frames_of)
    eye.reset()
    with pytest.raises(ReconstructionError, match="p45, p135, p225, p315"):
        eye.reconstruct()
    eye.add(0, 0, np.full((228, 342), 500, np.uint16))
    eye.reset()
    second = scan(eye, bumpy, frames_of)
    np.testing.assert_array_equal(first.xyz_mm, second.xyz_mm)


def test_incomplete_repeated_and_disordered_scans_are_refused(rig, bumpy, frames_of) -> None:
    eye = FourEye(rig.calibration, FRINGES, saturation_dn=4095)
    scan(eye, bumpy, frames_of)
    with pytest.raises(ReconstructionError, match="'p45' sent pattern 0 after its sequence was complete"):
        eye.add(0, 0, np.zeros((228, 342), np.uint16))
    eye.reset()
    with pytest.raises(ReconstructionError, match="Pattern 3 arrived where pattern 0"):
        eye.add(0, 3, np.zeros((228, 342), np.uint16))
