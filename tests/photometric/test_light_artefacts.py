"""Light zones found with a matt sphere and with the raised plate, on simulated captures against the bench's truth."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from photometric_scene import angle_deg

from acquisition import pixel_formats
from acquisition.simulation.artefacts import flat_plate, matt_sphere, mirror_sphere, white_plate
from acquisition.simulation.bench import Bench
from photometric.calibration import check_drawing
from photometric.camera import points_at_height
from photometric.matt_sphere import calibrate_zones_by_matt_sphere
from photometric.raised_plate import PlatePose, RaisedPlate, calibrate_zones_by_plate, plate_pose
from rig_configs.calibration import Pinhole
from rig_configs.errors import CalibrationFailed
from rig_configs.files import load_rig

EXPOSURE_US = 8000.0
SATURATION = 4095
PLACES = ((0.3, -0.2), (10.0, 1.0), (-10.5, 0.5), (3.0, 6.5), (-4.0, -6.0))
HEIGHTS = (0.0, 6.0, 12.0)


def lit(rig, bench, what, exposure_us=EXPOSURE_US):
    """Ambient and zone frames as luminance."""
    bench.place(what)
    bench.scan_started()  # the lamps drift from scan to scan
    frames = []
    for zone in (None, *range(len(rig.lights.zones))):
        bench.set_zone(zone)
        frames.append(pixel_formats.luminance(pixel_formats.rgb(bench.expose(exposure_us).pixels, rig.camera.pixel_format)))
    bench.scan_ended()
    return SimpleNamespace(dark=frames[0], zones=frames[1:])


@pytest.fixture(scope="module")
def seen():
    """What the demo bench shows to a coarse camera; the true lens stands for the camera's own calibration."""
    rig = load_rig("demo")
    rig = rig.model_copy(update={"camera": rig.camera.model_copy(update={"width_px": 456, "height_px": 304})})
    bench = Bench(rig)
    lens = bench.truth.camera.lens
    K = lens.K
    camera = Pinhole(
        width_px=lens.width_px, height_px=lens.height_px, fx_px=K[0, 0], fy_px=K[1, 1], cx_px=K[0, 2], cy_px=K[1, 2],
        distortion=tuple(float(d) for d in lens.d), rotation=tuple(map(tuple, lens.R.tolist())), translation_mm=tuple(float(t) for t in lens.t),
    )  # fmt: skip
    plates = [lit(rig, bench, flat_plate(h, (0.002, -0.003, 0.0) if h else (0.0, 0.0, 0.0))) for h in HEIGHTS]
    return SimpleNamespace(
        rig=rig, camera=camera, names=[z.name for z in rig.lights.zones], truth={z.name: z.position_mm for z in bench.truth.zones},
        bench=bench,
        plate=lit(rig, bench, white_plate()),
        spheres=[lit(rig, bench, matt_sphere(rig, *place), EXPOSURE_US / 2) for place in PLACES],
        plates=[RaisedPlate(p.zones, p.dark, PlatePose(h, (0.003, 0.002) if h else (0.0, 0.0))) for p, h in zip(plates, HEIGHTS, strict=True)],
    )  # fmt: skip


def by_sphere(seen, *, spheres=None, plate=None, diameter=8.0, exposure_us=EXPOSURE_US / 2):
    spheres, plate = spheres if spheres is not None else seen.spheres, plate or seen.plate
    return calibrate_zones_by_matt_sphere(
        seen.camera, seen.names, [s.zones for s in spheres], [s.dark for s in spheres], exposure_us, diameter, plate.zones, plate.dark,
        EXPOSURE_US, SATURATION,
    )  # fmt: skip


def by_plate(seen, plates=None):
    return calibrate_zones_by_plate(seen.camera, seen.names, seen.plates if plates is None else plates, EXPOSURE_US, SATURATION)


def errors(seen, fit):
    """For each zone the largest angle to its true direction over the field, degrees, and how far off it is, mm."""
    field = np.array([[x, y, 0.0] for x in (-20, 0, 20) for y in (-13, 0, 13)])
    for zone in fit.zones:
        a, b = np.asarray(zone.position_mm) - field, seen.truth[zone.name] - field
        off = angle_deg(a / np.linalg.norm(a, axis=1, keepdims=True), b / np.linalg.norm(b, axis=1, keepdims=True))
        yield off.max(), np.linalg.norm(zone.position_mm - seen.truth[zone.name])


def test_five_places_of_a_matt_sphere_give_the_zones(seen):
    fit = by_sphere(seen)
    assert fit.angles_deg.shape == (4, 5)
    assert fit.light_rms_deg < 0.2
    for angle, distance in errors(seen, fit):
        assert angle < 0.5
        assert distance < 6


def test_one_matt_sphere_gives_directions(seen):
    for angle, _ in errors(seen, by_sphere(seen, spheres=seen.spheres[:1])):
        assert angle < 1.0


def test_three_heights_of_the_plate_give_the_zones(seen):
    fit = by_plate(seen)
    assert fit.angles_deg.shape == (4, 3)
    assert fit.light_rms_deg < 0.2
    for angle, distance in errors(seen, fit):
        assert angle < 1.0
        assert distance < 5


def test_a_plane_is_fitted_to_the_cloud_of_the_plate_with_dust_on_it(seen):
    columns, rows = np.meshgrid(np.arange(456.0), np.arange(304.0))
    points = points_at_height(seen.camera, np.stack([columns, rows], -1), 6.0)
    points[..., 2] += 0.003 * points[..., 0] - 0.002 * points[..., 1] + np.random.default_rng(0).normal(0, 0.004, columns.shape)
    points[100:110, 200:210, 2] += 0.5
    points[:30] = np.nan
    pose = plate_pose(points.astype(np.float32))
    assert pose.height_mm == pytest.approx(6.0, abs=1e-3)
    assert pose.slopes == pytest.approx((0.003, -0.002), abs=2e-5)
    bowed = points.copy()
    bowed[..., 2] += 0.002 * points[..., 0] ** 2
    with pytest.raises(CalibrationFailed, match="not flat") as caught:
        plate_pose(bowed.astype(np.float32))
    assert caught.value.code == "calibration.failed.plate_not_flat"
    with pytest.raises(CalibrationFailed, match="% of the white plate was measured") as caught:
        plate_pose(np.full((30, 40, 3), np.nan, np.float32))
    assert caught.value.code == "calibration.failed.plate_not_measured"


# ------------------------------------------------------------------------------------------------------------ bad input


def changed(capture, zones):
    return SimpleNamespace(dark=capture.dark, zones=zones)


def swapped(capture, a=0, b=2):
    frames = list(capture.zones)
    frames[a], frames[b] = frames[b], frames[a]
    return changed(capture, frames)


def dead(capture, k=2):
    return changed(capture, [capture.dark if i == k else f for i, f in enumerate(capture.zones)])


def brighter(capture):
    return changed(capture, [np.minimum(np.uint16(SATURATION), (f * 3.0).astype(np.uint16)) for f in capture.zones])


BAD_SPHERES = {
    "no_sphere": (lambda s: {"spheres": [s.spheres[0], lit(s.rig, s.bench, None)]}, "Sphere capture 2 of 2: No sphere of 8 mm"),
    "sphere_cut_off": (lambda s: {"spheres": [lit(s.rig, s.bench, matt_sphere(s.rig, 17.5, 0.0))]}, "cut off by the edge"),
    "sphere_diameter": (lambda s: {"diameter": 7.2}, "not 7.2 mm"),
    "saturated_sphere": (lambda s: {"spheres": [brighter(x) for x in s.spheres]}, "The sphere is saturated in the light of zone '"),
    "dead_light": (lambda s: {"spheres": [dead(x) for x in s.spheres]}, "Zone 'west' does not light the sphere"),
    "light_scatter": (lambda s: {"spheres": [swapped(s.spheres[0]), *s.spheres[1:]]}, "do not point at one light"),
    "swapped_lights": (lambda s: {"plate": swapped(s.plate)}, "Lights are swapped|do not point"),
    "places": (lambda s: {"spheres": []}, "no capture of the sphere"),
}  # fmt: skip


@pytest.mark.parametrize("detail", BAD_SPHERES)
def test_bad_captures_of_the_sphere_are_refused_in_plain_words(seen, detail):
    change, words = BAD_SPHERES[detail]
    with pytest.raises(CalibrationFailed, match=words) as caught:
        by_sphere(seen, **change(seen))
    assert caught.value.code == f"calibration.failed.{detail}"
    assert caught.value.cure.endswith(".")


def test_a_mirror_sphere_is_not_taken_for_a_matt_one(seen):
    with pytest.raises(CalibrationFailed):
        by_sphere(seen, spheres=[lit(seen.rig, seen.bench, mirror_sphere(seen.rig, *place), EXPOSURE_US / 2) for place in PLACES[:2]])


def raised(plate, zones):
    return RaisedPlate(zones, plate.dark, plate.pose)


BAD_PLATES = {
    "heights": (lambda s: s.plates[:2], "do not tell where the lights are"),
    "dead_light": (lambda s: [*s.plates[:2], raised(s.plates[2], dead(s.plates[2]).zones)], "Plate capture 3, 12.0 mm high: Zone 'west' does not light"),
    "saturated_plate": (lambda s: [raised(p, brighter(p).zones) for p in s.plates], "saturated in the light of zone 'east'"),
    "uneven_plate": (lambda s: [*s.plates[:2], raised(s.plates[2], [np.where(np.arange(456) % 60 < 30, f, f // 2) for f in s.plates[2].zones])], "not evenly white"),
    "light_scatter": (lambda s: [*s.plates[:2], raised(s.plates[2], swapped(s.plates[2]).zones)], "not lit as by one light a zone: .* at 12.0 mm"),
}  # fmt: skip


@pytest.mark.parametrize("detail", BAD_PLATES)
def test_bad_captures_of_the_plate_are_refused_in_plain_words(seen, detail):
    change, words = BAD_PLATES[detail]
    with pytest.raises(CalibrationFailed, match=words) as caught:
        by_plate(seen, change(seen))
    assert caught.value.code == f"calibration.failed.{detail}"
    assert caught.value.cure.endswith(".")


def test_zones_that_shine_from_each_others_place_in_the_drawing_are_told(seen):
    zones = by_sphere(seen).zones
    drawn = np.array([seen.truth[name] for name in seen.names])
    check_drawing(zones, drawn)
    with pytest.raises(CalibrationFailed, match="zone 'east' shines from where the drawing has zone 'west'") as caught:
        check_drawing(zones, drawn[[2, 1, 0, 3]])
    assert caught.value.code == "calibration.failed.swapped_lights"
