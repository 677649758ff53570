"""A rig engineer calibrates, looks at the report, checks and accepts a rig from the command line."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from small_rig import write_small_rig

from rig_configs.files import load_calibration, save_calibration

STATION = Path(sys.executable).with_name("d3station")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(STATION), *arguments], capture_output=True, text=True, timeout=500, check=False)


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_rig(tmp_path_factory.mktemp("rig"), "tiny", 456)


@pytest.fixture(scope="module")
def calibrated(rig: Path) -> dict:
    done = run("calibrate", "all", "--rig", str(rig), "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_calibrate_all_writes_a_calibration_and_a_report_that_explains_it(rig: Path, calibrated: dict) -> None:
    calibration = load_calibration(rig)
    assert calibrated["calibration_id"] == calibration.calibration_id
    assert calibrated["dropped_poses"] == []
    assert calibration.uncertainty is not None
    assert calibrated["uncertainty"]["height_median_um"] == calibration.uncertainty.height_median_um
    report = Path(calibrated["report"]).read_text()
    assert report.count("data:image/png;base64,") == 9
    for words in (calibration.calibration_id, "held_out_rms_um", "north_east", "Light zones", "The board"):
        assert words in report


def test_a_part_of_a_rig_is_calibrated_alone(rig: Path, calibrated: dict) -> None:
    before = load_calibration(rig)
    done = run("calibrate", "projectors", "--rig", str(rig), "--seed", "4", "--json")
    assert done.returncode == 0, done.stderr
    after = load_calibration(rig)
    assert after.calibration_id != before.calibration_id
    assert after.zones == before.zones
    assert after.camera.fx_px == pytest.approx(before.camera.fx_px, rel=1e-4)
    assert after.projectors != before.projectors


def test_a_refocused_camera_is_calibrated_alone(rig: Path, calibrated: dict, tmp_path: Path) -> None:
    refocused = tmp_path / "refocused"
    shutil.copytree(rig, refocused)
    before = load_calibration(refocused)
    # The camera was refocused after that calibration: its file has another lens than the rig has now.
    old = before.camera.model_copy(update={"fx_px": 1.02 * before.camera.fx_px, "fy_px": 1.02 * before.camera.fy_px})
    save_calibration(before.model_copy(update={"camera": old}), refocused)
    done = run("calibrate", "camera", "--rig", str(refocused), "--seed", "6", "--json")
    assert done.returncode == 0, done.stderr
    after = load_calibration(refocused)
    told = json.loads(done.stdout)
    assert told["calibration_id"] == after.calibration_id != before.calibration_id
    assert told["residuals"]["camera_rms_px"] < 0.1
    assert Path(told["report"]).parent == refocused
    assert after.camera.fx_px == pytest.approx(before.camera.fx_px, rel=2e-3)
    assert after.zones == before.zones
    assert after.black_level_dn == before.black_level_dn
    for new, held in zip(after.projectors, before.projectors, strict=True):
        assert new.fx_px == pytest.approx(held.fx_px, rel=1e-4)
        assert (new.cx_px, new.cy_px) == pytest.approx((held.cx_px, held.cy_px), abs=0.5)
        assert new.translation_mm != held.translation_mm
        np.testing.assert_allclose(new.centre_mm, held.centre_mm, atol=1)
        assert new.gamma == pytest.approx(held.gamma, abs=0.01)


def test_a_calibration_that_no_longer_holds_ends_with_an_error_and_a_cure(rig: Path, calibrated: dict, tmp_path: Path) -> None:
    holds = run("calibrate", "check", "--rig", str(rig), "--json")
    assert holds.returncode == 0, holds.stderr
    assert json.loads(holds.stdout)["holds"] is True
    moved = tmp_path / "moved"
    shutil.copytree(rig, moved)
    content = yaml.safe_load((moved / "calibration.yaml").read_text())
    content["projectors"][1]["translation_mm"][0] += 0.05
    (moved / "calibration.yaml").write_text(yaml.safe_dump(content))
    broken = run("calibrate", "check", "--rig", str(moved), "--json")
    assert broken.returncode != 0
    assert json.loads(broken.stdout)["drifted"] == ["north_west"]
    assert "north_west" in broken.stderr
    assert "d3station calibrate all" in broken.stderr


def test_an_acceptance_test_prints_the_figures_and_writes_the_report(rig: Path, calibrated: dict, tmp_path: Path) -> None:
    report = tmp_path / "report" / "accepted.html"
    done = run("rig", "accuracy", "--rig", str(rig), "--artefact", "step", "--as-calibrated", "--positions", "1", "--html", str(report), "--json")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert set(figures) == {"step", "calibration"}
    assert abs(figures["step"]["error_um"]) < 3
    assert figures["calibration"]["self_made"] is True
    assert figures["calibration"]["just_made"] is False
    assert "Step" in report.read_text()


def test_a_calibration_that_is_clearly_worse_is_refused_and_the_one_in_use_stays(rig: Path, calibrated: dict, tmp_path: Path) -> None:
    better = tmp_path / "better"
    shutil.copytree(rig, better)
    content = yaml.safe_load((better / "calibration.yaml").read_text())
    content["residuals"]["flat_field_rms_percent"] = 0.01
    (better / "calibration.yaml").write_text(yaml.safe_dump(content))
    before = (better / "calibration.yaml").read_bytes()
    refused = run("calibrate", "lights", "--rig", str(better))
    assert refused.returncode != 0
    assert "flat fields" in refused.stderr
    assert "--force" in refused.stderr
    assert (better / "calibration.yaml").read_bytes() == before


def test_a_damaged_calibration_is_told_before_anything_is_captured(rig: Path, calibrated: dict, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged"
    shutil.copytree(rig, damaged)
    (damaged / "calibration.yaml").write_text("camera: {")
    told = run("calibrate", "all", "--rig", str(damaged))
    assert told.returncode == 2
    assert "not YAML" in told.stderr
    assert "Calibrating" not in told.stderr


def test_lights_cannot_be_calibrated_before_the_camera(tmp_path: Path, rig: Path) -> None:
    shutil.copy(rig / "rig.yaml", tmp_path / "rig.yaml")
    done = run("calibrate", "lights", "--rig", str(tmp_path))
    assert done.returncode == 2
    assert "d3station calibrate all" in done.stderr
