"""One service a data folder: a second one would take the first one's running inspection for a cut-off one."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from rig_configs.errors import Conflict


class ServiceLock:
    """Held while a service works in a data folder; the operating system lets it go when the process dies.

    Args:
        data_dir: the data folder.
    """

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "service.lock"
        self._handle: int | None = None

    def acquire(self) -> None:
        """Take the folder.

        Raises:
            Conflict: another service has it.
        """
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as cause:
            os.close(handle)
            raise Conflict(
                f"Another d3station service works in {self._path.parent}.", cure="Stop it, or give this one its own --data-dir.", detail="data_dir"
            ) from cause
        self._handle = handle

    def release(self) -> None:
        """Let the folder go, if held."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def __enter__(self) -> ServiceLock:
        """Take the folder. Raises Conflict."""
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        """Let it go."""
        self.release()
