"""An emulated controller of the eight-byte '$' family."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from acquisition.simulation.light_controllers.controller import LightController

LENGTH = 8
DONE, REFUSED = b"$", b"&"


class DollarController(LightController):
    """Answers ``$`` or ``&``, or says nothing at all where it is ``silent``."""

    def __init__(
        self, channels: Iterable[int], shine: Callable[[Sequence[int]], None], port: Path, baud: int = 9600, *, silent: bool = False
    ) -> None:
        super().__init__(channels, shine, port, baud)
        self._silent = silent

    def next_command(self, heard: bytearray) -> bytes | None:
        """Eight bytes from the last '$' on."""
        start = heard.rfind(b"$")
        del heard[: len(heard) if start < 0 else start]
        if len(heard) < LENGTH:
            return None
        command = bytes(heard)
        heard.clear()
        return command

    def obey(self, command: bytes) -> bytes:
        """Switch, set and read."""
        answer = self._obey_whole(command)
        return b"" if self._silent else answer

    def _obey_whole(self, command: bytes) -> bytes:
        if command[6:] != self._checksum(command[:6]):
            return REFUSED
        channel = self.channels.get(command[2] - ord("0"))
        if channel is None or command[3:4] != b"0":
            return REFUSED
        try:
            value = int(command[4:6], 16)
        except ValueError:
            return REFUSED
        match command[1:2]:
            case b"1":
                channel.on = True
            case b"2":
                channel.on = False
            case b"3":
                channel.level = value
            case b"4":
                report = b"$4%c0%02X" % (command[2], channel.level)
                return report + self._checksum(report)
            case _:
                return REFUSED
        return DONE

    @staticmethod
    def _checksum(text: bytes) -> bytes:
        value = 0
        for byte in text:
            value ^= byte
        return b"%02X" % value
