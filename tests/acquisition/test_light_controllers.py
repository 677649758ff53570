"""Emulated light controllers: what shines, when the line's bytes arrive, and what goes wrong when it should."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Condition

import pytest
import serial

from acquisition.simulation.light_controllers import LightController, LineFault, controller_for
from acquisition.simulation.light_controllers.ccs import CcsController
from acquisition.simulation.light_controllers.gardasoft import GardasoftController
from tests.acquisition.light_rig import FAMILIES, serial_lights

# What sets channel 2 to 60 and turns it on, and what is answered.
SETTING = {
    "ccs": [(b"@02F06000DE\r\n", b"@02O0051\r\n"), (b"@02L1007F\r\n", b"@02O0051\r\n")],
    "gardasoft": [(b"RS2,60\r", b">")],
    "dollar": [(b"$3203C65", b"$"), (b"$1203C67", b"$")],
    "tms": [(b"@02SI{060}", b"@02SI{060}")],
}


class Light:
    """What has shone."""

    def __init__(self) -> None:
        self.log: list[tuple[int, ...]] = []
        self._changed = Condition()

    def __call__(self, levels: Sequence[int]) -> None:
        with self._changed:
            self.log.append(tuple(levels))
            self._changed.notify_all()

    def shone(self, *log: tuple[int, ...]) -> bool:
        """Whether this, and nothing else, has shone; waits for it."""
        with self._changed:
            self._changed.wait_for(lambda: len(self.log) >= len(log), 5)
            return self.log == list(log)


@pytest.fixture
def light() -> Light:
    return Light()


@pytest.fixture(params=FAMILIES)
def family(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def controller(family: str, light: Light, tmp_path) -> Iterator[LightController]:
    with controller_for(serial_lights(family, tmp_path / "port"), light) as controller:
        yield controller


@pytest.fixture
def port(controller: LightController, family: str) -> Iterator[serial.Serial]:
    with serial.Serial(str(controller.port), serial_lights(family).baud_rate, timeout=5, exclusive=True) as port:
        yield port


def exchange(port: serial.Serial, command: bytes, answer: bytes) -> bytes:
    """Send a command and take as many bytes as the answer should have."""
    port.write(command)
    return port.read(len(answer))


def silent(port: serial.Serial) -> bool:
    """Whether nothing more comes for fifty milliseconds."""
    port.timeout = 0.05
    try:
        return port.read(1) == b""
    finally:
        port.timeout = 5


def test_a_zone_shines_as_it_was_told_and_the_answer_is_exact(port, controller, family, light) -> None:
    for command, answer in SETTING[family]:
        assert exchange(port, command, answer) == answer
    assert silent(port)
    assert light.shone((0, 60, 0, 0))
    assert controller.levels == (0, 60, 0, 0)
    assert list(controller.heard) == [command for command, _ in SETTING[family]]


def test_an_answer_takes_the_line_the_time_of_its_bytes(port, family) -> None:
    for command, answer in SETTING[family]:
        start = time.monotonic()
        exchange(port, command, answer)
        assert time.monotonic() - start >= 10 * len(command + answer) / port.baudrate


def test_a_change_is_shown_before_it_is_confirmed(port, family, light) -> None:
    for command, answer in SETTING[family]:
        exchange(port, command, answer)
    assert light.log == [(0, 60, 0, 0)]


def test_a_garbled_answer_has_its_length_and_is_wrong(port, controller, family, light) -> None:
    controller.fail(LineFault.GARBLED, len(SETTING[family]))
    for command, answer in SETTING[family]:
        got = exchange(port, command, answer)
        assert len(got) == len(answer)
        assert got != answer
    assert light.shone((0, 60, 0, 0))


def test_a_missing_answer_is_missing_and_the_command_obeyed(port, controller, family, light) -> None:
    controller.fail(LineFault.MISSING, 2)
    for command, _ in SETTING[family]:
        port.write(command)
    assert light.shone((0, 60, 0, 0))
    assert silent(port)


def test_a_lost_command_is_neither_obeyed_nor_answered_and_the_next_is(port, controller, family, light) -> None:
    controller.fail(LineFault.LOST)
    port.write(SETTING[family][-1][0])
    assert silent(port)
    for command, answer in SETTING[family]:
        assert exchange(port, command, answer) == answer
    assert light.shone((0, 60, 0, 0))


def test_a_delayed_answer_comes_later_and_whole(port, controller, family) -> None:
    controller.delay_s = 0.1
    controller.fail(LineFault.DELAYED)
    command, answer = SETTING[family][0]
    start = time.monotonic()
    assert exchange(port, command, answer) == answer
    assert time.monotonic() - start >= 0.1


def test_faults_are_forgotten_when_healed(port, controller, family) -> None:
    controller.fail(LineFault.LOST, 100)
    controller.heal()
    command, answer = SETTING[family][0]
    assert exchange(port, command, answer) == answer


def test_noise_arrives_at_the_station(port, controller) -> None:
    controller.noise(b"\x00hum")
    assert port.read(4) == b"\x00hum"


def test_an_unplugged_controller_is_gone_at_once_and_dark(port, controller, family, light) -> None:
    for command, answer in SETTING[family]:
        exchange(port, command, answer)
    controller.unplug()
    with pytest.raises(serial.SerialException):
        port.read(1)
    with pytest.raises(serial.SerialException):
        port.write(b"x")
    assert not controller.port.exists()
    assert light.shone((0, 60, 0, 0), (0, 0, 0, 0))


def test_it_comes_back_under_the_same_name_as_it_was_delivered(port, controller, family, light) -> None:
    for command, answer in SETTING[family]:
        exchange(port, command, answer)
    controller.unplug()
    controller.plug_in()
    with serial.Serial(str(controller.port), port.baudrate, timeout=5) as again:
        command, answer = SETTING[family][-1]
        assert exchange(again, command, answer) == answer
    # Where on and intensity are two commands, the intensity is gone with the power.
    assert controller.levels == ((0, 0, 0, 0) if len(SETTING[family]) == 2 else (0, 60, 0, 0))


def test_with_only_the_line_cut_the_light_stays_on(port, controller, family, light) -> None:
    for command, answer in SETTING[family]:
        exchange(port, command, answer)
    controller.unplug(power=False)
    assert controller.levels == (0, 60, 0, 0)
    controller.plug_in()
    assert controller.levels == (0, 60, 0, 0)
    assert light.log == [(0, 60, 0, 0)]


def test_a_closed_controller_leaves_nothing_behind(family, light, tmp_path) -> None:
    controller = controller_for(serial_lights(family, tmp_path / "port"), light)
    with pytest.raises(RuntimeError, match="start it first"):
        controller.noise(b"x")
    controller.start()
    assert controller.port.exists()
    controller.close()
    controller.close()
    assert list(tmp_path.iterdir()) == []


def test_a_controller_that_was_never_started_or_is_closed_holds_no_descriptor(family, light, tmp_path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    controller = controller_for(serial_lights(family, tmp_path / "port"), light)
    assert len(list(Path("/proc/self/fd").iterdir())) <= before
    for _ in range(2):
        with controller:
            assert controller.port.exists()
    assert len(list(Path("/proc/self/fd").iterdir())) <= before


def test_a_flashing_channel_shines_when_triggered_and_only_then(light, tmp_path) -> None:
    with GardasoftController([1, 2], light, tmp_path / "port") as controller, serial.Serial(str(controller.port), timeout=5) as port:
        assert exchange(port, b"RT2,200us,0.05,400\r", b">") == b">"
        assert controller.levels == (0, 0)
        assert controller.flash_levels == (0, 400)
        controller.trigger()
        assert light.shone((0, 400), (0, 0))
        assert exchange(port, b"TR2\r", b">") == b">"
        assert light.shone((0, 400), (0, 0), (0, 400), (0, 0))
        report = b"CH 2, MD 1, IP 2, CS 0.500A, SE 400.0, DL 50.0us, PU 200.0us, RT 0.0us, FL 0\n\r>"
        assert exchange(port, b"ST2\r", report) == report
        assert exchange(port, b"RS2,0\r", b">") == b">"
        controller.trigger()
        assert controller.flash_levels == (0, 0)
        assert len(light.log) == 4


def test_commands_that_come_too_soon_are_counted(light, tmp_path) -> None:
    with CcsController([1], light, tmp_path / "port") as controller, serial.Serial(str(controller.port), timeout=5) as port:
        exchange(port, b"@01L0007D\r\n", b"@01O0050\r\n")
        port.write(b"@01L0007D\r\n@01L0007D\r\n")
        port.read(20)
        assert controller.too_soon >= 1


def test_a_station_that_never_reads_does_not_stop_it(controller, family, light) -> None:
    controller.noise(b"~" * 100_000)
    with serial.Serial(str(controller.port), timeout=5) as port:
        for command, answer in SETTING[family]:
            assert exchange(port, command, answer) == answer
    assert light.shone((0, 60, 0, 0))
