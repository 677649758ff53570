"""The simulated rig's optics are those of the drawing within its tolerances, and obey the textbook."""

import cv2
import numpy as np
import pytest

from acquisition.simulation.optics import build_rig
from rig_configs.errors import RigFileError
from rig_configs.files import load_rig
from rig_configs.schema import RigConfig


@pytest.fixture(scope="module")
def config() -> RigConfig:
    rig = load_rig("demo")
    return rig.model_copy(update={"camera": rig.camera.model_copy(update={"width_px": 342, "height_px": 228})})


def reseeded(config: RigConfig, seed: int) -> RigConfig:
    assert config.simulation is not None
    return config.model_copy(update={"simulation": config.simulation.model_copy(update={"seed": seed})})


def test_the_same_seed_builds_the_same_rig_and_another_seed_another(config):
    first, again, other = build_rig(config), build_rig(config), build_rig(reseeded(config, 8))
    np.testing.assert_array_equal(first.projectors[2].lens.K, again.projectors[2].lens.K)
    np.testing.assert_array_equal(first.zones[3].position_mm, again.zones[3].position_mm)
    assert np.abs(first.zones[3].position_mm - other.zones[3].position_mm).max() > 0.01


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_rig_frame_is_the_cameras_own(config, seed):
    lens = build_rig(reseeded(config, seed)).camera.lens
    foot = lens.centre_mm - lens.axis * lens.centre_mm[2] / lens.axis[2]
    np.testing.assert_allclose(foot, 0, atol=1e-9)  # the axis meets the reference plane in the origin
    assert abs(lens.R[0, 1]) < 1e-12  # columns run along x
    assert lens.R[0, 0] > 0
    assert lens.R[1, 1] < 0
    np.testing.assert_allclose(lens.R @ lens.R.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(lens.R) == pytest.approx(1)


def test_rays_go_where_the_camera_says_a_point_is(config):
    lens = build_rig(config).camera.lens
    rays = lens.ray_directions().astype(np.float64)
    points = lens.centre_mm + rays * (195 / -rays[..., 2:])
    found, _ = cv2.projectPoints(points.reshape(-1, 1, 3), cv2.Rodrigues(lens.R)[0], lens.t, lens.K, lens.d)
    rows, columns = np.mgrid[0:228, 0:342]
    np.testing.assert_allclose(found.reshape(228, 342, 2), np.stack([columns, rows], -1), atol=2e-3)


def test_a_projectors_columns_are_those_of_opencv(config):
    rng = np.random.default_rng(5)
    points = rng.uniform([-15, -12, 0], [15, 12, 6], (20, 30, 3)).astype(np.float32)
    for projector in build_rig(config).projectors:
        lens = projector.lens
        expected, _ = cv2.projectPoints(points.reshape(-1, 1, 3).astype(np.float64), cv2.Rodrigues(lens.R)[0], lens.t, lens.K, lens.d)
        np.testing.assert_allclose(lens.project(points), expected.reshape(20, 30, 2), atol=1e-3)


def test_height_moves_a_projectors_columns_and_hardly_its_rows(config):
    points = np.zeros((1, 3, 3), np.float32)
    points[0, 1, 2] = 1.0
    for projector, drawn in zip(build_rig(config).projectors, config.projectors, strict=True):
        azimuth = np.radians(drawn.nominal.azimuth_deg)
        points[0, 2, :2] = np.cos(azimuth), np.sin(azimuth)
        column_row = projector.lens.project(points)[0]
        step = column_row[2] - column_row[0]
        assert step[0] > 10 * abs(step[1])  # columns advance along the azimuth
        rise = column_row[1] - column_row[0]
        assert rise[0] < -10 * abs(rise[1])


def test_the_plate_is_lit_as_a_builder_would_set_it(config):
    rig = build_rig(config)
    for zone in rig.zones:
        distance = np.linalg.norm(zone.position_mm)
        share = 0.8 * zone.intensity / distance**2 * zone.position_mm[2] / distance * 8e-3
        assert 0.42 < share < 0.78  # 60 % within power (8 % a sigma) and place


def test_a_rig_without_a_simulation_cannot_be_simulated(config):
    with pytest.raises(RigFileError, match="no simulation section"):
        build_rig(config.model_copy(update={"simulation": None}))
