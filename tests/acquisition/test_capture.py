"""A capture that exists is complete, exact and checked; a broken one is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from acquisition.capture import Capture, CaptureWriter
from acquisition.rig import Rig, open_replay
from acquisition.sequence import Sequence, ZoneStep
from rig_configs.errors import CaptureError, FrameTimeout
from rig_configs.files import sha256_of


def save(rig: Rig, sequence: Sequence, folder: Path):
    with CaptureWriter(folder) as writer:
        frames = list(writer.write(rig.scan(sequence)))
        writer.finish(rig=rig.config, rig_sha256=sha256_of(rig.config), calibration_id="c", calibration_sha256="0" * 64, recipe="r", serial="S 1")
    return frames


def test_a_capture_gives_back_every_frame_bit_for_bit(rig: Rig, sequence: Sequence, tmp_path: Path) -> None:
    frames = save(rig, sequence, tmp_path / "c")
    capture = Capture(tmp_path / "c")
    assert len(capture) == len(frames)
    for saved, frame in zip(capture.frames(), frames, strict=True):
        assert (saved.step, saved.frame_id, saved.timestamp_ns, saved.exposure_us) == (
            frame.step,
            frame.frame_id,
            frame.timestamp_ns,
            frame.exposure_us,
        )
        np.testing.assert_array_equal(saved.pixels, frame.pixels)
    assert capture.record.rig == rig.config
    assert (capture.record.recipe, capture.record.serial, capture.record.is_simulated) == ("r", "S 1", True)


def test_a_replayed_scan_is_the_captured_scan(rig: Rig, sequence: Sequence, tmp_path: Path) -> None:
    frames = save(rig, sequence, tmp_path / "c")
    replay = open_replay(tmp_path / "c")
    assert [d.model for d in replay.describe()] == ["replay"] * 6
    for _ in range(2):  # a capture can be replayed again
        for again, frame in zip(replay.scan(sequence), frames, strict=True):
            assert again.step == frame.step
            np.testing.assert_array_equal(again.pixels, frame.pixels)
    replay.close()


def test_a_scan_that_fails_leaves_no_capture(rig: Rig, cell, sequence: Sequence, tmp_path: Path) -> None:
    cell.mangle = lambda i, f: None if i == 4 else f
    with pytest.raises(FrameTimeout):
        save(rig, sequence, tmp_path / "c")
    assert list(tmp_path.iterdir()) == []


def test_a_capture_is_never_overwritten(rig: Rig, sequence: Sequence, tmp_path: Path) -> None:
    save(rig, sequence, tmp_path / "c")
    before = (tmp_path / "c" / "capture.json").read_bytes()
    with pytest.raises(CaptureError, match="exists already"):
        save(rig, sequence, tmp_path / "c")
    assert (tmp_path / "c" / "capture.json").read_bytes() == before


def test_a_damaged_frame_is_named(rig: Rig, sequence: Sequence, tmp_path: Path) -> None:
    save(rig, sequence, tmp_path / "c")
    path = tmp_path / "c" / "zone2.tiff"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(CaptureError, match=r"zone2\.tiff") as caught:
        list(open_replay(tmp_path / "c").scan(sequence))
    assert caught.value.code == "capture.invalid.damaged"


def test_a_missing_frame_is_named(rig: Rig, sequence: Sequence, tmp_path: Path) -> None:
    save(rig, sequence, tmp_path / "c")
    (tmp_path / "c" / "projector1_pattern02.tiff").unlink()
    with pytest.raises(CaptureError, match=r"projector1_pattern02\.tiff is missing"):
        list(Capture(tmp_path / "c").frames())


def test_a_step_that_was_not_captured_is_named(rig: Rig, sequence: Sequence, tmp_path: Path) -> None:
    save(rig, sequence, tmp_path / "c")
    with pytest.raises(CaptureError, match="no frame of step zone9"):
        Capture(tmp_path / "c").frame(ZoneStep(zone=9, exposure_us=1).key)


@pytest.mark.parametrize("content", [None, "{", '{"version": 2}', "\x00"])
def test_what_is_not_a_capture_is_refused(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "capture.json").write_text(content)
    with pytest.raises(CaptureError):
        open_replay(tmp_path)
