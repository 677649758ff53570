from __future__ import annotations

import numpy as np
import pytest

from rig_configs.errors import CalibrationError, ReconstructionError
from rig_configs.fringes import FringeConfig
from structured_light.decoder import FringeDecoder
from structured_light.geometry import epipolar_angle_deg, ray_slopes, undistort
from structured_light.patterns import FringePatterns
from structured_light.triangulation import Triangulator, points


def test_undistortion_inverts_the_distortion_exactly(rig) -> None:
    import cv2

    rng = np.random.default_rng(0)
    normalised = rng.uniform(-0.12, 0.12, (500, 2))
    pixels, _ = cv2.projectPoints(np.column_stack([normalised, np.ones(500)]), np.zeros(3), np.zeros(3), rig.camera.K, rig.camera.d)
    np.testing.assert_allclose(undistort(rig.camera, np.asarray(pixels).reshape(-1, 2)), normalised, atol=1e-12)


def test_true_columns_triangulate_to_the_true_points(rig, bumpy) -> None:
    slopes = ray_slopes(rig.camera)
    for projector, column in zip(rig.projectors, bumpy.columns, strict=True):
        heights = Triangulator(rig.camera, projector, slopes).heights(column.astype(np.float32), np.ones(column.shape, np.float32))
        xyz = points(heights.z_mm, slopes, rig.camera.centre_mm)
        assert np.abs(xyz - bumpy.xyz).max() < 1e-4


@pytest.mark.parametrize("angle", [60.0, -37.0, 180.0])
def test_fringes_turned_by_any_angle_triangulate_to_the_true_points(rig, bumpy, angle) -> None:
    slopes = ray_slopes(rig.camera)
    for projector, column, row in zip(rig.projectors, bumpy.columns, bumpy.rows, strict=True):
        c, s, w0 = axis = FringePatterns(FringeConfig(steps=5, period_px=20), 1280, 800, angle).axis
        w = (c * column + s * row + w0).astype(np.float32)
        heights = Triangulator(rig.camera, projector, slopes, axis).heights(w, np.ones_like(w))
        assert np.abs(points(heights.z_mm, slopes, rig.camera.centre_mm) - bumpy.xyz).max() < 3e-4


def test_fringes_across_the_epipolar_angle_have_the_smallest_sigma_z(rig, bumpy) -> None:
    slopes = ray_slopes(rig.camera)
    for projector, column, row in zip(rig.projectors, bumpy.columns, bumpy.rows, strict=True):
        sigmas = {}
        best = epipolar_angle_deg(rig.camera, projector)
        for angle in (best, best + 15, best - 15):
            c, s, w0 = axis = FringePatterns(FringeConfig(steps=5, period_px=20), 1280, 800, angle).axis
            w = (c * column + s * row + w0).astype(np.float32)
            sigmas[angle] = float(np.mean(Triangulator(rig.camera, projector, slopes, axis).heights(w, np.ones_like(w)).sigma_z_mm))
        assert min(sigmas, key=lambda a: sigmas[a]) == best
        assert sigmas[best + 15] > 1.02 * sigmas[best]


def test_sigma_z_is_the_sigma_of_the_column_over_its_slope_along_the_ray(rig, bumpy) -> None:
    triangulator = Triangulator(rig.camera, rig.projectors[1])
    column, step = bumpy.columns[1], 0.05
    one = triangulator.heights(column.astype(np.float32), np.full(column.shape, step, np.float32))
    moved = triangulator.heights((column + step).astype(np.float32), np.zeros(column.shape, np.float32))
    np.testing.assert_allclose(np.abs(moved.z_mm - one.z_mm), one.sigma_z_mm, rtol=2e-3)


def test_predicted_sigma_z_is_the_scatter_of_repeated_scans(rig, bumpy, frames_of) -> None:
    patterns = FringePatterns(FringeConfig(steps=5, period_px=20), 1280, 800)
    triangulator, rng = Triangulator(rig.camera, rig.projectors[0]), np.random.default_rng(5)
    scans = []
    for _ in range(12):
        decoder = FringeDecoder(patterns, 4095, 40)
        for i, frame in enumerate(frames_of(patterns, bumpy.columns[0], rng)):
            decoder.add(i, frame)
        decoded = decoder.decode()
        scans.append(triangulator.heights(decoded.column, decoded.sigma_column))
    measured = np.nanmean(np.std([s.z_mm for s in scans], axis=0, ddof=1))
    assert 0.9 < np.nanmean([s.sigma_z_mm for s in scans]) / measured < 1.1


def test_unknown_columns_stay_unknown(rig, bumpy) -> None:
    column = bumpy.columns[0].astype(np.float32)
    column[10:20] = np.nan
    heights = Triangulator(rig.camera, rig.projectors[0]).heights(column, np.ones_like(column))
    assert np.isnan(heights.z_mm[10:20]).all()
    assert np.isnan(heights.sigma_z_mm[10:20]).all()
    assert not np.isnan(heights.z_mm[20:]).any()


def test_frames_of_another_camera_and_a_camera_that_looks_up_are_refused(rig) -> None:
    wrong = np.zeros((10, 10), np.float32)
    with pytest.raises(ReconstructionError, match="10 x 10"):
        Triangulator(rig.camera, rig.projectors[0]).heights(wrong, wrong)
    up = rig.camera.model_copy(update={"rotation": ((1, 0, 0), (0, 1, 0), (0, 0, 1))})
    with pytest.raises(CalibrationError, match="does not look down"):
        ray_slopes(up)


def test_what_seems_to_lie_outside_the_range_of_heights_is_not_known(rig) -> None:
    column = np.tile(np.linspace(0, rig.projectors[0].width_px - 1, rig.camera.width_px, dtype=np.float32), (rig.camera.height_px, 1))
    sigma = np.ones_like(column)
    free = Triangulator(rig.camera, rig.projectors[0]).heights(column, sigma)
    bounded = Triangulator(rig.camera, rig.projectors[0], height_range_mm=(-2.0, 6.0)).heights(column, sigma)
    inside = (free.z_mm >= -2) & (free.z_mm < 6)
    assert 0.01 < inside.mean() < 0.9
    np.testing.assert_array_equal(np.isfinite(bounded.z_mm), inside)
    np.testing.assert_array_equal(np.isfinite(bounded.sigma_z_mm), inside)
    np.testing.assert_array_equal(bounded.z_mm[inside], free.z_mm[inside])
