"""A rig process and its dark guard, started together: one life of them, from the start to the end of both."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from multiprocessing import Pipe
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from acquisition import dark_guard
from acquisition.frame_ring import FrameRing
from acquisition.opener import Opener
from acquisition.rig_messages import Gone, Link

# How long a killed process may need to be gone, seconds; longer only where the kernel itself is stuck in a driver.
_KILLED_S = 2.0
# How long a rig process that was told to close, and did, may need to exit.
_EXIT_S = 5.0
# How long the guard may need after the rig process is gone: what it takes to try its devices, and one that hangs.
GUARD_S = dark_guard.DARK_S + 2.0


class RigPair:
    """Both processes, and the station's end of the pipe.

    Each has a session of its own: Ctrl-C at the terminal, and a kill of the station's process group, do not reach them.
    They are told of the station's end by what they hold of it, the pipe and its process descriptor, and not by the kernel's
    parent-death signal, which comes as soon as the *thread* ends that started them.

    Args:
        open_rig: opens the rig, in the rig process.
        open_dark: opens lights and projectors, in the guard.
    """

    def __init__(self, open_rig: Opener, open_dark: Opener) -> None:
        station_end, rig_end = Pipe()
        guard_socket, rig_socket = socket.socketpair()
        self.link = Link(station_end)
        self.ring: FrameRing | None = None
        self.patterns: tuple[tuple[NDArray[np.uint8], ...], ...] | None = None
        """What the rig process has of patterns."""
        self.is_loaded = False
        """Whether projectors have them."""
        descriptors: list[int] = []
        try:
            self._rig = _start("rig_child", [rig_end.fileno(), rig_socket.fileno()], open_rig)
            try:
                descriptors += [os.pidfd_open(self._rig.pid), os.pidfd_open(os.getpid())]
                self._guard = _start("dark_guard", [guard_socket.fileno(), *descriptors], open_dark)
            except OSError:
                self._rig.kill()
                self._rig.wait()
                raise
        except OSError:
            self.link.close()
            raise
        finally:
            rig_end.close()
            guard_socket.close()
            rig_socket.close()
            for descriptor in descriptors:
                os.close(descriptor)

    @property
    def is_whole(self) -> bool:
        """Whether both processes are there, while nothing is asked of them."""
        # A process that is killed hangs up some time before it is gone.
        return self.link.is_quiet and self._rig.poll() is None and self._guard.poll() is None

    @property
    def rig_pid(self) -> int:
        """Number of the rig process."""
        return self._rig.pid

    @property
    def guard_pid(self) -> int:
        """Number of the guard's process."""
        return self._guard.pid

    def close(self, timeout_s: float) -> bool:
        """End in order, and by a kill when that takes longer than ``timeout_s``; whether all is known to be dark."""
        with suppress(Gone):
            self.link.send("close")
            while (message := self.link.receive(timeout_s)) is not None and message["what"] != "closed":
                pass
            if message is not None:
                with suppress(subprocess.TimeoutExpired):
                    self._rig.wait(_EXIT_S)
        return self.kill()

    def kill(self, after_s: float = 0.0) -> bool:
        """End both, the guard after it has turned lights and projectors off; whether all is known to be dark. May be called twice.

        Args:
            after_s: for so long the rig process may still end by itself.
        """
        self.link.close()
        self.ring = self.patterns = None
        if after_s:
            with suppress(subprocess.TimeoutExpired):
                self._rig.wait(after_s)
        self._rig.kill()
        try:
            self._rig.wait(_KILLED_S)
            return self._guard.wait(GUARD_S) == 0
        except subprocess.TimeoutExpired:
            self._guard.kill()
            self._guard.wait(_KILLED_S)
            return False

    @property
    def ending(self) -> str:
        """How the rig process ended, for a message; empty while it has not."""
        status = self._rig.poll()
        if status is None:
            return ""
        return f"ended with status {status}" if status >= 0 else f"was ended by {signal.Signals(-status).name}"


def _start(module: str, descriptors: list[int], opener: Opener) -> subprocess.Popen[bytes]:
    # Born empty, not forked: of threads and vendor libraries nothing may come along.
    path = os.pathsep.join(p or str(Path.cwd()) for p in sys.path)
    return subprocess.Popen(  # noqa: S603 - this interpreter, numbers and the opener's name
        [sys.executable, "-P", "-X", "faulthandler", "-m", f"acquisition.{module}", *map(str, descriptors), opener.to_json()],
        stdin=subprocess.DEVNULL,
        stdout=2,  # what is printed there must not come between the station's answers
        env=os.environ | {"PYTHONPATH": path},
        pass_fds=descriptors,
        start_new_session=True,
    )
