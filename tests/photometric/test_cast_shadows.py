"""Shadows predicted from a height map are those that geometry demands."""

from __future__ import annotations

import numpy as np
import pytest
from photometric_scene import BLACK, DISTANCE, EXPOSURE_US, SATURATION, ZONES, angle_deg, calibration, flat_scene, pinhole

from photometric.cast_shadows import cast_shadows
from photometric.solver import PhotometricSolver
from rig_configs.errors import ReconstructionError

CAMERA = pinhole()
H, W = CAMERA.height_px, CAMERA.width_px
ROWS, COLUMNS = np.mgrid[:H, :W]
LIGHTS = [(113.0, 2.0, 112.0), (-3.0, 115.0, 111.0), (-112.0, 1.0, 115.0), (4.0, -114.0, 113.0), (70.0, 80.0, 120.0), (30.0, -8.0, 150.0)]


def seen_on(z):
    """x and y of the point at height z that each pixel sees."""
    scale = (DISTANCE - z) / CAMERA.fx_px
    return (COLUMNS - CAMERA.cx_px) * scale, -(ROWS - CAMERA.cy_px) * scale


def block(height=3.0, half=4.0):
    """A block's top as a pin-hole camera sees it; its walls are seen by no pixel or stay ground."""
    x, y = seen_on(height)
    return np.where((abs(x) < half) & (abs(y) < half), height, 0.0).astype(np.float32)


@pytest.mark.parametrize("light", LIGHTS)
def test_the_shadow_of_a_block_is_where_its_rays_to_the_light_pass_the_block(light):
    height, half = 3.0, 4.0
    z = block(height, half)
    shadow = cast_shadows(z, light, CAMERA)
    x, y = seen_on(z)
    expected = np.zeros((H, W), bool)
    for t in np.linspace(0, 1, 400)[1:]:  # points on the way to the light, below the block's top
        at = t * light[2]
        if at < height:
            expected |= (abs(x + t * (light[0] - x)) < half) & (abs(y + t * (light[1] - y)) < half) & (z == 0)
    assert not shadow[z > 0].any()
    assert expected.sum() > 300
    assert (shadow != expected).sum() < 0.12 * expected.sum(), "but for the edges, where a pixel more or less is dark"


@pytest.mark.parametrize("light", LIGHTS)
def test_a_plane_and_its_noise_have_no_shadow(light):
    noisy = np.random.default_rng(0).normal(1.0, 0.01, (H, W)).astype(np.float32)
    assert not cast_shadows(noisy, light, CAMERA).any()


def test_a_slope_that_faces_away_is_in_its_own_shadow_from_there_on():
    x, _ = seen_on(0.0)
    z = np.where(x < 0, 8 - 2.0 * np.maximum(x + 4, 0), 0).astype(np.float32)  # falls towards +x at 63°, the light stands at 45° on the other side
    shadow = cast_shadows(z, (-113.0, 0.0, 113.0), CAMERA)
    middle = H // 2
    assert shadow[middle, (x[middle] > -3) & (x[middle] < -0.5)].all()
    assert not cast_shadows(z, (113.0, 0.0, 113.0), CAMERA)[middle, (x[middle] > -3) & (x[middle] < -0.5)].any()


def test_unknown_pixels_shade_nothing_and_are_not_called_dark():
    z = block()
    z[z > 0] = np.nan
    assert not cast_shadows(z, LIGHTS[0], CAMERA).any()


def test_what_cannot_be_marched_is_said():
    with pytest.raises(ReconstructionError, match="shape"):
        cast_shadows(np.zeros((3, 4), np.float32), LIGHTS[0], CAMERA)
    with pytest.raises(ReconstructionError, match="between"):
        cast_shadows(block(), (0.0, 100.0, 300.0), CAMERA)


def test_a_shadow_into_which_some_light_leaks_is_found_with_the_height_map_alone():
    """A fifth of the light reaches into the shadow by other ways: the drop rule alone takes it for a slope."""
    scene = flat_scene(albedo=0.8)
    z = block()
    x, y = seen_on(z)
    scene.points = np.stack([x, y, z], -1).astype(float)
    images = np.array(scene.render())
    for k, light in enumerate(ZONES.values()):
        dark = cast_shadows(z, light, CAMERA)
        images[k][dark] = BLACK + 0.2 * (images[k][dark] - BLACK)
    shadows = sum(cast_shadows(z, light, CAMERA).astype(int) for light in ZONES.values())
    results = []
    for height in (None, z):
        solver = PhotometricSolver(calibration(), SATURATION)
        for k, image in enumerate(images):
            solver.add(k, image, EXPOSURE_US)
        results.append(solver.solve(height))
    without, known = results
    one, two = shadows == 1, shadows == 2
    assert one.sum() > 1000
    assert angle_deg(without.normals, scene.normals)[one].mean() > 10
    assert angle_deg(known.normals, scene.normals)[one].max() < 0.1
    assert (known.valid_lights[one] == 3).all()
    assert (known.valid_lights[shadows == 0] == 4).all()
    if two.any():
        assert not known.valid[two].any()
