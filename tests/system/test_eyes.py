"""One, two and four eyes as anyone chooses them: of a capture that is there, or for every capture of a rig."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from known_rig import write_known_rig
from typer.testing import CliRunner

from acquisition.capture import Capture
from acquisition.simulation.feeder import PartFeeder
from api.cli.main import app
from api.composition import open_station
from rig_configs.errors import ReconstructionError, RigFileError
from rig_configs.files import load_rig


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_known_rig(tmp_path_factory.mktemp("rig"))


def scan(rig: Path, folder: Path) -> Path:
    opened = open_station(str(rig), folder, automatic_hand=False)
    assert opened.bench is not None
    PartFeeder(opened.bench, "connector_housing_female").place(None, seed=3)
    opened.station.reconstruct(keep=folder / "capture")
    opened.station.close()
    return folder / "capture"


@pytest.fixture(scope="module")
def capture(rig: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scan(rig, tmp_path_factory.mktemp("capture"))


def reconstruct(rig: Path, capture: Path, out: Path, *arguments: str) -> dict[str, Any]:
    done = CliRunner().invoke(app, ["reconstruct", str(capture), "--rig", str(rig), "--out", str(out), "--json", *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def test_a_capture_is_reconstructed_with_one_two_or_four_eyes(rig: Path, capture: Path, tmp_path: Path) -> None:
    reports = [reconstruct(rig, capture, tmp_path / str(i), *a) for i, a in enumerate((["--projectors", "1"], ["--projectors", "2"], []))]
    assert [list(r["coverage"]["projectors"]) for r in reports] == [
        ["north_east"],
        ["north_east", "south_west"],
        ["north_east", "north_west", "south_west", "south_east"],
    ]
    covered = [r["coverage"]["fused"] for r in reports]
    assert covered == sorted(set(covered))
    assert reports[0]["coverage"]["agreed"] == 0
    assert 0 < reports[1]["coverage"]["agreed"] < reports[2]["coverage"]["agreed"]
    named = reconstruct(rig, capture, tmp_path / "named", "--projectors", "south_west, north_east")
    assert named["coverage"] == reports[1]["coverage"]


@pytest.mark.parametrize("wanted", ["north", "0", "5", ""])
def test_projectors_that_there_are_not_are_refused_with_those_there_are(rig: Path, capture: Path, tmp_path: Path, wanted: str) -> None:
    with pytest.raises(ReconstructionError) as told:
        reconstruct(rig, capture, tmp_path, "--projectors", f"{wanted}")
    assert told.value.code == "reconstruction.failed.projectors"
    assert "north_east, north_west, south_west, south_east" in told.value.cure


def test_a_rig_of_two_eyes_captures_and_measures_with_these_alone(rig: Path, capture: Path, tmp_path: Path) -> None:
    content = yaml.safe_load((rig / "rig.yaml").read_text())
    content["sequence"]["projectors"] = ["south_east", "north_west"]
    (tmp_path / "rig.yaml").write_text(yaml.safe_dump(content))
    (tmp_path / "calibration.yaml").write_bytes((rig / "calibration.yaml").read_bytes())
    two = scan(tmp_path, tmp_path)
    fringes = len(Capture(capture)) - 5
    assert len(Capture(two)) == 5 + fringes // 2
    assert list(reconstruct(tmp_path, two, tmp_path / "out")["coverage"]["projectors"]) == ["north_west", "south_east"]
    with pytest.raises(ReconstructionError, match="'north_east' is none of this capture's projectors"):
        reconstruct(tmp_path, two, tmp_path / "out", "--projectors", "north_east")
    content["sequence"]["projectors"] = ["northwest"]
    (tmp_path / "rig.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(RigFileError, match="'northwest'; name some of north_east, north_west"):
        load_rig(tmp_path)
