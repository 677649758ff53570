"""The family of eight-byte commands that begin with '$', common in China.

    $ command channel 0 value(2) checksum(2)       $3106414  channel 1 to 0x64
      1 on, 2 off, 3 set the intensity, 4 read it

The checksum is the XOR of the first six characters, as two upper-case hexadecimal digits. Commands and checksum are public.
Unverified: that a command is answered by the single character ``$`` when done and ``&`` when refused, and that reading is
answered in the form of a command with the value in it. For a controller that is silent there is ``expect_answer: false``.
On or off cannot be read, only the intensity.
"""

from __future__ import annotations

import re
from functools import reduce
from operator import xor

from acquisition.drivers.light_protocols.base import GARBLED, Answer, Capabilities, Command, LightProtocol, Outcome, question
from rig_configs.lights import DollarProtocol, LightChannel

LENGTH = 8


class Dollar(LightProtocol):
    """The '$' family. Steady light only."""

    name = "'$' (eight bytes)"

    def __init__(self, config: DollarProtocol) -> None:
        self.capabilities = Capabilities(
            own_switch=True,
            strobe_width=False,
            strobe_delay=False,
            software_trigger=False,
            reads_back=("level",) if config.expect_answer else (),
            checksum=True,
            answers=config.expect_answer,
        )

    def prepare(self, channel: LightChannel) -> list[Command]:
        """Set the intensity, off again in case that lit it, and read the intensity back."""
        what = f"setting channel {channel.channel} to intensity {channel.intensity}"
        return [Command(_checked(3, channel, channel.intensity), what), *self.off(channel), *self._read(channel)]

    def on(self, channel: LightChannel) -> list[Command]:
        """Switch on, and see that the intensity is still the one that was set."""
        return [Command(_checked(1, channel, channel.intensity), f"turning channel {channel.channel} on"), *self._read(channel)]

    def off(self, channel: LightChannel) -> list[Command]:
        """Switch off."""
        return [Command(_checked(2, channel, 0), f"turning channel {channel.channel} off")]

    def ask(self, channel: LightChannel) -> Command | None:
        """Read the intensity."""
        return next(iter(self._read(channel)), None)

    def answer_length(self, command: Command, received: bytes) -> int | None:
        """One character; of a reading eight."""
        whole = LENGTH if command.wanted and not received.startswith(b"&") else 1
        return whole if len(received) >= whole else None

    def decode(self, command: Command, answer: bytes) -> Answer:
        """``$``, ``&``, or the reading of the very channel."""
        if answer == b"&":
            return Answer(Outcome.REFUSED, "it does not say why")
        if not command.wanted:
            return Answer(Outcome.OK) if answer == b"$" else GARBLED
        if not re.fullmatch(rb"\$4\d0[0-9A-F]{4}", answer) or answer[2:3] != command.data[2:3] or answer[6:] != _checksum(answer[:6]):
            return GARBLED
        return Answer(Outcome.OK, settings={"level": int(answer[4:6], 16)})

    def _read(self, channel: LightChannel) -> list[Command]:
        if not self.capabilities.answers:
            return []
        return [question(_checked(4, channel, 0), f"channel {channel.channel}", {"level": channel.intensity})]


def _checked(command: int, channel: LightChannel, value: int) -> bytes:
    text = f"${command}{channel.channel}0{value:02X}".encode()
    return text + _checksum(text)


def _checksum(text: bytes) -> bytes:
    return f"{reduce(xor, text):02X}".encode()
