"""Looking after the demo rig: preview, self-test, check of the calibration, captures, and its files read again."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from acquisition.capture import Capture
from api.composition import OpenStation, open_station
from api.rig_care import DARK, RigCare
from api.schemas import StationState
from rig_configs.errors import Cancelled, Conflict, NotFound, RigFileError
from rig_configs.files import rig_folder


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(rig_folder("demo"), tmp_path_factory.mktemp("rigs") / "demo"))


@pytest.fixture(scope="module")
def opened(rig: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenStation]:
    opened = open_station(rig, tmp_path_factory.mktemp("data"))
    yield opened
    opened.station.close()


@pytest.fixture
def care(opened: OpenStation, tmp_path: Path) -> RigCare:
    assert opened.bench is not None
    return RigCare(opened.station, opened.folder, tmp_path, calibration_days=1e6)


def brightness(jpeg: bytes | None) -> float:
    assert jpeg is not None
    return float(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE).mean())


def test_a_preview_shows_the_part_in_each_light_and_leaves_the_rig_dark(care: RigCare, opened: OpenStation) -> None:
    opened.hand.next_good_part("fork_crimp_terminal")
    config = opened.station.rig.config
    assert care.lights() == [DARK, *(zone.name for zone in config.lights.zones), *(projector.name for projector in config.projectors)]
    dark, *lit = (brightness(care.preview(light)) for light in care.lights())
    assert min(lit) > dark + 20
    assert opened.bench.is_dark
    with pytest.raises(NotFound):
        care.preview("sun")


def test_nothing_is_previewed_tested_or_captured_while_something_else_has_the_rig(care: RigCare, opened: OpenStation) -> None:
    held, over = threading.Event(), threading.Event()

    def scan() -> None:
        with opened.station.on_rig:
            held.set()
            over.wait(30)

    thread = threading.Thread(target=scan)
    thread.start()
    held.wait(30)
    try:
        assert care.preview(DARK) is None
        for refused in (care.self_test, lambda: care.capture("x")):
            with pytest.raises(Conflict):
                refused()
    finally:
        over.set()
        thread.join()
    assert care.preview(DARK) is not None


def test_the_self_test_names_what_does_not_work(care: RigCare, opened: OpenStation) -> None:
    well = care.self_test()
    assert well.is_ok
    assert [device.kind for device in well.devices] == ["camera", "lights", *["projector"] * 4]
    opened.bench.faults.unplugged.add("lights")
    ill = care.self_test()
    opened.bench.faults.clear()
    assert not ill.is_ok
    assert any(step.reason and step.reason.code.startswith("device") for step in ill.steps)
    assert care.self_test().is_ok


def test_the_calibration_is_checked_with_the_plate_and_a_drifted_one_is_warned_of(care: RigCare, opened: OpenStation, tmp_path: Path) -> None:
    status = care.calibration()
    assert status.last_check is None
    assert [device.name for device in status.devices] == ["camera", *(projector.name for projector in opened.station.rig.config.projectors)]
    assert status.report_url is None
    (opened.folder / "calibration.html").write_text(f"<title>Calibration {status.calibration_id}</title>")
    assert care.calibration().report_url is not None
    assert care.calibration_report().name == "calibration.html"
    assert status.warnings == []
    shares: list[float] = []
    report = care.check_calibration(lambda _: pytest.fail("the bench has a hand"), lambda share, _: shares.append(share), lambda: False)
    assert report.holds
    assert shares == sorted(shares)
    assert care.calibration().last_check == report
    (tmp_path / "calibration_check.json").write_text(report.model_copy(update={"holds": False, "drifted": ["projector3"]}).model_dump_json())
    (warning,) = care.calibration().warnings
    assert "projector3" in warning.message
    old = RigCare(opened.station, opened.folder, tmp_path / "other", calibration_days=1e-6)
    assert [w.code for w in old.calibration().warnings] == ["calibration.old"]


def test_a_capture_is_kept_whole_and_listed(care: RigCare, opened: OpenStation) -> None:
    opened.hand.next_good_part("fork_crimp_terminal")
    made = care.capture("first")
    assert care.captures() == [made]
    assert sum(1 for _ in Capture(care.capture_folder("first")).frames()) == made.frames
    timing = care.timing(110)
    assert timing.measured is not None
    assert len(timing.steps) == made.frames
    assert timing.measured.duration_ms == timing.steps[-1].measured_ms
    assert sum(part.frames for part in timing.measured.parts) == made.frames
    with pytest.raises(Cancelled):
        care.capture("stopped", cancelled=lambda: True)
    assert care.captures() == [made]
    with pytest.raises(Conflict):
        care.capture("first")
    with pytest.raises(NotFound):
        care.capture_folder("second")


def test_the_rigs_files_are_shown_checked_and_read_again(care: RigCare, opened: OpenStation, rig: Path) -> None:
    file = rig / "rig.yaml"
    before = file.read_text()
    assert care.configuration().differences == []
    file.write_text(before.replace("frame_timeout_s:", "frame_time_out_s:"))
    shown = care.configuration()
    assert not shown.is_valid
    assert "frame_time_out_s" in shown.reason.message
    assert "frame_time_out_s" in shown.text.splitlines()[shown.problems[0].line - 1]
    with pytest.raises(RigFileError):
        care.reload()
    assert care.preview(DARK) is not None  # it works on as before
    seconds = opened.station.rig.config.timing.frame_timeout_s
    file.write_text(re.sub(r"frame_timeout_s: *[0-9.]+", f"frame_timeout_s: {seconds + 1}", before))
    (difference,) = care.configuration().differences
    assert (difference.path, float(difference.in_use), float(difference.in_file)) == ("timing.frame_timeout_s", seconds, seconds + 1)
    care.reload()
    assert opened.station.rig.config.timing.frame_timeout_s == seconds + 1
    assert opened.station.state().state is StationState.READY
    assert care.self_test().is_ok
