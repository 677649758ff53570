"""Blur is that of the lens formula: in the camera, where it mixes the fringes of two surfaces, and in the projectors."""

import cv2
import numpy as np
import pytest

from acquisition.simulation import artefacts
from acquisition.simulation.bench import Bench
from acquisition.simulation.materials import Material
from acquisition.simulation.point_spread import tap_polynomials, taps
from acquisition.simulation.projection import binary_planes
from tests.acquisition.ideal_rig import BLACK_DN, ideal_rig, level, on_plane, pixels_of, scene

BLACK = Material((0.05, 0.05, 0.05), (0.0, 0.0, 0.0), 1.0)
WHITE = Material((0.8, 0.8, 0.8), (0.0, 0.0, 0.0), 1.0)
MIDDLE = np.s_[60:168, 60:282]
"""What every projector reaches in a picture of 342 columns."""


def edge_spread_px(bench: Bench, z_mm: float) -> float:
    """Standard deviation of the picture's blur across an edge between black and white at a height."""
    bench.place(scene(level(-60, 0.003, -60, 60, z_mm, BLACK), level(0.003, 60, -60, 60, z_mm, WHITE)))
    line = bench.view.ambient()[100:128].astype(np.float64).mean(0)
    slope = np.diff(line)[140:202]
    at = np.arange(slope.size)
    middle = np.average(at, weights=slope)
    return float(np.sqrt(np.average((at - middle) ** 2, weights=slope)))


@pytest.mark.parametrize("height_mm", [-6.0, 0.0, 2.0, 9.0])
def test_the_cameras_blur_is_the_circle_of_confusion(height_mm):
    pupil, focus = 6.0, 2.0
    rig = ideal_rig(342, 10.0, ambient=0.05, camera={"pupil_mm": pupil, "focus_mm": focus, "blur_px": 0.6})
    bench = Bench(rig)
    # By similar triangles through the pupil, in the plane of focus, then in its pixels there.
    circle_mm = pupil * abs(height_mm - focus) / (200 - height_mm)
    diameter_px = circle_mm / (rig.camera.pixel_pitch_mm * (200 - focus) / 200)
    assert edge_spread_px(bench, height_mm) == pytest.approx(np.hypot(0.6, diameter_px / 4), rel=0.03)


def test_without_a_pupil_every_depth_is_sharp():
    bench = Bench(ideal_rig(342, 10.0, ambient=0.05))
    assert edge_spread_px(bench, 9.0) == pytest.approx(0.5, rel=0.02)


@pytest.mark.parametrize(("least", "most"), [(0.04, 0.04), (0.25, 0.25), (0.25, 1.0), (0.25, 9.0)])
def test_a_pixels_taps_have_the_variance_they_are_asked_for(least, most):
    for spread in (0.0, 0.3, 1.0):
        weights = np.polynomial.polynomial.polyval(spread, tap_polynomials(least, most).T.astype(np.float64))
        k = np.arange(1, len(weights) + 1)
        assert 2 * (weights * k**2).sum() == pytest.approx(least + spread * (most - least), rel=0.05)
        assert 2 * weights.sum() < 1
    assert 2 * taps(most)[1:].sum() + taps(most)[0] == pytest.approx(1)


def complex_fringes(bench: Bench, projector: int, period: float = 20.0) -> np.ndarray:
    """Fringe signal B e^(iφ) of every pixel in four steps, (H, W)."""
    x, frames = (np.arange(1280) + 0.5) / period, []
    for k in range(4):
        profile = np.rint(127.5 + 127.5 * np.cos(2 * np.pi * (x - k / 4))).astype(np.uint8)
        bench.set_pattern(projector, np.tile(profile, (800, 1)))
        frames.append(bench.expose(6000).pixels.astype(np.float64))
    bench.set_pattern(projector, None)
    return ((frames[0] - frames[2]) + 1j * (frames[1] - frames[3])) / 2


def test_at_a_depth_edge_a_pixel_sees_a_mixture_of_two_surfaces_fringes():
    # Of two surfaces on the same line of sight, such a step that their fringes are opposite at the edge.
    ideal = Bench(ideal_rig(342)).truth
    camera, projector, x = ideal.camera.lens, ideal.projectors[0].lens, 0.6
    heights = np.linspace(1.5, 3.0, 301)
    pixel = pixels_of(camera, np.stack([np.full(301, x), np.zeros(301), heights], 1))
    low = camera.centre_mm + (np.stack([np.full(301, x), np.zeros(301), heights], 1) - camera.centre_mm) * (200 / (200 - heights))[:, None]
    columns = pixels_of(projector, low)[:, 0] - pixels_of(projector, np.stack([np.full(301, x), np.zeros(301), heights], 1))[:, 0]
    best = int(np.argmin(np.abs(np.abs(columns) % 20 - 10)))
    step = scene(level(-60, 60, -60, 60, 0.0), level(-60, x, -60, 60, float(heights[best])))
    signal = {}
    for blur in (0.21, 0.8):
        bench = Bench(ideal_rig(342, camera={"blur_px": blur}, noise={"full_well_e": 1e9}))
        bench.place(step)
        signal[blur] = complex_fringes(bench, 0)
    kernel = np.exp(-(np.arange(-6, 7) ** 2) / (2 * (0.8**2 - 0.21**2)))
    kernel /= kernel.sum()
    mixed = cv2.sepFilter2D(signal[0.21].real, -1, kernel, kernel) + 1j * cv2.sepFilter2D(signal[0.21].imag, -1, kernel, kernel)
    edge = round(float(pixel[best, 0]))
    near = np.s_[60:168, edge - 3 : edge + 4]
    scale = np.abs(signal[0.21][MIDDLE]).max()
    assert np.abs(signal[0.8] - mixed)[near].max() < 0.08 * scale  # the one kernel is sampled, the other a discrete Gaussian
    assert np.abs(signal[0.8] - signal[0.21])[near].max() > 0.3 * scale
    # Where the two surfaces' fringes are opposite, their mixture loses contrast, as a camera's does.
    assert np.abs(signal[0.8])[near].min() < 0.65 * np.abs(signal[0.8])[60:168, edge - 8 : edge - 4].mean()


def test_vignetting_dims_with_the_square_of_the_distance_from_the_axis():
    even, dim = (Bench(ideal_rig(342, ambient=0.1, camera={"vignetting": v})) for v in (0.0, 0.3))
    ratio = dim.view.ambient() / even.view.ambient()
    assert ratio[113:115, 170:172].mean() == pytest.approx(1, abs=1e-3)
    assert ratio[0, 0] == pytest.approx(0.7, abs=1e-3)
    assert ratio[0, 170] == pytest.approx(1 - 0.3 * 113.5**2 / (113.5**2 + 170.5**2), abs=1e-3)


@pytest.mark.parametrize("height_mm", [0.0, 4.0, 8.0])
def test_a_projectors_fringes_fade_as_its_circle_of_confusion_says(height_mm):
    pupil, blur, period = 8.0, 0.8, 20
    bench = Bench(ideal_rig(342, projectors={"pupil_mm": pupil, "blur_px": blur}, noise={"full_well_e": 1e9}))
    bench.place(scene(level(-60, 60, -60, 60, height_mm)))
    lens = bench.truth.projectors[0].lens
    swing = np.abs(complex_fringes(bench, 0, period))[MIDDLE]
    bench.set_pattern(0, np.full((800, 1280), 255, np.uint8))
    full = bench.expose(6000).pixels[MIDDLE] - BLACK_DN
    xyz = on_plane(bench.truth.camera.lens, height_mm)[MIDDLE]
    depth = xyz @ lens.R[2] + lens.t[2]
    diameter_px = lens.K[0, 0] * pupil * np.abs(1 / lens.t[2] - 1 / depth)
    variance = blur**2 + diameter_px**2 / 16
    fade = np.exp(-2 * np.pi**2 * variance / period**2) * np.sinc(1 / period)  # lens and defocus, and the chip's square pixels
    column = pixels_of(lens, on_plane(bench.truth.camera.lens, height_mm))[:, 0].reshape(228, 342)
    slope2 = sum(g**2 for g in np.gradient(column))[MIDDLE]
    fade *= np.exp(-2 * np.pi**2 * 0.5**2 * slope2 / period**2)  # the camera's own point spread
    np.testing.assert_allclose(swing / full, fade / 2 * (1 - 0.002), rtol=0.02)


def test_light_follows_gamma_and_a_black_pixel_leaks():
    rig = ideal_rig(342, projectors={"leak": 0.01}, tolerances={"gamma": 0.2}, noise={"full_well_e": 1e9})
    bench = Bench(rig)
    bench.place(artefacts.white_plate())
    gamma = bench.truth.projectors[2].gamma
    assert abs(gamma - 1) > 0.01
    light = {}
    for grey in (0, 64, 128, 200, 255):
        bench.set_pattern(2, np.full((800, 1280), grey, np.uint8))
        light[grey] = (bench.expose(6000).pixels[MIDDLE] - BLACK_DN).mean()
    for grey, value in light.items():
        assert value / light[255] == pytest.approx(0.01 + 0.99 * (grey / 255) ** gamma, abs=1e-3)


def test_whole_pattern_periods_show_exactly_the_steady_picture():
    pattern = np.tile(np.arange(1280) % 256, (800, 1)).astype(np.uint8)
    frames = []
    for period in (None, 6000.0, 2000.0, 4000.0):
        bench = Bench(ideal_rig(342, projectors={"pattern_period_us": period}))
        bench.place(artefacts.white_plate())
        bench.set_pattern(0, pattern)
        frames.append(bench.expose(6000).pixels.astype(np.int64))
    np.testing.assert_array_equal(frames[0], frames[1])
    np.testing.assert_array_equal(frames[0], frames[2])
    assert np.abs(frames[0] - frames[3])[MIDDLE].max() > 300  # one and a half periods: some greys had only part of their planes


def test_an_exposure_within_a_period_sees_only_the_planes_that_were_shown():
    # Half a period is 127.5/255: the planes of bits 0 … 6, and a two-hundred-and-fifty-fifth of half of bit 7.
    share = binary_planes(5000, 10_000)
    assert share[127] == pytest.approx(2, rel=1e-3)  # all of its light in half the time
    assert share[128] == pytest.approx(0.5 / 128 / 0.5, rel=1e-3)  # next to nothing: 128 is one plane, the last
    assert share[255] == pytest.approx(1)
    np.testing.assert_allclose(binary_planes(20_000, 10_000), 1, rtol=1e-6)
    np.testing.assert_allclose(binary_planes(1e8 + 5000, 10_000), 1, rtol=1e-3)  # many periods and a bit
