"""A scan does its steps in order, refuses frames that cannot be the step's, and always ends dark."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acquisition.devices import RawFrame
from acquisition.rig import Rig
from acquisition.sequence import AmbientStep, FringeStep, Sequence, ZoneStep, inspection_sequence
from rig_configs.errors import Cancelled, DeviceUnavailable, FrameFault, FrameTimeout


def test_each_step_is_lit_by_its_own_light_and_nothing_else(rig: Rig, cell, sequence: Sequence) -> None:
    frames = list(rig.scan(sequence))
    assert [f.step for f in frames] == list(sequence.steps)
    for step, (zone, shown) in zip(sequence.steps, cell.log, strict=True):
        assert zone == (step.zone if isinstance(step, ZoneStep) else None)
        assert shown == ({step.projector: step.pattern} if isinstance(step, FringeStep) else {})
    assert isinstance(sequence.steps[0], AmbientStep)
    assert len({step.key for step in sequence.steps}) == len(sequence)


def test_patterns_are_loaded_once_for_many_scans(rig: Rig, cell, sequence: Sequence) -> None:
    for _ in range(3):
        list(rig.scan(sequence))
    assert cell.loads == 4


def test_a_projector_that_came_back_gets_its_patterns_again(rig: Rig, cell, sequence: Sequence) -> None:
    list(rig.scan(sequence))
    cell.gone = {"projector2"}
    with pytest.raises(DeviceUnavailable):
        list(rig.scan(sequence))
    cell.gone = set()
    assert len(list(rig.scan(sequence))) == len(sequence)
    assert cell.loads == 8


def test_a_scan_ends_dark_and_disarmed(rig: Rig, cell, camera, sequence: Sequence) -> None:
    list(rig.scan(sequence))
    assert cell.dark
    assert not camera.armed


def test_an_abandoned_scan_ends_dark(rig: Rig, cell, camera, sequence: Sequence) -> None:
    scan = rig.scan(sequence)
    for _ in range(3):
        next(scan)
    assert not cell.dark
    scan.close()
    assert cell.dark
    assert not camera.armed


def test_a_cancelled_scan_ends_dark(rig: Rig, cell, sequence: Sequence) -> None:
    with pytest.raises(Cancelled):
        list(rig.scan(sequence, cancelled=lambda: len(cell.log) == 4))
    assert len(cell.log) == 4
    assert cell.dark


@pytest.mark.parametrize("device", ["camera", "lights", "projector0", "projector3"])
def test_a_lost_device_does_not_keep_the_others_on(rig: Rig, cell, sequence: Sequence, device: str) -> None:
    scan = rig.scan(sequence)
    for _ in range(6):
        next(scan)
    cell.gone = {device}
    with pytest.raises(DeviceUnavailable, match=device):
        list(scan)
    assert cell.zone is None
    assert set(cell.shown) <= {0} if device == "projector0" else cell.dark


def test_safe_tells_which_device_may_still_shine(rig: Rig, cell) -> None:
    assert rig.safe() == []
    cell.gone = {"lights", "projector1"}
    assert [p.message for p in rig.safe()] == ["lights does not answer.", "projector1 does not answer."]


def _at(index: int, change):
    return lambda i, frame: change(frame) if i == index else frame


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda f: replace(f, frame_id=f.frame_id + 1), "device.frame_fault.gap"),
        (lambda f: replace(f, frame_id=f.frame_id - 1), "device.frame_fault.duplicate"),
        (lambda f: replace(f, timestamp_ns=0), "device.frame_fault.duplicate"),
        (lambda f: replace(f, exposure_us=f.exposure_us * 2), "device.frame_fault.exposure"),
        (lambda f: replace(f, pixels=f.pixels[:-2]), "device.frame_fault.shape"),
        (lambda f: replace(f, pixels=np.full_like(f.pixels, 4095)), "device.frame_fault.saturated"),
        (lambda f: replace(f, pixels=np.full_like(f.pixels, 100)), "device.frame_fault.dark"),
    ],
)
@pytest.mark.parametrize("step", [2, 7])
def test_a_frame_that_cannot_be_the_steps_is_refused(rig: Rig, cell, sequence: Sequence, change, code: str, step: int) -> None:
    cell.mangle = _at(step, change)
    with pytest.raises(FrameFault, match=sequence.steps[step].key) as caught:
        list(rig.scan(sequence))
    assert caught.value.code == code
    assert caught.value.cure
    assert cell.dark


def test_a_dark_zone_is_named(rig: Rig, cell, sequence: Sequence) -> None:
    cell.mangle = _at(3, lambda f: replace(f, pixels=np.full_like(f.pixels, 100)))
    with pytest.raises(FrameFault, match="light zone west did not shine"):
        list(rig.scan(sequence))


def test_a_frame_that_never_comes_ends_the_scan_dark(rig: Rig, cell, sequence: Sequence) -> None:
    cell.mangle = _at(5, lambda _: None)
    with pytest.raises(FrameTimeout):
        list(rig.scan(sequence))
    assert cell.dark


@given(start=st.integers(0, 0xFFFF))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_frame_ids_may_wrap_at_16_bits_anywhere(rig: Rig, cell, camera, sequence: Sequence, start: int) -> None:
    cell.log.clear()
    cell.mangle = lambda i, f: RawFrame(f.pixels, (start + i) & 0xFFFF, f.timestamp_ns, f.exposure_us)
    assert len(list(rig.scan(sequence))) == len(sequence)


def test_a_pattern_that_is_meant_to_be_dark_may_leave_the_field_dark(rig: Rig, cell, small_rig) -> None:
    """As the first bit of a Gray code does whose white part lies beside the camera's field."""
    bright, dark = np.full((8, 8), 255, np.uint8), np.zeros((8, 8), np.uint8)
    sequence = inspection_sequence(small_rig, [[bright, dark, bright] for _ in small_rig.projectors])
    meant = next(i for i, s in enumerate(sequence.steps) if isinstance(s, FringeStep) and s.pattern == 1)
    cell.mangle = _at(meant, lambda f: replace(f, pixels=np.full_like(f.pixels, 100)))
    assert len(list(rig.scan(sequence))) == len(sequence)
    cell.log.clear()
    cell.mangle = _at(meant + 1, lambda f: replace(f, pixels=np.full_like(f.pixels, 100)))
    with pytest.raises(FrameFault, match="did not shine"):
        list(rig.scan(sequence))
