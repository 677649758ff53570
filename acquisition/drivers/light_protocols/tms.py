"""TMS Lite LC-18 controllers, such as the LC-18-SQ-4CH for a ring of four zones.

    @01SI{128}    board 0, channel 1 to intensity 128; echoed when done
    @01RI{}       asks for it: @01RI{128}
    {ERR}         refused

    SM mode (0 constant, 1 strobe), SI intensity (3 digits), SW width of a flash (4 digits, steps of 10 µs), ST flash now,
    RM, RI and RW read them, RV reads the version

There is no checksum, but the echo is the whole command. Off is intensity 0. The LC-18-SQ can also run a whole sequence of its own at one
external trigger and trigger the camera for each zone; this driver lights zone by zone. Unverified: whether ``{ERR}`` comes alone
or after the command's head (both are understood), and that the SQ model knows ``ST``, which its sister's manual lists.
"""

from __future__ import annotations

import re

from acquisition.drivers.light_protocols.base import GARBLED, Answer, Capabilities, Command, LightProtocol, Outcome, Settings, question, through
from rig_configs.lights import LightChannel, Strobe, TmsProtocol

CONSTANT, STROBE = 0, 1
STEP_US = 10


class Tms(LightProtocol):
    """TMS Lite LC-18. Steady, or flashing by time in steps of 10 µs."""

    name = "TMS Lite LC-18"
    resync = b"}"

    def __init__(self, config: TmsProtocol, strobe: Strobe | None) -> None:
        self._board = config.board
        self._strobe = strobe
        self.capabilities = Capabilities(
            own_switch=False,
            strobe_width=True,
            strobe_delay=False,
            software_trigger=True,
            reads_back=("mode", "level", "pulse_us"),
            checksum=False,
            answers=True,
        )

    def prepare(self, channel: LightChannel) -> list[Command]:
        """Dark, then the mode and the width of flashes, read back."""
        number = channel.channel
        mode = CONSTANT if self._strobe is None else STROBE
        commands = [
            *self.off(channel),
            self._command(channel, f"SM{{{mode}}}", f"setting the mode of channel {number}"),
            self._question(channel, "RM{}", {"mode": mode}),
        ]
        if self._strobe is not None:
            width_us = self._strobe.pulse_us
            commands.append(self._command(channel, f"SW{{{width_us // STEP_US:04d}}}", f"setting the flashes of channel {number} to {width_us} µs"))
            commands.append(self._question(channel, "RW{}", {"pulse_us": width_us}))
        return commands

    def on(self, channel: LightChannel) -> list[Command]:
        """Set the intensity, read back."""
        return self._level(channel, channel.intensity)

    def off(self, channel: LightChannel) -> list[Command]:
        """Set the intensity to nothing, read back."""
        return self._level(channel, 0)

    def ask(self, channel: LightChannel) -> Command:
        """Ask for the version."""
        return self._command(channel, "RV{}", "asking for the version")

    def pulse(self, channel: LightChannel) -> Command | None:
        """Flash now."""
        return self._command(channel, "ST{}", f"triggering channel {channel.channel}")

    def answer_length(self, command: Command, received: bytes) -> int | None:
        """Answers end with the closing bracket."""
        return through(b"}", received)

    def decode(self, command: Command, answer: bytes) -> Answer:
        """The echo of a command; the value for a question."""
        head = command.data[:5]
        if answer in (b"{ERR}", head + b"{ERR}"):
            return Answer(Outcome.REFUSED, "it does not know the command, or the value is out of range")
        match head[3:]:
            case b"RV":
                version = re.fullmatch(re.escape(head) + rb"\{(\d(?:\.\d){0,3})\}", answer)
                return Answer(Outcome.OK, settings={"model": f"LC-18 {version[1].decode()}"}) if version else GARBLED
            case b"RM" | b"RI" | b"RW":
                value = re.fullmatch(re.escape(head) + rb"\{(\d{1,4})\}", answer)
                return Answer(Outcome.OK, settings=_reading(head[3:], int(value[1]))) if value else GARBLED
            case _:
                return Answer(Outcome.OK) if answer == command.data else GARBLED

    def _level(self, channel: LightChannel, level: int) -> list[Command]:
        what = f"turning channel {channel.channel} {'on' if level else 'off'}"
        return [self._command(channel, f"SI{{{level:03d}}}", what), self._question(channel, "RI{}", {"level": level})]

    def _command(self, channel: LightChannel, text: str, what: str) -> Command:
        return Command(f"@{self._board}{channel.channel}{text}".encode(), what)

    def _question(self, channel: LightChannel, text: str, wanted: Settings) -> Command:
        return question(f"@{self._board}{channel.channel}{text}".encode(), f"channel {channel.channel}", wanted)


def _reading(code: bytes, value: int) -> Settings:
    match code:
        case b"RM":
            return {"mode": value}
        case b"RI":
            return {"level": value}
        case _:
            return {"pulse_us": value * STEP_US}
