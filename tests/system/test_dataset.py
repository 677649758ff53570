"""Data sets of a small rig that calibrated itself: complete, right, the same whatever the number of processes, and able to go on."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import open3d as o3d
import psutil
import pytest
from demo_process import CLI, run_cli
from small_rig import calibrate_small_rig, write_small_rig

from acquisition.simulation.parts import DAMAGE, PART_KINDS
from inference.datasets.dataset import Split
from inference.datasets.names import LIGHTS
from inference.datasets.real_iad_d3 import RAW_FOLDER, RealIadD3

COUNTS = ["--train-good", "1", "--test-good", "1", "--per-defect", "1", "--seed", "5"]
TWO = ["--categories", "knob_cap,fork_crimp_terminal", *COUNTS]


@pytest.fixture(scope="module")
def small_rig(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo rig at a quarter of its pixels a side, calibrated from its own captures."""
    folder = write_small_rig(tmp_path_factory.mktemp("small"), "small", 342)
    calibrate_small_rig(folder)
    return folder


def digests(root: Path) -> dict[str, str]:
    return {str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(root.rglob("*")) if p.is_file()}


def generate(out: Path, rig: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_cli("dataset", "generate", "--out", out, "--rig", rig, *arguments, timeout_s=500)


@pytest.fixture(scope="module")
def two(small_rig: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two categories, by one process without an interruption."""
    out = tmp_path_factory.mktemp("two") / "set"
    done = generate(out, small_rig, *TWO)
    assert done.returncode == 0, done.stderr
    return out


def test_every_part_with_every_defect_makes_a_set_that_is_right(small_rig: Path, tmp_path: Path) -> None:
    out = tmp_path / "all"
    done = generate(out, small_rig, "--categories", "all", *COUNTS, "--fidelity", "geometry", "--jobs", "2", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    wanted = {name: {"OK": 1} | dict.fromkeys(kind.defects, 1) for name, kind in PART_KINDS.items()}
    assert report["samples"] == report["made"] == sum(1 + len(classes) for classes in wanted.values()) == 20 * 2 + 69
    noise = report["noise"]
    for scanned, modelled in (noise["held_out"]["median_error_um"], noise["held_out"]["p95_error_um"]):
        assert modelled == pytest.approx(scanned, rel=0.35)
    assert (out / "contact_sheet.png").stat().st_size > 100_000

    checked = run_cli("dataset", "check", out, "--json")
    found = json.loads(checked.stdout)
    assert checked.returncode == 0, checked.stderr
    assert {f["code"] for f in found["findings"]} <= {"split_empty"}
    assert {c["category"]: c["samples"]["test"] for c in found["categories"]} == wanted
    assert all(c["samples"]["train"] == {"OK": 1} for c in found["categories"])


def test_a_sample_is_what_the_solvers_made_of_its_scan(two: Path, small_rig: Path) -> None:
    from api.datasets.making import SampleMaker
    from api.datasets.plan import PlannedSample

    dataset = RealIadD3(two)
    (bad,) = [s for s in dataset.samples("knob_cap", Split.TEST) if s.sample_id.anomaly_class == "burr"]
    maker = SampleMaker(small_rig, {"knob_cap": PART_KINDS["knob_cap"]})
    made = maker.make(PlannedSample(bad.sample_id, Split.TEST), 5)
    maker.close()
    loaded = bad.load()
    assert np.array_equal(loaded.xyz_mm, made.xyz_mm, equal_nan=True)
    assert made.mask is not None
    assert np.array_equal(bad.load_mask(), made.mask)
    assert loaded.foreground[made.mask].mean() > 0.5
    # Each zone shines from its own side, and L05 shows all of them.
    zones = [made.lights[name][loaded.foreground].astype(float) for name in LIGHTS]
    for one in range(4):
        for other in range(one):
            assert np.abs(zones[one] - zones[other]).mean() > 3
    assert np.abs(np.mean(zones[:4], axis=0) - zones[4]).mean() < 30


def test_two_processes_make_the_same_bytes_as_one(two: Path, small_rig: Path, tmp_path: Path) -> None:
    done = generate(tmp_path / "set", small_rig, *TWO, "--jobs", "2")
    assert done.returncode == 0, done.stderr
    assert digests(tmp_path / "set") == digests(two)


def written(out: Path) -> int:
    return sum(1 for p in (out / RAW_FOLDER).rglob("S0*")) if (out / RAW_FOLDER).is_dir() else 0


def interrupted(out: Path, rig: Path, arguments: Sequence[str], stop: Callable[[subprocess.Popen[bytes]], None]) -> tuple[int, list[psutil.Process]]:
    """Start a run, stop it when two samples are written, and wait for it; its exit status and its processes."""
    process = subprocess.Popen([*CLI, "dataset", "generate", "--out", str(out), "--rig", str(rig), *arguments], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 240
        while written(out) < 2:
            assert process.poll() is None
            assert time.monotonic() < deadline
            os.sched_yield()
            psutil.wait_procs([], 0.01)
        children = psutil.Process(process.pid).children(recursive=True)
        stop(process)
        return process.wait(60), children
    finally:
        process.kill()


def test_a_killed_run_is_gone_on_with(two: Path, small_rig: Path, tmp_path: Path) -> None:
    out = tmp_path / "set"
    _, children = interrupted(out, small_rig, [*TWO, "--jobs", "2"], lambda process: process.kill())
    assert psutil.wait_procs(children, 20)[1] == []  # the workers end with whom they worked for
    assert not (out / "realiad_d3_jsons").exists()
    there = written(out)
    assert 2 <= there < 9

    refused = generate(out, small_rig, *TWO[:-1], "6")
    assert refused.returncode == 1
    assert "conflict.other_arguments" in refused.stderr
    assert "seed is 5 there, 6 now" in refused.stderr

    done = generate(out, small_rig, *TWO, "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["made"] == report["samples"] - there
    assert digests(out) == digests(two)


def test_ctrl_c_ends_the_workers_and_keeps_what_is_whole(small_rig: Path, tmp_path: Path) -> None:
    out = tmp_path / "set"
    status, children = interrupted(out, small_rig, [*TWO, "--jobs", "2"], lambda process: process.send_signal(signal.SIGINT))
    assert status == 130
    assert psutil.wait_procs(children, 20)[1] == []
    assert all(len(list(p.iterdir())) >= 8 for p in (out / RAW_FOLDER).rglob("S0*"))


def test_a_finished_set_is_left_as_it_is(two: Path, small_rig: Path) -> None:
    before = digests(two)
    done = generate(two, small_rig, *TWO, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["made"] == 0
    assert digests(two) == before


def test_a_mesh_of_the_users_makes_a_set_with_the_defects_of_any_body(small_rig: Path, tmp_path: Path) -> None:
    bracket = o3d.geometry.TriangleMesh.create_box(12, 8, 3)
    bracket.compute_vertex_normals()
    o3d.io.write_triangle_mesh(str(tmp_path / "My bracket.stl"), bracket)
    counts = ["--train-good", "0", "--test-good", "1", "--per-defect", "1"]
    done = generate(tmp_path / "set", small_rig, "--mesh", str(tmp_path / "My bracket.stl"), "--mesh-material", "nylon", *counts, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["samples"] == 1 + len(DAMAGE)
    samples = list(RealIadD3(tmp_path / "set").samples("my_bracket"))
    assert {s.sample_id.anomaly_class for s in samples} == {"OK", *DAMAGE}
    good = samples[0].load()
    assert np.nanmedian(good.xyz_mm[..., 2][good.foreground]) == pytest.approx(3, abs=0.1)


def test_what_cannot_be_generated_is_said(small_rig: Path, tmp_path: Path) -> None:
    for arguments, code in (
        (["--categories", "teapot"], "not_found.part"),
        (["--mesh", str(tmp_path / "teapot.stl")], "rig.invalid.mesh"),
        (["--train-good", "0", "--test-good", "0", "--per-defect", "0"], "unprocessable.empty"),
        (["--categories", "knob_cap", "--train-good", "90000"], "conflict.disk_space"),
    ):
        done = generate(tmp_path / "set", small_rig, *arguments)
        assert done.returncode != 0
        assert f"[{code}]" in done.stderr
        assert "Traceback" not in done.stderr
        assert not list(tmp_path.rglob("*.jpg"))


def test_a_check_fails_on_errors_alone(two: Path, tmp_path: Path) -> None:
    assert run_cli("dataset", "check", tmp_path).returncode == 1
    sample = next(RealIadD3(two).samples("knob_cap"))
    content = sample.ps.read_bytes()
    sample.ps.write_bytes(b"")
    try:
        done = run_cli("dataset", "check", two)
    finally:
        sample.ps.write_bytes(content)
    assert done.returncode == 1
    assert "file_unreadable" in done.stderr
    assert "sample_twice" not in done.stderr
