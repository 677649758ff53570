"""Long work beside the inspections: one piece at a time and one of upkeep, told as it goes on, and given up when asked."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from typing import Protocol

import structlog

from api import events
from api.reasons import CANCELLED, FAULT
from api.schemas import Reason
from api.schemas_recipes import Task, TaskDetails, TaskKind, TaskResult, TaskState
from api.store import tasks
from api.store.clock import now
from api.store.store import Store
from api.store.tables_production import TaskRow
from rig_configs.errors import Cancelled, Conflict, D3Error

_TOLD_EVERY_S = 0.25
_UPKEEP = {TaskKind.BACKUP, TaskKind.RETENTION}
"""Work on the disk alone: it needs neither the rig nor many cores, and waits for nothing that does."""
_log = structlog.get_logger(__name__)

INTERRUPTED = Reason(code="service.interrupted", message="The service stopped before this was done.", cure="Start it again; nothing was changed.")


class Handle(Protocol):
    """What long work tells and asks."""

    def progress(self, share: float, message: str) -> None:
        """Tell the share done, 0 to 1, and what is done now."""
        ...

    def cancelled(self) -> bool:
        """Whether it shall be given up."""
        ...

    def wait_for_person(self, message: str) -> None:
        """Wait until somebody has done what the message says, and continues. Raises Cancelled."""
        ...


class TaskRunner:
    """Does long work, one piece at a time, and beside it one of upkeep.

    Args:
        store: the station's memory.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._running: dict[bool, _Running] = {}
        """What was begun last, by whether it is upkeep."""

    def recover(self) -> None:
        """End what was not finished when the service stopped."""
        with self._store.write() as session:
            for row in tasks.unfinished(session):
                tasks.finish(row, TaskState.FAILED, reason=INTERRUPTED)
                events.append(session, tasks.task_of(row))

    def start(self, kind: TaskKind, recipe: str, by: str, work: Callable[[Handle], TaskResult]) -> Task:
        """Begin long work.

        Raises:
            Conflict: there is other long work.
        """
        is_upkeep = kind in _UPKEEP
        with self._lock:
            if (before := self._running.get(is_upkeep)) is not None and before.thread.is_alive():
                raise Conflict("There is other long work already.", cure=f"Wait for task {before.id}, or cancel it.", detail="task")
            row = TaskRow(
                id=str(uuid.uuid4()), kind=kind, recipe=recipe, state=TaskState.RUNNING, share=0.0, message="begins", requested_by=by, created=now()
            )
            with self._store.write() as session:
                session.add(row)
                session.flush()
                task = tasks.task_of(row)
                events.append(session, task)
            self._running[is_upkeep] = _Running(self._store, row.id, work)
            self._running[is_upkeep].thread.start()
            return task

    def cancel(self, task_id: str) -> TaskDetails:
        """Ask for a task to be given up. Raises NotFound, Conflict (it has ended)."""
        return self._tell(task_id, lambda running: running.give_up.set())

    def go_on(self, task_id: str) -> TaskDetails:
        """Tell a waiting task that what it asked for is done. Raises NotFound, Conflict (it does not wait)."""
        return self._tell(task_id, lambda running: running.go_on.set(), TaskState.WAITING)

    def stop(self, timeout_s: float = 30.0) -> None:
        """Give up what runs, and wait for its end."""
        alive = [running for running in self._running.values() if running.thread.is_alive()]
        for running in alive:
            running.stopping = True
            running.give_up.set()
            running.go_on.set()
        for running in alive:
            running.thread.join(timeout_s)

    def _tell(self, task_id: str, tell: Callable[[_Running], None], needed: TaskState | None = None) -> TaskDetails:
        with self._store.read() as session:
            task = tasks.details_of(tasks.get(session, task_id))
        running = next((one for one in self._running.values() if one.id == task_id), None)
        if running is None or task.finished is not None or (needed is not None and task.state is not needed):
            raise Conflict(f"This task is {task.state.value}.", cure="GET it to see what came of it.", detail="task_state")
        tell(running)
        if needed is None:
            running.go_on.set()
        return task


class _Running:
    """A piece of work and the thread that does it."""

    def __init__(self, store: Store, task_id: str, work: Callable[[Handle], TaskResult]) -> None:
        self.id = task_id
        self.give_up = threading.Event()
        self.go_on = threading.Event()
        self.stopping = False
        self._store = store
        self._work = work
        self._told = (-1.0, "")
        self._told_at = 0.0
        self.thread = threading.Thread(target=self._run, name="task", daemon=True)

    def progress(self, share: float, message: str) -> None:
        """See :class:`Handle`."""
        if (share, message) == self._told or (time.monotonic() - self._told_at < _TOLD_EVERY_S and share < 1.0):
            return
        self._told, self._told_at = (share, message), time.monotonic()
        self._change(TaskState.RUNNING, share, message)

    def cancelled(self) -> bool:
        """See :class:`Handle`."""
        return self.give_up.is_set()

    def wait_for_person(self, message: str) -> None:
        """See :class:`Handle`."""
        self.go_on.clear()
        self._change(TaskState.WAITING, max(self._told[0], 0.0), message)
        self.go_on.wait()
        if self.give_up.is_set():
            raise Cancelled("The work was stopped.", cure="Start it again when wanted; nothing was changed.")
        self._change(TaskState.RUNNING, max(self._told[0], 0.0), message)

    def _change(self, state: TaskState, share: float, message: str) -> None:
        with self._store.write() as session:
            row = tasks.get(session, self.id)
            row.state, row.share, row.message = state, share, message[:400]
            session.flush()
            events.append(session, tasks.task_of(row))

    def _run(self) -> None:
        with structlog.contextvars.bound_contextvars(task=self.id):
            try:
                result = self._work(self)
            except Cancelled:
                self._end(TaskState.FAILED if self.stopping else TaskState.CANCELLED, INTERRUPTED if self.stopping else CANCELLED)
            except D3Error as error:
                self._end(TaskState.FAILED, Reason(code=error.code, message=error.message, cure=error.cure))
            except Exception:  # noqa: BLE001 (whatever failed, whoever asked must hear of it)
                _log.exception("long work failed")
                self._end(TaskState.FAILED, FAULT)
            else:
                self._end(TaskState.FINISHED, None, result)

    def _end(self, state: TaskState, reason: Reason | None, result: TaskResult | None = None) -> None:
        try:
            with self._store.write() as session:
                row = tasks.get(session, self.id)
                tasks.finish(row, state, reason=reason, result=result)
                if state is TaskState.FINISHED:
                    row.share, row.message = 1.0, "done"
                session.flush()
                events.append(session, tasks.task_of(row))
        except Exception:  # noqa: BLE001 (the next start ends it)
            _log.exception("the end of long work could not be stored")
