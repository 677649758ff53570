"""A rig in a process of its own does as a rig does, tells what went wrong there, and is as small at the end as at the start."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from acquisition.rig import Rig
from acquisition.rig_process import RigProcess
from acquisition.sequence import Sequence
from rig_configs.errors import Cancelled, DeviceUnavailable, FrameFault, FrameTimeout, RigFileError
from tests.acquisition.process_rig import LIMITS, Cell, Trouble, full_sequence, open_rig, rig_process, wait_until


@pytest.fixture(scope="module")
def shared_cell(tmp_path_factory: pytest.TempPathFactory) -> Cell:
    return Cell(tmp_path_factory.mktemp("rig") / "cell")


@pytest.fixture(scope="module")
def shared(shared_cell: Cell) -> Iterator[RigProcess]:
    with rig_process(shared_cell) as process:
        yield process


@pytest.fixture
def cell(shared_cell: Cell) -> Iterator[Cell]:
    yield shared_cell
    shared_cell.tell_camera(Trouble.NONE)


@pytest.fixture
def process(shared: RigProcess, cell: Cell) -> Iterator[RigProcess]:
    before = shared.process_ids
    yield shared
    assert shared.process_ids == before  # whatever happens here is no reason to kill anybody


@pytest.fixture(scope="module")
def sequence(shared: RigProcess) -> Sequence:
    return full_sequence(shared.config)


def test_a_scan_gives_the_same_frames_as_in_the_same_process(tmp_path: Path) -> None:
    here: Rig = open_rig(str(tmp_path / "here"))
    sequence = full_sequence(here.config)
    with rig_process(Cell(tmp_path / "there")) as there:
        assert there.config == here.config
        assert there.describe() == here.describe()
        for _ in range(2):
            pairs = list(zip(here.scan(sequence), there.scan(sequence), strict=True))
            assert len(pairs) == len(sequence)
            for mine, theirs in pairs:
                assert (mine.step, mine.frame_id, mine.timestamp_ns, mine.exposure_us) == (
                    theirs.step,
                    theirs.frame_id,
                    theirs.timestamp_ns,
                    theirs.exposure_us,
                )
                np.testing.assert_array_equal(mine.pixels, theirs.pixels)
                assert theirs.pixels.dtype == mine.pixels.dtype
    here.close()


def test_frames_that_are_kept_stay_as_they_are(process: RigProcess, sequence: Sequence) -> None:
    frames = list(process.scan(sequence))  # many more than the ring has slots
    means = [float(frame.pixels.mean()) for frame in frames]
    list(process.scan(sequence))
    assert [float(frame.pixels.mean()) for frame in frames] == means
    assert len(set(means)) > 10


def test_patterns_are_sent_and_loaded_once_for_many_scans(process: RigProcess, sequence: Sequence, cell: Cell) -> None:
    list(process.scan(sequence))
    before = cell.loads
    list(process.scan(sequence))
    assert cell.loads == before
    list(process.scan(full_sequence(process.config)))
    assert cell.loads == before + 4


@pytest.mark.parametrize(
    ("trouble", "kind", "code", "message"),
    [
        (Trouble.FAULT, FrameFault, "device.frame_fault.incomplete", "The frame is incomplete."),
        (Trouble.GONE, DeviceUnavailable, "device.unavailable.gone", "The camera is gone."),
        (Trouble.BUG, DeviceUnavailable, "device.unavailable.rig_process_failed", "The rig process failed: ZeroDivisionError: of a driver."),
    ],
)
@pytest.mark.parametrize("at", [0, 7])
def test_what_goes_wrong_there_is_raised_here_and_the_next_scan_works(
    process: RigProcess, sequence: Sequence, cell: Cell, trouble: Trouble, kind: type, code: str, message: str, at: int
) -> None:
    cell.tell_camera(trouble, at)
    seen = []
    with pytest.raises(kind) as caught:
        seen.extend(process.scan(sequence))
    assert type(caught.value) is kind
    assert (caught.value.code, caught.value.message) == (code, message)
    assert caught.value.cure
    assert len(seen) == at
    assert not cell.shining
    cell.tell_camera(Trouble.NONE)
    assert len(list(process.scan(sequence))) == len(sequence)


def test_a_cancelled_scan_ends_dark(process: RigProcess, sequence: Sequence, cell: Cell) -> None:
    asked, before = [], cell.scanned

    def cancelled() -> bool:
        asked.append(cell.scanned)
        return cell.scanned - before >= 4

    with pytest.raises(Cancelled):
        list(process.scan(sequence, cancelled))
    assert asked[-1] - before >= 4
    assert not cell.shining
    assert cell.scanned - before < len(sequence)


def test_an_abandoned_scan_ends_dark(process: RigProcess, sequence: Sequence, cell: Cell) -> None:
    scan = process.scan(sequence)
    for _ in range(3):
        next(scan)
    scan.close()
    assert not cell.shining
    assert len(list(process.scan(sequence))) == len(sequence)


def test_the_rig_does_not_run_further_ahead_than_the_ring_is_long(process: RigProcess, sequence: Sequence, cell: Cell) -> None:
    before = cell.scanned
    scan = process.scan(sequence)
    next(scan)
    scan.close()
    assert 1 <= cell.scanned - before <= 1 + 3 + 1  # the one that was read, the slots, and one in hand


def test_a_reader_that_takes_no_frame_for_too_long_finds_the_scan_ended_and_nothing_lost_before(tmp_path: Path) -> None:
    cell = Cell(tmp_path / "cell")
    with rig_process(cell, limits=replace(LIMITS, reader_s=0.2)) as process:
        scan, taken = process.scan(full_sequence(process.config)), []
        taken.append(next(scan))
        wait_until(lambda: bool(cell.shining), "never lit")
        wait_until(lambda: not cell.shining, "still lit")
        with pytest.raises(FrameTimeout) as caught:
            taken.extend(scan)
        assert caught.value.code == "device.frame_timeout.not_taken"
        assert [frame.frame_id for frame in taken] == [1, 2, 3, 4]  # the one that was taken, and the ring's three


def test_making_everything_safe_ends_an_open_scan(process: RigProcess, sequence: Sequence, cell: Cell) -> None:
    scan = process.scan(sequence)
    for _ in range(3):
        next(scan)
    assert process.safe() == []
    assert not cell.shining
    with pytest.raises(Cancelled):
        next(scan)
    assert not cell.shining


def test_making_everything_safe_ends_the_scan_of_another_thread(process: RigProcess, sequence: Sequence, cell: Cell) -> None:
    third, outcome = threading.Event(), []

    def scan() -> None:
        try:
            for number, _ in enumerate(process.scan(sequence)):
                if number == 2:
                    third.set()
                    ended.wait(5.0)
        except Cancelled as error:
            outcome.append(error.code)

    ended = threading.Event()
    thread = threading.Thread(target=scan)
    thread.start()
    assert third.wait(5.0)
    assert process.safe() == []
    assert not cell.shining
    ended.set()
    thread.join(5.0)
    assert outcome == ["job.cancelled"]
    assert not cell.shining


@pytest.mark.parametrize("openers", [("refuse", "open_dark"), ("open_rig", "refuse")])
def test_a_rig_that_cannot_be_opened_says_why_and_leaves_no_process(tmp_path: Path, openers: tuple[str, str]) -> None:
    before = psutil.Process().children(recursive=True)
    with pytest.raises(RigFileError, match="is no rig"):
        rig_process(Cell(tmp_path / "cell"), *openers)
    assert psutil.Process().children(recursive=True) == before


def test_a_closed_rig_is_dark_has_no_process_and_says_that_it_is_closed(tmp_path: Path) -> None:
    cell = Cell(tmp_path / "cell")
    process = rig_process(cell)
    children = [psutil.Process(pid) for pid in process.process_ids or ()]
    scan = process.scan(full_sequence(process.config))
    for _ in range(3):
        next(scan)
    process.close()
    process.close()
    assert [child for child in children if child.is_running()] == []
    assert not cell.shining
    assert cell.guarded == 0
    assert process.safe() == []
    with pytest.raises(DeviceUnavailable) as caught:
        process.describe()
    assert caught.value.code == "device.unavailable.closed"


def test_two_hundred_scans_leave_descriptors_threads_and_memory_as_they_were(process: RigProcess, sequence: Sequence) -> None:
    assert process.process_ids is not None
    short = Sequence(sequence.steps[:2], sequence.patterns)
    watched = [psutil.Process(os.getpid()), psutil.Process(process.process_ids[0])]

    def held() -> list[tuple[int, int]]:
        gc.collect()  # what tests before this one left
        return [(p.num_fds(), p.num_threads()) for p in watched]

    def scan(times: int) -> None:
        for _ in range(times):
            assert len(list(process.scan(short))) == 2
            with closing(process.scan(Sequence(short.steps, tuple(tuple(p.copy() for p in shown) for shown in short.patterns)))) as abandoned:
                next(abandoned)

    scan(20)
    before, memory = held(), [p.memory_info().rss for p in watched]
    scan(100)
    assert held() == before
    assert all(p.memory_info().rss - start < 8 * 2**20 for p, start in zip(watched, memory, strict=True))
