"""What is wrong in a rig.yaml is shown at its line."""

from __future__ import annotations

import pytest

from rig_configs.files import RIG_FILE, rig_folder
from rig_configs.locating import problems_in
from rig_configs.schema import RigConfig

TEXT = (rig_folder("demo") / RIG_FILE).read_text("utf-8")


def line_of(words: str, text: str = TEXT) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if words in line)


def test_a_sound_file_has_no_problem() -> None:
    assert problems_in(TEXT, RigConfig) == []


@pytest.mark.parametrize(
    ("right", "wrong", "at", "path"),
    [
        ("frame_timeout_s: 2.0", "frame_timeout_s: 2.0, colour: red", "colour", "timing.colour"),
        ("  width_px: 1368\n", "  width_px: -3\n", "width_px: -3", "camera.width_px"),
        ("  width_px: 1368\n", "", "camera:", "camera.width_px"),
        ("name: west, nominal: {azimuth_deg: 180", "name: west, nominal: {azimuth_deg: far", "name: west", "lights.zones.2.nominal.azimuth_deg"),
    ],
)
def test_each_problem_stands_at_its_setting(right: str, wrong: str, at: str, path: str) -> None:
    text = TEXT.replace(right, wrong, 1)
    assert text != TEXT
    [problem] = problems_in(text, RigConfig)
    assert problem.line == line_of(at, text)
    assert problem.path == path
    assert problem.column > 0
    assert problem.message


def test_several_are_told_from_top_to_bottom_and_what_is_no_yaml_at_its_place() -> None:
    text = TEXT.replace("height_px: 912", "height_px: many").replace("frame_timeout_s: 2.0", "frame_timeout_s: never")
    assert [p.line for p in problems_in(text, RigConfig)] == [line_of("height_px: many", text), line_of("frame_timeout_s", text)]
    [broken] = problems_in("name: demo\ncamera: {driver: simulated\nlights: [\n", RigConfig)
    assert broken.line >= 2
    assert broken.path == ""
    [empty] = problems_in("", RigConfig)
    assert empty.line == 1
