"""The driver of serial light controllers: one zone at a time, known to be lit, and dark after anything that goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import serial

from acquisition.devices import Lights
from acquisition.drivers.serial_lights import SerialLights
from acquisition.simulation.light_controllers import LightController, LineFault, controller_for
from rig_configs.errors import DeviceUnavailable
from rig_configs.lights import SerialLightsConfig
from tests.acquisition.light_rig import FAMILIES, INTENSITIES, flashing_lights, serial_lights

DARK = (0, 0, 0, 0)


def only(zone: int) -> tuple[int, ...]:
    return tuple(level if i == zone else 0 for i, level in enumerate(INTENSITIES))


class Room:
    """A controller, its driver, and what has shone."""

    def __init__(self, config: SerialLightsConfig, controller_config: SerialLightsConfig | None = None) -> None:
        self.log: list[tuple[int, ...]] = []
        self.controller: LightController = controller_for(controller_config or config, lambda levels: self.log.append(tuple(levels)))
        self.lights = SerialLights(config)

    def __enter__(self) -> Room:
        self.controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.lights.close()
        self.controller.close()

    def failing(self, call: str = "on", *arguments: int) -> DeviceUnavailable:
        """The error that a call ends with."""
        with pytest.raises(DeviceUnavailable) as caught:
            getattr(self.lights, call)(*arguments)
        return caught.value


each_family = pytest.mark.parametrize("family", FAMILIES)


@pytest.fixture
def family() -> str:
    """Where the protocol does not matter."""
    return "tms"


@pytest.fixture
def room(family: str, tmp_path: Path) -> Iterator[Room]:
    # All lines as fast as the fastest: their own speed is tested with the controllers.
    with Room(serial_lights(family, tmp_path / "port", baud=115200)) as room:
        yield room


@each_family
def test_it_is_a_light_and_says_what_it_is(room: Room, family: str) -> None:
    assert isinstance(room.lights, Lights)
    info = room.lights.info
    assert (info.kind, info.name) == ("lights", "lights")
    assert info.details["zones"] == "east on channel 1, north on channel 2, west on channel 3, south on channel 4"
    known = {"ccs": "'@'", "gardasoft": "RT420-20 (HW02) V031", "dollar": "'$'", "tms": "LC-18 1.0.4.2"}
    assert known[family] in info.model
    assert room.log == []


@each_family
def test_each_zone_shines_alone_at_its_intensity_and_never_two(room: Room) -> None:
    for zone in (0, 2, 1, 3):
        room.lights.on(zone)
        assert room.controller.levels == only(zone)
    room.lights.off()
    assert room.log == [only(0), DARK, only(2), DARK, only(1), DARK, only(3), DARK]
    assert room.controller.too_soon == 0


def test_asking_for_the_info_leaves_the_light_as_it_is(room: Room) -> None:
    room.lights.on(1)
    assert room.lights.info.kind == "lights"
    assert room.log == [only(1)]


def test_off_again_at_once_sends_nothing_and_still_sees_the_plug(room: Room) -> None:
    room.lights.on(0)
    room.lights.off()
    before = len(room.controller.heard)
    room.lights.off()
    assert len(room.controller.heard) == before
    room.controller.unplug()
    assert room.failing("off").code == "device.unavailable.unplugged"


@each_family
@pytest.mark.parametrize("fault", [LineFault.GARBLED, LineFault.DELAYED, LineFault.LOST])
def test_one_fault_on_the_line_is_survived(room: Room, fault: LineFault) -> None:
    room.lights.off()
    room.controller.delay_s = 0.15
    room.controller.fail(fault)
    room.lights.on(2)
    assert room.controller.levels == only(2)
    room.lights.on(1)
    assert room.controller.levels == only(1)


@pytest.mark.parametrize("family", ["ccs", "dollar"])  # TMS echoes the command, so no answer can be another's
def test_a_late_answer_is_not_taken_for_that_of_a_lost_command(room: Room) -> None:
    room.lights.on(0)
    room.controller.delay_s = 0.15
    room.controller.fail(LineFault.DELAYED)
    room.lights.on(0)
    room.controller.fail(LineFault.LOST, 2)
    room.lights.on(1)
    assert room.controller.levels == only(1)


@pytest.mark.parametrize("family", ["ccs", "dollar"])
def test_answers_that_stay_garbled_end_dark_and_the_next_call_may_work(room: Room, family: str) -> None:
    room.lights.on(3)
    # As many as there are attempts and commands that end half-heard ones between them; turning everything off gets through.
    room.controller.fail(LineFault.GARBLED, 3 if family == "dollar" else 5)
    error = room.failing("on", 1)
    assert error.code == "device.unavailable.garbled"
    assert "baud rate" in error.cure
    assert room.controller.levels == DARK
    room.lights.on(1)
    assert room.controller.levels == only(1)


@pytest.mark.parametrize("family", ["ccs", "gardasoft"])
def test_a_dead_controller_is_asked_three_times_and_told_to_be_dark_once(room: Room, family: str) -> None:
    room.lights.on(0)
    before = len(room.controller.heard)
    room.controller.fail(LineFault.MISSING, 1000)
    assert room.failing("on", 1).code == "device.unavailable.no_answer"
    room.controller.heal()
    spoken = [c for c in list(room.controller.heard)[before:] if c.strip()]
    off = b"L0" if family == "ccs" else b",0\r"
    assert all(off in command for command in spoken)
    assert len(set(spoken)) == 4
    assert len(spoken) == 3 + 4
    assert room.controller.levels == DARK


@each_family
def test_a_command_left_half_said_by_another_program_does_not_harm(family: str, tmp_path: Path) -> None:
    half = {"ccs": b"@01F", "gardasoft": b"RS1,", "dollar": b"$310", "tms": b"@01SI{"}[family]
    with Room(serial_lights(family, tmp_path / "port", attempts=1, baud=115200, answer_timeout_ms=200)) as room:
        room.controller.disturb(half)
        room.lights.on(1)
        assert room.controller.levels == only(1)


@each_family
def test_noise_before_and_half_a_command_at_the_controller_are_overcome(room: Room, family: str) -> None:
    room.lights.on(0)
    half = {"ccs": b"@01F", "gardasoft": b"RS1,", "dollar": b"$310", "tms": b"@01SI{"}[family]
    room.controller.noise(b"~~>$}")
    room.controller.disturb(half)
    room.lights.on(1)
    assert room.controller.levels == only(1)


@each_family
def test_what_the_controller_refuses_is_an_error(family: str, tmp_path: Path) -> None:
    config = serial_lights(family, tmp_path / "port", attempts=1, baud=115200, answer_timeout_ms=200)
    fewer = config.model_copy(update={"channels": config.channels[:3]})
    with Room(config, fewer) as room:
        error = room.failing("on", 0)
        assert error.code == "device.unavailable.refused"
        assert "channel 4" in error.message
        assert room.log == []


@pytest.mark.parametrize("family", ["gardasoft", "dollar", "tms"])
def test_a_setting_that_the_controller_does_not_keep_is_an_error(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    room.lights.on(0)
    obey = room.controller.obey

    def forgetful(command: bytes) -> bytes:
        answer = obey(command)
        room.controller.channels[3].level = min(room.controller.channels[3].level, 5)
        return answer

    monkeypatch.setattr(room.controller, "obey", forgetful)
    error = room.failing("on", 2)
    assert error.code == "device.unavailable.not_verified"
    assert "level is 5" in error.message
    assert "should be 80" in error.message
    assert room.controller.levels == DARK


@each_family
def test_an_unplugged_controller_is_found_again_and_set_up_anew(room: Room) -> None:
    room.lights.on(0)
    room.controller.unplug()
    for _ in range(2):
        error = room.failing("on", 1)
        assert error.code == "device.unavailable.unplugged"
        assert str(room.controller.port) in error.message
    assert room.failing("off").code == "device.unavailable.unplugged"
    with pytest.raises(DeviceUnavailable):
        _ = room.lights.info
    room.controller.plug_in()
    room.lights.on(1)
    assert room.controller.levels == only(1)


def test_a_controller_that_was_unplugged_and_is_back_is_not_missed(room: Room) -> None:
    room.lights.on(0)
    room.controller.unplug()
    room.controller.plug_in()
    room.lights.on(1)
    assert room.controller.levels == only(1)


@each_family
def test_a_light_left_on_by_a_cut_line_goes_out_when_the_line_is_back(room: Room) -> None:
    room.lights.on(2)
    room.controller.unplug(power=False)
    assert "still on" in room.failing("off").cure
    assert room.controller.levels == only(2)
    room.controller.plug_in()
    room.lights.close()
    assert room.controller.levels == DARK


def test_a_zone_that_is_not_there_is_an_error_and_leaves_nothing_lit(room: Room) -> None:
    room.lights.on(0)
    for zone in (4, -1):
        assert room.failing("on", zone).code == "device.unavailable.no_such_zone"
        assert room.controller.levels == DARK


def test_closing_is_dark_can_be_done_twice_and_undone(room: Room) -> None:
    room.lights.on(0)
    room.lights.close()
    assert room.controller.levels == DARK
    before = len(room.controller.heard)
    room.lights.close()
    assert len(room.controller.heard) == before
    with room.lights:
        room.lights.on(3)
        assert room.controller.levels == only(3)
    assert room.controller.levels == DARK


def test_closing_without_a_controller_is_no_error(tmp_path: Path) -> None:
    SerialLights(serial_lights("tms", tmp_path / "nothing")).close()


def test_a_port_that_another_program_has_is_said_to_be_busy(room: Room) -> None:
    with serial.Serial(str(room.controller.port), exclusive=True):
        assert room.failing("on", 0).code == "device.unavailable.busy"
    room.lights.on(0)
    assert room.controller.levels == only(0)


def test_an_exception_inside_a_call_ends_dark(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    room.lights.on(0)
    monkeypatch.setattr(room.lights._protocol, "on", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        room.lights.on(1)
    monkeypatch.undo()
    assert room.controller.levels == DARK


@pytest.mark.parametrize("family", ["ccs", "gardasoft", "tms"])
def test_flashing_zones_are_dark_between_triggers(family: str, tmp_path: Path) -> None:
    with Room(flashing_lights(family, tmp_path / "port")) as room:
        for zone in (1, 3):
            room.lights.on(zone)
            assert room.controller.levels == DARK
            assert room.controller.flash_levels == only(zone)
        room.controller.trigger()
        room.lights.off()
        assert room.controller.flash_levels == DARK
        assert room.log == [only(3), DARK]


@pytest.mark.parametrize("family", ["gardasoft", "tms"])
def test_a_zone_flashes_once_at_a_command(family: str, tmp_path: Path) -> None:
    with Room(flashing_lights(family, tmp_path / "port")) as room:
        room.lights.on(2)
        room.lights.pulse()
        room.controller.fail(LineFault.MISSING)
        assert room.failing("pulse").code == "device.unavailable.no_answer"
        assert room.log == [only(2), DARK, only(2), DARK]


def test_without_flashing_there_is_no_flash(room: Room) -> None:
    room.lights.on(2)
    assert room.failing("pulse").code == "device.unavailable.no_trigger"
    assert room.controller.levels == DARK


def test_a_controller_that_never_answers_is_driven_all_the_same(tmp_path: Path) -> None:
    with Room(serial_lights("dollar", tmp_path / "port", protocol={"expect_answer": False})) as room:
        assert room.lights.info.details["reads back"] == "nothing"
        for zone in (2, 0):
            room.lights.on(zone)
        room.lights.off()
        room.lights.close()
        # A request of the emulator comes after all it has heard.
        room.controller.unplug()
    assert [levels for levels in room.log if levels != DARK] == [only(2), only(0)]
    assert room.log[-1] == DARK


def test_controllers_of_the_at_family_that_stop_after_the_o_are_understood(tmp_path: Path) -> None:
    with Room(serial_lights("ccs", tmp_path / "port", protocol={"answer_checksum": False, "unit": 7})) as room:
        room.lights.on(1)
        assert room.controller.levels == only(1)
        assert room.controller.heard[-1] == b"@02L10786\r\n"
