"""The real drivers in a rig process, before an emulated cell: the cell sees that all goes dark."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest

from acquisition.rig_process import RigProcess
from acquisition.sequence import Sequence
from acquisition.simulation.cell_process import CellProcess
from rig_configs.errors import DeviceUnavailable
from tests.acquisition.emulated_rig import emulated_rig, opened, short_sequence
from tests.acquisition.process_rig import wait_until


def test_real_drivers_in_a_rig_process_give_the_same_frames_and_are_dark_after_its_kill() -> None:
    config = emulated_rig()
    sequence = short_sequence(config)
    with opened(config) as (rig, cell):
        expected = [frame.pixels for frame in rig.scan(sequence)]
        rig.close()
        cell.reseed(3)
        with RigProcess.of_devices(config, cell.rig) as process:
            assert process.config == config
            assert [device.kind for device in process.describe()] == ["camera", "lights", "projector", "projector"]
            for mine, frame in zip(expected, process.scan(sequence), strict=True):
                np.testing.assert_array_equal(frame.pixels, mine)
            assert cell.is_dark
            _kill_in_a_scan(process, cell, sequence)
        assert cell.is_dark


def test_a_projector_that_was_off_between_two_scans_is_loaded_again_and_one_that_stays_off_is_told() -> None:
    config = emulated_rig()
    sequence = short_sequence(config)
    with CellProcess(config, noise_seed=3) as cell, RigProcess.of_devices(config, cell.rig) as process:
        expected = [frame.pixels.astype(float) for frame in process.scan(sequence)]
        cell.unplug("projector1")
        cell.plug_in("projector1")
        cell.reseed(3)
        for before, frame in zip(expected, process.scan(sequence), strict=True):
            assert np.abs(frame.pixels - before).mean() < 0.02 * before.mean()  # lamps drift from scan to scan
        cell.unplug("projector1")
        with pytest.raises(DeviceUnavailable, match="north_west") as caught:
            list(process.scan(sequence))
        assert caught.value.code == "device.unavailable.unplugged"


def _kill_in_a_scan(process: RigProcess, cell: CellProcess, sequence: Sequence) -> None:
    scan = process.scan(sequence)
    next(scan)
    wait_until(lambda: not cell.is_dark, "never lit")
    assert process.process_ids is not None
    os.kill(process.process_ids[0], signal.SIGKILL)
    print(f"dark {wait_until(lambda: cell.is_dark, 'still lit'):.3f} s after the kill")
    with pytest.raises(DeviceUnavailable, match="Lights and projectors were turned off") as caught:
        list(scan)
    assert caught.value.code == "device.unavailable.rig_process_died"
