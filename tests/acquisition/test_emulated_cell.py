"""A camera, lights and projectors behind their real drivers show what the in-process devices show, bit for bit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from emulated_rig import emulated_rig, in_process_twin, opened, short_sequence
from numpy.typing import NDArray

from acquisition.capture import Frame
from acquisition.drivers.dlp_planes import flash_images
from acquisition.drivers.open_devices import open_devices
from acquisition.drivers.simulated import open_simulated
from acquisition.rig import Rig
from acquisition.simulation.artefacts import white_plate
from acquisition.simulation.bench import Bench
from acquisition.simulation.cell_process import CellProcess
from acquisition.simulation.feeder import PartFeeder
from acquisition.simulation.gentl.bench_scene import SWITCHED_ON_NS
from acquisition.simulation.truth import defect_mask
from rig_configs.errors import Conflict, RigFileError
from rig_configs.files import load_rig
from rig_configs.schema import RigConfig

PART, DEFECT = "connector_housing_female", "stain"


def in_process(config: RigConfig, scans: int) -> list[Frame]:
    twin = in_process_twin(config)
    camera, lights, projectors, bench = open_simulated(twin, noise_seed=3)
    PartFeeder(bench, PART).place(DEFECT, seed=8)
    rig, sequence = Rig(twin, camera, lights, projectors), short_sequence(twin)
    return [frame for _ in range(scans) for frame in rig.scan(sequence)]


@pytest.fixture(scope="module")
def cell_and_rig() -> Iterator[tuple[CellProcess, Rig]]:
    """A Bayer camera, packed, and a Gardasoft controller."""
    with opened(emulated_rig()) as (rig, cell):
        yield cell, rig


def assert_same_frames(rig: Rig, cell: CellProcess) -> None:
    """Two scans of the same part, through the drivers and in process."""
    sequence = short_sequence(rig.config)
    PartFeeder(cell, PART).place(DEFECT, seed=8)
    cell.reseed(3)
    got = [frame for _ in range(2) for frame in rig.scan(sequence)]
    assert cell.is_dark
    expected = in_process(rig.config, 2)
    assert len(got) == len(expected) == 2 * len(sequence)
    for mine, theirs in zip(got, expected, strict=True):
        np.testing.assert_array_equal(mine.pixels, theirs.pixels)
        assert (mine.step, mine.timestamp_ns - SWITCHED_ON_NS, mine.exposure_us) == (theirs.step, theirs.timestamp_ns, theirs.exposure_us)


def test_the_same_part_gives_the_same_frames_bit_for_bit(cell_and_rig: tuple[CellProcess, Rig]) -> None:
    cell, rig = cell_and_rig
    assert_same_frames(rig, cell)
    assert defect_mask(cell).any()  # whoever scores sees the same truth


def test_other_devices_give_the_same_frames_too(tmp_path: Path) -> None:
    config = emulated_rig(pixel_format="Mono8", wire_format="Mono8", protocol={"name": "ccs"}, flash=tmp_path)
    flash_images(short_sequence(config).patterns[0], tmp_path)
    with opened(config) as (rig, cell):
        assert rig.describe()[2].model == "Texas Instruments DLPC350"
        assert_same_frames(rig, cell)


def test_projectors_that_trigger_the_camera_give_the_same_frames_too() -> None:
    with opened(emulated_rig(projectors_play=True)) as (rig, cell):
        assert_same_frames(rig, cell)


def test_flashes_light_the_exposures_of_their_zone_as_long_as_they_last() -> None:
    def zone_frames(**mode: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        with opened(emulated_rig(pixel_format="Mono12", wire_format="Mono12", mode=mode)) as (rig, cell):
            cell.place(white_plate())
            cell.reseed(3)
            frames = [frame.pixels.astype(np.float64) for frame in rig.scan(short_sequence(rig.config))]
            assert cell.is_dark
            return frames[0], np.array(frames[1:5])

    dark, steady = zone_frames(kind="continuous")
    _, flashed = zone_frames(kind="strobe", pulse_us=2000, delay_us=100, period_us=40_000)  # of 8000 µs exposure
    light = (flashed - dark).sum(axis=(1, 2)) / (steady - dark).sum(axis=(1, 2))
    np.testing.assert_allclose(light, 0.25, rtol=0.02)


def test_what_lies_on_the_bench_stays_there_during_a_scan(cell_and_rig: tuple[CellProcess, Rig]) -> None:
    cell, rig = cell_and_rig
    scan = rig.scan(short_sequence(rig.config))
    next(scan)
    with pytest.raises(Conflict) as caught:
        cell.place(None, timeout_s=0.01)
    scan.close()
    assert caught.value.code == "conflict.scan_running"
    assert "place the part again" in caught.value.cure
    assert cell.is_dark


def test_another_seed_is_another_noise(cell_and_rig: tuple[CellProcess, Rig]) -> None:
    cell, rig = cell_and_rig
    sequence = short_sequence(rig.config)
    cell.place(None)

    def scan(seed: int) -> list[Frame]:
        cell.reseed(seed)
        return list(rig.scan(sequence))

    first, second, again = scan(1), scan(2), scan(1)
    assert not np.array_equal(first[0].pixels, second[0].pixels)
    np.testing.assert_array_equal(first[-1].pixels, again[-1].pixels)


_STATION = """
import sys
from acquisition.simulation.cell_process import CellProcess
from tests.acquisition.emulated_rig import emulated_rig
cell = CellProcess(emulated_rig())
print(cell.process_id, cell.rig.camera.producer, flush=True)
sys.stdin.read()
"""


def test_the_cell_ends_with_a_station_that_is_killed_and_leaves_nothing() -> None:
    station = subprocess.Popen(
        [sys.executable, "-c", _STATION], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": "."}
    )
    assert station.stdout is not None
    number, producer = station.stdout.readline().split()
    cell = psutil.Process(int(number))
    os.kill(cell.pid, signal.SIGTERM)  # as the whole group gets it when a service ends: the station still needs the cell to go dark
    assert Path(producer).is_file()
    station.send_signal(signal.SIGKILL)
    station.communicate(timeout=20)
    psutil.wait_procs([cell], timeout=20)
    assert not cell.is_running()
    assert not Path(producer).exists()


def test_a_rig_that_cannot_be_emulated_is_told_why_through_the_pipe() -> None:
    with pytest.raises(RigFileError, match="BayerGB8"):
        CellProcess(emulated_rig(pixel_format="BayerGB8", wire_format="BayerGB8"))


def test_a_simulated_device_has_no_real_driver() -> None:
    with pytest.raises(RigFileError) as caught:
        open_devices(load_rig("demo"))
    assert caught.value.code == "rig.invalid.not_real"


def test_two_zones_at_once_give_the_light_of_both_each_as_strong_as_it_is_set() -> None:
    bench = Bench(in_process_twin(emulated_rig()))

    def light(levels: dict[int, float]) -> float:
        bench.set_zones(levels)
        return float(bench.expose(4000.0).pixels.mean())

    dark = light({})
    one, other, both, half = (light(levels) - dark for levels in ({0: 1.0}, {1: 1.0}, {0: 1.0, 1: 1.0}, {0: 0.5}))
    assert both == pytest.approx(one + other, rel=0.02)
    assert half == pytest.approx(one / 2, rel=0.02)
    assert not bench.is_dark
    assert light({0: 0.0}) == pytest.approx(dark, abs=1)
    assert bench.is_dark
