"""What surfaces and lamps do to light: brushed metal, translucent plastic, one bounce between surfaces, patterns of radiance, drift."""

from dataclasses import replace

import numba
import numpy as np
import pytest

from acquisition.simulation import artefacts
from acquisition.simulation.bench import Bench
from acquisition.simulation.drift import Drift
from acquisition.simulation.materials import MATT_WHITE, STEEL, TINNED_BRASS, Material
from acquisition.simulation.parts import Pose, part_kind
from acquisition.simulation.tracing import Materials, Surface
from acquisition.simulation.translucency import scattered
from rig_configs.cameras import PixelFormat
from rig_configs.simulation import DriftConfig
from tests.acquisition.ideal_rig import ideal_rig, level, scene, upright

CENTRE = np.s_[112:116, 168:174]
BRUSHED = Material((0.0, 0.0, 0.0), (0.6, 0.6, 0.6), 0.45, across=0.7)


def ggx(normal, light, eye, along, across, grain) -> float:
    """Anisotropic GGX with separable Smith shadowing, times π and the cosine, by Heitz, JCGT 3 (2014), equations 80-86."""
    h = light + eye
    h /= np.linalg.norm(h)
    t = grain - (grain @ normal) * normal
    t /= np.linalg.norm(t)
    b = np.cross(normal, t)
    D = 1 / (np.pi * along * across * ((h @ t / along) ** 2 + (h @ b / across) ** 2 + (h @ normal) ** 2) ** 2)

    def G1(v) -> float:
        tangent2 = ((along * (v @ t)) ** 2 + (across * (v @ b)) ** 2) / (v @ normal) ** 2
        return 2 / (1 + np.sqrt(1 + tangent2))

    return np.pi * D * G1(light) * G1(eye) / (4 * (eye @ normal))


@pytest.mark.parametrize("angle_deg", [0.0, 30.0, 90.0])
def test_brushed_metal_shines_as_ggx_along_and_across_its_turned_grain(angle_deg):
    bench = Bench(ideal_rig(zones={"radius_mm": 0.0}))
    mesh, white = level(-60, 60, -60, 60, 0, BRUSHED), level(-60, 60, -60, 60, 0)
    pose = Pose(angle_deg=angle_deg)
    bench.place(scene(mesh.moved(pose.R, pose.t)))
    found = [bench.view.zone(z)[CENTRE].mean() for z in range(4)]
    bench.place(scene(white))
    matt = [bench.view.zone(z)[CENTRE].mean() / 0.8 for z in range(4)]
    grain = np.array([np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg)), 0])
    for zone, value, irradiance in zip(bench.truth.zones, found, matt, strict=True):
        light = zone.position_mm / np.linalg.norm(zone.position_mm)
        eye = np.array([0, 0, 1.0])
        h = (light + eye) / np.linalg.norm(light + eye)
        fresnel = 0.6 + 0.4 * (1 - h @ eye) ** 5
        expected = irradiance * fresnel * ggx(np.array([0, 0, 1.0]), light, eye, 0.45**2, 0.7**2, grain) / light[2]
        assert value == pytest.approx(expected, rel=0.02)


def test_a_sheet_as_round_as_it_is_long_is_not_brushed():
    bench = Bench(ideal_rig())
    light = []
    for across in (None, 0.45, 0.4501):
        bench.place(scene(level(-60, 60, -60, 60, 0, replace(BRUSHED, across=across))))
        light.append(bench.view.zone(1))
    np.testing.assert_array_equal(light[0], light[1])
    np.testing.assert_allclose(light[2], light[0], rtol=2e-3)


def test_rolled_metals_of_the_parts_are_mildly_brushed():
    for metal in (TINNED_BRASS, STEEL):
        assert metal.across is not None
        assert 1 < metal.across / metal.roughness < 1.15


def slab(shape: tuple[int, int], pitch: float) -> tuple[Surface, Materials]:
    y, x = np.indices(shape) * pitch
    xyz = np.stack([x, y, np.zeros(shape)], -1).astype(np.float32)
    normals = np.zeros_like(xyz)
    normals[..., 2] = 1
    one, grain = np.zeros(2, np.float32), np.zeros((2, 3), np.float32)
    materials = Materials(np.zeros((2, 3), np.float32), one, one, grain, np.array([0.3, 0.0], np.float32))
    return Surface(xyz, normals, xyz, np.zeros(shape, np.uint8)), materials


def test_light_in_a_translucent_body_wanders_as_far_as_its_free_path():
    surface, materials = slab((60, 201), 0.05)
    light = np.zeros((60, 201), np.float32)
    light[:, 100:] = 1
    spread = np.diff(scattered(light, surface, materials, 0.05)[30].astype(np.float64))
    at = (np.arange(200) - 99) * 0.05
    assert spread.sum() == pytest.approx(1, abs=1e-6)
    assert np.sqrt((spread * at**2).sum()) == pytest.approx(0.3, rel=0.05)


def test_no_light_wanders_over_a_step_or_into_another_body():
    surface, materials = slab((60, 201), 0.05)
    surface.xyz_mm[:, 100:, 2] = 1.0
    light = np.zeros((60, 201), np.float32)
    light[:, 100:] = 1
    np.testing.assert_array_equal(scattered(light, surface, materials, 0.05), light)
    surface.xyz_mm[..., 2] = 0
    surface.material[:, 100:] = 1
    np.testing.assert_array_equal(scattered(light, surface, materials, 0.05), light)


def test_a_translucent_body_washes_fringes_out():
    period, path = 16, 0.1
    swing = []
    for free_path_mm in (0.0, path):
        bench = Bench(ideal_rig(noise={"full_well_e": 1e9}))
        bench.place(scene(level(-60, 60, -60, 60, 0, replace(MATT_WHITE, free_path_mm=free_path_mm))))
        x, frames = (np.arange(1280) + 0.5) / period, []
        for k in (0, 2):
            bench.set_pattern(0, np.tile(np.rint(127.5 + 127.5 * np.cos(2 * np.pi * (x - k / 4))).astype(np.uint8), (800, 1)))
            frames.append(bench.expose(6000).pixels.astype(np.float64))
        swing.append((frames[0] - frames[1])[80:148, 100:242].std())
    lens = bench.truth.projectors[0].lens
    sigma_px = path * lens.K[0, 0] / lens.t[2]
    assert swing[1] / swing[0] == pytest.approx(np.exp(-2 * np.pi**2 * sigma_px**2 / period**2), rel=0.02)


def corner(height_mm: float = 4.0):
    return scene(level(0, 40, -60, 60, 0), upright(0, -60, 60, 0, height_mm))


def test_a_wall_lights_the_floor_by_its_view_factor():
    height, wall_mm = 4.0, 0.0
    light = {}
    for bounce in (False, True):
        bench = Bench(ideal_rig(interreflection=bounce))
        bench.place(corner(height))
        light[bounce] = bench.view.zone(0).astype(np.float64)
        xyz = bench.view.surface.xyz_mm
    floor = np.isfinite(xyz[..., 2]) & (xyz[..., 2] < 1e-3) & (xyz[..., 0] > wall_mm + 0.5) & (np.abs(xyz[..., 1]) < 5)
    gain = light[True][floor] / light[False][floor] - 1
    lamp, point = bench.truth.zones[0].position_mm, xyz[floor].astype(np.float64)

    def cosine_over_distance2(towards, normal) -> np.ndarray:
        ray = lamp - towards
        distance = np.linalg.norm(ray, axis=-1)
        return ray @ normal / distance**3 * (ray @ -bench.truth.zones[0].axis / distance)

    on_wall = np.stack([np.zeros(len(point)), point[:, 1], np.full(len(point), height / 2)], -1)
    ratio = cosine_over_distance2(on_wall, np.array([1.0, 0, 0])) / cosine_over_distance2(point, np.array([0, 0, 1.0]))
    # An endless wall fills (1 - cos of its elevation) / 2 of what a floor at its foot sees, weighed by the cosine.
    view_factor = (1 - point[:, 0] / np.hypot(point[:, 0], height)) / 2
    expected = 0.8 * ratio * view_factor
    assert gain.min() > 0
    near = point[:, 0] < 6
    np.testing.assert_allclose(gain[near], expected[near], rtol=0.15, atol=0.01)
    assert gain[near].mean() == pytest.approx(expected[near].mean(), rel=0.05)


def test_a_bounce_brightens_and_never_darkens_zones_and_fringes():
    pattern = np.tile(np.rint(127.5 + 127.5 * np.cos(2 * np.pi * np.arange(1280) / 20)).astype(np.uint8), (800, 1))
    for what in (corner(), part_kind("connector_housing_female").make(1).placed()):
        light = []
        for bounce in (False, True):
            bench = Bench(ideal_rig(interreflection=bounce))
            bench.place(what)
            fringes = np.zeros_like(bench.view.ambient())
            bench.view.add_pattern(0, pattern, 6000, fringes)
            light.append((bench.view.zone(0), fringes))
        for without, with_bounce in zip(*light, strict=True):
            assert (with_bounce >= without * (1 - 1e-5)).all()  # but for the last bits of a sum
            assert (with_bounce > 1.01 * without + 1e-3).mean() > 0.05


def test_a_lone_plane_is_the_same_with_interreflection():
    frames = []
    for bounce in (False, True):
        bench = Bench(ideal_rig(interreflection=bounce))
        bench.place(artefacts.white_plate())
        bench.set_zone(3)
        frames.append(bench.expose(6000).pixels)
        bench.set_zone(None)
        bench.set_pattern(1, np.full((800, 1280), 200, np.uint8))
        frames.append(bench.expose(6000).pixels)
    np.testing.assert_array_equal(frames[0], frames[2])
    np.testing.assert_array_equal(frames[1], frames[3])


def test_with_everything_on_a_frame_hangs_on_seed_and_counter_alone():
    rig = ideal_rig(
        pixel_format=PixelFormat.BAYER_RG12,
        interreflection=True,
        ambient=0.02,
        drift=DriftConfig(power_percent=2, ambient_percent=10),
        camera={"pupil_mm": 2.0, "vignetting": 0.06},
        projectors={"pupil_mm": 6.0, "pattern_period_us": 4000.0},
        tolerances={"skew": 0.1, "lobe_percent": 10.0, "power_percent": 5.0, "position_mm": 1.0},
        noise={"prnu_percent": 1.0, "dsnu_e": 5.0, "read_noise_e": 6.0},
    )
    pattern = (np.indices((800, 1280)).sum(0) % 256).astype(np.uint8)

    def frames(threads: int) -> list[np.ndarray]:
        before = numba.get_num_threads()
        numba.set_num_threads(threads)
        try:
            bench = Bench(rig, noise_seed=5)
            bench.place(part_kind("connector_housing_female").make(4).placed(Pose(0.2, 0.1, 3.0)))
            bench.scan_started()
            taken = []
            for zone, projector in ((0, None), (2, None), (None, 0), (None, 3)):
                bench.set_zone(zone)
                for p in range(4):
                    bench.set_pattern(p, pattern if p == projector else None)
                taken.append(bench.expose(6000).pixels)
            bench.scan_ended()
            return taken
        finally:
            numba.set_num_threads(before)

    for one, many in zip(frames(1), frames(numba.config.NUMBA_NUM_THREADS), strict=True):
        assert one.tobytes() == many.tobytes()


def test_each_zone_has_its_own_radiance_pattern_within_tolerance():
    plain, own = (Bench(ideal_rig(tolerances=t)).truth.zones for t in ({}, {"skew": 0.2, "lobe_percent": 20.0}))
    assert {z.lobe for z in plain} == {1.0}
    assert len({z.lobe for z in own}) == 4
    for zone in own:
        assert zone.skew @ zone.axis == pytest.approx(0, abs=1e-12)
    for before, after in zip(plain, own, strict=True):
        np.testing.assert_array_equal(before.position_mm, after.position_mm)


def test_a_lopsided_zone_leans_as_it_says():
    rig = ideal_rig(zones={"radius_mm": 0.0, "lobe": 3.0}, tolerances={"skew": 0.3})
    bench, even = Bench(rig), Bench(ideal_rig(zones={"radius_mm": 0.0}))
    for b in (bench, even):
        b.place(artefacts.white_plate())
    zone, xyz = bench.truth.zones[0], bench.view.surface.xyz_mm.astype(np.float64)
    away = xyz - zone.position_mm
    away /= np.linalg.norm(away, axis=-1, keepdims=True)
    expected = (away @ zone.axis) ** 2 * (1 + away @ zone.skew)
    np.testing.assert_allclose(bench.view.zone(0) / even.view.zone(0), expected, rtol=1e-3)


def test_light_drifts_slowly_and_repeatably():
    drift = Drift(DriftConfig(power_percent=3.0, ambient_percent=20.0, scans=10))
    power = np.array([[drift.zone(z, 1, n) for n in range(1, 600)] for z in range(4)])
    assert power.std() == pytest.approx(0.03, rel=0.2)
    assert np.abs(np.diff(power)).max() < 0.03  # from scan to scan it moves little
    assert np.abs(np.corrcoef(power) - np.eye(4)).max() < 0.5  # each zone for itself
    assert drift.zone(0, 1, 7) == power[0, 6]
    assert drift.zone(0, 2, 7) != power[0, 6]
    assert np.std([drift.ambient(1, n) for n in range(1, 600)]) == pytest.approx(0.2, rel=0.25)
    assert {Drift(DriftConfig()).zone(z, 1, n) for z in range(4) for n in range(20)} == {1.0}


def test_a_bench_drifts_with_its_scans_and_starts_over_with_its_seed():
    bench = Bench(ideal_rig(drift=DriftConfig(power_percent=5.0, scans=3)))
    bench.place(artefacts.white_plate())
    bench.set_zone(0)

    def means(scans: int) -> list[float]:
        found = []
        for _ in range(scans):
            bench.scan_started()
            found.append([bench.expose(4000).pixels.mean() for _ in range(2)])
            bench.scan_ended()
        assert all(a == pytest.approx(b, rel=2e-3) for a, b in found)  # none within a scan
        return [a for a, _ in found]

    first = means(8)
    assert np.std(first) / np.mean(first) > 0.01
    bench.reseed(0)
    assert means(8) == first
    bench.reseed(1)
    assert means(8) != first
