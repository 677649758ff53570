"""Whatever happens on the line: no zone is believed lit that is not, and closing ends dark."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquisition.drivers.serial_lights import SerialLights
from acquisition.simulation.light_controllers import LightController, LineFault, controller_for
from rig_configs.errors import DeviceUnavailable
from tests.acquisition.light_rig import FAMILIES, INTENSITIES, serial_lights

BYTES = st.binary(min_size=1, max_size=12) | st.text("@$&{}>0123OLSTIRF\r\n", min_size=1, max_size=12).map(str.encode)
FAULTS = st.tuples(st.just("fail"), st.sampled_from(LineFault), st.integers(1, 4))
NOISE = st.tuples(st.sampled_from(["noise", "disturb"]), BYTES)
PLUGS = st.tuples(st.sampled_from(["unplug", "cut", "plug_in"]))
CALLS = st.tuples(st.just("on"), st.integers(0, 3)) | st.tuples(st.just("off"))
# Hypothesis tries many lines, so each is fast and soon given up.
QUICK = {"answer_timeout_ms": 15, "attempts": 2, "baud": 115200}


def happen(controller: LightController, event: tuple) -> None:
    match event:
        case ("cut",):
            controller.unplug(power=False)
        case (name, *arguments):
            getattr(controller, name)(*arguments)


def run(events: list[tuple], controller: LightController, lights: SerialLights) -> None:
    """Let it all happen; a call that does not raise has done what it says."""
    for event in events:
        if event[0] not in ("on", "off"):
            happen(controller, event)
            continue
        with suppress(DeviceUnavailable):
            getattr(lights, event[0])(*event[1:])
            zone = event[1] if event[0] == "on" else None
            assert controller.levels == tuple(level if i == zone else 0 for i, level in enumerate(INTENSITIES))


@pytest.mark.parametrize("family", ["gardasoft", "dollar"])
@settings(max_examples=10, deadline=None)
@given(events=st.lists(CALLS | NOISE, min_size=2, max_size=8))
def test_noise_never_makes_a_call_succeed_that_did_not(family: str, events: list[tuple], tmp_path_factory: pytest.TempPathFactory) -> None:
    config = serial_lights(family, tmp_path_factory.mktemp("line") / "port", **QUICK)
    with controller_for(config, lambda _: None) as controller, SerialLights(config) as lights:
        run(events, controller, lights)


@pytest.mark.parametrize("family", FAMILIES)
@settings(max_examples=6, deadline=None)
@given(events=st.lists(CALLS | NOISE | FAULTS | PLUGS, min_size=3, max_size=10))
def test_closing_ends_dark_after_any_faults(family: str, events: list[tuple], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder: Path = tmp_path_factory.mktemp("line")
    config = serial_lights(family, folder / "port", **QUICK)
    with controller_for(config, lambda _: None) as controller:
        controller.delay_s = 0.02
        with SerialLights(config) as lights:
            for event in events:
                if event[0] in ("on", "off"):
                    with suppress(DeviceUnavailable):
                        getattr(lights, event[0])(*event[1:])
                else:
                    happen(controller, event)
            controller.heal()
            controller.plug_in()
        assert not any(controller.levels + controller.flash_levels)
