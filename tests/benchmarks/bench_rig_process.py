"""Frames through the rig process against the same rig in this process, and how long light is seen after a kill."""

from __future__ import annotations

import os
import signal
import statistics
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from acquisition.opener import Opener
from acquisition.rig import Rig
from acquisition.rig_process import RigProcess
from acquisition.sequence import Sequence
from tests.acquisition.process_rig import Cell, full_sequence, open_rig, rig_process

WIDTH, HEIGHT = 2448, 2048
SCANS = 5
KILLS = 5
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


def light_after_kill() -> float:
    """Longest time that anything shone after a SIGKILL of the rig process in a scan, s."""
    longest = 0.0
    with TemporaryDirectory() as folder:
        cell = Cell(Path(folder, "cell"))
        for _ in range(KILLS):
            with rig_process(cell) as process, closing(process.scan(full_sequence(process.config))) as scan:
                for _ in range(5):
                    next(scan)
                assert process.process_ids is not None
                os.kill(process.process_ids[0], signal.SIGKILL)
                start = time.perf_counter()
                while cell.shining:
                    time.sleep(0.001)
                longest = max(longest, time.perf_counter() - start)
    return longest


def rows() -> list[dict]:
    """Rows of bench.json."""
    here, there = rates()
    light_s = light_after_kill()
    return [
        {
            "name": "frames of 2448x2048 uint16 through the rig process",
            "value": there,
            "unit": "frames/s",
            "against": f"{here:.1f} in the same process, median of {SCANS} scans each",
            "bar": ">= 60",
            "holds": there >= 60,
        },
        {
            "name": "light after SIGKILL of the rig process",
            "value": light_s,
            "unit": "s",
            "against": f"longest of {KILLS}; test devices that open at once",
            "bar": "<= 1",
            "holds": light_s <= 1,
        },
    ]
