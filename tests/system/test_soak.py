"""Scan after scan through real drivers, with a fault now and then: nothing grows, in the station, the rig process, the guard or the cell.

``make soak`` does 500 scans; SOAK_SCANS says how many otherwise.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import psutil

from acquisition.rig_process import RigProcess
from acquisition.simulation.artefacts import white_plate
from acquisition.simulation.cell_process import CellProcess
from rig_configs.errors import DeviceError
from rig_configs.simulation import FaultKind
from tests.acquisition.emulated_rig import emulated_rig, short_sequence

SCANS = int(os.environ.get("SOAK_SCANS", "24"))
# A fault in each of so many scans, in turn.
EVERY = 6
FAULTS = (("unplug", "lights"), ("spoil_frames", FaultKind.DROPPED), ("unplug", "projector1"), ("spoil_frames", FaultKind.INCOMPLETE))
# What an allocator keeps or gives back by chance, MB; a frame of this rig lost in each scan would be 6 MB in 500 scans, patterns 2 GB.
SLACK_MB = 25.0


@dataclass(frozen=True)
class Use:
    """What a process holds."""

    memory_mb: float
    """Its own, not shared with others."""
    descriptors: int
    threads: int

    @classmethod
    def of(cls, process: psutil.Process) -> Use:
        return cls(process.memory_full_info().uss / 1e6, process.num_fds(), process.num_threads())


def test_nothing_grows_from_scan_to_scan() -> None:
    config = emulated_rig()
    sequence = short_sequence(config)
    with CellProcess(config, noise_seed=3) as cell, RigProcess.of_devices(config, cell.rig) as rig:
        cell.place(white_plate())
        assert rig.process_ids is not None
        numbers = dict(zip(("station", "rig process", "guard", "cell"), (os.getpid(), *rig.process_ids, cell.process_id), strict=True))
        processes = {name: psutil.Process(number) for name, number in numbers.items()}
        before: dict[str, Use] = {}
        failed = 0
        for scan in range(1, SCANS + 1):
            broken = scan % EVERY == EVERY - 1
            if broken:
                what, which = FAULTS[scan // EVERY % len(FAULTS)]
                cell.after_exposures(3, what, which)
            try:
                frames = sum(1 for _ in rig.scan(sequence))
                assert frames == len(sequence)
            except DeviceError:
                assert broken, "a scan failed in which nothing was broken"
                failed += 1
                cell.heal()
            assert cell.is_dark
            # Half of the scans to warm up, and the fault last, so that all that a fault opens anew is open.
            if scan == SCANS // 2 // EVERY * EVERY:
                before = {name: Use.of(process) for name, process in processes.items()}
        after = {name: Use.of(process) for name, process in processes.items()}
    assert failed == sum(scan % EVERY == EVERY - 1 for scan in range(1, SCANS + 1))
    for name in processes:
        print(f"{name}: {before[name]} -> {after[name]}")
        assert after[name].descriptors == before[name].descriptors, name
        assert after[name].threads == before[name].threads, name
        assert after[name].memory_mb < before[name].memory_mb + SLACK_MB, name
