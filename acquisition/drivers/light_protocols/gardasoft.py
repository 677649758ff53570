"""Gardasoft RT controllers.

    RS1,80 CR              channel 1 steady at 80 per cent
    RT1,0.2,0.05,400 CR    channel 1 flashes for 0.2 ms, 0.05 ms after its trigger, at 400 per cent
    TR1 CR                 as if channel 1 had been triggered
    ST1 CR                 what channel 1 is set to: CH 1, MD 1, IP 1, CS 0.500A, SE 400.0, DL 50.0us, PU 200.0us, RT 0.0us, FL 0
    VR CR                  RT420-20 (HW02) V031

Every answer ends with ``>``; a command that was done is answered by nothing else, one that was not by ``Err`` and a number.
There is no checksum, and a lone ``>`` could be noise: so what counts is what ``ST`` reads back. The commands are public. Unverified on
an RT itself: the layout of ``ST``'s answer (it is documented of its sister PP420, with the same fields), and the meaning of the
``Err`` numbers (documented of the VTR1).
"""

from __future__ import annotations

import re

from acquisition.drivers.light_protocols.base import GARBLED, Answer, Capabilities, Command, LightProtocol, Outcome, Settings, question, through
from rig_configs.lights import LightChannel, Strobe

ERRORS = {
    "1": "a value is out of range",
    "2": "it does not know the command",
    "3": "a number is written wrongly",
    "4": "there are too many or too few values",
    "5": "it changed a time that it cannot do to one that it can",
}
MODES = {"0": "continuous", "1": "pulse", "2": "switched", "3": "selected"}
MICROSECONDS = {"us": 1.0, "ms": 1e3, "s": 1e6}


class Gardasoft(LightProtocol):
    """Gardasoft RT. Steady, or flashing by time in steps of a microsecond and by per cent of the light's rating."""

    name = "Gardasoft RT"
    resync = b"\r"

    def __init__(self, strobe: Strobe | None) -> None:
        self._strobe = strobe
        self.capabilities = Capabilities(
            own_switch=False,
            strobe_width=True,
            strobe_delay=True,
            software_trigger=True,
            reads_back=("mode", "level", "pulse_us", "delay_us"),
            checksum=False,
            answers=True,
        )

    def prepare(self, channel: LightChannel) -> list[Command]:
        """Nothing but dark: a channel's settings and its light are one."""
        return self.off(channel)

    def on(self, channel: LightChannel) -> list[Command]:
        """Steady light, or ready to flash; read back."""
        number, level = channel.channel, channel.intensity
        if self._strobe is None:
            return self._steady(channel, level)
        pulse_us, delay_us = self._strobe.pulse_us, self._strobe.delay_us
        wanted: Settings = {"mode": "pulse", "level": level, "pulse_us": _four_digits(pulse_us), "delay_us": _four_digits(delay_us)}
        flash = f"RT{number},{_milliseconds(pulse_us)},{_milliseconds(delay_us)},{level}"
        return [Command(f"{flash}\r".encode(), f"making channel {number} flash"), self._status(number, wanted)]

    def off(self, channel: LightChannel) -> list[Command]:
        """Steady at nothing, which also ends flashing; read back."""
        return self._steady(channel, 0)

    def ask(self, channel: LightChannel) -> Command:
        """Ask for model and firmware."""
        return Command(b"VR\r", "asking for the version")

    def pulse(self, channel: LightChannel) -> Command | None:
        """Flash as if triggered."""
        return Command(f"TR{channel.channel}\r".encode(), f"triggering channel {channel.channel}")

    def answer_length(self, command: Command, received: bytes) -> int | None:
        """Answers end with ``>``."""
        return through(b">", received)

    def decode(self, command: Command, answer: bytes) -> Answer:
        """Nothing for a command; a report for a question."""
        if not answer.isascii() or not answer.endswith(b">"):
            return GARBLED
        text = answer[:-1].decode().strip("\r\n")
        if error := re.fullmatch(r"Err (\d+)", text):
            return Answer(Outcome.REFUSED, f"{text}: {ERRORS.get(error[1], 'see its manual')}")
        match command.data[:2]:
            case b"VR":
                return Answer(Outcome.OK, settings={"model": text}) if re.fullmatch(r"\w[\w-]* \(HW\d+\) V\d+", text) else GARBLED
            case b"ST":
                settings = _report(text, command.data[2:-1].decode())
                return Answer(Outcome.OK, settings=settings) if settings else GARBLED
            case _:
                return GARBLED if text else Answer(Outcome.OK)

    def _steady(self, channel: LightChannel, level: int) -> list[Command]:
        number = channel.channel
        what = f"turning channel {number} {'on' if level else 'off'}"
        return [Command(f"RS{number},{level}\r".encode(), what), self._status(number, {"mode": "continuous", "level": level})]

    def _status(self, number: int, wanted: Settings) -> Command:
        return question(f"ST{number}\r".encode(), f"channel {number}", wanted)


def _milliseconds(us: int) -> str:
    return f"{us / 1000:.3f}".rstrip("0").rstrip(".")


def _four_digits(us: float) -> float:
    """Times are reported with four digits."""
    return float(f"{us:.4g}")


def _report(text: str, channel: str) -> Settings:
    """The settings in an answer to ``ST``; empty where it is not the channel's."""
    fields = dict(part.split(" ", 1) for part in text.split(", ") if " " in part)
    delay, pulse = (re.fullmatch(r"(\d+(?:\.\d+)?)(us|ms|s)", fields.get(key, "")) for key in ("DL", "PU"))
    level = re.fullmatch(r"\d+(?:\.\d+)?", fields.get("SE", ""))
    if fields.get("CH") != channel or fields.get("MD") not in MODES or not (delay and pulse and level):
        return {}
    return {
        "mode": MODES[fields["MD"]],
        "level": float(level[0]),
        "delay_us": _four_digits(float(delay[1]) * MICROSECONDS[delay[2]]),
        "pulse_us": _four_digits(float(pulse[1]) * MICROSECONDS[pulse[2]]),
    }
