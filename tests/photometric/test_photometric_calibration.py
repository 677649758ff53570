"""Light zones, flat fields and the camera's answer, from captures of sphere and plate."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from photometric_scene import BLACK, SATURATION, ZONES, angle_deg, directions, flat_scene, ground, irradiance, pinhole, sense

from acquisition import pixel_formats
from acquisition.simulation.artefacts import mirror_sphere, white_plate
from acquisition.simulation.bench import Bench
from acquisition.simulation.truth import truth_of
from photometric.calibration import (
    black_level,
    calibrate_zones,
    check_linearity,
    locate_sphere,
    reflected_ray,
    white_balance,
    zone_position,
)
from photometric.camera import points_at_height, project, view_rays
from photometric.flat_field import fit_flat_field
from photometric.solver import PhotometricSolver
from rig_configs.calibration import Calibration, Pinhole, ZoneCalibration
from rig_configs.errors import CalibrationFailed
from rig_configs.files import load_rig

EXPOSURE_US = 8000.0
DIAMETER = 8.0
NAMES = list(ZONES)
PLACES = ((0.3, -0.2), (10.0, 1.0), (-10.5, 0.5), (3.0, 6.5), (-4.0, -6.0))

# ------------------------------------------------------------------------------------------------ a bench of the tests' own


def sphere_frames(camera, place, zones=ZONES, plate=0.1, seed=0, radius=DIAMETER / 2, ring=True):
    """A mirror sphere on a matt plate: highlights 1.5° wide, the plate mirrored in the rim, noise, 12 bits. (K, H, W)."""
    x, y = ground(camera)
    rays = view_rays(camera, np.stack(np.meshgrid(np.arange(camera.width_px), np.arange(camera.height_px)), -1).astype(float))
    eye, centre = camera.centre_mm, np.array([*place, radius])
    along = rays @ (centre - eye)
    miss2 = ((centre - eye) ** 2).sum() - along**2
    on = miss2 < radius**2
    hit = eye + rays * (along - np.sqrt(np.maximum(radius**2 - miss2, 0)))[..., None]
    n = (hit - centre) / radius
    mirrored = rays - 2 * (rays * n).sum(-1, keepdims=True) * n
    power = [300.0 * EXPOSURE_US / 1000] * len(zones)
    points = np.stack([x, y, np.zeros_like(x)], -1)
    L, _ = directions(points, list(zones.values()))
    to_centre = centre - points
    frames = []
    for k, position in enumerate(zones.values()):
        t = (to_centre * L[k]).sum(-1)
        shadow = (t > 0) & ((to_centre**2).sum(-1) - t**2 < radius**2)
        frame = plate * irradiance(points, [position], power[:1])[0] * L[k, ..., 2] * ~shadow
        towards = np.asarray(position) - hit
        towards /= np.linalg.norm(towards, axis=-1, keepdims=True)
        off = np.degrees(np.arccos(np.clip((mirrored * towards).sum(-1), -1, 1)))
        reflection = 20000 * np.exp(-((off / 3.0) ** 2)) + (0.5 * plate * power[0] * (mirrored[..., 2] < -0.05) if ring else 0)
        frames.append(np.where(on, reflection, frame))
    return sense(np.array(frames), np.random.default_rng(seed))


def plate_frames(camera, zones=ZONES, albedo=1.0, seed=1):
    plate = flat_scene(albedo=albedo, camera=camera)
    return plate.render(zones, noise=np.random.default_rng(seed))


@pytest.fixture(scope="module")
def captures():
    camera = pinhole()
    dark = sense(np.zeros((camera.height_px, camera.width_px)), np.random.default_rng(2))
    spheres = [sphere_frames(camera, place, seed=k) for k, place in enumerate(PLACES)]
    return SimpleNamespace(camera=camera, dark=dark, spheres=spheres, plates=plate_frames(camera))


def calibrate(captures, **changed):
    c = SimpleNamespace(**{**vars(captures), **changed})
    return calibrate_zones(c.camera, NAMES, c.spheres, c.plates, c.dark, EXPOSURE_US, changed.get("diameter", DIAMETER), SATURATION)


def light_error_deg(position, truth):
    """Largest angle between the directions to two places, over the corners of the field."""
    corners = np.array([[x, y, 0.0] for x in (-20, 0, 20) for y in (-13, 0, 13)])
    a, b = np.asarray(position) - corners, np.asarray(truth) - corners
    return angle_deg(a / np.linalg.norm(a, axis=1, keepdims=True), b / np.linalg.norm(b, axis=1, keepdims=True)).max()


def test_zones_are_found_with_the_plate_mirrored_in_the_sphere(captures):
    fit = calibrate(captures)
    assert [z.name for z in fit.zones] == NAMES
    for zone in fit.zones:
        assert light_error_deg(zone.position_mm, ZONES[zone.name]) < 1.0
    assert fit.light_rms_deg < 0.5
    assert fit.flat_field_rms_percent < 1.0
    assert abs(fit.black_level_dn - BLACK) < 0.5


def test_flat_field_is_the_answer_of_the_plate(captures):
    fit = calibrate(captures)
    x, y = ground(captures.camera)
    points = np.stack([x, y, np.zeros_like(x)], -1)
    L, _ = directions(points, list(ZONES.values()))
    truth = irradiance(points, list(ZONES.values()), (300.0, 320.0, 290.0, 310.0)) * L[..., 2]
    for zone, expected in zip(fit.zones, truth, strict=True):
        np.testing.assert_allclose(zone.flat_field_dn_per_ms(x.shape[1], x.shape[0]), expected, rtol=0.01)


@pytest.mark.parametrize("ring", [True, False])
def test_sphere_is_located_to_a_tenth_of_a_pixel(ring):
    camera = pinhole(distortion=(-0.05, 0.01, 0.001, -0.0005, 0.0))
    for k, place in enumerate(PLACES):
        frames = sphere_frames(camera, place, seed=k, ring=ring)
        centre = locate_sphere(frames.max(0), camera, DIAMETER)
        assert centre[2] == DIAMETER / 2
        seen = project(camera, np.array([centre, [*place, DIAMETER / 2]]))
        assert np.linalg.norm(seen[0] - seen[1]) < 0.1


def test_reflected_ray_obeys_the_law_of_reflection():
    camera = pinhole()
    centre = np.array([3.0, -2.0, 4.0])
    start, direction = reflected_ray(camera, project(camera, centre + np.array([0.9, 0.4, np.sqrt(16 - 0.97)])), centre, 8.0)
    assert abs(np.linalg.norm(start - centre) - 4.0) < 1e-9
    normal = (start - centre) / 4.0
    view = camera.centre_mm - start
    view /= np.linalg.norm(view)
    np.testing.assert_allclose(np.cross(view + direction, normal), 0, atol=1e-9)
    assert abs(view @ normal - direction @ normal) < 1e-9


def test_rays_meet_at_the_zone_and_too_few_do_not():
    light = np.array([100.0, 20.0, 110.0])
    starts = np.array([[x, y, 4.0] for x, y in PLACES])
    directions_ = (light - starts) / np.linalg.norm(light - starts, axis=1, keepdims=True)
    position, angle = zone_position(starts, directions_)
    np.testing.assert_allclose(position, light, atol=1e-6)
    assert angle.max() < 1e-6
    for few in (starts[:1], starts[:1] + np.array([[0, 0, 0], [0.001, 0, 0]])):
        with pytest.raises(CalibrationFailed, match="too close together"):
            zone_position(few, np.repeat(directions_[:1], len(few), axis=0), "east")


def test_pixels_points_and_rays_agree():
    camera = pinhole(distortion=(-0.05, 0.01, 0.001, -0.0005, 0.0))
    pixels = np.array([[0.0, 0.0], [341.0, 227.0], [100.0, 50.0]])
    np.testing.assert_allclose(project(camera, points_at_height(camera, pixels, 3.0)), pixels, atol=1e-3)


# ------------------------------------------------------------------------------------------------------------ bad input


def swapped(frames, a=0, b=1):
    frames = list(frames)
    frames[a], frames[b] = frames[b], frames[a]
    return frames


BAD = {
    "no_sphere": (lambda c: {"spheres": [c.plates, *c.spheres]}, "Sphere capture 1 of 6: No sphere of 8 mm"),
    "sphere_cut_off": (lambda c: {"spheres": [*c.spheres, sphere_frames(c.camera, (17.5, 0.0))]}, "cut off"),
    "sphere_diameter": (lambda c: {"diameter": 7.2}, "not 7.2 mm"),
    "dead_light": (lambda c: {"spheres": [[np.full_like(f, 64) if k == 2 else f for k, f in enumerate(s)] for s in c.spheres]}, "'west' has no highlight"),
    "light_scatter": (lambda c: {"spheres": [swapped(c.spheres[0], 0, 2), *c.spheres[1:]]}, "do not point at one light"),
    "swapped_lights": (lambda c: {"plates": swapped(c.plates)}, "Lights are swapped"),
    "saturated_plate": (lambda c: {"plates": [np.minimum(np.uint16(4095), p * np.uint16(2)) for p in c.plates]}, "saturated in the light of zone 'east'"),
    "uneven_plate": (lambda c: {"plates": [np.where(np.arange(342) % 60 < 30, p, p // 2) for p in c.plates]}, "not evenly white"),
    "not_dark": (lambda c: {"dark": np.full_like(c.dark, 2000)}, "not dark"),
    "places": (lambda c: {"spheres": []}, "no capture of the sphere"),
    "frames": (lambda c: {"plates": c.plates[:3]}, "another number of frames"),
    "shape": (lambda c: {"dark": c.dark[1:]}, "of shape"),
}  # fmt: skip


@pytest.mark.parametrize("detail", BAD)
def test_bad_captures_are_refused_in_plain_words(captures, detail):
    change, words = BAD[detail]
    with pytest.raises(CalibrationFailed, match=words) as caught:
        calibrate(captures, **change(captures))
    assert caught.value.code == f"calibration.failed.{detail}"
    assert caught.value.cure.endswith(".")


def test_a_dead_light_shows_on_the_plate_too(captures):
    with pytest.raises(CalibrationFailed, match="'north' does not light the white plate") as caught:
        calibrate(captures, plates=[captures.dark if k == 1 else p for k, p in enumerate(captures.plates)])
    assert caught.value.code == "calibration.failed.dead_light"


def test_dust_on_the_plate_does_not_bend_the_flat_field(captures):
    clean = fit_flat_field(captures.plates[0], captures.dark, EXPOSURE_US, SATURATION)
    dusty = captures.plates[0].copy()
    for row, column in ((40, 50), (100, 300), (180, 120), (20, 200)):
        dusty[row : row + 6, column : column + 6] //= 3
    fit = fit_flat_field(dusty, captures.dark, EXPOSURE_US, SATURATION)
    fields = [tuple(f.coefficients) for f in (clean, fit)]
    field = [ZoneCalibration(name="z", position_mm=(0, 0, 1), flat_field=f).flat_field_dn_per_ms(342, 228) for f in fields]
    np.testing.assert_allclose(field[1], field[0], rtol=0.01)
    assert fit.rms_percent < 3
    assert fit.off_percent.shape == (28, 42)
    assert fit.off_percent[5, 6] < -20  # the dust itself shows in the residual


def test_a_linear_camera_passes_and_a_gamma_is_refused():
    exposures = [2000.0, 4000.0, 6000.0, 8000.0]
    assert abs(check_linearity([64 + 0.4 * t for t in exposures], exposures, SATURATION) - 64) < 1e-6
    with pytest.raises(CalibrationFailed, match="not linear") as caught:
        check_linearity([64 + 3200 * (t / 8000) ** 0.45 for t in exposures], exposures, SATURATION)
    assert caught.value.code == "calibration.failed.not_linear"
    with pytest.raises(CalibrationFailed, match="three different exposures"):
        check_linearity([100, 200], [1000, 2000], SATURATION)


def test_black_level_is_the_mean_of_the_dark_image():
    assert black_level(np.array([[60, 70]], np.uint16), SATURATION) == 65


def test_white_balance_makes_the_plate_grey():
    plate = np.broadcast_to(np.float32([800, 1000, 500]), (4, 5, 3))
    assert white_balance(plate) == pytest.approx((1.25, 1.0, 2.0))
    with pytest.raises(CalibrationFailed, match="not white"):
        white_balance(np.broadcast_to(np.float32([800, 1000, 0]), (4, 5, 3)))


# --------------------------------------------------------------------------------------------------- the simulated bench


@pytest.fixture(scope="module")
def bench():
    rig = load_rig("demo")
    rig = rig.model_copy(update={"camera": rig.camera.model_copy(update={"width_px": 456, "height_px": 304})})
    return rig, Bench(rig)


def lit(rig, bench, what):
    """Ambient and zone frames as luminance."""
    bench.place(what)
    frames = []
    for zone in (None, *range(len(rig.lights.zones))):
        bench.set_zone(zone)
        frames.append(pixel_formats.luminance(pixel_formats.rgb(bench.expose(EXPOSURE_US).pixels, rig.camera.pixel_format)))
    return frames[0], frames[1:]


def test_simulated_captures_give_the_simulated_zones_and_then_the_spheres_normals(bench):
    """Calibrated with the captures alone; the true lens stands for the camera's own calibration."""
    rig, world = bench
    lens = world.truth.camera.lens
    K = lens.K
    camera = Pinhole(
        width_px=lens.width_px, height_px=lens.height_px, fx_px=K[0, 0], fy_px=K[1, 1], cx_px=K[0, 2], cy_px=K[1, 2],
        distortion=tuple(float(d) for d in lens.d), rotation=tuple(map(tuple, lens.R.tolist())), translation_mm=tuple(float(t) for t in lens.t),
    )  # fmt: skip
    dark, plates = lit(rig, world, white_plate())
    spheres = [lit(rig, world, mirror_sphere(rig, *place))[1] for place in PLACES]
    names = [z.name for z in rig.lights.zones]
    fit = calibrate_zones(camera, names, spheres, plates, dark, EXPOSURE_US, rig.artefacts.sphere_diameter_mm, SATURATION)
    for zone, true in zip(fit.zones, world.truth.zones, strict=True):
        assert light_error_deg(zone.position_mm, true.position_mm) < 0.5

    # The plate itself, tilted up by the normals' own measure: flat to a tenth of a degree, albedo one.
    calibration = Calibration.model_construct(camera=camera, zones=fit.zones, black_level_dn=fit.black_level_dn)
    ambient, frames = lit(rig, world, white_plate())
    solver = PhotometricSolver(calibration, SATURATION)
    solver.add_ambient(ambient, EXPOSURE_US)
    for k, frame in enumerate(frames):
        solver.add(k, frame, EXPOSURE_US)
    result = solver.solve()
    truth = truth_of(world)
    assert result.valid.mean() > 0.999
    assert angle_deg(result.normals.mean((0, 1)), truth.normals.mean((0, 1))) < 0.1
    assert angle_deg(result.normals, truth.normals).mean() < 1.0
    assert abs(float(np.median(result.albedo)) - 1) < 0.01
