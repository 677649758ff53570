"""The '@' family: CCS, VS Technology, Wordop and others.

    @ channel(2) command data unit(2) checksum(2) CR LF      @00F12000D9  channel 00 to 120
                                                             @00L1007D    channel 00 on
    @ channel(2) O unit(2) checksum(2) CR LF                 done
    @ channel(2) N error(2) unit(2) checksum(2) CR LF        refused

The checksum is the low byte of the sum of all characters before it, as two upper-case hexadecimal digits. The commands, their
checksum and the ``O`` and ``N`` of answers are public. Unverified: that every maker's answers carry unit and checksum (``answer_checksum:
false`` is for those that do not), and what the error numbers mean. The family is not asked for its settings: what its reading
command answers is not known well enough to rely on.
"""

from __future__ import annotations

import re
from typing import ClassVar

from acquisition.drivers.light_protocols.base import GARBLED, Answer, Capabilities, Command, LightProtocol, Outcome, through
from rig_configs.lights import CcsProtocol, LightChannel

# Unverified.
ERRORS = {"01": "it does not know the command", "02": "the checksum is wrong", "03": "the value is out of range"}


class Ccs(LightProtocol):
    """The '@' family. Flashes by presets, whose widths are in the controller's manual."""

    name = "'@' (CCS, VS Technology, Wordop)"
    gap_s: ClassVar[float] = 0.005
    resync = b"\r\n"

    def __init__(self, config: CcsProtocol) -> None:
        self._config = config
        self.capabilities = Capabilities(
            own_switch=True,
            strobe_width=True,
            strobe_delay=False,
            software_trigger=False,
            reads_back=(),
            checksum=True,
            answers=True,
        )

    def prepare(self, channel: LightChannel) -> list[Command]:
        """Off, the intensity, and the preset where zones flash."""
        commands = [*self.off(channel), self.ask(channel)]
        if self._config.strobe_preset is not None:
            preset = self._config.strobe_preset
            commands.append(self._command(channel, f"S{preset:02d}", f"setting channel {channel.channel} to flash preset {preset}"))
        return commands

    def on(self, channel: LightChannel) -> list[Command]:
        """Switch on; the intensity is set already."""
        return [self._command(channel, "L1", f"turning channel {channel.channel} on")]

    def off(self, channel: LightChannel) -> list[Command]:
        """Switch off."""
        return [self._command(channel, "L0", f"turning channel {channel.channel} off")]

    def ask(self, channel: LightChannel) -> Command:
        """Set the intensity that is set already."""
        return self._command(channel, f"F{channel.intensity:03d}", f"setting channel {channel.channel} to intensity {channel.intensity}")

    def answer_length(self, command: Command, received: bytes) -> int | None:
        """Answers end with CR LF."""
        return through(b"\r\n", received)

    def decode(self, command: Command, answer: bytes) -> Answer:
        """The answer of the command's own channel, with the right checksum."""
        channel = command.data[1:3].decode()
        if answer == self._answer(channel, "O"):
            return Answer(Outcome.OK)
        refusal = re.match(rb"@\d\dN(\d\d)", answer)
        if refusal and answer == self._answer(channel, f"N{refusal[1].decode()}"):
            number = refusal[1].decode()
            return Answer(Outcome.REFUSED, f"error {number}: {ERRORS.get(number, 'see its manual')}")
        return GARBLED

    def _command(self, channel: LightChannel, text: str, what: str) -> Command:
        return Command(_checked(f"@{channel.channel:02d}{text}{self._config.unit:02d}"), what)

    def _answer(self, channel: str, text: str) -> bytes:
        if self._config.answer_checksum:
            return _checked(f"@{channel}{text}{self._config.unit:02d}")
        return f"@{channel}{text}\r\n".encode()


def _checked(text: str) -> bytes:
    return f"{text}{sum(text.encode()) & 0xFF:02X}\r\n".encode()
