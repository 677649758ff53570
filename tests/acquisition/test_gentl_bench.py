"""The simulated bench behind the virtual GenTL camera: what the in-process camera sees, through the C interface and the real driver."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from acquisition.capture import Frame
from acquisition.drivers.genicam_camera import GenicamCamera
from acquisition.drivers.simulated import open_simulated
from acquisition.rig import Rig
from acquisition.sequence import Sequence, inspection_sequence
from acquisition.simulation import artefacts
from acquisition.simulation.gentl.bench_scene import SWITCHED_ON_NS, BenchScene, virtual_identity
from acquisition.simulation.gentl.scene_server import SceneServer
from rig_configs.cameras import GenicamCamera as Config
from rig_configs.errors import D3Error, DeviceUnavailable, RigFileError
from rig_configs.files import load_rig
from rig_configs.schema import RigConfig


def small_rig(*faults: dict[str, Any], pixel_format: str = "Mono12") -> RigConfig:
    rig = load_rig("demo").model_dump(mode="json")
    rig["simulation"]["faults"] = faults
    rig["camera"] |= {"width_px": 96, "height_px": 64, "pixel_format": pixel_format}
    rig["timing"]["frame_timeout_s"] = 0.6
    return RigConfig.model_validate(rig)


@pytest.fixture(scope="module")
def sequence() -> Sequence:
    """One fringe pattern for each of four projectors, 9 frames in all."""
    column = np.arange(1280) * 2 * np.pi / 40
    pattern = np.tile((127.5 * (1 + np.cos(column))).astype(np.uint8), (800, 1))
    return inspection_sequence(small_rig(), [[pattern]] * 4)


def through_gentl(config: RigConfig, server: SceneServer, wire: str) -> Config:
    fields = config.camera.model_dump() | {"driver": "genicam", "producer": server.producer, "serial": "D3-0001", "wire_format": wire}
    return Config.model_validate(fields)


Scans = list[tuple[str | None, list[Frame]]]


def scans(config: RigConfig, sequence: Sequence, count: int, wire: str | None = None) -> Scans:
    """What each of some scans ended with, and its frames; through the virtual camera where a wire format is named."""
    camera, lights, projectors, bench = open_simulated(config, noise_seed=3)
    bench.place(artefacts.white_plate())
    # The first picture takes its time, for the bench traces its rays then and compiles its kernels.
    bench.set_zone(0)
    bench.set_pattern(0, sequence.patterns[0][0])
    bench.expose(1000.0)
    bench.set_zone(None)
    bench.set_pattern(0, None)
    bench.reseed(3)
    seen: Scans = []

    def do(rig: Rig) -> None:
        for _ in range(count):
            frames: list[Frame] = []
            code = None
            try:
                frames.extend(rig.scan(sequence))
            except D3Error as fault:
                code = fault.code
            assert bench.is_dark
            seen.append((code, frames))
        rig.close()

    if wire is None:
        do(Rig(config, camera, lights, projectors))
        return seen
    who = virtual_identity(Config.model_validate(config.camera.model_dump() | {"driver": "genicam", "serial": "D3-0001"}))
    with SceneServer(BenchScene(bench, config), who) as server:
        do(Rig(config, GenicamCamera(through_gentl(config, server, wire)), lights, projectors))
    return seen


@pytest.mark.parametrize(("pixel_format", "wire"), [("Mono12", "Mono12p"), ("BayerRG8", "BayerRG8")])
def test_a_scan_is_the_in_process_cameras_bit_for_bit(pixel_format: str, wire: str, sequence: Sequence) -> None:
    config = small_rig(pixel_format=pixel_format)
    for (code, expected), (end, got) in zip(scans(config, sequence, 2), scans(config, sequence, 2, wire), strict=True):
        assert code is end is None
        assert len(got) == len(sequence)
        for mine, theirs in zip(got, expected, strict=True):
            np.testing.assert_array_equal(mine.pixels, theirs.pixels)
            assert (mine.step, mine.timestamp_ns - SWITCHED_ON_NS, mine.exposure_us) == (theirs.step, theirs.timestamp_ns, theirs.exposure_us)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"kind": "dropped", "frame": 5}, "device.frame_fault.gap"),
        ({"kind": "late", "frame": 5}, "device.frame_timeout"),
        ({"kind": "duplicated", "frame": 5}, "device.frame_fault.duplicate"),
        ({"kind": "incomplete", "frame": 5}, "device.frame_fault.incomplete"),
        ({"kind": "saturated", "frame": 5}, "device.frame_fault.saturated"),
        ({"kind": "unplugged", "device": "camera", "frame": 5}, "device.unavailable.gone"),
        ({"kind": "unplugged", "device": "camera"}, "device.unavailable.gone"),
    ],
)
def test_a_fault_of_the_bench_ends_the_scan_and_the_next_is_whole(fault: dict[str, Any], code: str, sequence: Sequence) -> None:
    ended = scans(small_rig(fault | {"scan": 2}), sequence, 3, "Mono12")
    assert [end for end, _ in ended] == [None, code, None]
    assert len(ended[2][1]) == len(sequence)


def test_a_sensor_that_the_bench_has_not_is_refused() -> None:
    camera = load_rig("demo").camera.model_dump() | {"driver": "genicam", "serial": "1", "pixel_format": "BayerGB8"}
    with pytest.raises(RigFileError, match="BayerGB8"):
        virtual_identity(Config.model_validate(camera))


_CELL = """
import sys, time
from pathlib import Path
from acquisition.simulation.gentl.scene_server import SceneServer
from rig_configs.cameras import PixelFormat
from tests.acquisition.gentl_scenes import PaintedScene, identity
with SceneServer(PaintedScene(PixelFormat.MONO12), identity(), Path(sys.argv[1])):
    print("there", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def cell(tmp_path: Path) -> Callable[[], subprocess.Popen[str]]:
    """Starts a process with a virtual camera in it."""

    def start() -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", _CELL, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": "."},
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "there\n"
        return process

    return start


def test_a_cell_in_a_process_of_its_own_may_be_killed_and_started_again(cell: Callable[[], subprocess.Popen[str]], tmp_path: Path) -> None:
    def end(process: subprocess.Popen[str], how: int) -> None:
        process.send_signal(how)
        process.communicate(timeout=10)

    fields = {"driver": "genicam", "producer": tmp_path / "d3station.cti", "serial": "A1", "width_px": 78, "height_px": 66, "pixel_format": "Mono12"}
    config = Config.model_validate(fields | {"nominal": {"working_distance_mm": 100, "field_width_mm": 40}})
    process = cell()
    camera = GenicamCamera(config)
    try:
        camera.arm(2)
        camera.trigger(5000.0)
        first = camera.fetch(5.0)
        end(process, signal.SIGKILL)
        with pytest.raises(DeviceUnavailable) as caught:
            camera.trigger(5000.0)
        assert caught.value.code == "device.unavailable.gone"
        with pytest.raises(DeviceUnavailable) as caught:
            camera.arm(1)
        assert caught.value.code == "device.unavailable.not_found"
        process = cell()
        camera.arm(1)
        camera.trigger(5000.0)
        np.testing.assert_array_equal(camera.fetch(5.0).pixels, first.pixels)
    finally:
        camera.close()
        end(process, signal.SIGKILL)
