"""The far end of a HID link: a unix socket that carries 64-byte reports, and the faults that such a link can have.

It shares no code with the driver: a shared mistake about the bytes would cancel out and hide.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import tempfile
import threading
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Self

_REPORT = 64
_TICK_S = 0.05


class Peer(ABC):
    """Serves one driver at a time, in a thread of its own.

    Faults, each of which may be set and taken back at any time:

    Attributes:
        silent: takes commands and answers nothing; what it was told last goes on.
        garbled: answers with flags and length that cannot be.
        refused: command codes that it answers with the error flag.
    """

    def __init__(self) -> None:
        self.silent = False
        self.garbled = False
        self.refused: set[int] = set()
        self._folder = Path(tempfile.mkdtemp(prefix="dlp-"))
        self._path = self._folder / "hid"
        self._stop = threading.Event()
        self._listener: socket.socket | None = None
        self._thread: threading.Thread | None = None

    @property
    def address(self) -> str:
        """What ``link:`` in rig.yaml must be."""
        return f"unix:{self._path}"

    def start(self) -> Self:
        """Power on and plugged in; nothing to do where it is."""
        if self._thread is not None:
            return self
        self.power_on()
        self._stop.clear()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(str(self._path))
        self._listener.listen()
        self._listener.settimeout(_TICK_S)
        self._thread = threading.Thread(target=self._serve, args=(self._listener,), name="emulated DLP controller", daemon=True)
        self._thread.start()
        return self

    def unplug(self) -> None:
        """Cable and power out: the link breaks, it goes dark, and forgets what it was told."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._listener is not None:
            self._listener.close()
            self._path.unlink(missing_ok=True)
        self.power_off()

    def plug_in(self) -> None:
        """Cable and power back."""
        self.start()

    def close(self) -> None:
        """Off for good. Safe to call twice."""
        self.unplug()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @abstractmethod
    def power_on(self) -> None:
        """Start with nothing remembered."""

    @abstractmethod
    def power_off(self) -> None:
        """Go dark."""

    @abstractmethod
    def write(self, command: int, payload: bytes) -> bool:
        """Do a command; False refuses it."""

    @abstractmethod
    def read(self, command: int) -> bytes | None:
        """Data of a read; None refuses it."""

    def _serve(self, listener: socket.socket) -> None:
        while not self._stop.is_set():
            try:
                link, _ = listener.accept()
            except TimeoutError:
                continue
            link.settimeout(_TICK_S)
            with link, contextlib.suppress(OSError):
                self._converse(link)

    def _converse(self, link: socket.socket) -> None:
        gathered = b""
        while not self._stop.is_set():
            try:
                report = link.recv(2 * _REPORT)
            except TimeoutError:
                continue
            if len(report) != _REPORT:
                return
            gathered += report
            length = gathered[2] | gathered[3] << 8
            if len(gathered) < 4 + length:
                continue
            answer = self._answer(gathered[: 4 + length])
            gathered = b""
            if answer is not None and not self.silent:
                link.send(answer)

    def _answer(self, message: bytes) -> bytes | None:
        flags, sequence = message[0], message[1]
        command, payload = message[4] | message[5] << 8, message[6:]
        data: bytes | None = b""
        if command in self.refused:
            data = None
        elif flags & 0x80:
            data = self.read(command)
        elif not self.write(command, payload):
            data = None
        if not flags & 0xC0:
            return None
        if self.garbled:
            return bytes([0xDF, sequence ^ 0x55, 0xFF, 0xFF]).ljust(_REPORT, b"\xa5")
        flags |= 0x20 if data is None else 0
        data = data or b""
        return (bytes([flags, sequence, len(data), 0]) + data).ljust(_REPORT, b"\x00")
