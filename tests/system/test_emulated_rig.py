"""The shipped emulated rig as a rig engineer uses it: checked, captured and made dark by command, and a part measured through real drivers."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
import yaml
from demo_process import run_cli

from acquisition.capture import Capture
from acquisition.rig_process import RigProcess
from acquisition.simulation.feeder import PartFeeder
from acquisition.simulation.truth import truth_of
from api.composition import open_rig, open_rig_devices, open_station
from api.schemas import Evaluation, StationState
from inference.prediction import Prediction
from inference.sample import D3Sample
from rig_configs.cameras import GenicamCamera
from rig_configs.errors import DeviceUnavailable
from rig_configs.files import SHIPPED, load_rig

PART = "connector_housing_female"


def real_rig(folder: Path) -> Path:
    """The emulated rig without its simulation: real devices, none of which is there."""
    content = yaml.safe_load((SHIPPED / "emulated" / "rig.yaml").read_text())
    del content["simulation"]
    (folder / "rig.yaml").write_text(yaml.safe_dump(content))
    return folder


def test_rig_check_lists_every_device_and_what_the_camera_is_set_to() -> None:
    done = run_cli("rig", "check", "--rig", "emulated", "--json")
    assert done.returncode == 0, done.stderr
    devices = json.loads(done.stdout)
    assert [(d["kind"], d["problem"]) for d in devices] == [("camera", None), ("lights", None), *[("projector", None)] * 4]
    assert [d["model"] for d in devices] == ["d3station Virtual", "RT420-20 (HW02) V031", *["Texas Instruments DLPC900"] * 4]
    nodes = {node["name"]: node for node in devices[0]["nodes"]}
    assert nodes["PixelFormat"] == {"name": "PixelFormat", "value": "BayerRG12", "wanted": "BayerRG12p", "differs": True}
    assert not nodes["Width"]["differs"]
    assert nodes["DeviceSerialNumber"]["wanted"] is None


def test_rig_check_asks_every_device_though_none_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")  # a row a line
    done = run_cli("rig", "check", "--rig", real_rig(tmp_path))
    assert done.returncode == 1
    assert "real devices" in done.stderr
    rows = [line for line in done.stderr.splitlines() if "[device.unavailable." in line]
    for row, (name, code) in zip(
        rows,
        [
            ("camera", "no_producer"),
            *((n, "unplugged") for n in ("lights", "north_east", "north_west", "south_west", "south_east")),
            ("", "no_producer"),
        ],
        strict=True,
    ):
        assert name in row
        assert f"[device.unavailable.{code}]" in row
    assert "Traceback" not in done.stderr


def test_rig_safe_says_what_it_could_not_turn_off(tmp_path: Path) -> None:
    done = run_cli("rig", "safe", "--rig", real_rig(tmp_path))
    assert done.returncode == 1
    assert "[device.unavailable.safe]" in done.stderr
    assert "Projector north_east cannot be opened" in done.stderr


def test_rig_capture_keeps_a_part_and_says_that_it_is_simulated(tmp_path: Path) -> None:
    told = ("--json", "--diagram", tmp_path / "timing.svg")
    done = run_cli("rig", "capture", tmp_path / "capture", "--rig", "emulated", "--recipe", PART, "--data-dir", tmp_path / "data", *told)
    assert done.returncode == 0, done.stderr
    record = Capture(tmp_path / "capture").record
    assert record.is_simulated
    assert record.rig == load_rig("emulated")  # as the file has it, not the addresses of that cell
    report = json.loads(done.stdout)
    assert report["frames"] == len(record.frames)
    cycle = report["cycle"]
    assert [row["shines"] for row in cycle[:2]] == ["nothing", "east"]
    assert sum(row["measured_ms"] for row in cycle) == pytest.approx(record.frames[-1].arrived_ms)
    assert "<svg" in (tmp_path / "timing.svg").read_text()


def test_a_part_is_measured_through_real_drivers_and_the_next_one_after_a_plug_was_out(tmp_path: Path) -> None:
    opened = open_station("emulated", tmp_path, automatic_hand=False)
    station, bench = opened.station, opened.bench
    assert bench is not None
    try:
        PartFeeder(bench, PART).place(None, seed=31)
        bench.unplug("projector3")
        with pytest.raises(DeviceUnavailable, match="south_east"):
            station.reconstruct()
        assert bench.is_dark
        bench.plug_in("projector3")
        result = station.reconstruct()
        assert bench.is_dark
        assert station.state().is_simulated
        truth = truth_of(bench)
    finally:
        station.close()
    seen = truth.object_mask & result.points.valid
    error_um = 1e3 * (result.points.xyz_mm[..., 2] - truth.xyz_mm[..., 2])[seen]
    assert seen.sum() > 0.8 * truth.object_mask.sum()
    assert np.median(np.abs(error_um)) < 10


class EverythingIsGood:
    """Stands where a taught model would."""

    def predict(self, sample: D3Sample) -> Prediction:
        return Prediction(0.1, 1.0, False, np.zeros(sample.foreground.shape, np.float32), (), (), "good", "0" * 64)


def test_an_inspection_whose_rig_process_is_killed_is_not_decidable_and_the_next_part_is_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = open_station("emulated", tmp_path, automatic_hand=False)
    station, bench, rig = opened.station, opened.bench, opened.station.rig
    monkeypatch.setattr(station.models, "model", lambda _: EverythingIsGood())
    assert isinstance(rig, RigProcess)
    killed: list[int] = []

    def kill_while_lit() -> bool:
        if not killed and not bench.is_dark:
            killed.extend(rig.process_ids)
            os.kill(killed[0], signal.SIGKILL)
        return False

    try:
        PartFeeder(bench, PART).place(None, seed=31)
        outcome = station.inspect(PART, cancelled=kill_while_lit)
        assert killed
        assert bench.is_dark
        assert outcome.evaluation is Evaluation.NOT_DECIDABLE
        assert outcome.reason is not None
        assert outcome.reason.code == "device.unavailable.rig_process_died"
        assert station.state().state is StationState.ERROR

        assert station.inspect(PART).evaluation is Evaluation.OK
        assert station.state().state is StationState.READY
        assert set(killed).isdisjoint(rig.process_ids)
        assert bench.is_dark
    finally:
        station.close()
    assert rig.process_ids is None


@pytest.mark.parametrize("where", ["in_this_process", "in_the_rig_process"])
def test_paths_in_a_rig_file_start_where_the_file_is(tmp_path: Path, where: str) -> None:
    config = load_rig(real_rig(tmp_path))
    assert isinstance(config.camera, GenicamCamera)
    assert str(config.camera.producer) == "maker.cti"
    (tmp_path / "maker.cti").write_bytes(b"not a library")
    if where == "in_this_process":
        here = open_rig_devices(config, tmp_path)
        ask, close = lambda: here.devices.camera.info, here.close
        assert here.config == config
    else:
        rig = open_rig(config, tmp_path).rig
        ask, close = rig.describe, rig.close
        assert isinstance(rig, RigProcess)
        assert rig.config == config
    try:
        with pytest.raises(DeviceUnavailable) as caught:
            ask()
    finally:
        close()
    assert caught.value.code == "device.unavailable.producer_failed"
