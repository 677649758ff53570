"""A rig file that would burn a light, or cannot work, is refused before anything is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from rig_configs.lights import SerialLightsConfig
from tests.acquisition.light_rig import FAMILIES, STROBE, serial_lights

DOCS = Path(__file__).parents[2] / "docs" / "lights.md"


def channels(**first: Any) -> list[dict[str, Any]]:
    """Four channels, the first one changed."""
    return [{"channel": n, "intensity": 50} | (first if n == 1 else {}) for n in range(1, 5)]


def flash(**changes: int) -> dict[str, Any]:
    return STROBE | changes


OVERDRIVE = {"overdrive_pulse_us": 1000, "overdrive_duty_percent": 5}


@pytest.mark.parametrize(
    ("family", "changes", "words"),
    [
        ("ccs", {"channels": channels()[:3]}, "4 zones have 3 channels"),
        ("ccs", {"channels": channels(channel=2)}, "two zones have the same channel"),
        ("tms", {"channels": channels(channel=5)}, r"zone 'east': there is no channel 5; the protocol's channels are 1 to 4"),
        ("ccs", {"channels": channels(intensity=256)}, "intensity 256 is more than the controller knows; the largest is 255"),
        ("gardasoft", {"channels": channels(intensity=101)}, "the largest is 100"),
        ("dollar", {"mode": STROBE}, "cannot flash; choose mode continuous"),
        ("ccs", {"mode": STROBE}, "give protocol.strobe_preset"),
        ("ccs", {"protocol": {"strobe_preset": 3}}, "strobe_preset is for mode strobe"),
        ("ccs", {"protocol": {"strobe_preset": 3}, "mode": flash(delay_us=5)}, "no strobe delay"),
        ("tms", {"mode": flash(delay_us=5)}, "no strobe delay"),
        ("tms", {"mode": flash(pulse_us=605)}, "steps of 10"),
        ("tms", {"mode": flash(pulse_us=100_000, period_us=200_000)}, "99990"),
        ("gardasoft", {"mode": flash(pulse_us=50_000)}, "must fit into period_us"),
        ("tms", {"channels": channels(limits={"rated_intensity": 40})}, "would burn it"),
        ("tms", {"mode": STROBE, "channels": channels(limits={"rated_intensity": 40})}, "give limits.overdrive_pulse_us"),
        (
            "tms",
            {"mode": flash(pulse_us=1100), "channels": channels(limits={"rated_intensity": 40} | OVERDRIVE)},
            "a flash of 1100 µs is longer than the overdriven LED bears, 1000 µs",
        ),
        (
            "tms",
            {"mode": flash(pulse_us=1000, period_us=10_000), "channels": channels(limits={"rated_intensity": 40} | OVERDRIVE)},
            r"a duty of 10.0% is more than the overdriven LED bears, 5 %",
        ),
        ("gardasoft", {"mode": STROBE, "channels": channels(intensity=400)}, "give limits.overdrive_pulse_us"),
        (
            "gardasoft",
            {
                "mode": flash(pulse_us=2500, period_us=100_000),
                "channels": channels(intensity=400, limits={"overdrive_pulse_us": 9000, "overdrive_duty_percent": 9}),
            },
            "at 400 % a Gardasoft RT allows flashes of 2000 µs and a duty of 10%",
        ),
        ("tms", {"answer_timeout_ms": 1000}, "answer_timeout_ms"),
        ("tms", {"baud": 1234}, "baud"),
        ("tms", {"protocol": {"strobe_preset": 3}}, "strobe_preset"),
    ],
)
def test_what_cannot_work_or_would_burn_a_light_is_refused(family: str, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        serial_lights(family, **changes)


def test_a_bright_flash_within_the_limits_is_accepted() -> None:
    lights = serial_lights("gardasoft", mode=STROBE, channels=channels(intensity=400, limits=OVERDRIVE))
    assert lights.strobe is not None
    assert lights.strobe.duty == pytest.approx(0.015)


def test_each_family_has_its_own_baud_rate_unless_told_otherwise() -> None:
    assert {family: serial_lights(family).baud_rate for family in FAMILIES} == {"ccs": 38400, "gardasoft": 115200, "dollar": 9600, "tms": 115200}
    assert serial_lights("ccs", baud=9600).baud_rate == 9600


@pytest.mark.parametrize("model", [SerialLightsConfig, *(type(serial_lights(f).protocol) for f in FAMILIES)], ids=lambda m: m.__name__)
def test_every_setting_is_described(model: type[SerialLightsConfig]) -> None:
    assert [name for name, field in model.model_fields.items() if not field.description] == []


def test_the_examples_in_the_manual_are_valid_and_of_every_family() -> None:
    blocks = [block.split("```")[0] for block in DOCS.read_text(encoding="utf-8").split("```yaml\n")[1:]]
    examples = [SerialLightsConfig.model_validate(yaml.safe_load(block)["lights"]) for block in blocks]
    assert sorted(e.protocol.name for e in examples) == sorted([*FAMILIES, "gardasoft"])


def test_the_manual_knows_every_error_of_the_driver() -> None:
    text = DOCS.read_text(encoding="utf-8")
    for detail in ("no_answer", "garbled", "refused", "not_verified", "unplugged", "busy", "no_permission", "no_such_zone", "no_trigger"):
        assert f"`device.unavailable.{detail}`" in text
