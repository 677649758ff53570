"""An emulated light controller: a pty that a driver opens like a serial port, with the line's true timing and its faults.

A pty passes bytes at once whatever its baud rate, so the emulator keeps the time itself: a command counts as heard when its last
byte would have arrived, and each byte of an answer is delivered when it would have. It shares no code with the drivers.
"""

from __future__ import annotations

import heapq
import os
import select
import threading
import time
import tty
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import ClassVar

BITS_PER_BYTE = 10
# Nobody waits longer for the emulator's own thread, seconds.
PATIENCE_S = 5.0


class LineFault(StrEnum):
    """What may happen to one command."""

    GARBLED = "garbled"
    """It is obeyed, and one byte of the answer arrives as another."""
    DELAYED = "delayed"
    """It is obeyed, and answered ``delay_s`` later than it should be."""
    MISSING = "missing"
    """It is obeyed, and not answered."""
    LOST = "lost"
    """It never arrives."""


@dataclass
class Channel:
    """What one output is set to, as the controller holds it."""

    on: bool = False
    level: int = 0
    """In the controller's own steps."""
    flashes: bool = False
    """Shines only when triggered."""
    delay_us: float = 0.0
    pulse_us: float = 1000.0


class LightController(ABC):
    """A controller on a line of its own. Use as a context manager, or ``start`` and ``close`` it.

    Args:
        channels: numbers of the outputs that have a light.
        shine: called from the emulator's thread on every change with the level of each of ``channels``, in the controller's steps.
        port: path that drivers open; it stays the same when the controller is plugged in again.
        baud: bits a second on the line.

    Faults: :meth:`fail` spoils the next commands, :meth:`noise` and :meth:`disturb` put bytes on the line, :meth:`unplug` and :meth:`plug_in`
    are what they say; ``delay_s`` is how late a delayed answer is.
    """

    gap_s: ClassVar[float] = 0.0
    """Silence that the controller needs before a command; ``too_soon`` counts the commands that came earlier."""
    think_s: ClassVar[float] = 0.001
    """From a command's last byte to its answer's first."""

    def __init__(self, channels: Iterable[int], shine: Callable[[Sequence[int]], None], port: Path, baud: int) -> None:
        self.channels = {number: Channel() for number in channels}
        self.port = port
        self.delay_s = 0.5
        self.too_soon = 0
        self.heard: deque[bytes] = deque(maxlen=1000)
        """The last commands, as they arrived."""
        self._byte_s = BITS_PER_BYTE / baud
        self._shine = shine
        self._flashing = False
        self._shone: tuple[int, ...] = (0,) * len(self.channels)
        self._faults: deque[LineFault] = deque()
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._requests: deque[tuple[Callable[[], None], threading.Event]] = deque()
        self._wake_read = self._wake_write = -1
        self._line: tuple[int, int] | None = None
        self._half_heard = bytearray()
        self._heard_at = self._sent_at = 0.0
        self._last_exchange_at = float("-inf")
        self._thread: threading.Thread | None = None
        self._stopping = False

    @abstractmethod
    def next_command(self, heard: bytearray) -> bytes | None:
        """Take the first whole command out of ``heard``; None as long as there is none. Called after every byte."""

    @abstractmethod
    def obey(self, command: bytes) -> bytes:
        """Do what a command says to ``channels``; returns the answer, empty for silence."""

    @property
    def levels(self) -> tuple[int, ...]:
        """What shines now, channel by channel."""
        return tuple(c.level if c.on and (self._flashing or not c.flashes) else 0 for c in self.channels.values())

    @property
    def flash_levels(self) -> tuple[int, ...]:
        """What a trigger would make shine, besides what shines steadily."""
        return tuple(c.level if c.on and c.flashes else 0 for c in self.channels.values())

    def start(self) -> None:
        """Plug in and begin to listen."""
        self._stopping = False
        self._wake_read, self._wake_write = os.pipe()
        self._thread = threading.Thread(target=self._run, name=f"light controller {self.port.name}", daemon=True)
        self._thread.start()
        self.plug_in()

    def close(self) -> None:
        """Unplug for good. Safe to call twice."""
        if self._thread is None:
            return
        self.unplug()
        self._stopping = True
        self._wake()
        self._thread.join(PATIENCE_S)
        self._thread = None
        os.close(self._wake_read)
        os.close(self._wake_write)

    def __enter__(self) -> LightController:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def fail(self, fault: LineFault, commands: int = 1) -> None:
        """Let ``fault`` happen to each of the next commands, after those already told to fail."""
        self._in_thread(lambda: self._faults.extend([fault] * commands))

    def heal(self) -> None:
        """Forget faults that have not happened yet."""
        self._in_thread(self._faults.clear)

    def noise(self, data: bytes) -> None:
        """Bytes that nobody sent arrive at the station, now."""
        self._in_thread(lambda: self._deliver(data))

    def disturb(self, data: bytes) -> None:
        """Bytes that nobody sent arrive at the controller, now."""
        self._in_thread(lambda: self._hear(data))

    def trigger(self) -> None:
        """A pulse on the trigger input: every channel that flashes does so once."""
        self._in_thread(lambda: self.flash(self.channels.values()))

    def unplug(self, *, power: bool = True) -> None:
        """Pull the plug. Without ``power`` only the line is cut, and what shines goes on shining."""
        self._in_thread(lambda: self._unplug(power))

    def plug_in(self) -> None:
        """Plug in, under the same port name; after a loss of power every channel is as it was delivered: off."""
        self._in_thread(self._plug_in)

    def flash(self, channels: Iterable[Channel]) -> None:
        """In the emulator's thread: flash those of ``channels`` that do, after the delay and for the width of the first."""
        flashing = [c for c in channels if c.on and c.flashes and c.level]
        if flashing:
            start = time.monotonic() + flashing[0].delay_us * 1e-6
            self._at(start, lambda: self._set_flashing(True))
            self._at(start + flashing[0].pulse_us * 1e-6, lambda: self._set_flashing(False))

    def _set_flashing(self, flashing: bool) -> None:
        self._flashing = flashing
        self._show()

    def _run(self) -> None:
        while not self._stopping:
            poll = select.poll()
            poll.register(self._wake_read, select.POLLIN)
            if self._line is not None:
                poll.register(self._line[0], select.POLLIN)
            wait_s = self._agenda[0][0] - time.monotonic() if self._agenda else PATIENCE_S
            for descriptor, _ in poll.poll(max(0.0, wait_s) * 1000):
                data = os.read(descriptor, 4096)
                if descriptor != self._wake_read:
                    self._hear(data)
            while self._requests:
                request, done = self._requests.popleft()
                request()
                done.set()
            while self._agenda and self._agenda[0][0] <= time.monotonic():
                heapq.heappop(self._agenda)[2]()

    def _in_thread(self, request: Callable[[], None]) -> None:
        """Do something in the emulator's thread and wait until it is done."""
        if self._thread is None:
            raise RuntimeError("the emulated light controller is not running; start it first")
        done = threading.Event()
        self._requests.append((request, done))
        self._wake()
        if not done.wait(PATIENCE_S):
            raise TimeoutError("the emulated light controller hangs; see what its callback does")

    def _wake(self) -> None:
        os.write(self._wake_write, b"!")

    def _at(self, due: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (due, next(self._order), action))

    def _hear(self, data: bytes) -> None:
        self._heard_at = max(self._heard_at, time.monotonic())
        for byte in data:
            if not self._half_heard:
                self.too_soon += self._heard_at < self._last_exchange_at + self.gap_s
            self._heard_at += self._byte_s
            self._half_heard.append(byte)
            command = self.next_command(self._half_heard)
            if command is not None:
                self._last_exchange_at = self._heard_at
                self._take(command, self._heard_at + self.think_s)

    def _take(self, command: bytes, due: float) -> None:
        fault = self._faults.popleft() if self._faults else None
        if fault is not LineFault.LOST:
            self._at(due, lambda: self._obey(command, due, fault))

    def _obey(self, command: bytes, at: float, fault: LineFault | None) -> None:
        self.heard.append(command)
        answer = self.obey(command)
        self._show()
        if fault is LineFault.MISSING:
            return
        if fault is LineFault.GARBLED and answer:
            answer = bytes([answer[0] ^ 0x15]) + answer[1:]
        begin = at + self.delay_s if fault is LineFault.DELAYED else at
        self._sent_at = max(self._sent_at, begin)
        for i in range(len(answer)):
            self._sent_at += self._byte_s
            self._at(self._sent_at, lambda byte=answer[i : i + 1]: self._deliver(byte))

    def _deliver(self, data: bytes) -> None:
        if self._line is not None:
            try:
                os.write(self._line[0], data)
            except BlockingIOError:
                return  # nobody reads; a real port overruns too

    def _show(self) -> None:
        levels = self.levels
        if levels != self._shone:
            self._shone = levels
            self._shine(levels)

    def _unplug(self, power: bool) -> None:
        self._agenda.clear()
        self._half_heard.clear()
        self._flashing = False
        self.port.unlink(missing_ok=True)
        if self._line is not None:
            for descriptor in self._line:
                os.close(descriptor)
            self._line = None
        if power:
            self.channels.update((number, Channel()) for number in self.channels)
        self._show()

    def _plug_in(self) -> None:
        if self._line is not None:
            return
        self._line = os.openpty()
        tty.setraw(self._line[1])
        os.set_blocking(self._line[0], False)
        name = self.port.with_name(f"{self.port.name}.new")
        name.unlink(missing_ok=True)
        name.symlink_to(os.ttyname(self._line[1]))
        name.replace(self.port)
