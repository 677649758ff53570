"""An emulated DLPC900, one or two of them behind one link."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from acquisition.simulation.dlp_controllers.peer import Peer
from acquisition.simulation.dlp_controllers.sequencer import Pattern, Sequencer, Slot

_NOT_NOW, _BAD_PARAMETER, _MISSING, _BAD_COMPRESSION, _BAD_EXPOSURE, _BAD_NUMBER = 5, 6, 7, 9, 14, 15
_NO_COMMAND = 3


class EmulatedDlpc900(Peer):
    """A LightCrafter 6500 or 9000 on a socket, in pattern-on-the-fly mode.

    Images that were uploaded are forgotten when the lookup table changes, as the maker's guide says of the real one.

    Args:
        width_px: 1920 (one controller) or 2560 (two, each with half the columns).
        height_px: rows.
        show: told the pattern that is lit, (H, W) uint8, or None for dark, on every change.
        trigger_out: called as each pattern of a sequence begins.
    """

    def __init__(self, width_px: int, height_px: int, show: Callable[[Pattern | None], None], trigger_out: Callable[[], None] | None = None) -> None:
        super().__init__()
        self._size = (width_px, height_px)
        self._sequencer = Sequencer(show, trigger_out)
        self.trigger_in = self._sequencer.trigger_in
        self.uploaded_bytes = 0
        """How much image data came, headers included."""

    def power_on(self) -> None:
        """As after a cold start: patterns from flash, nothing uploaded."""
        self._mode, self._error = 1, 0
        self._rows: dict[int, bytes] = {}
        self._order: list[int] = []
        self._entries, self._shown = 0, 0
        self._uploads: dict[int, tuple[int, int, bytearray]] = {}
        self._images: dict[tuple[int, int], NDArray[np.uint32]] = {}
        self._sequencer.leds = 8

    def power_off(self) -> None:
        """Dark."""
        self._sequencer.stop()

    def write(self, command: int, payload: bytes) -> bool:
        """Do a command; False refuses it, and 0x0100 tells why."""
        error = self._do(command, payload)
        self._error = error or self._error
        return not error

    def read(self, command: int) -> bytes | None:
        """Data of a read; None refuses it."""
        if command == 0x0100:
            self._error, error = 0, self._error
            return bytes([error])
        known = {
            0x1A0A: b"\x11" if self._is_dual else b"\x01",
            0x1A0B: b"\x01",
            0x1A0C: bytes([2 if self._sequencer.running else 0]),
            0x1A07: bytes([self._sequencer.leds]),
            0x1A1B: bytes([self._mode]),
            0x0205: bytes([0, 0, 1, 5]) + bytes(12),
            0x0206: bytes([2 if self._is_dual else 1]) + b"emulated".ljust(31, b"\x00"),
        }
        return known.get(command)

    @property
    def _is_dual(self) -> bool:
        return self._size[0] == 2560

    def _do(self, command: int, payload: bytes) -> int:
        match command:
            case 0x1A07:
                self._sequencer.leds = payload[0]
            case 0x1A24 if payload[0] == 0:
                self._sequencer.stop()
            case 0x1A24 if payload[0] == 2:
                return self._start()
            case _ if self._sequencer.running:
                return _NOT_NOW
            case 0x1A1B:
                self._mode = payload[0]
            case 0x1A34:
                return self._define(payload)
            case 0x1A31:
                self._entries, self._shown = int.from_bytes(payload[:2], "little"), int.from_bytes(payload[2:6], "little")
                self._order = list(range(self._entries))
                self._images.clear()
                return 0 if all(i in self._rows for i in self._order) else _BAD_NUMBER
            case 0x1A32:
                return self._reorder(payload)
            case 0x1A2A | 0x1A2C:
                self._uploads[command & 4] = (int.from_bytes(payload[:2], "little"), int.from_bytes(payload[2:6], "little"), bytearray())
            case 0x1A2B | 0x1A2D:
                return self._take(command & 4, payload)
            case _:
                return _NO_COMMAND
        return 0

    def _define(self, row: bytes) -> int:
        index, exposure = int.from_bytes(row[:2], "little"), int.from_bytes(row[2:5], "little")
        if self._mode != 3:
            return _NOT_NOW
        if index >= 400 or len(row) != 12:
            return _BAD_NUMBER
        if exposure < (4046 if row[5] >> 1 & 7 else 105):
            return _BAD_EXPOSURE
        self._rows[index] = row
        self._images.clear()
        return 0

    def _reorder(self, payload: bytes) -> int:
        count = int.from_bytes(payload[:2], "little")
        order = [int.from_bytes(payload[6 + 2 * i : 8 + 2 * i], "little") for i in range(count)]
        if any(i >= self._entries for i in order) or len(payload) != 6 + 2 * count:
            return _BAD_NUMBER
        self._order, self._shown = order, int.from_bytes(payload[2:6], "little")
        return 0

    def _take(self, controller: int, payload: bytes) -> int:
        if controller not in self._uploads or int.from_bytes(payload[:2], "little") != len(payload) - 2:
            return _BAD_PARAMETER
        number, size, data = self._uploads[controller]
        data += payload[2:]
        self.uploaded_bytes += len(payload) - 2
        if len(data) < size:
            return 0
        del self._uploads[controller]
        width, height = int.from_bytes(data[4:6], "little"), int.from_bytes(data[6:8], "little")
        wanted = (self._size[0] // 2 if self._is_dual else self._size[0], self._size[1])
        if data[:4] != b"Spld" or (width, height) != wanted or int.from_bytes(data[8:12], "little") != size != len(data):
            return _BAD_PARAMETER
        pixels = {0: _plain, 2: _unpack}.get(data[25], lambda *_: None)(bytes(data[48:]), width, height)
        if pixels is None:
            return _BAD_COMPRESSION
        weights = np.array([1 << 16, 1 << 8, 1], np.uint32)
        self._images[number, controller] = (pixels * weights).sum(axis=-1, dtype=np.uint32)
        return 0

    def _start(self) -> int:
        slots: list[Slot] = []
        for row in (self._rows[i] for i in self._order):
            where = int.from_bytes(row[10:12], "little")
            image, plane, bits = where & 0x7FF, where >> 11, (row[5] >> 1 & 7) + 1
            halves = [self._images.get((image, controller)) for controller in ((0, 4) if self._is_dual else (0,))]
            present = [half for half in halves if half is not None]
            if len(present) < len(halves):
                return _MISSING
            value = np.hstack(present) >> np.uint32(plane)
            pattern = (value & 0xFF).astype(np.uint8) if bits == 8 else (value & 1).astype(np.uint8) * np.uint8(255)
            slots.append(Slot(pattern, int.from_bytes(row[2:5], "little"), int.from_bytes(row[6:9], "little"), waits=bool(row[5] >> 7)))
        if not slots or self._mode != 3:
            return _NOT_NOW
        self._sequencer.start(slots, repeat=self._shown == 0)
        return 0


def _plain(data: bytes, width: int, height: int) -> NDArray[np.uint8] | None:
    return np.frombuffer(data, np.uint8, 3 * width * height).reshape(height, width, 3) if len(data) >= 3 * width * height else None


def _unpack(data: bytes, width: int, height: int) -> NDArray[np.uint8] | None:
    """Undo enhanced run length encoding; None for data that break its rules."""
    image = np.zeros((height, width, 3), np.uint8)
    at, x, y = 0, 0, 0

    def count() -> int:
        nonlocal at
        low = data[at]
        if low < 128:
            at += 1
            return low
        at += 2
        return (low & 0x7F) | data[at - 1] << 7

    try:
        while True:
            if data[at]:
                n = count()
                image[y, x : x + n] = np.frombuffer(data, np.uint8, 3, at)
                at, x = at + 3, x + n
            elif data[at + 1] == 0:
                at, x, y = at + 2, 0, y + 1
            elif data[at + 1] == 1:
                at += 2
                if not (n := count()):
                    return image if y == height else None
                image[y, x : x + n] = image[y - 1, x : x + n]
                x += n
            else:
                at += 1
                n = count()
                image[y, x : x + n] = np.frombuffer(data, np.uint8, 3 * n, at).reshape(n, 3)
                at, x = at + 3 * n, x + n
            if x > width:
                return None
    except (IndexError, ValueError):
        return None
