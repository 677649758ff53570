"""Pictures of form: what they show, and that the albedo is not in them."""

from __future__ import annotations

import numpy as np
from photometric_scene import sphere_scene

from photometric.pseudo3d import FULL_TURN, curvature_image, gradient_image, shaded_image

SCENE = sphere_scene()
NORMALS = SCENE.normals.astype(np.float32)
VALID = np.ones(SCENE.part.shape, bool)


def test_a_plane_is_grey_a_bump_is_light_and_a_dent_is_dark_in_the_curvature():
    middle = SCENE.part.shape[0] // 2, SCENE.part.shape[1] // 2
    bump = curvature_image(NORMALS, VALID)
    dent = curvature_image(NORMALS * np.float32([-1, -1, 1]), VALID)
    assert bump[5, 5] == dent[5, 5] == 128
    turn = NORMALS[middle][0] - NORMALS[middle[0], middle[1] - 1][0]
    expected = 127 * turn / FULL_TURN
    assert abs(float(bump[middle]) - 128 - expected) <= 1
    assert abs(128 - float(dent[middle]) - expected) <= 1
    assert bump[middle] > 132


def test_inclination_is_the_angle_to_the_axis():
    normals = np.float32([[[0, 0, 1], [1, 0, 0], [0, -np.sqrt(0.5), np.sqrt(0.5)]]])
    assert gradient_image(normals, np.ones((1, 3), bool)).tolist() == [[0, 255, 128]]


def test_shading_is_lambert_under_the_light_given():
    picture = shaded_image(NORMALS, VALID, light=(-1.0, 0.0, 1.0))
    expected = 255 * np.maximum((SCENE.normals[..., 2] - SCENE.normals[..., 0]) * np.sqrt(0.5), 0)
    assert np.abs(picture - expected).max() <= 0.6
    upper_left, lower_right = shaded_image(NORMALS, VALID)[80:100, 130:150].mean(), shaded_image(NORMALS, VALID)[130:150, 190:210].mean()
    assert upper_left > lower_right + 30


def test_pixels_that_are_not_valid_are_neutral_whatever_they_hold():
    normals, valid = NORMALS.copy(), VALID.copy()
    valid[100:104, 150:154] = False
    normals[~valid] = np.nan
    assert (curvature_image(normals, valid)[99:105, 151:153] == 128).all()
    assert (gradient_image(normals, valid)[~valid] == 0).all()
    assert (shaded_image(normals, valid)[~valid] == 0).all()
