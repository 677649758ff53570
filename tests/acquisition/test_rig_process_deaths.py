"""Whichever process is killed or hangs, and whenever, lights and projectors go dark, and the next scan works.

Darkness is seen in the cell's file, which outlives every process. The promise is one second; the bound here is only there to end a test.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import pytest

from acquisition import dark_guard, rig_pair
from acquisition.rig_process import RigProcess
from acquisition.sequence import Sequence
from rig_configs.errors import DeviceUnavailable
from tests.acquisition.process_rig import BOUND_S, LIMITS, Cell, Trouble, full_sequence, rig_process, wait_until


def is_gone(pid: int) -> bool:
    """Whether a process ended, with all its threads."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([process], [], [], 0)[0])
    finally:
        os.close(process)


@pytest.fixture(scope="module")
def cell(tmp_path_factory: pytest.TempPathFactory) -> Cell:
    return Cell(tmp_path_factory.mktemp("rig") / "cell")


@pytest.fixture(scope="module")
def shared(cell: Cell) -> Iterator[RigProcess]:
    with rig_process(cell, limits=replace(LIMITS, step_s=1.0)) as process:
        yield process


@pytest.fixture(scope="module")
def sequence(shared: RigProcess) -> Sequence:
    return full_sequence(shared.config)


@pytest.fixture
def process(shared: RigProcess, cell: Cell, sequence: Sequence) -> Iterator[RigProcess]:
    """A rig process that works, and must work again afterwards, without anybody starting it."""
    list(shared.scan(sequence))
    yield shared
    cell.tell_camera(Trouble.NONE)
    assert len(list(shared.scan(sequence))) == len(sequence)
    assert not cell.shining


def pids(process: RigProcess) -> tuple[int, int]:
    assert process.process_ids is not None
    return process.process_ids


def test_a_rig_process_killed_in_a_scan_is_told_after_all_is_dark(process: RigProcess, cell: Cell, sequence: Sequence) -> None:
    before = cell.guarded
    scan = process.scan(sequence)
    for _ in range(9):
        next(scan)
    rig, guard = pids(process)
    wait_until(lambda: bool(cell.shining), "the rig is ahead of its reader, and lit")
    os.kill(rig, signal.SIGKILL)
    print(f"dark {wait_until(lambda: not cell.shining, 'still lit'):.3f} s after the kill")
    with pytest.raises(DeviceUnavailable, match=r"SIGKILL\. Lights and projectors were turned off") as caught:
        list(scan)
    assert caught.value.code == "device.unavailable.rig_process_died"
    assert cell.guarded == before + 5  # by the guard, which could only open them after the death
    assert is_gone(rig)
    assert is_gone(guard)


def test_a_driver_that_takes_the_process_with_it_is_told_after_all_is_dark(process: RigProcess, cell: Cell, sequence: Sequence) -> None:
    cell.tell_camera(Trouble.KILLED, 6)
    with pytest.raises(DeviceUnavailable) as caught:
        list(process.scan(sequence))
    assert caught.value.code == "device.unavailable.rig_process_died"
    assert not cell.shining


def test_a_hang_is_cut_and_told_after_all_is_dark(process: RigProcess, cell: Cell) -> None:
    cell.tell_camera(Trouble.HANG, 0)
    rig, guard = pids(process)
    # A step has less time than new patterns take to load, also the first.
    with pytest.raises(DeviceUnavailable, match=r"of step ambient for 1\.5") as caught:
        list(process.scan(full_sequence(process.config)))
    assert caught.value.code == "device.unavailable.rig_process_hung"
    assert not cell.shining
    assert is_gone(rig)
    assert is_gone(guard)


def test_a_scan_abandoned_in_a_hang_ends_dark(process: RigProcess, cell: Cell, sequence: Sequence) -> None:
    before = cell.hangs
    cell.tell_camera(Trouble.HANG, 2)
    scan = process.scan(sequence)
    next(scan)
    wait_until(lambda: cell.hangs > before, "the camera hangs, and a zone is on")
    assert cell.shining
    scan.close()
    assert not cell.shining
    assert process.process_ids is None


def test_a_rig_process_that_is_asked_to_end_turns_all_off_itself(process: RigProcess, cell: Cell, sequence: Sequence) -> None:
    before = cell.guarded
    scan = process.scan(sequence)
    next(scan)
    rig, _ = pids(process)
    os.kill(rig, signal.SIGTERM)
    with pytest.raises(DeviceUnavailable, match="Lights and projectors were turned off"):
        list(scan)
    assert not cell.shining
    assert cell.guarded == before


@pytest.mark.parametrize("which", [0, 1])
def test_one_that_dies_unheard_is_replaced_at_the_next_use(process: RigProcess, which: int) -> None:
    before = pids(process)
    os.kill(before[which], signal.SIGKILL)
    wait_until(lambda: is_gone(before[which]), "killed")
    assert len(process.describe()) == 6
    assert set(pids(process)).isdisjoint(before)
    assert all(is_gone(pid) for pid in before)


def test_the_guard_stays_when_it_is_asked_to_go_before_the_rig(process: RigProcess, sequence: Sequence) -> None:
    rig, guard = pids(process)
    for asked in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.kill(guard, asked)
    assert os.getsid(guard) == guard
    assert os.getsid(rig) == rig
    list(process.scan(sequence))
    assert pids(process) == (rig, guard)


def test_a_rig_process_that_keeps_dying_is_started_more_and_more_rarely(cell: Cell, shared: RigProcess, sequence: Sequence, monkeypatch) -> None:
    now = 1000.0
    monkeypatch.setattr("acquisition.rig_process.time", SimpleNamespace(monotonic=lambda: now))
    cell.tell_camera(Trouble.KILLED, 0)
    for wait_s in (0.0, 1.0):
        with pytest.raises(DeviceUnavailable, match="SIGKILL"):
            list(shared.scan(sequence))
        now += max(0.0, wait_s - 0.5)
        if wait_s:
            with pytest.raises(DeviceUnavailable, match="in a row") as caught:
                list(shared.scan(sequence))
            assert caught.value.code == "device.unavailable.rig_process_died"
            assert shared.safe() == []  # nobody holds the devices, and the guard saw to it that all is dark
        now += 0.5
    cell.tell_camera(Trouble.NONE)
    assert len(list(shared.scan(sequence))) == len(sequence)
    cell.tell_camera(Trouble.KILLED, 0)
    with pytest.raises(DeviceUnavailable, match="SIGKILL"):
        list(shared.scan(sequence))
    cell.tell_camera(Trouble.NONE)
    assert len(list(shared.scan(sequence))) == len(sequence)  # a scan that went well makes good what was


def test_a_rig_process_that_dies_at_its_start_says_so(tmp_path: Path) -> None:
    with pytest.raises(DeviceUnavailable, match="ended with status 3") as caught:
        rig_process(Cell(tmp_path / "cell"), "crash")
    assert caught.value.code == "device.unavailable.rig_process_died"


def test_what_may_still_shine_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cell = Cell(tmp_path / "cell")
    monkeypatch.setattr(rig_pair, "GUARD_S", 0.5)
    with rig_process(cell) as process:
        scan = process.scan(full_sequence(process.config))
        next(scan)
        rig, guard = pids(process)
        os.kill(guard, signal.SIGSTOP)
        os.kill(rig, signal.SIGKILL)
        with pytest.raises(DeviceUnavailable, match="Not everything is known to be dark") as caught:
            list(scan)
        assert "cut its power" in caught.value.cure


@pytest.mark.parametrize(
    ("trouble", "how"), [(Trouble.NONE, signal.SIGTERM), (Trouble.NONE, signal.SIGKILL), (Trouble.HANG, signal.SIGKILL)], ids=str
)
def test_all_goes_dark_when_the_station_is_killed_in_a_scan(tmp_path: Path, trouble: Trouble, how: signal.Signals) -> None:
    cell = Cell(tmp_path / "cell")
    cell.tell_camera(trouble, 3)
    script = "import sys; from tests.acquisition.process_rig import station; station(sys.argv[1], 3)"
    command = [sys.executable, "-c", script, str(cell.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True) as station:
        assert station.stdout is not None
        rig, guard = map(int, station.stdout.readline().split())
        wait_until(lambda: bool(cell.shining) and cell.hangs == (trouble is Trouble.HANG), "the rig is ahead of its reader, and lit")
        os.killpg(station.pid, how)
        print(f"dark {wait_until(lambda: not cell.shining, 'still lit'):.3f} s after the kill")
        wait_until(lambda: is_gone(rig), "the rig process stays")
        wait_until(lambda: is_gone(guard), "the guard stays")
        assert cell.guarded == (0 if trouble is Trouble.NONE else 5)


class Stubborn:
    def __init__(self, refusals: int) -> None:
        self.refusals, self.is_off, self.is_closed = refusals, False, False

    def dark(self) -> None:
        if self.refusals:
            self.refusals -= 1
            raise OSError("busy")
        self.is_off = True

    def close(self) -> None:
        self.is_closed = True


class Hanging:
    def off(self) -> None:
        Event().wait()

    def close(self) -> None: ...


def test_the_guard_tries_again_and_one_device_does_not_keep_the_others_on() -> None:
    devices = [Hanging(), Stubborn(2), Stubborn(10**9), Stubborn(0)]
    problems = dark_guard.turn_off(devices, limit_s=0.3)
    assert problems == ["Hanging does not answer.", "Stubborn: busy"]
    assert [(d.is_off, d.is_closed) for d in devices if isinstance(d, Stubborn)] == [(True, True), (False, False), (True, True)]


@pytest.mark.parametrize("said", [b"", dark_guard.DARK])
def test_the_guard_ends_a_rig_process_that_outlives_its_station_however_far_it_came(said: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dark_guard, "GRACE_S", 0.05)
    monkeypatch.setattr(dark_guard, "CLOSING_S", 0.1)
    guard, rig = socket.socketpair()
    with guard, rig, subprocess.Popen(["sleep", "60"]) as hanging, subprocess.Popen(["true"]) as station:
        descriptors = [os.pidfd_open(hanging.pid), os.pidfd_open(station.pid)]
        rig.send(said)
        assert not dark_guard.ends_in_order(guard, *descriptors)
        assert hanging.wait(BOUND_S) == -signal.SIGKILL
        for descriptor in descriptors:
            os.close(descriptor)
