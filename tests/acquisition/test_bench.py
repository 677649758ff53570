"""The bench is a camera's world: frames are repeatable, linear, as noisy as a sensor, and shadows and mirrors are where they must be."""

import threading

import cv2
import numba
import numpy as np
import pytest

from acquisition.simulation import artefacts
from acquisition.simulation.bench import Bench
from acquisition.simulation.materials import MATT_WHITE
from acquisition.simulation.scene import SceneObject, rectangle
from acquisition.simulation.truth import truth_of
from rig_configs.cameras import PixelFormat
from rig_configs.errors import Conflict
from rig_configs.files import load_rig
from rig_configs.schema import RigConfig


def small(width: int = 342, pixel_format: PixelFormat = PixelFormat.MONO12) -> RigConfig:
    rig = load_rig("demo")
    camera = rig.camera.model_copy(update={"width_px": width, "height_px": width * 2 // 3, "pixel_format": pixel_format})
    return rig.model_copy(update={"camera": camera})


@pytest.fixture(scope="module")
def rig() -> RigConfig:
    return small()


@pytest.fixture(scope="module")
def bench(rig) -> Bench:
    return Bench(rig)


@pytest.fixture(autouse=True)
def _all_off(bench):
    yield
    bench.set_zone(None)
    for projector in range(4):
        bench.set_pattern(projector, None)
    bench.place(None)


def frame(bench: Bench, exposure_us: float) -> np.ndarray:
    return bench.expose(exposure_us).pixels


def test_a_frame_hangs_on_seed_and_counter_alone(rig):
    def two_frames(noise_seed: int, threads: int) -> list[np.ndarray]:
        bench = Bench(rig, noise_seed)
        bench.place(artefacts.white_plate())
        bench.set_zone(1)
        before = numba.get_num_threads()
        numba.set_num_threads(threads)
        try:
            return [frame(bench, 5000), frame(bench, 5000)]
        finally:
            numba.set_num_threads(before)

    first, again, other = two_frames(0, 1), two_frames(0, numba.config.NUMBA_NUM_THREADS), two_frames(1, 1)
    np.testing.assert_array_equal(first, again)
    assert (first[0] != first[1]).mean() > 0.5
    assert (first[0] != other[0]).mean() > 0.5


def test_signal_is_proportional_to_exposure(bench):
    bench.place(artefacts.white_plate())
    bench.set_zone(0)
    means = [frame(bench, us).mean() - 64 for us in (1000, 2000, 4000, 8000)]
    np.testing.assert_allclose(np.array(means) / means[0], (1, 2, 4, 8), rtol=2e-3)


def test_too_long_an_exposure_saturates_at_full_scale(bench):
    bench.place(artefacts.white_plate())
    bench.set_zone(0)
    assert (frame(bench, 100_000) == 4095).all()


def test_the_white_plate_uses_the_sensor_well(bench, rig):
    bench.place(artefacts.white_plate())
    for zone in range(4):
        bench.set_zone(zone)
        assert 0.4 < np.median(frame(bench, rig.sequence.light_exposure_us)) / 4095 < 0.8
    bench.set_zone(None)
    white = np.full((800, 1280), 255, np.uint8)
    for projector in range(4):
        bench.set_pattern(projector, white)
        assert 0.4 < frame(bench, rig.sequence.fringe_exposure_us)[100:128, 157:185].mean() / 4095 < 0.8
        bench.set_pattern(projector, None)


def test_noise_follows_the_photon_transfer_curve(bench, rig):
    noise = rig.simulation.noise
    gain = (4095 - noise.black_level_dn) / noise.full_well_e
    bench.place(artefacts.white_plate())
    bench.set_zone(2)
    means, variances = [], []
    for us in np.linspace(500, 9000, 10):
        a, b = frame(bench, us).astype(np.float64), frame(bench, us).astype(np.float64)
        means.append((a.mean() + b.mean()) / 2 - noise.black_level_dn)
        variances.append((a - b).var() / 2)
    slope, offset = np.polyfit(means, variances, 1)
    assert slope == pytest.approx(gain, rel=0.03)
    bench.set_zone(None)
    bench.place(None)
    dark, again = (frame(bench, 1).astype(np.float64) for _ in range(2))
    assert dark.mean() == pytest.approx(noise.black_level_dn, abs=0.1)
    dark_variance = (dark - again).var() / 2  # of time alone: the fixed pattern goes with the difference
    assert dark_variance == pytest.approx((gain * noise.read_noise_e) ** 2 + 1 / 12, rel=0.05)
    assert offset == pytest.approx(dark_variance, abs=0.03 * max(variances))


def test_colours_lie_in_an_rggb_mosaic():
    bench = Bench(small(pixel_format=PixelFormat.BAYER_RG8))
    bench.place(artefacts.white_plate())
    bench.set_zone(0)
    pixels = bench.expose(6000).pixels
    assert pixels.dtype == np.uint8
    red, green, green_too, blue = (pixels[i::2, j::2].mean() for i in (0, 1) for j in (0, 1))
    assert green == pytest.approx(green_too, rel=0.01)
    assert green > red > blue


def test_a_boxs_shadow_ends_where_geometry_says(bench):
    low, high = np.array([-4.0, -3.0, 0.0]), np.array([4.0, 3.0, 3.0])
    corner = np.array([[x, y, z] for z in (low[2], high[2]) for y in (low[1], high[1]) for x in (low[0], high[0])])
    faces = ((4, 5, 7, 6), (0, 1, 5, 4), (2, 3, 7, 6), (0, 2, 6, 4), (1, 3, 7, 5))
    bench.place(SceneObject("box", tuple(rectangle(corner[list(face)], MATT_WHITE) for face in faces)))
    truth = truth_of(bench)
    on_plate = truth.xyz_mm[..., 2] < 1e-3
    for zone, visible in zip(truth.rig.zones, truth.visible_from_zone, strict=True):
        # Slabs: the part of the sight line to the lamp that lies within the box's extent along each axis.
        with np.errstate(divide="ignore"):
            bounds = [(edge - truth.xyz_mm) / (zone.position_mm - truth.xyz_mm) for edge in (low, high)]
        enter, leave = np.minimum(*bounds).max(-1), np.maximum(*bounds).min(-1)
        lit = ~((enter < leave) & (leave > 1e-6))
        assert (~lit & on_plate).sum() > 500
        assert (visible != lit)[on_plate].mean() < 2e-3  # lines of pixels that the edge itself crosses
        edge = cv2.dilate((lit & on_plate).astype(np.uint8), np.ones((3, 3))) != cv2.erode((lit & on_plate).astype(np.uint8), np.ones((3, 3)))
        np.testing.assert_array_equal(visible[on_plate & ~edge], lit[on_plate & ~edge])


def test_the_mirror_spheres_highlight_is_where_light_meets_reflection(rig):
    bench = Bench(small(684))
    bench.place(artefacts.mirror_sphere(rig, 2.0, -1.5))
    camera, radius = bench.truth.camera.lens, rig.artefacts.sphere_diameter_mm / 2
    middle = np.array([2.0, -1.5, radius])
    for index, zone in enumerate(bench.truth.zones):
        point = middle + np.array([0, 0, radius])
        for _ in range(50):
            to_light, to_eye = zone.position_mm - point, camera.centre_mm - point
            half = to_light / np.linalg.norm(to_light) + to_eye / np.linalg.norm(to_eye)
            point = middle + radius * half / np.linalg.norm(half)
        expected, _ = cv2.projectPoints(point.reshape(1, 1, 3), cv2.Rodrigues(camera.R)[0], camera.t, camera.K, camera.d)
        bench.set_zone(index)
        bright = frame(bench, 4000) > 3000
        rows, columns = np.nonzero(bright)
        assert 10 < bright.sum() < 400
        np.testing.assert_allclose((columns.mean(), rows.mean()), expected.ravel(), atol=0.3)


def test_a_projected_edge_falls_where_the_projector_throws_it(bench):
    pattern = np.zeros((800, 1280), np.uint8)
    pattern[:, 640:] = 255
    bench.place(artefacts.white_plate())
    bench.set_pattern(0, pattern)
    picture = frame(bench, 6000).astype(np.float64) - 64
    lens = bench.truth.projectors[0].lens
    xyz = truth_of(bench).xyz_mm.reshape(-1, 1, 3).astype(np.float64)
    column = cv2.projectPoints(xyz, cv2.Rodrigues(lens.R)[0], lens.t, lens.K, lens.d)[0][:, 0, 0].reshape(picture.shape)
    middle = np.s_[70:158, 100:242]
    assert picture[middle][column[middle] > 643].min() > 1000
    assert picture[middle][column[middle] < 636].max() < 250


def test_off_is_dark(bench):
    bench.place(artefacts.white_plate())
    bench.set_zone(0)
    bench.set_pattern(1, np.full((800, 1280), 255, np.uint8))
    lit = frame(bench, 4000).mean()
    bench.set_pattern(1, None)
    bench.set_zone(None)
    assert frame(bench, 4000).mean() - 64 < 0.03 * (lit - 64)  # what is left is the room


def test_nothing_is_placed_while_a_scan_runs(bench):
    bench.scan_started()
    with pytest.raises(Conflict, match="scan has been running") as refused:
        bench.place(artefacts.white_plate(), timeout_s=0.01)
    assert refused.value.code == "conflict.scan_running"
    waiting = threading.Thread(target=bench.place, args=(artefacts.white_plate(),))
    waiting.start()
    assert bench.placed is None
    bench.scan_ended()
    waiting.join(timeout=20)
    assert bench.placed is not None


def test_the_camera_finds_the_board(rig):
    bench = Bench(small(1026))
    bench.place(artefacts.charuco_board(rig, (0.5, -0.5, 3.0), (0.15, -0.1, 0.05)))
    bench.set_zone(0)
    picture = (frame(bench, 8000) >> 4).astype(np.uint8)
    board = rig.artefacts.board
    dictionary = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, board.dictionary))
    target = cv2.aruco.CharucoBoard((board.columns, board.rows), board.square_mm, board.marker_mm, dictionary)
    corners, ids, _, _ = cv2.aruco.CharucoDetector(target).detectBoard(picture)
    assert ids is not None
    assert len(ids) > 50
    # The board's own frame has y and z turned against the rig's, and its origin in the upper left corner.
    own = target.getChessboardCorners()[ids.ravel()].astype(np.float64)
    own = own * (1, -1, 1) + np.array([-board.columns, board.rows, 0]) * board.square_mm / 2
    assert bench.placed is not None
    points = own @ bench.placed.R.T + bench.placed.t
    lens = bench.truth.camera.lens
    expected, _ = cv2.projectPoints(points, cv2.Rodrigues(lens.R)[0], lens.t, lens.K, lens.d)
    error = corners.reshape(-1, 2) - expected.reshape(-1, 2)
    assert np.sqrt((error**2).sum(1).mean()) < 0.12
    assert np.abs(error.mean(0)).max() < 0.05
