"""Reconstructors are lent to two at most, and a rig is given the same patterns again."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from acquisition.sequence import Sequence, inspection_sequence
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
    room = ScanRoom(load_rig("demo"), load_calibration("demo"))
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
