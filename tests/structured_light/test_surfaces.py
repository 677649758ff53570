"""What fusion, mixed-pixel rejection and smoothing promise about surfaces."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtr

from rig_configs.errors import ReconstructionError
from rig_configs.fringes import FringeConfig
from structured_light.fusion import fuse
from structured_light.mixed_pixels import reject_mixed
from structured_light.patterns import FringePatterns
from structured_light.reconstructor import FourEye
from structured_light.smoothing import smooth
from structured_light.triangulation import Heights

PITCH, SIGMA = 0.03, 0.003


def settle(z: np.ndarray) -> np.ndarray:
    """Heights after mixed pixels are rejected."""
    z, sigma, views = z.astype(np.float32), np.full(z.shape, SIGMA, np.float32), np.full(z.shape, 4, np.uint8)
    reject_mixed(z, sigma, views, PITCH)
    assert (np.isnan(z) == (views == 0)).all()
    assert (np.isnan(z) == np.isnan(sigma)).all()
    return z


@pytest.mark.parametrize("angle", [0.0, 33.0, 45.0, 90.0])
@pytest.mark.parametrize("height", [0.6, 3.0])
def test_pixels_that_mix_two_surfaces_are_rejected_and_the_surfaces_kept(angle, height) -> None:
    y, x = np.mgrid[0:80, 0:80]
    rng = np.random.default_rng(0)
    across = (x - 40.3) * np.cos(np.radians(angle)) + (y - 40.3) * np.sin(np.radians(angle))
    share = ndtr(across / 0.6)  # of each pixel's light that comes from the upper surface
    settled = settle(height * share + 0.01 * x + rng.normal(0, SIGMA, share.shape))
    inner = np.s_[4:-4, 4:-4]
    mixed = (np.minimum(share, 1 - share) > 0.15)[inner]
    assert mixed.sum() > 50
    assert np.isnan(settled[inner][mixed]).mean() > 0.97
    assert np.isnan(settled[np.abs(across) > 3]).mean() < 1e-3


def test_slopes_creases_and_small_steps_are_no_mixtures() -> None:
    y, x = np.mgrid[0:80, 0:80]
    rng = np.random.default_rng(0)
    away = np.hypot(x - 40, y - 40) * PITCH
    ball = np.sqrt(np.maximum(1.5**2 - away**2, 0))
    for surface, where in (
        (np.tan(np.radians(75)) * PITCH * x, x >= 0),
        (np.tan(np.radians(70)) * PITCH * np.abs(x - 40.0), x >= 0),
        (ball, (away < 0.9 * 1.5) | (away > 1.5 + 4 * PITCH)),
        (np.where(x > 40, 0.05, 0.0), x >= 0),
    ):
        settled = settle(surface + rng.normal(0, SIGMA, surface.shape))
        assert not np.isnan(settled[where]).any()


def test_smoothing_lowers_noise_keeps_slopes_and_edges_and_invents_nothing() -> None:
    y, x = np.mgrid[0:100, 0:100]
    rng = np.random.default_rng(0)
    truth = 1.3 * x - 0.7 * y + np.where(x > 50, 25.0, 0.0)
    column = (truth + rng.normal(0, 0.05, truth.shape)).astype(np.float32)
    column[20:30, 20:30] = np.nan
    column[rng.random(column.shape) < 0.05] = np.nan
    sigma = np.where(np.isnan(column), np.nan, np.float32(0.05)).astype(np.float32)
    before = column.copy()
    smoothed, less = smooth(column, sigma)
    np.testing.assert_array_equal(column, before)
    np.testing.assert_array_equal(np.isnan(smoothed), np.isnan(column))
    error = (smoothed - truth)[1:-1, 1:-1]
    assert np.nanstd(error) < 0.5 * 0.05
    assert abs(np.nanmean(error)) < 2e-3
    assert np.nanmax(np.abs(error)) < 5 * 0.05
    assert 0.85 < np.sqrt(np.nanmean(less[1:-1, 1:-1] ** 2)) / np.nanstd(error) < 1.15


def test_of_two_equally_certain_heights_that_contradict_each_other_none_is_believed() -> None:
    one, other = (Heights(np.full((20, 20), z, np.float32), np.full((20, 20), 0.002, np.float32)) for z in (0.0, 1.0))
    result = fuse([one, other])
    assert np.isnan(result.z_mm).all()
    assert not result.views.any()
    assert result.contradicted == 1.0
    assert fuse([one, one, other]).contradicted == 0.0


@pytest.mark.parametrize(
    ("lower_mm", "message", "detail"), [(0, "moved between", "moved"), (4, "contradict each other", "projectors_disagree")], ids=["part", "plate"]
)
def test_what_moves_between_projectors_is_reported(rig, frames_of, lower_mm: float, message: str, detail: str) -> None:
    fringes = FringeConfig(steps=5, period_px=20)

    def bumps(x, y):
        return 2.5 * np.sin(x / 7) * np.cos(y / 5) + 0.05 * x - lower_mm

    scenes = (bumps, lambda x, y: 0 * x - 0.4 - lower_mm, lambda x, y: bumps(x, y) + 0.3, lambda x, y: 0 * x + 0.9 - lower_mm)
    eye = FourEye(rig.calibration, fringes, 4095)
    rng = np.random.default_rng(0)
    for p, surface in enumerate(scenes):
        for i, frame in enumerate(frames_of(FringePatterns(fringes, 1280, 800), rig.see(surface).columns[p], rng)):
            eye.add(p, i, frame)
    with pytest.raises(ReconstructionError, match=message) as error:
        eye.reconstruct()
    assert error.value.code == f"reconstruction.failed.{detail}"


def test_the_projector_whose_frames_do_not_fit_is_named(rig, bumpy, frames_of) -> None:
    fringes = FringeConfig(steps=5, period_px=20)
    eye, patterns = FourEye(rig.calibration, fringes, 4095), FringePatterns(fringes, 1280, 800)
    rng = np.random.default_rng(0)
    frames = [frames_of(patterns, bumpy.columns[0] + rng.normal(0, 1.0), rng)[i] for i in range(patterns.count)]
    for i, frame in enumerate(frames[:-1]):
        eye.add(0, i, frame)
    with pytest.raises(ReconstructionError, match="Projector 'p45': The phase steps") as error:
        eye.add(0, patterns.count - 1, frames[-1])
    assert error.value.code == "reconstruction.failed.phase_steps"


@pytest.mark.parametrize("smoothing", [False, True])
def test_turned_and_smoothed_scans_give_the_true_surface(rig, bumpy, frames_of, smoothing) -> None:
    fringes = FringeConfig(steps=5, period_px=20, smoothing=smoothing)
    angles = (12.0, -20.0, 30.0, 180.0)
    eye = FourEye(rig.calibration, fringes, 4095, angles_deg=angles)
    rng = np.random.default_rng(0)
    for p, angle in enumerate(angles):
        patterns = FringePatterns(fringes, 1280, 800, angle)
        c, s, w0 = patterns.axis
        for i, frame in enumerate(frames_of(patterns, c * bumpy.columns[p] + s * bumpy.rows[p] + w0, rng)):
            eye.add(p, i, frame)
    cloud = eye.reconstruct()
    error = cloud.xyz_mm[..., 2] - bumpy.xyz[..., 2]
    assert cloud.valid.mean() > 0.995
    assert 0.8 < np.nanmean(cloud.sigma_z_mm) / np.nanstd(error) < 1.25
    assert np.nanstd(error) < (0.0012 if smoothing else 0.0025)
    assert eye.gammas.keys() == {p.name for p in rig.projectors}
    assert all(abs(g - 1) < 0.02 for g in eye.gammas.values())
