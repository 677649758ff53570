"""Which drivers may stand together in a rig, and what a scan asks of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from rig_configs.files import load_rig
from rig_configs.schema import RigConfig

Change = Callable[[dict[str, Any]], object]


@pytest.fixture
def emulated() -> dict[str, Any]:
    return load_rig("emulated").model_dump(mode="json")


def of_demo(device: str) -> Any:
    return load_rig("demo").model_dump(mode="json")[device]


SCREEN = {
    "driver": "screen", "name": "north_east", "width_px": 1280, "height_px": 800,
    "nominal": {"azimuth_deg": 45, "tilt_deg": 30, "distance_mm": 220, "field_width_mm": 60},
}  # fmt: skip


def test_real_drivers_with_a_simulation_are_an_emulated_rig_whose_results_say_simulated(emulated: dict[str, Any]) -> None:
    rig = RigConfig.model_validate(emulated)
    assert rig.is_emulated
    assert rig.is_simulated


def test_real_drivers_of_several_kinds_stand_together_and_are_no_simulation(emulated: dict[str, Any]) -> None:
    emulated["simulation"] = None
    emulated["projectors"][0] = SCREEN
    rig = RigConfig.model_validate(emulated)
    assert not rig.is_emulated
    assert not rig.is_simulated


def test_simulated_devices_are_not_emulated() -> None:
    assert not load_rig("demo").is_emulated


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rig: rig.update(camera=of_demo("camera")), "drivers dlp, serial, simulated cannot stand together"),
        (lambda rig: rig.update(lights=of_demo("lights")), "drivers dlp, genicam, simulated cannot stand together"),
        (lambda rig: rig["lights"].update(driver="replay", port=None), "lights"),
        (lambda rig: rig["camera"].update(trigger="line0"), "camera.genicam.trigger"),
        (lambda rig: rig["projectors"][1].update(trigger="trig_out"), "projector 'north_west' has trigger trig_out"),
        (
            lambda rig: (rig["projectors"][1].update(trigger="trig_in"), rig["camera"].update(trigger="none")),
            "projector 'north_west' has trigger trig_in",
        ),
        (lambda rig: rig["sequence"].update(fringe_exposure_us=7000), "does not suit projector 'north_east': 7000 µs are not a whole number"),
        (lambda rig: rig["sequence"]["fringes"].update(exposures=[1, 0.5]), "3000 µs are not a whole number"),
        (lambda rig: rig["projectors"].__setitem__(0, SCREEN), "projector 'north_east' is a screen"),
    ],
)
def test_what_cannot_work_together_is_refused(emulated: dict[str, Any], change: Change, words: str) -> None:
    change(emulated)
    with pytest.raises(ValidationError, match=words):
        RigConfig.model_validate(emulated)


def test_the_camera_may_trigger_projectors(emulated: dict[str, Any]) -> None:
    emulated["projectors"][1] |= {"trigger": "trig_in", "period_us": 6500}
    assert RigConfig.model_validate(emulated).projectors[1].driver == "dlp"


def test_a_longer_exposure_may_hold_several_patterns(emulated: dict[str, Any]) -> None:
    emulated["sequence"]["fringe_exposure_us"] = 12000
    assert RigConfig.model_validate(emulated).sequence.fringe_exposure_us == 12000
