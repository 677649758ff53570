"""An emulated DLPC350, with what is in its flash."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from acquisition.simulation.dlp_controllers.peer import Peer
from acquisition.simulation.dlp_controllers.sequencer import Pattern, Sequencer, Slot

_SHORTEST_US = {1: 235, 8: 8333}
_TABLES = (0x1A22, 0x1A23, 0x1A29, 0x1A31, 0x1A32, 0x1A33, 0x1A34)
"""Commands that need a stopped sequence, and a validation before the next start."""


class EmulatedDlpc350(Peer):
    """A LightCrafter 4500 on a socket.

    Args:
        flash: the images in flash, each (1140, 912, 3) uint8 RGB; :meth:`of_folder` reads the files that ``flash_images`` wrote.
        show: told the pattern that is lit, (1140, 912) uint8, or None for dark, on every change.
        trigger_out: called as each pattern of a sequence begins.
    """

    def __init__(
        self, flash: Sequence[NDArray[np.uint8]], show: Callable[[Pattern | None], None], trigger_out: Callable[[], None] | None = None
    ) -> None:
        super().__init__()
        self._flash = list(flash)
        self._sequencer = Sequencer(show, trigger_out)
        self.trigger_in = self._sequencer.trigger_in

    @classmethod
    def of_folder(cls, folder: Path, show: Callable[[Pattern | None], None], trigger_out: Callable[[], None] | None = None) -> Self:
        """One whose flash holds the ``flash_*.bmp`` of a folder, in order."""
        images = [np.asarray(cv2.imread(str(path)), np.uint8)[:, :, ::-1] for path in sorted(folder.glob("flash_*.bmp"))]
        return cls(images, show, trigger_out)

    def power_on(self) -> None:
        """As after a cold start: video mode, nothing configured."""
        self._mode, self._source, self._trigger_mode = 0, 0, 0
        self._exposure = bytes(8)
        self._config = bytes(4)
        self._mailbox, self._images, self._rows = 0, b"", b""
        self._validated, self._busy, self._result = False, False, 0
        self._sequencer.leds = 8

    def power_off(self) -> None:
        """Dark."""
        self._sequencer.stop()

    def write(self, command: int, payload: bytes) -> bool:
        """Do a command; False refuses it."""
        if command in _TABLES:
            if self._sequencer.running:
                return False
            self._validated = False
        match command:
            case 0x1A1B:
                self._mode = payload[0]
            case 0x1A07:
                self._sequencer.leds = payload[0]
            case 0x1A22:
                self._source = payload[0]
            case 0x1A23:
                self._trigger_mode = payload[0]
            case 0x1A29:
                self._exposure = payload
            case 0x1A31:
                self._config = payload
            case 0x1A32 | 0x1A33:
                self._mailbox = payload[0] if command == 0x1A33 else self._mailbox
            case 0x1A34 if self._mailbox == 1:
                self._images = payload[::-1] if len(payload) == 2 else payload
            case 0x1A34 if self._mailbox == 2:
                self._rows = payload
            case 0x1A1A:
                self._busy, self._result = True, self._validate()
                self._validated = not self._result & 0b11011
            case 0x1A24:
                return self._run(payload[0])
            case _:
                return False
        return True

    def read(self, command: int) -> bytes | None:
        """Data of a read; None refuses it."""
        match command:
            case 0x1A1A:
                self._busy, busy = False, self._busy
                return b"\x80" if busy else bytes([self._result])
            case 0x1A24:
                return bytes([2 if self._sequencer.running else 0])
            case 0x1A0C:
                return bytes([2 if self._sequencer.running else 0])
            case _:
                known = {
                    0x1A0A: b"\x01",
                    0x1A0B: b"\x01",
                    0x1A07: bytes([self._sequencer.leds]),
                    0x1A1B: bytes([self._mode]),
                    0x1A22: bytes([self._source]),
                    0x1A23: bytes([self._trigger_mode]),
                    0x1A29: self._exposure,
                    0x1A42: bytes([len(self._flash)]),
                    0x0205: bytes([1, 0, 4, 4]) + bytes(12),
                }
                return known.get(command)

    def _run(self, state: int) -> bool:
        if state == 0:
            self._sequencer.stop()
            return True
        if state != 2 or not self._validated or (self._mode, self._source, self._trigger_mode) != (1, 3, 1):
            return False
        exposure, period = self._times()
        slots: list[Slot] = []
        image = -1
        for word in self._words():
            image += word >> 18 & 1
            pattern = self._pattern(self._images[image % len(self._images)], word >> 2 & 0x3F, word >> 8 & 0xF)
            slots.append(Slot(pattern, exposure, period - exposure, waits=word & 3 in (1, 2)))
        self._sequencer.start(slots, repeat=bool(self._config[1]))
        return True

    def _validate(self) -> int:
        exposure, period = self._times()
        words = self._words()
        shortest = max((_SHORTEST_US.get(w >> 8 & 0xF, 1 << 31) for w in words), default=1 << 31)
        wrong_number = any((w >> 2 & 0x3F) * (w >> 8 & 0xF) >= 24 for w in words) or any(i >= len(self._flash) for i in self._images)
        counted = (self._config[0] + 1, self._config[3] + 1) == (len(words), len(self._images))
        no_gap = any(w & 3 in (1, 2) and not w >> 17 & 1 for w in words)
        steady = exposure == period and bool(words)
        findings = (exposure < shortest or exposure > period, wrong_number or not counted, steady, no_gap, 0 < period - exposure < 230)
        return sum(1 << bit for bit, found in enumerate(findings) if found)

    def _times(self) -> tuple[int, int]:
        return int.from_bytes(self._exposure[:4], "little"), int.from_bytes(self._exposure[4:], "little")

    def _words(self) -> list[int]:
        return [int.from_bytes(self._rows[i : i + 3], "little") for i in range(0, len(self._rows), 3)]

    def _pattern(self, image: int, number: int, bits: int) -> Pattern:
        planes = self._flash[image][:, :, [1, 0, 2]]  # green, red, blue
        first = number * bits
        channel = planes[:, :, first // 8]
        return channel.copy() if bits == 8 else np.where(channel >> first % 8 & 1, np.uint8(255), np.uint8(0))
