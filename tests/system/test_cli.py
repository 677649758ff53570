"""The command line: what is wrong is said with its cure and a code, exits non-zero, and leaves nothing half-written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import pytest
from demo_process import CLI, run_cli

from acquisition.simulation.parts import PART_KINDS
from api.cli.demo import RECIPE, needs_teaching
from api.composition import OpenStation
from rig_configs.files import SHIPPED


def contents(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))


def refused(done: subprocess.CompletedProcess[str], code: str, *words: str, status: int = 1) -> None:
    assert done.returncode == status, done.stderr
    assert f"[{code}]" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    for word in words:
        assert word in done.stderr


def test_a_bad_rig_file_is_named_with_key_and_cure(tmp_path: Path) -> None:
    rig = tmp_path / "rig.yaml"
    rig.write_text((SHIPPED / "demo" / "rig.yaml").read_text().replace("width_px: 1368", "widht_px: 1368"))
    before = contents(tmp_path)
    for command in (["rig", "check"], ["calibrate", "all"], ["rig", "safe"]):
        refused(run_cli(*command, "--rig", rig), "rig.invalid", str(rig), "camera.simulated.widht_px: no such key", status=2)
    assert contents(tmp_path) == before


def test_an_unknown_rig_names_those_there_are() -> None:
    refused(run_cli("rig", "check", "--rig", "dmeo"), "rig.invalid.missing", "dmeo", "demo", status=2)


def test_an_unknown_part_names_those_there_are(tmp_path: Path) -> None:
    for command in (["teach", "gizmo"], ["inspect", "gizmo"], ["demo", "--once", "--recipe", "gizmo"]):
        refused(run_cli(*command, "--data-dir", tmp_path / "data"), "not_found.recipe", "gizmo", *PART_KINDS)
    assert not (tmp_path / "data" / "models").exists()


def test_a_missing_model_says_how_to_teach(tmp_path: Path) -> None:
    done = run_cli("inspect", "connector_housing_female", "--data-dir", tmp_path)
    refused(done, "model.invalid.missing", "d3station teach connector_housing_female")


def test_a_damaged_model_is_refused(data_dir: Path) -> None:
    tensors = next(data_dir.glob("models/*/*/*.safetensors"))
    data = bytearray(tensors.read_bytes())
    data[len(data) // 2] ^= 1
    tensors.write_bytes(data)
    refused(run_cli("inspect", "fork_crimp_terminal", "--data-dir", data_dir), "model.invalid.damaged", str(tensors))


def test_the_demo_teaches_again_what_another_version_taught(opened: OpenStation, data_dir: Path) -> None:
    assert needs_teaching(opened, "connector_housing_female")
    description = next(data_dir.glob("models/*/*/model.json"))
    old = json.loads(description.read_text()) | {"format": "d3station-d3m/3"}
    before, after = sha256(description.read_bytes()).hexdigest(), json.dumps(old).encode()
    description.write_bytes(after)
    sums = description.with_name("sha256sums")
    sums.write_text(sums.read_text().replace(before, sha256(after).hexdigest()))
    assert needs_teaching(opened, RECIPE)


def test_what_is_not_a_capture_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    refused(run_cli("reconstruct", tmp_path, "--out", tmp_path / "out"), "capture.invalid.missing", str(tmp_path))
    assert contents(tmp_path) == []


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for command in (["access", "link"], ["db", "upgrade"]):
        refused(run_cli(*command, "--data-dir", tmp_path / "file" / "data"), "system", str(tmp_path / "file"))
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_capture_folder_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "note.txt").write_text("keep")
    refused(run_cli("rig", "capture", tmp_path / "mine", "--data-dir", tmp_path / "data"), "capture.invalid.exists")
    assert (tmp_path / "mine" / "note.txt").read_text() == "keep"


def test_an_interrupted_teach_leaves_no_model(tmp_path: Path) -> None:
    with subprocess.Popen([*CLI, "teach", "fork_crimp_terminal", "--data-dir", str(tmp_path)], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "part 1 of" in line:
                break
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert process.returncode == 130
    assert "job.cancelled" in rest
    assert "--resume goes on after them" in rest
    assert not (tmp_path / "models" / "fork_crimp_terminal").exists()


def test_version_and_openapi_are_what_is_installed() -> None:
    assert run_cli("version").stdout.strip() == version("d3station")
    assert run_cli("openapi").stdout == Path("api/openapi.json").read_text(encoding="utf-8")


def test_rig_check_describes_every_device() -> None:
    devices = json.loads(run_cli("rig", "check", "--json").stdout)
    assert [d["kind"] for d in devices] == ["camera", "lights", *["projector"] * 4]


def test_access_prints_a_link_once_and_a_key_once(tmp_path: Path) -> None:
    link = run_cli("access", "link", "--role", "operator", "--url", "http://station:9000", "--data-dir", tmp_path)
    assert link.stdout.startswith("http://station:9000/#/sign-in/")
    assert run_cli("access", "key", "line-3", "--data-dir", tmp_path).stdout.strip()
    refused(run_cli("access", "key", "line-3", "--data-dir", tmp_path), "conflict.key_name", "line-3")
    assert run_cli("access", "revoke", "line-3", "--data-dir", tmp_path).returncode == 0


@pytest.mark.parametrize("command", [[], ["rig"], ["calibrate"], ["access"], ["db"]])
def test_every_command_has_help(command: list[str]) -> None:
    done = subprocess.run([*CLI, *command, "--help"], capture_output=True, text=True, env={**os.environ, "COLUMNS": "200"}, check=False)
    assert done.returncode == 0
    assert "Usage" in done.stdout
