"""Captures and calibrations of other rigs: rendered here, by formulas of their own, and reconstructed by the station."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import foreign_rig
import numpy as np
import open3d as o3d
import pytest
import tifffile
import yaml
from demo_process import run_cli
from foreign_rig import (
    PH,
    PW,
    Array,
    H,
    Profiles,
    Projection,
    T,
    W,
    along,
    fringes,
    gray_profiles,
    see,
    sphere_on_plane,
    write_capture,
    write_kalibr,
    write_moreno,
    write_own,
    write_pattern,
    write_plain,
    write_ros,
    write_slstudio,
)
from pydantic import BaseModel

from rig_configs.errors import CalibrationError, CaptureError, ConfigurationError, ReconstructionError
from structured_light.foreign import ForeignCloud, reconstruct_images
from structured_light.foreign_pattern import CapturePattern, GrayConfig, PhaseConfig, load_pattern

ROOT = Path(__file__).parents[2]
ONE, ZERO = np.ones(PW), np.zeros(PW)
THREE = [0.0, -120.0, -240.0]


def variants() -> Iterator[tuple[str, dict[str, Any], Profiles, float]]:
    """Name, pattern description, what the projector shows, and the largest median error allowed, mm."""
    g9 = gray_profiles(PW, 9)
    rows9 = gray_profiles(PH, 9, offset=64)
    both = [q for p in g9 for q in (p, 1 - p)]
    yield "gray_msb_references_first", {"references": "first", "gray": {}}, along("columns", [ONE, ZERO, *g9]), 0.6
    yield "gray_lsb_inverses_each", {"gray": {"msb_first": False, "inverses": "each"}}, along(
        "columns", [q for p in g9[::-1] for q in (p, 1 - p)]), 0.6  # fmt: skip
    yield "gray_inverses_after_references_last", (
        {"references": "last", "reference_order": ["black", "white"], "gray": {"inverses": "after"}}
    ), along("columns", [*g9, *(1 - p for p in g9), ZERO, ONE]), 0.6  # fmt: skip
    yield "gray_alone", {"gray": {"bits": 9}}, along("columns", g9), 0.6
    yield "gray_both_axes_centred", (
        {"axes": ["columns", "rows"], "gray": {"offset_px": "centred", "inverses": "each"}}
    ), [*along("columns", both), *along("rows", [q for p in rows9 for q in (p, 1 - p)])], 0.6  # fmt: skip
    yield "gray_and_phase", (
        {"references": "first", "gray": {"unit_px": 16}, "phase": [{"period_px": 16, "steps": 4}]}
    ), along("columns", [ONE, ZERO, *gray_profiles(PW, 5, 16), *fringes(PW, 16, [0, -90, -180, -270])]), 0.06  # fmt: skip
    yield "phase_then_finer_gray", (
        {"first": "phase", "gray": {"unit_px": 8}, "phase": [{"period_px": 32, "steps": 5}]}
    ), along("columns", [*fringes(PW, 32, [-72.0 * k for k in range(5)]), *gray_profiles(PW, 6, 8)]), 0.1  # fmt: skip
    yield "two_frequencies_three_steps", (
        {"references": "first", "phase": [{"fringes": 12, "shifts_deg": [-120, 0, 120]}, {"fringes": 11, "shifts_deg": [-120, 0, 120]}]}
    ), along("columns", [ONE, ZERO, *fringes(PW, PW / 12, [-120, 0, 120]), *fringes(PW, PW / 11, [-120, 0, 120])]), 0.15  # fmt: skip
    yield "one_fringe_then_sixteen", (
        {"phase": [{"fringes": 1, "steps": 3}, {"fringes": 4, "steps": 3}, {"fringes": 16, "steps": 3}]}
    ), along("columns", [q for n in (1, 4, 16) for q in fringes(PW, PW / n, THREE)]), 0.12  # fmt: skip
    yield "two_plus_three", (
        {"phase": [{"fringes": 2, "steps": 3}, {"fringes": 3, "steps": 3}]}
    ), along("columns", [q for n in (2, 3) for q in fringes(PW, PW / n, THREE)]), 0.6  # fmt: skip
    yield "two_steps_share_the_mean_of_three", (
        {"phase": [{"fringes": 16, "steps": 3}, {"fringes": 15, "shifts_deg": [0, 90]}]}
    ), along("columns", [*fringes(PW, PW / 16, THREE), *fringes(PW, PW / 15, [0, 90])]), 0.12  # fmt: skip
    yield "two_steps_and_a_flat_image", (
        {"gray": {"unit_px": 16}, "phase": [{"period_px": 32, "shifts_deg": [0, 90, None]}]}
    ), along("columns", [*gray_profiles(PW, 5, 16), *fringes(PW, 32, [0, 90]), 0.5 * ONE]), 0.15  # fmt: skip
    yield "one_period_and_a_depth_range", (
        {"depth_mm": [400, 560], "phase": [{"period_px": 128, "steps": 4, "crest_px": 5}]}
    ), along("columns", fringes(PW, 128, [0, -90, -180, -270], crest=5)), 0.4  # fmt: skip
    yield "as_the_station_projects", (
        {"first": "phase", "gray": {"unit_px": 8, "offset_px": 0.5}, "phase": [{"period_px": 16, "steps": 8, "crest_px": -0.5}]}
    ), along("columns", [*fringes(PW, 16, [-45.0 * k for k in range(8)], crest=-0.5), *gray_profiles(PW, 6, 8, 0.5)]), 0.06  # fmt: skip


VARIANTS = list(variants())


@pytest.fixture(scope="module")
def scene() -> tuple[Array, Array]:
    return see(sphere_on_plane)


def errors(cloud: ForeignCloud, truth: Array) -> Array:
    """Distance of every measured point from the truth of its pixel, mm."""
    away = np.linalg.norm(cloud.points.xyz_mm - truth, axis=-1)
    return away[cloud.points.valid]


def lit_share(cloud: ForeignCloud, lit: Array) -> float:
    inside = (lit[..., 0] > 4) & (lit[..., 0] < PW - 5) & (lit[..., 1] > 4) & (lit[..., 1] < PH - 5)
    return float(cloud.points.valid[inside].mean())


@pytest.mark.parametrize(("name", "description", "profiles", "limit_mm"), VARIANTS, ids=[v[0] for v in VARIANTS])
def test_geometry_of_every_kind_of_pattern(tmp_path: Path, scene: tuple[Array, Array], name, description, profiles, limit_mm) -> None:
    truth, lit = scene
    folder = write_capture(tmp_path / "images", profiles, Projection(lit))
    cloud = reconstruct_images(folder, load_pattern(write_pattern(tmp_path / "p.yaml", description)), [write_slstudio(tmp_path / "c.xml")])
    wrong = errors(cloud, truth)
    assert np.median(wrong) < limit_mm
    assert np.mean(wrong > 5 * limit_mm) < 0.003  # no slips
    assert lit_share(cloud, lit) > 0.97
    # the predicted standard deviation is that of the errors
    measured = 1.4826 * np.median(np.abs(cloud.points.xyz_mm - truth)[cloud.points.valid][:, 2])
    assert 0.4 < measured / np.median(cloud.points.sigma_z_mm[cloud.points.valid]) < 2.5


def test_the_stations_own_patterns_go_through_its_own_decoder() -> None:
    description = next(v[1] for v in VARIANTS if v[0] == "as_the_station_projects")
    fits = load_from(description)
    assert fits.station_patterns("columns") is not None
    assert load_from({**description, "references": "first"}).station_patterns("columns") is not None
    assert load_from({"gray": {}}).station_patterns("columns") is None


def load_from(description: dict[str, Any]) -> CapturePattern:
    return CapturePattern.model_validate({"projector": {"width_px": PW, "height_px": PH}, **description})


GRAY_PHASE = next(v for v in VARIANTS if v[0] == "gray_and_phase")


@pytest.fixture
def gray_phase(tmp_path: Path, scene: tuple[Array, Array]) -> tuple[Path, Path]:
    folder = write_capture(tmp_path / "images", GRAY_PHASE[2], Projection(scene[1]))
    return folder, write_pattern(tmp_path / "p.yaml", GRAY_PHASE[1])


@pytest.mark.parametrize("kind", ["moreno", "ros", "kalibr", "plain", "own"])
def test_calibrations_of_every_kind_give_the_same_cloud(tmp_path: Path, gray_phase: tuple[Path, Path], scene: tuple[Array, Array], kind: str) -> None:
    folder, pattern = gray_phase
    files = {"moreno": lambda: [write_moreno(tmp_path / "c.yml")], "ros": lambda: write_ros(tmp_path), "kalibr": lambda: [write_kalibr(tmp_path / "c.yaml")],
             "plain": lambda: [write_plain(tmp_path / "c.yaml")], "own": lambda: [write_own(tmp_path / "calibration.yaml")]}[kind]()  # fmt: skip
    cloud = reconstruct_images(
        folder, load_pattern(pattern), files, unit_mm=1000 if kind == "moreno" else None, projector="right" if kind == "own" else None
    )
    truth = scene[0]
    if kind == "own":  # in the rig frame: y up, z towards the camera, from a plane 500 mm away
        truth = truth * [1, -1, -1] + [0, 0, 500]
    assert np.median(errors(cloud, truth)) < 0.06


@pytest.mark.parametrize(("suffix", "full", "colour"), [("tif", 4095, False), ("bmp", 255, True), ("jpg", 255, False), ("png", 65535, True)])
def test_images_of_8_to_16_bits_mono_or_colour(tmp_path: Path, scene: tuple[Array, Array], suffix: str, full: int, colour: bool) -> None:
    folder = write_capture(tmp_path / "images", GRAY_PHASE[2], Projection(scene[1], full=full), suffix, colour)
    pattern = load_pattern(write_pattern(tmp_path / "p.yaml", GRAY_PHASE[1]))
    cloud = reconstruct_images(folder, pattern, [write_slstudio(tmp_path / "c.yml")])
    assert np.median(errors(cloud, scene[0])) < 0.15
    assert lit_share(cloud, scene[1]) > 0.97
    bright = cloud.rgb[cloud.points.valid].astype(float).mean(axis=0)
    assert (bright[1] > 2 * bright[0] > 0) if colour else bright[0] == bright[1] > 100


def test_a_projector_above_the_camera_measures_with_its_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    above = cv2.Rodrigues(np.array([0.36, 0.02, -0.01]))[0], np.array([4.0, 180.0, 35.0])
    monkeypatch.setattr(foreign_rig, "R", above[0])
    monkeypatch.setattr(foreign_rig, "T", above[1])
    truth, lit = see(sphere_on_plane)
    shifts = [0.0, -90.0, -180.0, -270.0]
    description = {"gray": {"unit_px": 8}, "phase": [{"period_px": 16, "steps": 4}], "references": "last"}
    shown = [*gray_profiles(PH, 6, 8), *fringes(PH, 16, shifts)]
    folder = write_capture(tmp_path / "rows", along("rows", [*shown, ONE, ZERO]), Projection(lit))
    calibration = [write_slstudio(tmp_path / "c.xml", above[1])]
    rows = reconstruct_images(folder, load_from({**description, "axes": ["rows"]}), calibration)
    assert np.median(errors(rows, truth)) < 0.06
    assert lit_share(rows, lit) > 0.97
    columns = [*gray_profiles(PW, 6, 8), *fringes(PW, 16, shifts)]
    folder = write_capture(tmp_path / "both", [*along("columns", columns), *along("rows", shown), *along("rows", [ONE, ZERO])], Projection(lit))
    both = reconstruct_images(folder, load_from({**description, "axes": ["columns", "rows"]}), calibration)
    assert both.used == "rows"
    assert np.median(errors(both, truth)) < 0.06


def test_images_in_an_order_of_their_own(tmp_path: Path, scene: tuple[Array, Array]) -> None:
    """Steps before bits, the references in between, and a picture that belongs to nothing."""
    white, black, *rest = GRAY_PHASE[2]
    order = [*(f"columns phase set 1 step {k + 1}" for k in range(4)), "white", "skip", "black", *(f"columns Gray bit {k + 1}" for k in range(5))]
    folder = write_capture(tmp_path / "images", [*rest[5:], white, white, black, *rest[:5]], Projection(scene[1]))
    pattern = load_from({**GRAY_PHASE[1], "order": order})
    cloud = reconstruct_images(folder, pattern, [write_slstudio(tmp_path / "c.xml")])
    assert np.median(errors(cloud, scene[0])) < 0.06
    with pytest.raises(ValueError, match="'black' 2 times"):
        load_from({**GRAY_PHASE[1], "order": [*order, "black"]})


def test_a_calibration_the_wrong_way_round_is_noticed(tmp_path: Path, scene: tuple[Array, Array]) -> None:
    _, description, profiles, _ = next(v for v in VARIANTS if v[0] == "gray_both_axes_centred")
    folder = write_capture(tmp_path / "images", profiles, Projection(scene[1]))
    back = write_slstudio(tmp_path / "c.xml", -T)
    with pytest.raises(ReconstructionError, match=r"Rows and columns disagree|No pixel"):
        reconstruct_images(folder, load_from(description), [back])


def test_a_gray_code_wider_than_a_camera_pixel_leaves_no_terraces(tmp_path: Path, scene: tuple[Array, Array]) -> None:
    folder = write_capture(tmp_path / "images", along("columns", [ONE, ZERO, *gray_profiles(PW, 6, 8)]), Projection(scene[1]))
    pattern = load_from({"references": "first", "gray": {"unit_px": 8}})
    cloud = reconstruct_images(folder, pattern, [write_slstudio(tmp_path / "c.xml")])
    column = cloud.decoded["columns"].column
    wrong = np.abs(column - scene[1][..., 0])[np.isfinite(column)]
    assert np.median(wrong) < 0.5  # the middle of a code is off by 2 px in the median
    assert lit_share(cloud, scene[1]) > 0.97


def test_fine_stripes_that_are_blurred_away_cost_precision_not_pixels(tmp_path: Path, scene: tuple[Array, Array]) -> None:
    profiles = along("columns", [q for p in gray_profiles(PW, 9) for q in (p, 1 - p)])
    folder = write_capture(tmp_path / "images", profiles, Projection(scene[1], blur_px=2.5))
    pattern = load_from({"gray": {"inverses": "each"}})
    cloud = reconstruct_images(folder, pattern, [write_slstudio(tmp_path / "c.xml")])
    assert lit_share(cloud, scene[1]) > 0.9
    assert np.median(errors(cloud, scene[0])) < 1.2
    assert np.mean(errors(cloud, scene[0]) > 6) < 0.01


def test_a_row_that_does_not_fit_its_column_is_dropped(tmp_path: Path, scene: tuple[Array, Array]) -> None:
    """Light that took a detour: the row lies off the epipolar line of the column."""
    _, description, profiles, _ = next(v for v in VARIANTS if v[0] == "gray_both_axes_centred")
    truth, lit = scene
    strayed = lit.copy()
    strayed[100:140, 100:160, 1] += 20
    folder = write_capture(tmp_path / "images", profiles, Projection(strayed))
    cloud = reconstruct_images(folder, load_pattern(write_pattern(tmp_path / "p.yaml", description)), [write_slstudio(tmp_path / "c.xml")])
    assert cloud.points.valid[104:136, 104:156].mean() < 0.01
    assert np.median(errors(cloud, truth)) < 0.6
    assert cloud.epipolar_px is not None
    assert cloud.epipolar_px < 0.5


def refuse(kind: type[Exception], match: str, description: dict[str, Any], folder: Path, calibration: Path, tmp_path: Path) -> None:
    with pytest.raises(kind, match=match):
        reconstruct_images(folder, load_pattern(write_pattern(tmp_path / "wrong.yaml", description)), [calibration])


def test_a_wrong_number_of_images_lists_those_the_pattern_needs(tmp_path: Path, gray_phase: tuple[Path, Path]) -> None:
    folder, pattern = gray_phase
    (folder / "frame_3.png").unlink()
    with pytest.raises(CaptureError) as told:
        reconstruct_images(folder, load_pattern(pattern), [write_slstudio(tmp_path / "c.xml")])
    assert "holds 10 images (frame_0.png to frame_10.png); the pattern needs 11" in told.value.message
    assert "1 white; 2 black; 3 columns Gray bit 1; 4 columns Gray bit 2;" in told.value.cure
    assert "11 columns phase set 1 step 4" in told.value.cure


@pytest.mark.parametrize(
    ("description", "match"),
    [
        ({}, "describe a Gray code"),
        ({"gray": {"bit": 9}}, "gray.bit: Extra inputs"),
        ({"gray": {"bits": 8}}, "8 Gray bits cannot tell 512 codes"),
        ({"phase": [{"period_px": 16, "steps": 4}]}, "look the same at several places"),
        ({"phase": [{"fringes": 12, "steps": 3}, {"fringes": 4, "steps": 3}]}, "look the same at several places"),
        ({"phase": [{"fringes": 1, "period_px": 512, "steps": 4}]}, "either period_px or fringes"),
        ({"phase": [{"fringes": 1, "shifts_deg": [0, 180]}]}, "shifts do not tell a phase"),
        ({"phase": [{"fringes": 1, "shifts_deg": [0, 90]}]}, "need the mean brightness"),
        ({"gray": {"unit_px": 32}, "phase": [{"period_px": 16, "steps": 4}]}, "does not count fringes"),
        ({"axes": ["columns", "columns"], "gray": {}}, "named twice"),
        ({"gray": {}, "depth_mm": [500, 400]}, "nearest, then farthest"),
    ],
)
def test_an_impossible_pattern_is_refused_in_words(tmp_path: Path, description: dict[str, Any], match: str) -> None:
    with pytest.raises(ConfigurationError, match=match):
        load_pattern(write_pattern(tmp_path / "p.yaml", description))


def test_other_faults_are_told_apart(tmp_path: Path, gray_phase: tuple[Path, Path], scene: tuple[Array, Array]) -> None:
    folder, pattern = gray_phase
    good = write_slstudio(tmp_path / "c.xml")
    text = good.read_text()

    def calibration(name: str, content: str) -> Path:
        (tmp_path / name).write_text(content)
        return tmp_path / name

    cases = [
        (calibration("a.xml", text[: len(text) // 2]), "not a whole file"),
        (calibration("b.xml", text.replace("<Tp", "<T_p").replace("</Tp", "</T_p")), "Tp is missing"),
        (calibration("c2.xml", text.replace("<frameWidth>320", "<frameWidth>640")), "camera of 640 x 240 pixels, the images have 320 x 240"),
        (calibration("d.yaml", "a: 1\n"), "none of the keys known"),
        (write_slstudio(tmp_path / "e.xml", np.zeros(3)), "stands where the camera stands"),
        (tmp_path / "missing.xml", "missing.xml cannot be read"),
        (write_own(tmp_path / "own.yaml"), "projectors other, right"),
        (write_ros(tmp_path)[0], "--calibration twice"),
    ]
    for path, match in cases:
        with pytest.raises(CalibrationError, match=match):
            reconstruct_images(folder, load_pattern(pattern), [path])
    refuse(ReconstructionError, "No pixel could be measured", {**GRAY_PHASE[1], "depth_mm": [100, 110]}, folder, good, tmp_path)
    (folder / "frame_4.png").write_bytes(b"broken")
    refuse(CaptureError, r"frame_4\.png is no picture", GRAY_PHASE[1], folder, good, tmp_path)
    cv2.imwrite(str(folder / "frame_4.png"), np.zeros((H, W + 1), np.uint8))
    refuse(ReconstructionError, r"'columns Gray bit 3' is 321 x 240 pixels", GRAY_PHASE[1], folder, good, tmp_path)
    deep = {"depth_mm": [200, 2000], "phase": [{"period_px": 16, "steps": 4}]}
    other = write_capture(tmp_path / "deep", along("columns", fringes(PW, 16, [0, -90, -180, -270])), Projection(scene[1]))
    refuse(ReconstructionError, "fringes repeat after 16", deep, other, good, tmp_path)


def test_the_command_writes_what_can_exist_without_lights(tmp_path: Path, gray_phase: tuple[Path, Path], scene: tuple[Array, Array]) -> None:
    folder, pattern = gray_phase
    out = tmp_path / "out"
    done = run_cli(
        "reconstruct", "--images", folder, "--pattern", pattern, "--calibration", write_slstudio(tmp_path / "c.xml"), "--out", out,
        "--formats", "ply,stl,iges", "--downsample", "2", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report == json.loads((out / "report.json").read_text())
    assert report["frame"] == "camera"
    assert sorted(p.name for p in out.iterdir()) == [
        "cloud.iges", "cloud.ply", "cloud.stl", "depth.png", "normals.tiff", "report.json", "rgb.png", "sigma_z.tiff", "xyz.tiff",
    ]  # fmt: skip
    xyz = tifffile.imread(out / "xyz.tiff")
    known = np.isfinite(xyz[..., 2])
    assert report["points"] == known.sum()
    assert np.median(np.linalg.norm(xyz - scene[0], axis=-1)[known]) < 0.06
    cloud = o3d.io.read_point_cloud(str(out / "cloud.ply"))
    np.testing.assert_array_equal(np.asarray(cloud.points, np.float32), xyz[1::2, 1::2][known[1::2, 1::2]])
    normals = tifffile.imread(out / "normals.tiff")
    plane_normal = np.array([0.1, -0.15, 1.0]) / np.linalg.norm([0.1, -0.15, 1.0])
    flat = normals[5:60, 5:60][known[5:60, 5:60]]
    assert np.degrees(np.arccos(np.nanmedian(-flat @ plane_normal))) < 3  # towards the camera
    done = run_cli("reconstruct", "--images", folder, "--out", out)
    assert done.returncode == 1
    assert "--pattern and --calibration" in done.stderr


GUIDE = (ROOT / "docs/rig-engineer.md").read_text(encoding="utf-8")


def test_every_pattern_in_the_guide_is_one() -> None:
    section = GUIDE[GUIDE.index("### The pattern file") : GUIDE.index("### The calibration file")]
    examples = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)
    assert len(examples) == 5
    for text in examples:
        content = {"projector": {"width_px": 1024, "height_px": 768}, **yaml.safe_load(text)}
        assert len(CapturePattern.model_validate(content).roles) > 2


@pytest.mark.parametrize(("model", "prefix"), [(CapturePattern, ""), (GrayConfig, "gray."), (PhaseConfig, "phase[].")])
def test_every_key_of_the_pattern_file_is_in_the_guide(model: type[BaseModel], prefix: str) -> None:
    for name, field in model.model_fields.items():
        assert field.description
        if not (prefix == "" and name in ("gray", "phase")):
            assert re.search(rf"`({re.escape(prefix)})?{name}`", GUIDE), prefix + name
