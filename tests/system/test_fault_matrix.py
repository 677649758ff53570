"""Every fault at every step of a scan through real drivers in a rig process: it ends with its reason and in the dark, and the next scan is whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from acquisition.rig_process import RigProcess
from acquisition.sequence import FringeStep, Sequence, ZoneStep
from acquisition.simulation.artefacts import white_plate
from acquisition.simulation.cell_process import CellProcess
from acquisition.simulation.light_controllers import LineFault
from rig_configs.errors import D3Error, DeviceError
from rig_configs.schema import RigConfig
from rig_configs.simulation import FaultKind
from tests.acquisition.emulated_rig import emulated_rig, short_sequence

MANY = 100


@dataclass(frozen=True)
class Fault:
    """Something that breaks just before a step."""

    name: str
    what: str
    args: tuple[object, ...]
    codes: tuple[str, ...]
    """How the code of what is raised begins; one of these."""
    needed: str = "always"
    """Which steps use what is broken: ``always``, ``zones``, or ``projector1``; a scan that has done with it is whole."""

    @property
    def options(self) -> dict[str, bool]:
        return {self.name.split()[-1]: True} if self.what == "spoil_projector_answers" else {}

    def is_needed(self, sequence: Sequence, step: int) -> bool:
        """Whether the scan still has to use what is broken."""
        rest = sequence.steps[step:]
        if self.needed == "zones":
            return any(isinstance(s, ZoneStep) for s in rest)
        return self.needed == "always" or any(isinstance(s, FringeStep) and f"projector{s.projector}" == self.needed for s in rest)


FAULTS = [
    *(Fault(f"{device} unplugged", "unplug", (device,), ("device.unavailable.",)) for device in ("camera", "lights", "projector0", "projector1")),
    Fault("frame dropped", "spoil_frames", (FaultKind.DROPPED,), ("device.frame_fault.gap", "device.frame_timeout")),
    Fault("frame late", "spoil_frames", (FaultKind.LATE,), ("device.frame_timeout",)),
    Fault("frame duplicated", "spoil_frames", (FaultKind.DUPLICATED,), ("device.frame_fault.duplicate",)),
    Fault("frame incomplete", "spoil_frames", (FaultKind.INCOMPLETE,), ("device.frame_fault.incomplete",)),
    Fault("frame saturated", "spoil_frames", (FaultKind.SATURATED,), ("device.frame_fault.saturated",)),
    Fault("frame black", "spoil_frames", (FaultKind.BLACK,), ("device.frame_fault.dark", "device.frame_fault.blank")),
    Fault("light garbled", "spoil_light_answers", (LineFault.GARBLED, MANY), ("device.unavailable.garbled",), "zones"),
    Fault("light silent", "spoil_light_answers", (LineFault.MISSING, MANY), ("device.unavailable.no_answer",), "zones"),
    Fault("zone 1 lights zone 3", "cross", (1, 3), ("device.frame_fault.wrong_zone", "device.frame_fault.unchanged"), "zones"),
    Fault("projector1 garbled", "spoil_projector_answers", (1,), ("device.unavailable.garbled",)),
    Fault("projector1 silent", "spoil_projector_answers", (1,), ("device.unavailable.no_answer",)),
    Fault("projector1 dark", "darken", ("projector1",), ("device.frame_fault.dark",), "projector1"),
]
NOT_STRUCK = {"frame duplicated": 1, "zone 1 lights zone 3": 6, "light garbled": 5, "light silent": 5}
"""So many of the last steps: nothing comes after a last frame, a zone's picture twice needs the zone, and a light that is off is not asked."""
IN_A_SERIES = ("camera unplugged", "projector1 unplugged", "frame dropped", "frame late", "frame incomplete", "frame black", "projector1 dark")


@contextmanager
def opened(config: RigConfig) -> Iterator[tuple[CellProcess, RigProcess]]:
    with CellProcess(config, noise_seed=3) as cell, RigProcess.of_devices(config, cell.rig) as rig:
        cell.place(white_plate())
        yield cell, rig


@pytest.fixture(scope="module")
def commanded() -> Iterator[tuple[CellProcess, RigProcess]]:
    """Every step is told by the station."""
    content = emulated_rig().model_dump()
    content["timing"]["frame_timeout_s"] = 1.0
    for projector in content["projectors"]:
        projector["answer_timeout_s"] = 0.5
    with opened(RigConfig.model_validate(content)) as pair:
        yield pair


@pytest.fixture(scope="module")
def played() -> Iterator[tuple[CellProcess, RigProcess]]:
    """Projectors show their patterns by themselves and trigger the camera."""
    with opened(emulated_rig(projectors_play=True)) as pair:
        yield pair


def strike(pair: tuple[CellProcess, RigProcess], sequence: Sequence, fault: Fault, step: int) -> None:
    """One scan in which something breaks just before a step, and another when it is mended."""
    cell, rig = pair
    cell.after_exposures(step, fault.what, *fault.args, **fault.options)
    error: D3Error | None = None
    try:
        assert len(list(rig.scan(sequence))) == len(sequence)
    except DeviceError as caught:
        error = caught
    dark = cell.is_dark
    cell.heal()
    assert dark, f"light was left on by a fault before step {step}"
    if fault.is_needed(sequence, step):
        assert error is not None, f"a fault before step {step} was not noticed"
    if error is not None:
        assert error.code.startswith(fault.codes), (step, error.code, error.message)
        assert error.cure
    assert len(list(rig.scan(sequence))) == len(sequence), f"the scan after a fault before step {step} is not whole"
    assert cell.is_dark


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_before_any_step_ends_dark_with_its_reason_and_the_next_scan_is_whole(
    commanded: tuple[CellProcess, RigProcess], fault: Fault
) -> None:
    sequence, processes = short_sequence(commanded[1].config), commanded[1].process_ids
    for step in range(len(sequence) - NOT_STRUCK.get(fault.name, 0)):
        strike(commanded, sequence, fault, step)
    assert commanded[1].process_ids == processes, "no fault of a device may cost the rig process"


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.name in IN_A_SERIES], ids=lambda fault: fault.name)
def test_a_fault_in_a_series_that_a_projector_plays_does_too(played: tuple[CellProcess, RigProcess], fault: Fault) -> None:
    sequence, processes = short_sequence(played[1].config), played[1].process_ids
    for step in (5, 6, 8):
        strike(played, sequence, fault, step)
    assert played[1].process_ids == processes
