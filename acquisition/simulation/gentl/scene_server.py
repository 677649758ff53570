"""The scene behind the virtual GenTL camera: answers its exposures with pixels, from a thread or, as on a real rig, from a process of its own.

Python's GenTL binding never releases the interpreter lock, neither while it waits for a buffer nor while it writes a register. So a
server in the camera driver's own process still works, for the producer never waits for it inside a call, but each exposure then
waits for the driver to let go between its millisecond slices. The emulated cell runs it in its own process.
"""

from __future__ import annotations

import mmap
import os
import selectors
import shutil
import socket
import struct
import tempfile
import threading
from collections import deque
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from acquisition.simulation.gentl.build import NAME, producer
from acquisition.simulation.gentl.packing import pack
from acquisition.simulation.gentl.seen import FrameFaultKind, Identity, Scene
from rig_configs.cameras import WireFormat

_REQUEST = struct.Struct("=6I2d2Q")
_REPLY = struct.Struct("=2IQd")
_OPEN, _START, _STOP, _EXPOSE = 1, 2, 3, 4
_FRAME, _LINE0 = 1, 2
_PULSE = "pulse"
# How often the scene is asked whether the camera's cable is in.
_LOOK_S = 0.05
_WIRE = {wire.pfnc: wire for wire in WireFormat}


class SceneServer:
    """One virtual camera and what it sees.

    ``faults`` holds what happens to the next frames, the next one first; ``late_s`` holds every next frame back for so long.
    :meth:`unplug` and :meth:`plug` take the camera away and bring it back.

    Args:
        scene: what the camera sees.
        identity: who the camera is.
        folder: where ``d3station.cti`` and the camera's file lie; several cameras may share one. Left out, a new one.
    """

    def __init__(self, scene: Scene, identity: Identity, folder: Path | None = None) -> None:
        self.faults: deque[FrameFaultKind] = deque()
        self.late_s = 0.0
        self._scene = scene
        self._identity = identity
        self._temporary = tempfile.mkdtemp(prefix="d3-")  # a socket's path has at most 107 characters: it cannot lie in any folder
        self._folder = folder or Path(self._temporary)
        self._file = self._folder / f"{identity.serial}.camera"
        self._listening: socket.socket | None = None
        self._camera: socket.socket | None = None
        self._memory: mmap.mmap | None = None
        self._acquiring = False
        self._pulled = True
        self._selector = selectors.DefaultSelector()
        self._wake, self._waker = socket.socketpair()
        self._selector.register(self._wake, selectors.EVENT_READ)
        self._tasks: deque[tuple[str, threading.Event]] = deque()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._serve, name=f"scene {identity.serial}", daemon=True)

    @property
    def producer(self) -> Path:
        """The GenTL producer that knows this camera: what ``producer`` in a rig's camera names."""
        return self._folder / NAME

    def start(self) -> None:
        """Plug the camera in. Raises DeviceUnavailable where there is no C compiler."""
        library = producer()
        self._folder.mkdir(parents=True, exist_ok=True)
        if not self.producer.exists() or self.producer.read_bytes() != library.read_bytes():
            # A copy, not a link: the loader takes two paths to one file for one library, and that would have the other's cameras.
            shutil.copy(library, self.producer.with_suffix(".new"))
            self.producer.with_suffix(".new").replace(self.producer)
        self._thread.start()
        self.plug()

    def close(self) -> None:
        """Take the camera away for good. Safe to call twice."""
        if not self._closing.is_set():
            self._closing.set()
            self._poke()
            if self._thread.ident is not None:
                self._thread.join()
            self._selector.close()
            self._wake.close()
            self._waker.close()
        self._file.unlink(missing_ok=True)
        shutil.rmtree(self._temporary, ignore_errors=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def plug(self) -> None:
        """Bring the camera back after :meth:`unplug`; returns when it can be found."""
        self._do("plug")

    def unplug(self) -> None:
        """Pull the camera's cable; returns when it is gone."""
        self._do("unplug")

    def pulse_line0(self) -> None:
        """A rising edge on the camera's Line0, as from a projector's trigger output; does not wait until the camera has heard of it."""
        if threading.current_thread() is self._thread:  # a scene that does so as it is exposed
            self._say(_LINE0, 0, 0, 0.0)
        else:
            self._tasks.append((_PULSE, threading.Event()))
            self._poke()

    # ---------------------------------------------------------------------------------------------- the server's thread

    def _do(self, task: str) -> None:
        if threading.current_thread() is self._thread:  # a scene that does so as it is exposed: the cable comes out when that is done
            self._pulled = task == "unplug"
            return
        done = threading.Event()
        self._tasks.append((task, done))
        self._poke()
        done.wait(5.0)

    def _poke(self) -> None:
        self._waker.send(b"x")

    def _run(self, task: str) -> None:
        if task == _PULSE:
            self._say(_LINE0, 0, 0, 0.0)
        else:
            self._pulled = task == "unplug"
            self._settle()

    def _settle(self) -> None:
        """Be there, or be gone, as the cable has it."""
        if self._listening is not None and not self._should_be_there():
            self._vanish()
        # Asked again: the end of a scan may have mended what the scan broke.
        if self._listening is None and self._should_be_there():
            self._listen()

    def _should_be_there(self) -> bool:
        return self._scene.is_plugged and not self._pulled

    def _vanish(self) -> None:
        self._file.unlink(missing_ok=True)
        self._hang_up()
        if self._listening:
            self._selector.unregister(self._listening)
            self._listening.close()
            self._listening = None

    def _listen(self) -> None:
        path = Path(self._temporary, "scene")
        path.unlink(missing_ok=True)
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listening.bind(str(path))
        self._listening.listen(16)
        self._selector.register(self._listening, selectors.EVENT_READ)
        who = self._identity
        wire = WireFormat(who.pixel_format.value)
        lines = {
            "serial": who.serial, "model": who.model, "user_id": who.user_id, "socket": path, "sensor_width": who.width_px,
            "sensor_height": who.height_px, "family": wire.family, "pixel_format": hex(wire.pfnc),
        }  # fmt: skip
        self._file.with_suffix(".new").write_text("".join(f"{key}={value}\n" for key, value in lines.items()))
        self._file.with_suffix(".new").replace(self._file)

    def _hang_up(self) -> None:
        if self._camera:
            self._selector.unregister(self._camera)
            self._camera.close()
            self._camera = None
        if self._acquiring:
            self._acquiring = False
            self._scene.stopped()
        self._memory = None

    def _serve(self) -> None:
        try:
            while not self._closing.is_set():
                self._turn()
        finally:  # also where the scene failed: a camera that is gone is told at once, one that is silent only by a time-out
            self._vanish()

    def _turn(self) -> None:
        for key, _ in self._selector.select(_LOOK_S):
            if key.fileobj is self._wake:
                self._wake.recv(64)
            elif key.fileobj is self._listening and self._listening is not None:
                self._accept(self._listening)
            elif key.fileobj is self._camera and self._camera is not None:
                self._hear(self._camera)
        while self._tasks:
            task, done = self._tasks.popleft()
            self._run(task)
            done.set()
        self._settle()

    def _accept(self, listening: socket.socket) -> None:
        """A connection: of a producer that looks whether the camera is there and leaves, or of one that opens it."""
        camera, _ = listening.accept()
        camera.settimeout(1.0)
        try:
            message, descriptors, _, _ = socket.recv_fds(camera, _REQUEST.size, 1)
        except OSError:
            message, descriptors = b"", []
        if len(message) != _REQUEST.size or not descriptors or self._camera:
            camera.close()
        else:
            self._camera, size = camera, _REQUEST.unpack(message)[-2]
            camera.settimeout(None)
            self._memory = mmap.mmap(descriptors[0], size)
            self._selector.register(camera, selectors.EVENT_READ)
        for descriptor in descriptors:
            os.close(descriptor)

    def _hear(self, camera: socket.socket) -> None:
        try:
            message = camera.recv(_REQUEST.size)
        except ConnectionError:
            message = b""
        if len(message) != _REQUEST.size:
            self._hang_up()
            return
        what, pfnc, x, y, width, height, exposure_us, gain_db, _, by_line = _REQUEST.unpack(message)
        if what == _START:
            self._acquiring = True
            self._scene.started(bool(by_line))
        elif what == _STOP and self._acquiring:
            self._acquiring = False
            self._scene.stopped()
        elif what == _EXPOSE:
            self._expose(_WIRE[pfnc], slice(y, y + height), slice(x, x + width), exposure_us, gain_db)

    def _expose(self, wire: WireFormat, rows: slice, columns: slice, exposure_us: float, gain_db: float) -> None:
        exposure = self._scene.expose(exposure_us, gain_db)
        assert self._memory is not None
        by_hand = self.faults.popleft() if self.faults else FrameFaultKind.NONE
        pack(exposure.pixels[rows, columns], self._identity.pixel_format, wire, np.frombuffer(self._memory, np.uint8))
        # The camera is busy as long as the frame is held back.
        self._closing.wait(max(self.late_s, exposure.late_s))
        self._say(_FRAME, by_hand or exposure.fault, exposure.timestamp_ns, exposure_us)

    def _say(self, what: int, fault: int, timestamp_ns: int, exposure_us: float) -> None:
        if self._camera is not None:
            with suppress(ConnectionError):  # it closed the camera meanwhile, and is heard to have done so next
                self._camera.send(_REPLY.pack(what, fault, timestamp_ns, exposure_us))
