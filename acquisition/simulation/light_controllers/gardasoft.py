"""An emulated Gardasoft RT."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from acquisition.simulation.light_controllers.controller import Channel, LightController

VALUE, UNKNOWN, FORMAT, COUNT = 1, 2, 3, 4
UNITS_US = {"": 1000.0, "ms": 1000.0, "us": 1.0, "s": 1e6}
# Brightness up to, longest flash: an RT drives a light above its rating only briefly.
OVERDRIVE = ((100, 999e3), (200, 30e3), (300, 10e3), (500, 2e3), (1000, 1e3))


class GardasoftController(LightController):
    """Answers as an RT420-20 does: every line's answer ends with ``>``."""

    def __init__(self, channels: Iterable[int], shine: Callable[[Sequence[int]], None], port: Path, baud: int = 115200) -> None:
        super().__init__(channels, shine, port, baud)

    def next_command(self, heard: bytearray) -> bytes | None:
        """A line up to CR; LF is passed over."""
        if not heard.endswith(b"\r"):
            return None
        line = bytes(heard)
        heard.clear()
        return line

    def obey(self, command: bytes) -> bytes:
        """Steady, pulsed, trigger, status, version."""
        text = command.decode("latin-1").replace(" ", "").replace("\n", "").rstrip("\r")
        answer = self._answer(text)
        return f"{answer}\n\r>".encode() if answer else b">"

    def _answer(self, text: str) -> str:
        if not text:
            return ""
        code, values = text[:2], text[2:].split(",") if text[2:] else []
        needed = {"RS": 2, "RT": 4, "TR": 1, "ST": 1, "VR": 0}.get(code)
        if needed is None:
            return f"Err {UNKNOWN}"
        if len(values) != needed:
            return f"Err {COUNT}"
        if code == "VR":
            return "RT420-20 (HW02) V031"
        numbers = [re.fullmatch(r"(\d+(?:\.\d+)?)(us|ms|s|)", value) for value in values]
        if not all(numbers):
            return f"Err {FORMAT}"
        channel = self.channels.get(int(values[0])) if values[0].isdigit() else None
        if channel is None:
            return f"Err {VALUE}"
        match code:
            case "RS":
                return self._steady(channel, values[1])
            case "RT":
                pulse_us, delay_us = (float(n[1]) * UNITS_US[n[2]] for n in numbers[1:3] if n)
                return self._pulsed(channel, pulse_us, delay_us, values[3])
            case "TR":
                self.flash([channel])
                return ""
            case _:
                return self._status(int(values[0]), channel)

    def _steady(self, channel: Channel, percent: str) -> str:
        if float(percent) > 100:
            return f"Err {VALUE}"
        channel.level = round(float(percent))
        channel.on, channel.flashes = channel.level > 0, False
        return ""

    def _pulsed(self, channel: Channel, pulse_us: float, delay_us: float, percent: str) -> str:
        longest_us = next((us for top, us in OVERDRIVE if float(percent) <= top), 0.0)
        if not 1 <= pulse_us <= longest_us or delay_us > 999e3:
            return f"Err {VALUE}"
        channel.level = round(float(percent))
        channel.on = channel.flashes = True
        channel.pulse_us, channel.delay_us = pulse_us, delay_us
        return ""

    def _status(self, number: int, channel: Channel) -> str:
        mode = 1 if channel.flashes else 0
        delay, pulse = _time(channel.delay_us), _time(channel.pulse_us)
        return f"CH {number}, MD {mode}, IP {number}, CS 0.500A, SE {channel.level:.1f}, DL {delay}, PU {pulse}, RT 0.0us, FL 0"


def _time(us: float) -> str:
    """Four digits, as the controller writes a time."""
    if us < 999.95:
        return f"{us:.1f}us"
    decimals = 3 if us < 9999.5 else 2 if us < 99995 else 1
    return f"{us / 1000:.{decimals}f}ms"
