"""A thread that owns a camera: whoever wants something of it hands over a task and waits, but never for ever."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from rig_configs.errors import DeviceUnavailable

# How long a thread that is told to end may take; it is a daemon, and is left behind after that.
_END_S = 2.0

Result = TypeVar("Result")


class Owner:
    """The one thread that talks to a device."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._tasks: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def do(self, task: Callable[[], Result], timeout_s: float) -> Result:
        """The task's result. Raises what it raises, or DeviceUnavailable (``hangs``) when it takes longer than it may."""
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
                self._thread.start()
        future: Future[Result] = Future()
        self._tasks.put((task, future))
        try:
            return future.result(timeout_s)
        except TimeoutError:
            future.cancel()
            raise DeviceUnavailable(
                f"The {self._name} has not answered for {timeout_s:g} s.",
                cure="Switch it off and on; restart the rig if it stays.",
                detail="hangs",
            ) from None

    def close(self) -> None:
        """End the thread; one that hangs is left behind."""
        with self._starting:
            if self._thread is not None:
                self._tasks.put(None)
                self._thread.join(_END_S)
                self._thread = None

    def _work(self) -> None:
        while (item := self._tasks.get()) is not None:
            task, future = item
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(task())
            except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
                future.set_exception(error)
