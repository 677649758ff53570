"""What fails in a cell of real drivers ends the scan with its reason and everything dark, and the next scan is whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from emulated_rig import emulated_rig, opened, short_sequence

from acquisition.capture import Frame
from acquisition.rig import Rig
from acquisition.sequence import Sequence
from acquisition.simulation.artefacts import white_plate
from acquisition.simulation.cell_process import CellProcess
from acquisition.simulation.light_controllers import LineFault
from rig_configs.errors import DeviceError
from rig_configs.simulation import FaultKind

Fault = Callable[[CellProcess], None]
BEFORE, AT_A_ZONE, AT_A_FRINGE = 0, 2, 6
MANY = 100


@pytest.fixture(scope="module")
def cell_and_rig() -> Iterator[tuple[CellProcess, Rig]]:
    with opened(emulated_rig()) as (rig, cell):
        cell.place(white_plate())
        yield cell, rig


@pytest.fixture(scope="module")
def sequence() -> Sequence:
    return short_sequence(emulated_rig())


def unplugged(device: str) -> Fault:
    return lambda cell: cell.unplug(device)


def frame(fault: FaultKind) -> Fault:
    return lambda cell: cell.spoil_frames(fault)


def line(fault: LineFault, commands: int) -> Fault:
    return lambda cell: cell.spoil_light_answers(fault, commands)


def scan_with(cell: CellProcess, rig: Rig, sequence: Sequence, fault: Fault, step: int) -> list[Frame]:
    """A scan in which something breaks just before a step, and is mended after it."""
    frames: list[Frame] = []
    try:
        if step == BEFORE:
            fault(cell)
        for taken in rig.scan(sequence):
            frames.append(taken)
            if len(frames) == step:
                fault(cell)
        return frames
    finally:
        dark = cell.is_dark
        cell.heal()
        assert dark


@pytest.mark.parametrize("device", ["camera", "lights"])
def test_a_plug_that_was_out_between_scans_is_not_noticed(cell_and_rig: tuple[CellProcess, Rig], sequence: Sequence, device: str) -> None:
    cell, rig = cell_and_rig
    cell.unplug(device)
    cell.plug_in(device)
    assert len(list(rig.scan(sequence))) == len(sequence)


@pytest.mark.parametrize("fault", [LineFault.GARBLED, LineFault.MISSING, LineFault.LOST])
def test_one_bad_answer_of_the_light_controller_is_asked_again(cell_and_rig: tuple[CellProcess, Rig], sequence: Sequence, fault: LineFault) -> None:
    cell, rig = cell_and_rig
    assert len(scan_with(cell, rig, sequence, line(fault, 1), AT_A_ZONE)) == len(sequence)


def test_what_the_rig_file_breaks_is_broken_for_that_scan_alone() -> None:
    broken = [{"kind": "unplugged", "device": device, "scan": scan, "frame": 3} for scan, device in ((1, "lights"), (2, "north_east"), (3, "camera"))]
    config = emulated_rig(*broken)
    sequence = short_sequence(config)
    with opened(config) as (rig, cell):
        for _ in broken:
            with pytest.raises(DeviceError) as caught:
                list(rig.scan(sequence))
            assert caught.value.code.startswith("device.unavailable")
            cell.place(white_plate())  # whoever may lay something knows the scan to be over
        assert len(list(rig.scan(sequence))) == len(sequence)
