"""Light models are compared on simulated objects by one command."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from known_rig import write_known_rig

from api.normals_benchmark import run
from rig_configs.errors import RigFileError
from rig_configs.files import SHIPPED

STATION = Path(sys.executable).with_name("d3station")
KNOWN = {"plane", "sphere", "cone"}
"""Matt ones: of a part of plastic, the gloss counts more than the light model."""


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, str]:
    folder = tmp_path_factory.mktemp("rig")
    command = [str(STATION), "benchmark", "normals", "--rig", str(write_known_rig(folder)), "--json", "-", "--markdown", str(folder / "table.md")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), (folder / "table.md").read_text()


def means_deg(report: dict, place: str, model: str) -> np.ndarray:
    found = {s["object"]: s["mean_deg"] for s in report["scores"] if s["place"] == place and s["model"] == model}
    return np.array([found[name] for name in sorted(KNOWN)])


def test_the_cloud_s_heights_make_near_light_exact_all_over_the_field(scored: tuple[dict, str]) -> None:
    report, _ = scored
    for place in ("middle", "corners"):
        assert means_deg(report, place, "near_cloud").max() < 0.6


def test_near_light_beats_constant_directions_at_the_corners(scored: tuple[dict, str]) -> None:
    report, _ = scored
    constant, near = means_deg(report, "corners", "constant"), means_deg(report, "corners", "near_cloud")
    assert (near < constant).all()
    assert near.mean() < 0.5 * constant.mean()
    assert means_deg(report, "corners", "near_plane").mean() < constant.mean()


def test_the_part_s_matt_surfaces_are_within_a_degree_and_a_half(scored: tuple[dict, str]) -> None:
    report, table = scored
    (part,) = {s["object"] for s in report["scores"]} - KNOWN
    (middle,) = [s for s in report["scores"] if s["object"] == part and s["place"] == "middle" and s["model"] == "near_cloud"]
    assert middle["median_deg"] < 1.5
    assert middle["pixels"] > 5000
    assert f"| {part} | middle |" in table
    assert len(table.splitlines()) == 2 + 2 * len({s["object"] for s in report["scores"]})


def test_a_rig_that_is_not_simulated_has_no_truth(tmp_path: Path) -> None:
    content = yaml.safe_load((SHIPPED / "demo" / "rig.yaml").read_text())
    del content["simulation"]
    content["camera"]["capture"] = "capture"
    for device in (content["camera"], content["lights"], *content["projectors"]):
        device["driver"] = "replay"
    (tmp_path / "rig.yaml").write_text(yaml.safe_dump(content))
    shutil.copy(SHIPPED / "demo" / "calibration.yaml", tmp_path)
    with pytest.raises(RigFileError, match="nobody knows the true normals"):
        run(tmp_path, 0, lambda *_: None)
