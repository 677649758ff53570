"""An emulated TMS Lite LC-18-SQ-4CH."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from acquisition.simulation.light_controllers.controller import Channel, LightController

ERROR = b"{ERR}"


class TmsController(LightController):
    """Echoes what it did, answers ``{ERR}`` to what it did not."""

    def __init__(self, channels: Iterable[int], shine: Callable[[Sequence[int]], None], port: Path, baud: int = 115200, *, board: int = 0) -> None:
        super().__init__(channels, shine, port, baud)
        self._board = board

    def next_command(self, heard: bytearray) -> bytes | None:
        """Up to the closing bracket."""
        if not heard.endswith(b"}"):
            return None
        command = bytes(heard)
        heard.clear()
        return command

    def obey(self, command: bytes) -> bytes:
        """Mode, intensity, width of a flash, flash now, and reading them."""
        parts = re.fullmatch(rb"@(\d)(\d)([A-Z]{2})\{(\d*)\}", command)
        channel = self.channels.get(int(parts[2])) if parts else None
        if parts is None or channel is None or int(parts[1]) != self._board:
            return ERROR
        code, data = parts[3].decode(), parts[4].decode()
        if code in ("RM", "RI", "RW", "RV"):
            return command[:5] + b"{" + self._read(code, channel).encode() + b"}" if not data else ERROR
        return command if self._write(code, data, channel) else ERROR

    def _read(self, code: str, channel: Channel) -> str:
        match code:
            case "RM":
                return str(int(channel.flashes))
            case "RI":
                return f"{channel.level:03d}"
            case "RW":
                return f"{round(channel.pulse_us / 10):04d}"
            case _:
                return "1.0.4.2"

    def _write(self, code: str, data: str, channel: Channel) -> bool:
        match code, len(data):
            case "SM", 1 if data in "01":
                for each in self.channels.values():  # the mode is the whole controller's
                    each.flashes = data == "1"
            case "SI", 3 if int(data) <= 255:
                channel.level = int(data)
                channel.on = channel.level > 0
            case "SW", 4:
                channel.pulse_us = int(data) * 10.0
            case "ST", 0:
                self.flash([channel])
            case _:
                return False
        return True
