"""Reconstructors are lent to two at most, and a rig is given the same patterns again."""

from __future__ import annotations

import threading
import tracemalloc

import cv2
import numpy as np
import pytest

from acquisition.capture import Frame
from acquisition.sequence import FringeStep, Sequence, inspection_sequence
from api.memory import WAITING_BYTES_PX, parts_at_a_time
from api.reconstruction import Reconstructor
from api.scan_room import ScanRoom, rig_for
from api.schemas_recipes import RigSequence
from rig_configs.calibration import Calibration
from rig_configs.errors import Cancelled, RigFileError
from rig_configs.files import load_calibration, load_rig
from rig_configs.schema import RigConfig


class Light:
    """A reconstructor that computes nothing."""

    def __init__(self, rig: RigConfig, calibration: Calibration, sequence: Sequence | None = None) -> None:
        pattern = np.zeros((2, 2), np.uint8)
        self.sequence = sequence or inspection_sequence(rig, [(pattern,) for _ in rig.projectors])

    def reset(self) -> None:
        pass


ONE_EYE = RigSequence(projectors=["north_east"], light_exposure_us=1000)


def test_two_are_lent_and_a_third_waits_until_one_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.scan_room.Reconstructor", Light)
    room = ScanRoom(load_rig("demo"), load_calibration("demo"), 2)
    first, second = room.take(RigSequence()), room.take(RigSequence())
    assert first is not second
    assert first.sequence is second.sequence  # one rig, one loading of patterns
    third: list[object] = []
    thread = threading.Thread(target=lambda: third.append(room.take(RigSequence())))
    thread.start()
    thread.join(0.2)
    assert third == []
    with pytest.raises(Cancelled):
        room.take(RigSequence(), lambda: True)
    room.give_back(first)
    thread.join(30)
    assert third == [first]
    room.give_back(second)
    with room.lend(ONE_EYE) as other:
        assert other.sequence is not first.sequence
        assert len(other.sequence) < len(first.sequence)
        assert room.patterns() is other.sequence.patterns
    room.give_back(first)
    with room.lend(ONE_EYE) as again:
        assert again is other


def test_a_sequence_that_the_rig_cannot_do_is_refused() -> None:
    rig = load_rig("demo")
    assert rig_for(rig, RigSequence()) is rig
    assert rig_for(rig, ONE_EYE).sequence.light_exposure_us == 1000
    with pytest.raises(RigFileError, match="south"):
        rig_for(rig, RigSequence(projectors=["south"]))


def test_where_the_memory_holds_one_part_the_next_waits_for_its_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = load_rig("reference_20mp")
    assert [parts_at_a_time(rig, gigabytes * 10**9) for gigabytes in (8, 16)] == [1, 2]
    monkeypatch.setattr("api.scan_room.Reconstructor", Light)
    monkeypatch.setattr("api.scan_room.memory_bytes", lambda: 8 * 10**9)
    room = ScanRoom(rig, load_calibration("demo"))
    with room.lend(ONE_EYE), pytest.raises(Cancelled):
        room.take(ONE_EYE, lambda: True)
    with room.lend(ONE_EYE):
        pass


def test_a_captured_part_takes_the_memory_that_is_counted_for_it() -> None:
    rig = load_rig("demo")
    shape = (rig.camera.height_px, rig.camera.width_px)
    tracemalloc.start()
    try:
        reconstructor = Reconstructor(rig, load_calibration("demo"))
        for number, step in enumerate(reconstructor.sequence.steps):
            pixels = np.full(shape, 1000, np.uint16)
            if isinstance(step, FringeStep):  # as if each projector looked through the camera
                pattern = reconstructor.sequence.patterns[step.projector][step.pattern]
                pixels = 300 + 8 * cv2.resize(pattern, shape[::-1], interpolation=cv2.INTER_AREA).astype(np.uint16)
            reconstructor.add(Frame(step, pixels, number, number, step.exposure_us, float(number)))
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 0.5 * WAITING_BYTES_PX < held / (shape[0] * shape[1]) <= WAITING_BYTES_PX
