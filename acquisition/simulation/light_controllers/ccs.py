"""An emulated controller of the '@' family."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import ClassVar

from acquisition.simulation.light_controllers.controller import LightController

UNKNOWN, CHECKSUM, RANGE = "01", "02", "03"


class CcsController(LightController):
    """Answers as a CCS does. Error numbers and flash widths are its own: those of real controllers differ by model."""

    gap_s: ClassVar[float] = 0.005
    flash_us: ClassVar[tuple[int, ...]] = (40, 80, 120, 200, 600, 1200, 4000, 10000, 20000, 40000)

    def __init__(
        self,
        channels: Iterable[int],
        shine: Callable[[Sequence[int]], None],
        port: Path,
        baud: int = 38400,
        *,
        unit: int = 0,
        answer_checksum: bool = True,
    ) -> None:
        super().__init__(channels, shine, port, baud)
        self._unit = f"{unit:02d}"
        self._answer_checksum = answer_checksum

    def next_command(self, heard: bytearray) -> bytes | None:
        """A line up to CR LF."""
        if not heard.endswith(b"\r\n"):
            return None
        line = bytes(heard)
        heard.clear()
        return line

    def obey(self, command: bytes) -> bytes:
        """Set, switch, choose a flash; an empty line is passed over."""
        line = command[:-2].decode("latin-1")
        if not line:
            return b""
        parts = re.fullmatch(r"@(\d\d)([A-Z])(\d+)([0-9A-F]{2})", line)
        if parts is None or not parts[3].endswith(self._unit):
            return self._say("00", f"N{UNKNOWN}")
        number, letter, data = parts[1], parts[2], parts[3][:-2]
        total = 0
        for character in command[:-4]:
            total = (total + character) % 256
        if parts[4] != format(total, "02X"):
            return self._say(number, f"N{CHECKSUM}")
        channel = self.channels.get(int(number))
        if channel is None:
            return self._say(number, f"N{RANGE}")
        match letter, len(data):
            case "F", 3:
                if int(data) > 255:
                    return self._say(number, f"N{RANGE}")
                channel.level = int(data)
            case "L", 1:
                if data not in "01":
                    return self._say(number, f"N{RANGE}")
                channel.on = data == "1"
            case "S", 2:
                if not 1 <= int(data) <= len(self.flash_us):
                    return self._say(number, f"N{RANGE}")
                channel.flashes, channel.pulse_us = True, self.flash_us[int(data) - 1]
            case _:
                return self._say(number, f"N{UNKNOWN}")
        return self._say(number, "O")

    def _say(self, number: str, what: str) -> bytes:
        if not self._answer_checksum:
            return b"@%s%s\r\n" % (number.encode(), what.encode())
        text = b"@" + number.encode() + what.encode() + self._unit.encode()
        return text + format(sum(text) % 256, "02X").encode() + b"\r\n"
