"""Shadows, highlights and fringes are where a sheet of paper puts them: to a tenth of a pixel, to half a degree of phase."""

import numpy as np
import pytest

from acquisition.simulation import artefacts
from acquisition.simulation.bench import Bench
from acquisition.simulation.optics import Lens
from tests.acquisition.ideal_rig import BLACK_DN, ideal_rig, level, on_plane, pixels_of, scene

EDGE_X, EDGE_Z = 1.0, 6.0


def shaded_plane(radius_mm: float) -> tuple[Bench, np.ndarray]:
    """Light on a plane under a shelf that ends at EDGE_X, turned a little so that its edge crosses pixels everywhere, where the west
    zone shines, as a share of the light without the shelf; lines of the picture (N, W)."""
    bench = Bench(ideal_rig(684, 20.0, zones={"radius_mm": radius_mm}))
    plane, shelf = level(-60, 60, -60, 60, 0.0), level(-60, EDGE_X, -60, 60, EDGE_Z)
    turn = np.radians(1.0)
    R = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    bench.place(scene(plane, shelf.moved(R, np.zeros(3))))
    light = bench.view.zone(2)
    bench.place(scene(plane))
    return bench, (light / bench.view.zone(2))[60:-60]


def shadow_edge_px(bench: Bench, rows: np.ndarray, from_mm: np.ndarray) -> np.ndarray:
    """Column at which rows of the picture cross the shadow that the shelf's edge throws from a point of light, by similar triangles."""
    turn, lens = np.radians(1.0), bench.truth.camera.lens
    # The edge is the line n·p = EDGE_X at EDGE_Z; seen from the light it falls on the plane as another line n·p = d.
    n = np.array([np.cos(turn), np.sin(turn)])
    d = EDGE_X + (EDGE_X - n @ from_mm[:2]) * EDGE_Z / (from_mm[2] - EDGE_Z)
    ends = pixels_of(lens, [[(d - n[1] * y) / n[0], y, 0] for y in (-6.0, 6.0)])
    return ends[0, 0] + (rows - ends[0, 1]) * (ends[1, 0] - ends[0, 0]) / (ends[1, 1] - ends[0, 1])


def crossing(profile: np.ndarray, share: float) -> float:
    """Where a line of light that rises from shadow first passes a share."""
    lit = int(np.argmax(profile > share))
    return lit - 1 + (share - profile[lit - 1]) / (profile[lit] - profile[lit - 1])


@pytest.mark.parametrize("radius_mm", [0.0, 3.0])
def test_a_shadow_ends_where_similar_triangles_say(radius_mm):
    bench, lines = shaded_plane(radius_mm)
    lines = lines[: 5 * round(1 / np.tan(np.radians(1.0)))]  # over whole pixels of its slant
    rows = np.arange(60, 60 + len(lines))
    start = 400  # right of the shelf, which hides the plane to its left
    found = start + np.array([crossing(line[start:], 0.5) for line in lines])
    error = found - shadow_edge_px(bench, rows, bench.truth.zones[2].position_mm)
    assert abs(error.mean()) < 0.1
    assert error.std() < 0.4  # the pixel grid's own step


def test_a_penumbra_is_as_wide_as_the_lamp_seen_past_the_edge():
    bench, lines = shaded_plane(3.0)
    lamp = bench.truth.zones[2]
    across = np.array([lamp.axis[2], 0, -lamp.axis[0]])  # in the plane of incidence, at right angles to the lamp's axis
    rims = [shadow_edge_px(bench, np.array([228.0]), lamp.position_mm + side * lamp.radius_mm * across)[0] for side in (-1, 1)]
    width = abs(rims[1] - rims[0])
    assert width > 12
    start = 400
    found = np.mean([crossing(line[start:], 0.9) - crossing(line[start:], 0.1) for line in lines])
    # A tenth of a disc lies beyond 0.687 of its radius.
    assert found / 0.687 == pytest.approx(width, rel=0.15)


def test_a_point_of_light_throws_no_penumbra():
    _, lines = shaded_plane(0.0)
    assert np.mean([crossing(line[400:], 0.9) - crossing(line[400:], 0.1) for line in lines]) < 2


def test_a_mirror_spheres_highlight_peaks_where_the_half_vector_is_the_normal():
    rig = ideal_rig(684, 20.0, zones={"radius_mm": 2.0})
    bench = Bench(rig)
    bench.place(artefacts.mirror_sphere(rig, 1.0, -0.7))
    camera, radius = bench.truth.camera.lens, rig.artefacts.sphere_diameter_mm / 2
    middle = np.array([1.0, -0.7, radius])
    for index, zone in enumerate(bench.truth.zones):
        normal = np.array([0, 0, 1.0])
        for _ in range(60):
            to_light, to_eye = zone.position_mm - middle - radius * normal, camera.centre_mm - middle - radius * normal
            half = to_light / np.linalg.norm(to_light) + to_eye / np.linalg.norm(to_eye)
            normal = half / np.linalg.norm(half)
        column, row = pixels_of(camera, middle + radius * normal)[0]
        light = bench.view.zone(index).astype(np.float64)
        rows, columns = np.nonzero(light > 0.3 * light.max())
        weight = light[rows, columns]
        assert np.hypot(np.average(columns, weights=weight) - column, np.average(rows, weights=weight) - row) < 0.1


def well_inside(lens: Lens, column: np.ndarray, row: np.ndarray) -> np.ndarray:
    """Pixels a blur away from the rims of picture and projector."""
    inside = (column > 10) & (column < lens.width_px - 11) & (row > 10) & (row < lens.height_px - 11)
    inside[:2] = inside[-2:] = inside[:, :2] = inside[:, -2:] = False
    return inside


@pytest.mark.parametrize("height_mm", [0.0, 5.0])
def test_fringe_phase_on_a_plane_is_the_projectors_column(height_mm):
    bench = Bench(ideal_rig(342, noise={"full_well_e": 1e9}))
    bench.place(scene(level(-60, 60, -60, 60, height_mm)))
    camera, period, steps = bench.truth.camera.lens, 20, 6
    x = (np.arange(1280) + 0.5) / period
    for projector, device in enumerate(bench.truth.projectors):
        frames = []
        for k in range(steps):
            profile = np.rint(127.5 + 127.5 * np.cos(2 * np.pi * (x - k / steps))).astype(np.uint8)
            bench.set_pattern(projector, np.tile(profile, (800, 1)))
            frames.append(bench.expose(6000).pixels - BLACK_DN)
        bench.set_pattern(projector, None)
        k = np.arange(steps)[:, None, None]
        measured = np.arctan2((frames * np.sin(2 * np.pi * k / steps)).sum(0), (frames * np.cos(2 * np.pi * k / steps)).sum(0))
        column, row = pixels_of(device.lens, on_plane(camera, height_mm)).T.reshape(2, *measured.shape)
        error = np.degrees(np.angle(np.exp(1j * (measured - 2 * np.pi * (column + 0.5) / period))))[well_inside(device.lens, column, row)]
        assert error.size > 60_000
        assert np.abs(error).max() < 0.5
        assert abs(error.mean()) < 0.05


def test_fringes_along_the_columns_are_the_projectors_rows():
    bench = Bench(ideal_rig(342, noise={"full_well_e": 1e9}))
    bench.place(scene(level(-60, 60, -60, 60, 0)))
    camera, device, period = bench.truth.camera.lens, bench.truth.projectors[1], 25
    y = (np.arange(800) + 0.5) / period
    frames = []
    for k in range(4):
        profile = np.rint(127.5 + 127.5 * np.cos(2 * np.pi * (y - k / 4))).astype(np.uint8)
        bench.set_pattern(1, np.tile(profile[:, None], (1, 1280)))
        frames.append(bench.expose(6000).pixels - BLACK_DN)
    measured = np.arctan2(frames[1] - frames[3], frames[0] - frames[2])
    column, row = pixels_of(device.lens, on_plane(camera)).T.reshape(2, *measured.shape)
    error = np.degrees(np.angle(np.exp(1j * (measured - 2 * np.pi * (row + 0.5) / period))))[well_inside(device.lens, column, row)]
    assert error.size > 60_000
    assert np.abs(error).max() < 0.5
