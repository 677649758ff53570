"""The rig process: holds the devices of a rig and does what the station says, until the station is gone or says so.

It works in one thread, the one in which drivers are opened. Between steps it listens: frames that were read free their slots, and a scan
can be stopped. However it ends, if it can still act it turns lights and projectors off; if it cannot, the dark guard does.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
import traceback
from contextlib import closing, suppress
from dataclasses import asdict
from multiprocessing.connection import Connection
from types import FrameType
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from acquisition.dark_guard import CLOSED, DARK, READY
from acquisition.frame_ring import FrameRing, shared_patterns
from acquisition.opener import Opener
from acquisition.rig import Rig
from acquisition.rig_messages import Gone, Link, Message, error_from_json, error_to_json, steps_from_json
from acquisition.sequence import Sequence
from rig_configs.errors import Cancelled, D3Error, DeviceUnavailable, FrameTimeout

# How long the dark guard may take to start, seconds.
GUARD_S = 30.0


class Served:
    """The rig as the station sees it over the link.

    Args:
        rig: the rig.
        link: to the station.
        ring: where frames go.
        reader_s: how long the station may leave every slot full before lights and projectors go dark without it, seconds.
    """

    def __init__(self, rig: Rig, link: Link, ring: FrameRing, reader_s: float) -> None:
        self._rig = rig
        self._link = link
        self._ring = ring
        self._reader_s = reader_s
        self._free: set[int] = set()
        self._stopped = False
        self._loaded = False
        self._patterns: tuple[tuple[NDArray[np.uint8], ...], ...] = ()

    def serve(self) -> None:
        """Do what is asked until told to close. Raises Gone when the station is."""
        while (message := self._link.receive()) is not None:
            if message["what"] == "close":
                return
            if message["what"] in ("free", "stop"):  # of a scan that ended meanwhile
                continue
            try:
                self._do(message)
            except Gone:
                raise
            except Exception as error:  # noqa: BLE001 - told to the station, which goes on
                self._fail(error)

    def _do(self, message: Message) -> None:
        what = message["what"]
        if what == "describe":
            self._link.send("described", devices=[asdict(device) for device in self._rig.describe()])
        elif what == "safe":
            self._link.send("dark", problems=[error_to_json(problem) for problem in self._rig.safe()])
        elif what == "scan":
            self._scan(message)
        else:
            raise ValueError(f"'{what}' is nothing a rig does")

    def _fail(self, error: Exception) -> None:
        if not isinstance(error, D3Error):
            traceback.print_exception(error)
        self._link.send("failed", error=error_to_json(error))

    def _scan(self, message: Message) -> None:
        if message["shapes"] is not None:
            descriptor = self._link.receive_descriptor()
            try:
                self._patterns = shared_patterns(descriptor, message["shapes"])
            finally:
                os.close(descriptor)
        self._free, self._stopped, self._loaded = set(range(self._ring.slots)), False, False
        with closing(self._rig.scan(Sequence(steps_from_json(message["steps"]), self._patterns), self._is_stopped)) as frames:
            for frame in frames:
                slot = self._slot()
                self._ring.write(slot, frame.pixels)
                self._link.send(
                    "frame",
                    slot=slot,
                    shape=frame.pixels.shape,
                    dtype=frame.pixels.dtype.str,
                    frame_id=int(frame.frame_id),
                    timestamp_ns=int(frame.timestamp_ns),
                    exposure_us=float(frame.exposure_us),
                    arrived_ms=frame.arrived_ms,
                )
        self._link.send("done")

    def _is_stopped(self) -> bool:
        """Asked by the rig before every step."""
        if not self._loaded:
            self._loaded = True
            self._link.send("loaded")
        while self._hear(0.0):
            pass
        return self._stopped

    def _slot(self) -> int:
        """A free slot, waited for. Raises FrameTimeout (``not_taken``) or Cancelled."""
        deadline = time.monotonic() + self._reader_s
        while not self._stopped and self._hear(0.0 if self._free else max(0.0, deadline - time.monotonic())):
            pass
        if self._stopped:
            raise Cancelled("The scan was cancelled.", cure="Start the inspection again when ready.")
        if not self._free:
            raise FrameTimeout(
                f"Nobody took the scan's frames for {self._reader_s:g} s.",
                cure="See what keeps the station busy, then inspect again.",
                detail="not_taken",
            )
        return self._free.pop()

    def _hear(self, timeout_s: float) -> bool:
        """Listen while a scan goes on; whether there was anything to hear."""
        message = self._link.receive(timeout_s)
        if message is None:
            return False
        if message["what"] == "free":
            self._free.add(message["slot"])
        elif message["what"] == "stop":
            self._stopped = True
        return True


def _end(_: int, __: FrameType | None) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # asked once is enough: turning things off is not to be interrupted
    raise SystemExit(0)


def _wait_for_guard(guard: socket.socket) -> None:
    """Come back when the guard is ready. Raises what it could not be made ready for, or DeviceUnavailable (``dark_guard``)."""
    guard.settimeout(GUARD_S)
    said = b""
    with suppress(OSError):
        while (part := guard.recv(1 << 16)) and said + part != READY:
            said += part
        if part:
            return
    if said:
        raise error_from_json(json.loads(said))
    raise DeviceUnavailable("The dark guard did not start.", cure="See the log for what it says.", detail="dark_guard")


def _close(rig: Rig, guard: socket.socket) -> None:
    try:
        problems = rig.safe()
        if not problems:
            with suppress(OSError):
                guard.send(DARK)
    finally:
        rig.close()
    if not problems:  # else the guard tries with devices opened anew
        with suppress(OSError):
            guard.send(CLOSED)


def main(arguments: list[str]) -> None:
    """Serve a rig.

    Args:
        arguments: descriptors of the pipe to the station and of the socket to the dark guard, and the opener of the rig.
    """
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the station's to hear; it then closes the rig
    link, guard = Link(Connection(int(arguments[0]))), socket.socket(fileno=int(arguments[1]))
    with suppress(Gone):
        asked = link.receive()
        assert asked is not None
        assert asked["what"] == "open"
        try:
            open_rig = Opener.from_json(arguments[2]).load()
            _wait_for_guard(guard)
            rig: Rig = open_rig()
        except Exception as error:  # noqa: BLE001 - told to the station
            if not isinstance(error, D3Error):
                traceback.print_exception(error)
            with suppress(OSError):
                guard.send(CLOSED)
            link.send("failed", error=error_to_json(error))
            return
        try:
            camera = rig.config.camera
            slot_bytes = int(np.prod(camera.frame_shape)) * (2 if camera.pixel_format.bits > 8 else 1)
            memory = FrameRing.memory(slot_bytes, asked["slots"])
            try:
                ring = FrameRing(memory, slot_bytes, asked["slots"])
                link.send("opened", memory, config=rig.config.model_dump_json(), slot_bytes=slot_bytes)
            finally:
                os.close(memory)
            Served(rig, link, ring, asked["reader_s"]).serve()
        finally:
            _close(rig, guard)
        link.send("closed")


if __name__ == "__main__":
    main(sys.argv[1:])
