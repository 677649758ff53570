"""The shipped emulated rig as a rig engineer uses it: checked, captured and made dark by command, and a part measured through real drivers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from demo_process import run_cli

from acquisition.capture import Capture
from acquisition.simulation.feeder import PartFeeder
from acquisition.simulation.truth import truth_of
from api.composition import open_rig_devices, open_station
from rig_configs.cameras import GenicamCamera
from rig_configs.errors import DeviceUnavailable
from rig_configs.files import SHIPPED, load_rig
from rig_configs.schema import RigConfig

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
    done = run_cli("rig", "capture", tmp_path / "capture", "--rig", "emulated", "--recipe", PART, "--data-dir", tmp_path / "data")
    assert done.returncode == 0, done.stderr
    record = Capture(tmp_path / "capture").record
    assert record.is_simulated
    assert record.rig == load_rig("emulated")  # as the file has it, not the addresses of that cell
    assert f"{len(record.frames)} frames" in done.stderr


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


def test_paths_in_a_rig_file_start_where_the_file_is(tmp_path: Path) -> None:
    config = load_rig(real_rig(tmp_path))
    (tmp_path / "maker.cti").write_bytes(b"not a library")
    opened = open_rig_devices(config, tmp_path)
    try:
        with pytest.raises(DeviceUnavailable) as caught:
            opened.devices.camera.arm(1)
    finally:
        opened.close()
    assert caught.value.code == "device.unavailable.producer_failed"
    assert isinstance(config.camera, GenicamCamera)
    assert str(config.camera.producer) == "maker.cti"
    assert isinstance(opened.config, RigConfig)
