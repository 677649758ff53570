"""The solver at its limits: noise alone, no light at all, and light of any strength."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from photometric_scene import BLACK, EXPOSURE_US, SATURATION, ZONES, angle_deg, calibration, directions, flat_scene, irradiance, pinhole, sphere_scene

from photometric.result import PhotometricResult
from photometric.solver import PhotometricSolver

POWER = (300.0, 320.0, 290.0, 310.0)
SMALL_CAMERA = pinhole(width=48, height=32)
SMALL = calibration(camera=SMALL_CAMERA)


def solve(images, rig=SMALL, ambient=None, saturation=SATURATION, exposure_us=EXPOSURE_US) -> PhotometricResult:
    solver = PhotometricSolver(rig, saturation)
    if ambient is not None:
        solver.add_ambient(ambient, exposure_us)
    for k, image in enumerate(images):
        solver.add(k, image, exposure_us)
    return solver.solve()


def test_noise_costs_no_more_than_least_squares_must_lose():
    """RMS tilt error against shot and read noise propagated through the pseudo-inverse: the drop rule gives nothing away."""
    scene = sphere_scene(limit_deg=25)
    result = solve(scene.render(noise=np.random.default_rng(2)), calibration())
    positions = list(ZONES.values())
    L, _ = directions(scene.points, positions)
    white_dn = irradiance(scene.points, positions, POWER) * EXPOSURE_US / 1000
    electrons = (scene.render() - BLACK) * 12000 / 4095
    sigma = np.sqrt(electrons + 36) * 4095 / 12000 / white_dn
    tangential = np.eye(3) - scene.normals[..., :, None] * scene.normals[..., None, :]
    gain = tangential @ np.linalg.pinv(L.transpose(1, 2, 0, 3)) * sigma.transpose(1, 2, 0)[..., None, :] / scene.albedo[..., None, None]
    limit_deg = np.degrees(np.sqrt((gain**2).sum((-1, -2))[scene.part].mean()))
    error_deg = np.sqrt((angle_deg(result.normals, scene.normals)[scene.part] ** 2).mean())
    assert 0.9 * limit_deg < error_deg < 1.05 * limit_deg


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize(("level", "with_ambient"), [(0, False), (0, True), (BLACK, False), (BLACK, True), (200, True)])
def test_an_image_without_light_is_not_valid_and_no_fault(dtype, level, with_ambient):
    """Zeros, the black level, and exactly what the room gives."""
    dark = np.full((32, 48), level, dtype)
    result = solve([dark] * 4, ambient=dark if with_ambient else None, saturation=255 if dtype is np.uint8 else SATURATION)
    assert not result.valid.any()
    assert (result.normals == [0, 0, 1]).all()
    assert (result.pseudo3d == [128, 128, 255]).all()
    for nothing in (result.albedo, result.residual, result.height_mm):
        assert (nothing == 0).all()


def test_a_saturated_image_is_not_valid_and_no_fault():
    result = solve([np.full((32, 48), SATURATION, np.uint16)] * 4)
    assert not result.valid.any()
    assert (result.normals == [0, 0, 1]).all()


@settings(deadline=None, max_examples=25, derandomize=True)
@given(strength=st.floats(0.3, 1.5), albedo=st.floats(0.1, 0.8), x=st.floats(-0.3, 0.3), y=st.floats(-0.3, 0.3))
def test_albedo_follows_the_light_and_normals_do_not(strength, albedo, x, y):
    scene = flat_scene((x, y, 1), albedo=albedo, camera=SMALL_CAMERA)
    images = scene.render()
    one = solve(images)
    other = solve([(image - np.float32(BLACK)) * np.float32(strength) + np.float32(BLACK) for image in images])
    np.testing.assert_allclose(one.albedo, albedo, rtol=0.01)
    np.testing.assert_allclose(other.albedo, strength * one.albedo, rtol=2e-4)
    np.testing.assert_allclose(other.normals, one.normals, atol=5e-5)
