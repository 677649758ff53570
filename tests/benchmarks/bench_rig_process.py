"""Frames through the rig process against the same rig in this process, and how long light is seen after a kill."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from acquisition.opener import Opener
from acquisition.rig import Rig
from acquisition.rig_process import RigProcess
from acquisition.sequence import Sequence
from acquisition.simulation.artefacts import white_plate
from acquisition.simulation.cell_process import CellProcess
from rig_configs.errors import DeviceError
from tests.acquisition.emulated_rig import emulated_rig, short_sequence
from tests.acquisition.process_rig import full_sequence, open_rig
from tests.system.test_fault_matrix import FAULTS

WIDTH, HEIGHT = 2448, 2048
SCANS = 5
HERE = "tests.acquisition.process_rig"


def frames_per_s(rig: Rig | RigProcess, sequence: Sequence) -> Iterator[float]:
    """The rate of scan after scan, each frame forgotten at once."""
    while True:
        start = time.perf_counter()
        for _ in rig.scan(sequence):
            pass
        yield len(sequence) / (time.perf_counter() - start)


def rates() -> tuple[float, float]:
    """Median frames/s in this process and in another, measured in turn."""
    with TemporaryDirectory() as folder:
        there, here = (str(Path(folder, name)) for name in ("there", "here"))
        rig = open_rig(here, WIDTH, HEIGHT)
        with RigProcess(Opener(f"{HERE}:open_rig", (there, WIDTH, HEIGHT)), Opener(f"{HERE}:open_dark", (there,))) as process:
            sequence = full_sequence(rig.config)
            both = frames_per_s(rig, sequence), frames_per_s(process, sequence)
            for rate in both:
                next(rate)
            pairs = [(next(both[0]), next(both[1])) for _ in range(SCANS)]
        rig.close()
    return statistics.median(mine for mine, _ in pairs), statistics.median(theirs for _, theirs in pairs)


_STATION = """
import sys
from pathlib import Path
from acquisition.rig_process import RigProcess
from rig_configs.schema import RigConfig
from tests.acquisition.emulated_rig import short_sequence
config = RigConfig.model_validate_json(Path(sys.argv[1]).read_text())
with RigProcess.of_devices(config) as rig:
    sequence = short_sequence(config)
    for _ in rig.scan(sequence):
        pass
    for _ in range(3):
        scan = rig.scan(sequence)
        for _ in range(int(sys.argv[2])):
            next(scan)
        print("lit", flush=True)
        sys.stdin.readline()
"""


def light_after(who: str, number: signal.Signals) -> float:
    """Longest time that anything shone after a signal to the station or its rig process in a scan of real drivers, emulated devices; s."""
    longest = 0.0
    with CellProcess(emulated_rig(), noise_seed=1) as cell, TemporaryDirectory() as folder:
        cell.place(white_plate())
        config = Path(folder, "rig.json")
        config.write_text(cell.rig.model_dump_json())
        for frames in (3, 4, 6, 7):
            command = [sys.executable, "-c", _STATION, str(config), str(frames)]
            with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as station:
                assert station.stdout is not None
                station.stdout.readline()
                while cell.is_dark:  # between two steps
                    time.sleep(0.001)
                started = psutil.Process(station.pid).children()
                rig = next(child for child in started if "acquisition.rig_child" in child.cmdline())
                os.kill(station.pid if who == "station" else rig.pid, number)
                start = time.perf_counter()
                while not cell.is_dark:
                    time.sleep(0.001)
                longest = max(longest, time.perf_counter() - start)
                station.kill()
                psutil.wait_procs(started, timeout=20)  # ports and sockets are theirs until then
    return longest


def longest_fault() -> tuple[float, str]:
    """How long it takes from what breaks to the error, lights and projectors dark, s: the longest of all faults of the tests, and its name."""
    longest, which = 0.0, ""
    config = emulated_rig(frame_timeout_s=2.0)
    with CellProcess(config, noise_seed=1) as cell, RigProcess.of_devices(config, cell.rig) as rig:
        cell.place(white_plate())
        sequence = short_sequence(config)
        for fault in FAULTS:
            for step in (0, 3, 6):
                if not fault.is_needed(sequence, step):
                    continue
                list(rig.scan(sequence))
                cell.after_exposures(step, fault.what, *fault.args, **fault.options)
                last = time.perf_counter()
                try:
                    for _ in rig.scan(sequence):
                        last = time.perf_counter()
                except DeviceError:
                    if (took := time.perf_counter() - last) > longest:
                        longest, which = took, f"{fault.name} before step {step}"
                cell.heal()
    return longest, which


def rows() -> list[dict]:
    """Rows of bench.json."""
    here, there = rates()
    ends = [(who, number) for who in ("station", "rig process") for number in (signal.SIGTERM, signal.SIGKILL)]
    fault_s, fault = longest_fault()
    return [
        {
            "name": "from a fault to its error, all dark",
            "value": fault_s,
            "unit": "s",
            "against": f"longest of {len(FAULTS)} faults before three steps: {fault}",
            "bar": "<= 5",
            "holds": fault_s <= 5,
        },
        {
            "name": "frames of 2448x2048 uint16 through the rig process",
            "value": there,
            "unit": "frames/s",
            "against": f"{here:.1f} in the same process, median of {SCANS} scans each",
            "bar": ">= 60",
            "holds": there >= 60,
        },
        *(
            {
                "name": f"light after {number.name} of the {who}",
                "value": (light_s := light_after(who, number)),
                "unit": "s",
                "against": "longest of 4 in a scan; real drivers, emulated devices",
                "bar": "<= 1",
                "holds": light_s <= 1,
            }
            for who, number in ends
        ),
    ]
