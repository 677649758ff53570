"""Normals, albedo and validity from a scan's light frames."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from photometric_scene import (
    BLACK,
    EXPOSURE_US,
    SATURATION,
    ZONES,
    Scene,
    angle_deg,
    calibration,
    directions,
    flat_scene,
    ground,
    pinhole,
    sphere_scene,
)

from photometric.drop_rule import solve_pixel
from photometric.pseudo3d import pseudo3d_image
from photometric.solver import PhotometricSolver
from rig_configs.errors import ReconstructionError

CALIBRATION = calibration()
SMALL_CAMERA = pinhole(96, 64)
SMALL = calibration(camera=SMALL_CAMERA)


def solve(images, rig=CALIBRATION, exposures=None, ambient=None, saturated=None, height_mm=None, **options):
    solver = PhotometricSolver(rig, SATURATION, **options)
    if ambient is not None:
        solver.add_ambient(*ambient)
    for k, image in enumerate(images):
        mask = None if saturated is None else saturated.get(k)
        solver.add(k, image, EXPOSURE_US if exposures is None else exposures[k], saturated=mask)
    return solver.solve(height_mm)


def bumpy(camera=None, seed=0, most=0.35) -> Scene:
    """Random gentle normals and albedos at plane height: every light reaches every pixel."""
    rng = np.random.default_rng(seed)
    scene = flat_scene(camera=camera)
    n = np.dstack([rng.uniform(-most, most, (*scene.albedo.shape, 2)), np.ones(scene.albedo.shape)])
    n /= np.linalg.norm(n, axis=-1, keepdims=True)
    return Scene(scene.points, n, rng.uniform(0.3, 0.9, scene.albedo.shape), scene.part)


def lstsq(images, rig, zones=ZONES):
    """numpy.linalg.lstsq pixel by pixel, straight from the model: the reference."""
    camera = rig.camera
    x, y = ground(camera)
    L, _ = directions(np.stack([x, y, np.zeros_like(x)], -1), list(zones.values()))
    flat = np.stack([z.flat_field_dn_per_ms(camera.width_px, camera.height_px) for z in rig.zones]).astype(np.float64)
    b = (np.asarray(images, np.float64) - BLACK) / (EXPOSURE_US / 1000) / flat * L[..., 2]
    n = np.array([np.linalg.lstsq(L[:, r, c], b[:, r, c], rcond=None)[0] for r in range(camera.height_px) for c in range(camera.width_px)])
    rho = np.linalg.norm(n, axis=1)
    return (n / rho[:, None]).reshape(*x.shape, 3), rho.reshape(x.shape)


def test_normals_agree_with_lstsq_where_every_light_reaches():
    rng = np.random.default_rng(3)
    images = [image * rng.normal(1, 0.01, image.shape).astype(np.float32) for image in bumpy(SMALL_CAMERA).render()]
    normals, rho = lstsq(images, SMALL)
    result = solve(images, SMALL)
    assert result.valid.all()
    assert np.radians(angle_deg(result.normals, normals)).max() <= 1e-4
    np.testing.assert_allclose(result.albedo, rho, rtol=2e-4)


@pytest.mark.parametrize("count", [3, 6])
def test_rigs_with_another_number_of_zones(count):
    azimuths = np.linspace(0, 2 * np.pi, count, endpoint=False)
    zones = {f"z{k}": (113 * np.cos(a), 113 * np.sin(a), 112.0) for k, a in enumerate(azimuths)}
    rig = calibration(zones, camera=SMALL_CAMERA)
    scene = bumpy(SMALL_CAMERA)
    images = scene.render(zones)
    result = solve(images, rig)
    assert result.valid.all()
    assert np.radians(angle_deg(result.normals, scene.normals)).max() <= 2e-4


def test_noisy_matt_sphere_within_half_a_degree():
    scene = sphere_scene(albedo=0.9)
    power = (480.0, 480.0, 470.0, 490.0)
    rig = calibration(power=power)
    # A luminance is the mean of an RGGB cell: four exposures' worth of electrons.
    rng = np.random.default_rng(5)
    frames = np.mean([scene.render(power=power, noise=rng) for _ in range(4)], axis=0).astype(np.float32)
    result = solve(frames, rig)
    error = angle_deg(result.normals, scene.normals)
    assert result.valid.mean() > 0.999
    assert error[scene.part].mean() <= 0.5


def test_near_light_beats_constant_light_at_the_corners():
    scene = flat_scene((0.4, 0.3, 1.0))
    images = scene.render()
    near = angle_deg(solve(images).normals, scene.normals)
    constant = angle_deg(solve(images, near_light=False).normals, scene.normals)
    corners = np.ix_([0, -1], [0, -1])
    assert near[corners].max() < 0.01
    assert constant[corners].max() > 1.0
    middle = constant.shape[0] // 2, constant.shape[1] // 2
    assert constant[middle] < 0.05, "in the middle of the field, both are the same"


def test_the_matt_white_plate_is_flat_and_of_albedo_one_in_either_model():
    plate = flat_scene(albedo=1.0)
    for near_light in (True, False):
        result = solve(plate.render(), near_light=near_light)
        assert angle_deg(result.normals, plate.normals).max() < 0.05
        np.testing.assert_allclose(result.albedo, 1.0, atol=1e-3)
        assert np.abs(result.height_mm).max() < 5e-3


def test_known_height_corrects_lights_and_albedo_of_a_tall_part():
    tall = flat_scene((0.5, -0.2, 1.0))
    z = 9.0
    tall.points = np.dstack([tall.points[..., :2] * (200 - z) / 200, np.full(tall.albedo.shape, z)])
    images = tall.render()
    without, height = solve(images), np.full(tall.albedo.shape, z, np.float32)
    height[::7, ::5] = np.nan
    known = np.isfinite(height)
    corrected = solve(images, height_mm=height)
    assert angle_deg(without.normals, tall.normals)[known].mean() > 0.5
    assert angle_deg(corrected.normals, tall.normals)[known].mean() < 0.05
    np.testing.assert_allclose(corrected.albedo[known], 0.8, rtol=2e-3)


def test_ambient_light_is_removed_whatever_its_exposure():
    scene = bumpy(SMALL_CAMERA)
    images = scene.render(ambient=12.0)
    dark = (scene.ambient(12.0, exposure_us=3000.0), 3000.0)
    lit = angle_deg(solve(images, SMALL).normals, scene.normals).mean()
    removed = angle_deg(solve(images, SMALL, ambient=dark).normals, scene.normals).mean()
    assert lit > 0.2
    assert removed < 0.01


# ------------------------------------------------------------------------------------------------- shadows, highlights


def steep_ring() -> Scene:
    """A matt sphere steep enough that one light, but no second, falls into shadow."""
    scene = sphere_scene(radius=15.0, limit_deg=58.0)
    L, _ = directions(scene.points, list(ZONES.values()))
    lit = ((L * scene.normals).sum(-1) > 0).sum(0)
    return Scene(scene.points, scene.normals, scene.albedo, scene.part & (lit == 3))


def test_a_shadowed_light_is_dropped():
    scene = steep_ring()
    images = scene.render()
    result = solve(images)
    plain = lstsq_fast(images)
    seen = scene.part & result.valid
    rule, least_squares = angle_deg(result.normals, scene.normals)[seen], angle_deg(plain, scene.normals)[seen]
    assert seen.sum() > 0.8 * scene.part.sum(), "where a second light only grazes, three are not left"
    assert least_squares.mean() > 1.0
    assert rule.mean() < 0.25 * least_squares.mean()


def test_one_dark_and_one_grazing_light_leave_three():
    """A slope away from two lights: one is in shadow, the other, of a few percent, still tells the slope."""
    scene = flat_scene((0.68, 0.58, 0.45), camera=SMALL_CAMERA)
    L, _ = directions(scene.points, list(ZONES.values()))
    shares = np.sort((L * scene.normals).sum(-1), axis=0)
    grazing = (shares[0] < 0) & (shares[1] > 0.01) & (shares[1] < 0.1 * shares[2])
    result = solve(scene.render(), SMALL)
    assert grazing.sum() > 100
    assert (result.valid_lights[grazing] == 3).all()
    assert angle_deg(result.normals, scene.normals)[grazing].max() < 0.05


def test_a_highlight_is_dropped():
    scene = sphere_scene(limit_deg=35)
    images = np.array(scene.render())
    spot = np.hypot(scene.points[..., 0] - 3, scene.points[..., 1]) < 1.5
    images[0][spot] += 1200
    result = solve(images)
    rule, plain = angle_deg(result.normals, scene.normals)[spot], angle_deg(lstsq_fast(images), scene.normals)[spot]
    assert plain.mean() > 5
    assert rule.max() < 0.1


def lstsq_fast(images):
    """Plain least squares with all four lights, through the pseudo-inverse."""
    x, y = ground(CALIBRATION.camera)
    L, _ = directions(np.stack([x, y, np.zeros_like(x)], -1), list(ZONES.values()))
    flat = np.stack([z.flat_field_dn_per_ms(x.shape[1], x.shape[0]) for z in CALIBRATION.zones])
    b = (np.asarray(images, np.float64) - BLACK) / (EXPOSURE_US / 1000) / flat * L[..., 2]
    n = np.einsum("rcdk,krc->rcd", np.linalg.pinv(np.moveaxis(L, 0, 2)), b)
    return n / np.linalg.norm(n, axis=-1, keepdims=True)


def test_one_saturated_light_is_left_out_and_two_make_a_pixel_not_valid():
    scene = bumpy(SMALL_CAMERA)
    images = np.array(scene.render())
    images[0, :20] = SATURATION
    images[1, :10] = SATURATION
    result = solve(images, SMALL)
    assert not result.valid[:10].any()
    assert result.valid[10:].all()
    assert angle_deg(result.normals, scene.normals)[10:].max() < 0.02
    np.testing.assert_array_equal(result.normals[:10], np.broadcast_to(np.float32([0, 0, 1]), (10, 96, 3)))
    assert (result.albedo[:10] == 0).all()


def test_a_callers_saturation_mask_counts_like_saturation():
    scene = bumpy(SMALL_CAMERA)
    images = np.array(scene.render())
    images[2, 5:9] *= 1.1  # a clipped colour falsifies the luminance without saturating it
    clipped = np.zeros(images.shape[1:], bool)
    clipped[5:9] = True
    result = solve(images, SMALL, saturated={2: clipped, 3: np.zeros_like(clipped)})
    assert result.valid.all()
    assert angle_deg(result.normals, scene.normals).max() < 0.02


def test_pixels_without_light_and_pixels_that_are_no_number_are_not_valid():
    images = np.array(bumpy(SMALL_CAMERA).render())
    images[:, 0] = BLACK
    images[1:3, 1] = np.nan
    images[2, 2] = np.nan
    result = solve(images, SMALL)
    assert not result.valid[:2].any()
    assert result.valid[2:].all()
    for field in (result.normals, result.albedo, result.residual, result.height_mm):
        assert np.isfinite(field).all()


def test_pixel_rule_names_the_lights_it_used():
    L = np.array([[0.7, 0, 0.7], [0, 0.7, 0.7], [-0.7, 0, 0.7], [0, -0.7, 0.7]], np.float32)
    L /= np.linalg.norm(L, axis=1, keepdims=True)
    n = np.array([0.2, 0.1, 0.97], np.float32)
    x = np.zeros(3, np.float32)
    for spoilt, change in ((0, 1.8), (2, 0.02)):
        b, usable = (L @ n).astype(np.float32), np.ones(4, bool)
        b[spoilt] *= change
        lights, residual = solve_pixel(b, L, usable, x)
        assert lights == 3
        assert list(np.flatnonzero(~usable)) == [spoilt]
        np.testing.assert_allclose(x, n, atol=1e-5)
        assert residual < 1e-5
    in_a_plane = L.copy()
    in_a_plane[:, 1] = 0
    assert solve_pixel((L @ n).astype(np.float32), in_a_plane, np.ones(4, bool), x) == (False, 0)


# ------------------------------------------------------------------------------------------------------- properties


@settings(max_examples=12, deadline=None)
@given(
    st.lists(st.floats(1000, 60000), min_size=4, max_size=4),
    st.integers(0, 1000),
)
def test_exposures_do_not_change_the_surface_and_albedo_is_positive(exposures, seed):
    scene = bumpy(SMALL_CAMERA, seed)
    base = np.array(scene.render())
    scaled = (base - BLACK) * (np.array(exposures, np.float32) / EXPOSURE_US)[:, None, None] + BLACK
    one = solve(base, SMALL)
    solver = PhotometricSolver(SMALL, 2**15)  # only the exposure changes, not what saturates
    for k in range(4):
        solver.add(k, scaled[k].astype(np.float32), exposures[k])
    other = solver.solve()
    seen = one.valid & other.valid
    assert seen.all()
    np.testing.assert_allclose(other.normals[seen], one.normals[seen], atol=1e-3)
    assert (other.albedo[other.valid] > 0).all()
    assert (other.albedo[~other.valid] == 0).all()
    np.testing.assert_allclose(np.linalg.norm(other.normals, axis=-1), 1, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_integer_images_give_what_float_images_give(dtype):
    full = 255 if dtype == np.uint8 else 4095
    scene = bumpy(SMALL_CAMERA)
    images = [np.rint(image * full / 4095).astype(dtype) for image in scene.render()]
    results = []
    for kind in (dtype, np.float32):
        solver = PhotometricSolver(SMALL, full)
        for k, image in enumerate(images):
            solver.add(k, image.astype(kind), EXPOSURE_US)
        results.append(solver.solve())
    np.testing.assert_allclose(results[0].normals, results[1].normals, atol=1e-6)
    np.testing.assert_array_equal(results[0].valid, results[1].valid)


# ------------------------------------------------------------------------------------------------------- accumulator


def test_order_of_frames_reset_and_reuse_of_a_result():
    first, second = bumpy(SMALL_CAMERA, 1).render(), bumpy(SMALL_CAMERA, 2).render()
    solver = PhotometricSolver(SMALL, SATURATION)
    for k in (2, 0, 3, 1):
        solver.add(k, first[k], EXPOSURE_US)
    kept = solver.solve()
    expected = solve(second, SMALL)
    solver.reset()
    for k in range(4):
        solver.add(k, second[k], EXPOSURE_US)
    again = solver.solve(into=kept)
    assert again is kept
    np.testing.assert_array_equal(again.normals, expected.normals)
    np.testing.assert_array_equal(again.height_mm, expected.height_mm)


def test_what_cannot_be_solved_is_said_in_words():
    images = bumpy(SMALL_CAMERA).render()
    solver = PhotometricSolver(SMALL, SATURATION)
    solver.add(1, images[1], EXPOSURE_US)
    for wrong, code in (
        (lambda: solver.solve(), "reconstruction.failed.missing_zones"),
        (lambda: solver.add(1, images[1], EXPOSURE_US), "reconstruction.failed.duplicate"),
        (lambda: solver.add(4, images[0], EXPOSURE_US), "reconstruction.failed.unknown_zone"),
        (lambda: solver.add(0, images[0][:-1], EXPOSURE_US), "reconstruction.failed.shape"),
        (lambda: solver.add(0, images[0].astype(np.float64), EXPOSURE_US), "reconstruction.failed.type"),
        (lambda: solver.add(0, images[0], 0.0), "reconstruction.failed.exposure"),
    ):
        with pytest.raises(ReconstructionError) as caught:
            wrong()
        assert caught.value.code == code
    with pytest.raises(ReconstructionError, match="east, west, south"):
        solver.solve()
    for k in (0, 2, 3):
        solver.add(k, images[k].astype(np.uint16), EXPOSURE_US)
    with pytest.raises(ReconstructionError, match="different types"):
        solver.solve()


def test_zones_in_one_plane_and_flat_fields_below_zero_are_refused():
    line = {"a": (100.0, 0.0, 100.0), "b": (0.0, 0.0, 150.0), "c": (-100.0, 0.0, 100.0)}
    with pytest.raises(ReconstructionError, match="one plane"):
        PhotometricSolver(calibration(line, camera=SMALL_CAMERA), SATURATION, near_light=False)
    zone = SMALL.zones[1].model_copy(update={"flat_field": (-1.0,) + (0.0,) * 14})
    with pytest.raises(ReconstructionError, match="north"):
        PhotometricSolver(SMALL.model_copy(update={"zones": (SMALL.zones[0], zone, *SMALL.zones[2:])}), SATURATION)


def test_pseudo3d_is_the_normal_map_as_colours():
    normals = np.array([[[0, 0, 1], [1, 0, 0], [0, -1, 0], [-1, 0, 0]]], np.float32)
    picture = pseudo3d_image(normals)
    assert picture.dtype == np.uint8
    assert picture.tolist() == [[[128, 128, 255], [255, 128, 128], [128, 1, 128], [1, 128, 128]]]
