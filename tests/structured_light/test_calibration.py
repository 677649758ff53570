"""Calibration from captures of the simulated bench, whose optics share no code with the solver; the bench's truth only scores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from acquisition.drivers.simulated import open_simulated
from acquisition.simulation.artefacts import board_shape, white_plate
from acquisition.simulation.artefacts import charuco_board as board_on_bench
from acquisition.simulation.bench import Bench
from acquisition.simulation.optics import Lens
from acquisition.simulation.parts import part_kind
from acquisition.simulation.truth import truth_of
from rig_configs.cameras import PixelFormat
from rig_configs.errors import CalibrationFailed
from rig_configs.files import load_rig
from rig_configs.schema import RigConfig
from structured_light.board import BoardCapture, BoardObservation, board_corners, detect_board, luminance, observe_board
from structured_light.board_scan import BoardScan, calibration_patterns
from structured_light.bundle import Bundle, Optics, Pose, _Problem
from structured_light.calibration import GeometryFit, board_poses, calibrate_geometry
from structured_light.patterns import FringePatterns
from structured_light.point_map import PointMap
from structured_light.reconstructor import FourEye
from structured_light.uncertainty import height_sigma_um

Vector = tuple[float, float, float]


@pytest.fixture(scope="module")
def demo() -> RigConfig:
    """The demo rig with a quarter of its pixels a side."""
    rig = load_rig("demo")
    return rig.model_copy(update={"camera": rig.camera.model_copy(update={"width_px": 342, "height_px": 228})})


@pytest.fixture(scope="module")
def bench(demo: RigConfig) -> Bench:
    return open_simulated(demo)[3]


@pytest.fixture(scope="module")
def capture(demo: RigConfig, bench: Bench) -> Callable[[Vector, Vector], BoardCapture]:
    patterns = calibration_patterns(demo)

    def take(centre: Vector, rotation: Vector) -> BoardCapture:
        bench.place(board_on_bench(demo, centre, rotation))
        scan = BoardScan(demo)
        for zone in range(len(demo.lights.zones)):
            bench.set_zone(zone)
            scan.add_light(bench.expose(demo.sequence.light_exposure_us).pixels)
        bench.set_zone(None)
        for p, images in enumerate(patterns):
            for i, image in enumerate(images):
                bench.set_pattern(p, image)
                scan.add(p, i, bench.expose(demo.sequence.fringe_exposure_us).pixels)
            bench.set_pattern(p, None)
        return scan.capture()

    return take


@pytest.fixture(scope="module")
def captures(demo: RigConfig, capture) -> list[BoardCapture]:
    return [capture(*pose) for pose in board_poses(demo)]


@pytest.fixture(scope="module")
def fit(demo: RigConfig, captures: list[BoardCapture]) -> GeometryFit:
    return calibrate_geometry(demo, iter(captures))


def corners_on_bench(rig: RigConfig, ids: NDArray[np.int64], centre: Vector, rotation: Vector) -> NDArray[np.float64]:
    """Where the board's corners truly are, rig frame."""
    own = board_shape(rig)[1:-1, 1:-1].reshape(-1, 3)[ids]
    R, _ = cv2.Rodrigues(np.array(rotation, np.float64))
    return own @ np.asarray(R).T + centre


def seen_by(lens: Lens, points: NDArray[np.float64]) -> NDArray[np.float64]:
    rvec, _ = cv2.Rodrigues(lens.R)
    return np.asarray(cv2.projectPoints(points.reshape(-1, 1, 3), rvec, lens.t, lens.K, lens.d)[0]).reshape(-1, 2)


def measure(demo: RigConfig, bench: Bench, fit: GeometryFit, rig, what) -> tuple[PointMap, NDArray[np.float64]]:
    """Scan something with the self-made calibration; the cloud and the error of its z, mm."""
    calibration = rig.calibration.model_copy(update={"camera": fit.camera, "projectors": fit.projectors})
    eye = FourEye(calibration, demo.sequence.fringes, demo.camera.pixel_format.full_scale_dn)
    bench.place(what)
    for p, projector in enumerate(demo.projectors):
        for i, image in enumerate(FringePatterns(demo.sequence.fringes, projector.width_px, projector.height_px).images):
            bench.set_pattern(p, image)
            eye.add(p, i, bench.expose(demo.sequence.fringe_exposure_us).pixels)
        bench.set_pattern(p, None)
    cloud = eye.reconstruct()
    return cloud, (cloud.xyz_mm[..., 2] - truth_of(bench).xyz_mm[..., 2]).astype(np.float64)


def test_corners_and_projector_pixels_are_where_they_truly_are(demo: RigConfig, bench: Bench, capture) -> None:
    pose = (0.0, 0.0, 6.0), (0.2, -0.15, 0.1)
    observation = observe_board(capture(*pose), demo.artefacts.board)
    points = corners_on_bench(demo, observation.ids, *pose)
    off = observation.camera_px - seen_by(bench.truth.camera.lens, points)
    assert len(off) > 60
    assert np.sqrt(np.mean(off**2)) < 0.04
    assert np.abs(off.mean(axis=0)).max() < 0.01
    for p, projector in enumerate(bench.truth.projectors):
        true = seen_by(projector.lens, points) + np.einsum("mij,mj->mi", observation.jacobian[p], off)
        error = observation.projector_px[p] - true
        known = ~np.isnan(error[:, 0])
        assert known.sum() > 50
        assert np.sqrt(np.mean(error[known] ** 2)) < 0.02
        assert np.abs(error[known].mean(axis=0)).max() < 0.004


def test_the_held_out_board_is_flat_and_the_fit_is_tight(fit: GeometryFit, demo: RigConfig) -> None:
    assert fit.poses == len(board_poses(demo)) - 1
    assert fit.camera_rms_px < 0.06
    assert fit.projector_rms_px < 0.02
    assert 0 < fit.held_out_rms_um < 6


def test_the_board_s_own_shape_is_found_not_believed(fit: GeometryFit, demo: RigConfig) -> None:
    """Its bow of some micrometres would otherwise bend every plane that the rig measures."""
    nominal = board_corners(demo.artefacts.board)
    true = board_shape(demo)[1:-1, 1:-1].reshape(-1, 3)
    found = (nominal - nominal.mean(axis=0) + fit.bundle.board_offsets_mm) * [1, -1, -1]
    true, found = true - true.mean(axis=0), found - found.mean(axis=0)
    u, _, v = np.linalg.svd(found.T @ true)
    error_um = 1e3 * (found @ u @ v - true)
    as_drawn_um = 1e3 * (true - (nominal - nominal.mean(axis=0)) * [1, -1, -1])
    assert error_um[:, 2].std() < 0.3 * as_drawn_um[:, 2].std()
    assert error_um[:, :2].std() < 0.7 * as_drawn_um[:, :2].std()


def test_uncertainty_covers_the_error_of_a_height_and_grows_with_the_noise(fit: GeometryFit, demo: RigConfig, bench: Bench, rig) -> None:
    _, error = measure(demo, bench, fit, rig, white_plate())
    tiles_um = 1e3 * np.nanmean(error[: 228 // 38 * 38, : 342 // 38 * 38].reshape(6, 38, 9, 38), axis=(1, 3))
    row, column = np.indices(tiles_um.shape)
    design = np.column_stack([np.ones(tiles_um.size), row.ravel(), column.ravel()])  # height and tilt of the whole are the plate's to say
    bent_um = tiles_um.ravel() - design @ np.linalg.lstsq(design, tiles_um.ravel(), rcond=None)[0]
    assert 0.02 < fit.uncertainty.height_median_um < 1
    assert np.abs(bent_um).max() < 3 * fit.uncertainty.height_max_um
    assert [d.name for d in fit.uncertainty.devices] == ["camera", *(p.name for p in demo.projectors)]
    true = bench.truth.camera.lens
    camera = fit.uncertainty.devices[0]
    assert abs(fit.camera.fx_px - true.K[0, 0]) < 4 * camera.focal_px
    noisier = replace(fit.bundle, covariance=4 * fit.bundle.covariance)
    assert np.nanmedian(height_sigma_um(demo, noisier)) == pytest.approx(2 * fit.uncertainty.height_median_um, rel=0.05)


def test_a_pose_that_moved_between_its_frames_is_left_out_and_named(demo: RigConfig, captures: list[BoardCapture], fit: GeometryFit) -> None:
    def moved_late(capture: BoardCapture) -> BoardCapture:
        *before, last = capture.columns
        return replace(capture, columns=(*before, last + np.float32(0.8)))

    again = calibrate_geometry(demo, [*captures[:4], moved_late(captures[4]), *captures[5:]])
    assert again.dropped == (4,)
    assert again.poses == fit.poses - 1
    assert again.projector_rms_px < 1.3 * fit.projector_rms_px
    with pytest.raises(CalibrationFailed, match="first pose of the board does not agree"):
        calibrate_geometry(demo, [moved_late(captures[0]), *captures[1:]])


def test_the_rig_frame_is_the_one_of_the_first_board_and_the_camera(fit: GeometryFit) -> None:
    R, t = fit.camera.R, fit.camera.t
    np.testing.assert_allclose(R @ R.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(t[:2], 0, atol=1e-9)
    assert fit.camera.centre_mm[2] == pytest.approx(200, abs=4)
    assert R[0, 0] > 0.99
    assert abs(R.T[1, 0]) < 1e-12
    assert R[2, 2] < 0
    for projector, azimuth in zip(fit.projectors, (45, 135, 225, 315), strict=True):
        x, y, _ = projector.centre_mm
        assert np.degrees(np.arctan2(y, x)) % 360 == pytest.approx(azimuth, abs=4)


@pytest.mark.parametrize("kind", ["plate", "fork_crimp_terminal", "connector_housing_female"])
def test_a_reconstructed_part_is_true_to_micrometres(demo, bench, fit, rig, kind: str) -> None:
    what = white_plate() if kind == "plate" else part_kind(kind).make(3).placed()
    cloud, error = measure(demo, bench, fit, rig, what)
    object_mask = truth_of(bench).object_mask & cloud.valid
    assert object_mask.sum() > 3000
    picked = error[object_mask]
    assert np.median(np.abs(picked)) < 0.005
    assert abs(np.median(picked)) < 0.001
    if kind == "plate":  # on a textured part the lens averages what the truth tells of a point
        assert 0.8 < np.median(cloud.sigma_z_mm[object_mask]) / (1.4826 * np.median(np.abs(picked))) < 1.25
    visible = np.any(truth_of(bench).visible_from_projector, axis=0)
    assert cloud.valid[visible].mean() > 0.99


def test_the_systematic_error_of_a_plate_is_below_a_micrometre_everywhere(demo, bench, fit, rig) -> None:
    _, error = measure(demo, bench, fit, rig, white_plate())
    tiles = np.nanmean(error[: 228 // 38 * 38, : 342 // 38 * 38].reshape(6, 38, 9, 38), axis=(1, 3))
    assert np.abs(tiles).max() < 0.001


def test_a_mosaic_of_a_grey_edge_becomes_a_grey_edge_in_the_same_place() -> None:
    x = np.arange(64)
    grey = np.tile(1000 + 800 * np.tanh((x - 30.25) / 2), (64, 1))
    mosaic = grey.copy()
    mosaic[::2, ::2] *= 0.8
    mosaic[1::2, 1::2] *= 0.6
    smooth = luminance(mosaic.astype(np.uint16), PixelFormat.BAYER_RG12)[20]
    crossing = np.interp((smooth[:8].mean() + smooth[-8:].mean()) / 2, smooth, x)
    assert crossing == pytest.approx(30.25, abs=0.02)
    np.testing.assert_array_equal(luminance(grey, PixelFormat.MONO12), grey.astype(np.float32))


def test_the_adjustment_s_derivatives_are_right() -> None:
    rng = np.random.default_rng(0)
    optics = [replace(Optics.of_drawing(342, 228, 1700), unknown=rng.normal(0, 0.5, 7)) for _ in range(3)]
    poses = [Pose(rng.normal(0, 0.3, 3), np.array([0, 0, 200.0]) + rng.normal(0, 3, 3)) for _ in range(2)]
    boards = tuple(Pose(rng.normal(0, 0.3, 3), np.array([-15, -10, 200.0])) for _ in range(2))
    board_mm = np.column_stack([rng.uniform(0, 30, (9, 2)), np.zeros(9)])
    observations = [
        BoardObservation(np.arange(9), board_mm, rng.uniform(0, 300, (9, 2)), rng.uniform(0, 300, (2, 9, 2)), rng.normal(0, 1, (2, 9, 2, 2)))
        for _ in boards
    ]
    observations[0].projector_px[1, 3] = np.nan
    start = Bundle(optics[0], tuple(optics[1:]), tuple(poses), boards, rng.normal(0, 0.005, (9, 3)))
    problem = _Problem(start, observations, 0.1, 0.2)
    x = start.vector()
    numeric = np.column_stack([(problem.residuals(x + d) - problem.residuals(x - d)) / 2e-5 for d in 1e-5 * np.eye(len(x))])
    np.testing.assert_allclose(problem.jacobian(x).toarray(), numeric, rtol=1e-6, atol=1e-3)


def test_a_picture_without_the_board_is_refused_in_plain_words(demo: RigConfig, captures: list[BoardCapture]) -> None:
    board = demo.artefacts.board
    rng = np.random.default_rng(0)
    with pytest.raises(CalibrationFailed, match=r"Only 0 of the board's 77 corners were found") as error:
        detect_board(rng.normal(1000, 5, (228, 342)).astype(np.float32), board)
    assert error.value.code == "calibration.failed.board_not_found"
    ids, _ = detect_board(captures[0].luminance, board)
    assert len(board_corners(board)) == 77 >= len(ids)


def test_too_few_or_too_similar_poses_are_refused(demo: RigConfig, captures: list[BoardCapture]) -> None:
    with pytest.raises(CalibrationFailed) as few:
        calibrate_geometry(demo, captures[:4])
    assert few.value.code == "calibration.failed.too_few_poses"
    with pytest.raises(CalibrationFailed) as none:
        calibrate_geometry(demo, [])
    assert none.value.code == "calibration.failed.too_few_poses"
    with pytest.raises(CalibrationFailed) as alike:
        calibrate_geometry(demo, [captures[0]] * 7)
    assert alike.value.code == "calibration.failed.poses_too_alike"


def test_a_first_pose_that_is_not_flat_is_refused(demo: RigConfig, captures: list[BoardCapture]) -> None:
    with pytest.raises(CalibrationFailed, match=r"tilted by 1[78]°") as error:
        calibrate_geometry(demo, captures[2:])
    assert error.value.code == "calibration.failed.first_pose_tilted"


def test_a_board_of_another_size_than_the_rig_file_says_is_noticed(demo: RigConfig, captures: list[BoardCapture]) -> None:
    board = demo.artefacts.board.model_copy(update={"square_mm": 4.5, "marker_mm": 3.3})
    wrong = demo.model_copy(update={"artefacts": demo.artefacts.model_copy(update={"board": board})})
    with pytest.raises(CalibrationFailed, match="the drawing says 200 mm") as error:
        calibrate_geometry(wrong, captures)
    assert error.value.code == "calibration.failed.scale"


def test_a_projector_that_sends_nothing_is_named(demo: RigConfig, captures: list[BoardCapture]) -> None:
    blind = np.full_like(captures[0].columns[2], np.nan)
    dark = [replace(c, columns=(*c.columns[:2], blind, c.columns[3]), rows=(*c.rows[:2], blind, c.rows[3])) for c in captures]
    with pytest.raises(CalibrationFailed, match="'south_west' lights only 0 corners") as error:
        calibrate_geometry(demo, dark)
    assert error.value.code == "calibration.failed.projector_unseen"


def test_a_scan_of_the_board_that_lacks_frames_or_is_overexposed_is_refused(demo: RigConfig) -> None:
    grey = np.full((228, 342), 1000, np.uint16)
    scan = BoardScan(demo)
    with pytest.raises(CalibrationFailed, match="No evenly lit frame"):
        scan.capture()
    with pytest.raises(CalibrationFailed, match="100% of the evenly lit frame is saturated"):
        scan.add_light(np.full((228, 342), 4095, np.uint16))
    scan.add_light(grey)
    scan.add(0, 0, grey)
    with pytest.raises(CalibrationFailed, match="Projector 'north_east': Fringe frames are missing: 1 of 12"):
        scan.capture()
