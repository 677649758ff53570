"""A rig's lights are calibrated with each of the artefacts, by the hand on the bench."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from known_rig import write_known_rig

from acquisition.simulation.guide import BenchGuide
from api.calibrating import Calibrator
from api.calibrating_lights import LightArtefact
from api.composition import open_rig
from rig_configs.files import load_calibration, load_rig
from structured_light.formats import read_tiff

STATION = Path(sys.executable).with_name("d3station")


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_known_rig(tmp_path_factory.mktemp("rig"))


@pytest.mark.parametrize(("artefact", "spacers"), [(LightArtefact.MATT_SPHERE, ()), (LightArtefact.PLATE, ()), (LightArtefact.PLATE, (8.0, 14.0))])
def test_every_artefact_finds_the_zones(rig: Path, artefact: LightArtefact, spacers: tuple[float, ...]) -> None:
    config, before = load_rig(rig), load_calibration(rig)
    config = config.model_copy(update={"artefacts": config.artefacts.model_copy(update={"plate_spacers_mm": spacers})})
    opened = open_rig(config, rig, noise_seed=3)
    assert opened.bench is not None
    told: list[float] = []
    after = Calibrator(opened.rig, BenchGuide(opened.bench, config, 5), lambda share, _: told.append(share)).lights(before, artefact)
    opened.rig.close()
    assert told == sorted(told)
    assert told[-1] == 1
    assert after.camera == before.camera
    assert after.projectors == before.projectors
    for zone, true in zip(after.zones, opened.bench.truth.zones, strict=True):
        assert np.linalg.norm(zone.position_mm - true.position_mm) < 5
        a, b = np.asarray(zone.position_mm), true.position_mm
        assert np.degrees(np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b))) < 1


def test_lights_are_calibrated_from_a_matt_sphere_by_the_command_line(rig: Path) -> None:
    command = [str(STATION), "calibrate", "lights", "--from", "matt-sphere", "--rig", str(rig), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["residuals"]["light_rms_deg"] < 0.3
    calibration = load_calibration(rig)
    for zone in calibration.zones:
        flat_field = read_tiff(rig / f"flat_field_{zone.name}.tiff")
        assert flat_field.dtype == np.float32
        np.testing.assert_array_equal(flat_field, zone.flat_field_dn_per_ms(456, 304))
    report = Path(told["report"]).read_text()
    assert report.count("data:image/png;base64,") == 4  # directions, flat fields, their residuals, angles
    assert "Plate less its flat-field polynomial" in report
    wrong = subprocess.run([*command[:4], "moon", *command[5:]], capture_output=True, text=True, timeout=60, check=False)
    assert wrong.returncode == 2
    assert "mirror-sphere, matt-sphere, plate" in " ".join(wrong.stderr.replace("│", " ").split())
