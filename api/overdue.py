"""Inspections whose time is up while they wait in the queue: they end at their deadline, whatever has the rig meanwhile."""

from __future__ import annotations

import threading

import structlog
from sqlalchemy import select

from api.announcing import Announcer
from api.reasons import LATE
from api.schemas import InspectionState
from api.store import inspections
from api.store.clock import now
from api.store.store import Store
from api.store.tables import InspectionRow

_LOOK_S = 30.0
"""How often the clock is looked at where no deadline is near: somebody may have set it."""
_log = structlog.get_logger(__name__)


class Overdue:
    """Ends waiting inspections at their deadlines.

    Args:
        store: the station's memory.
        announcer: tells listeners.
    """

    def __init__(self, store: Store, announcer: Announcer) -> None:
        self._store = store
        self._announcer = announcer
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="deadlines", daemon=True)

    def start(self) -> None:
        """Begin to look at deadlines."""
        self._thread.start()

    def stop(self, timeout_s: float = 30.0) -> None:
        """Look at them no longer."""
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def look(self) -> None:
        """An inspection was taken in; its deadline may be the next."""
        self._wake.set()

    def _work(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                wait_s = self._end_overdue()
            except Exception:  # noqa: BLE001 (whatever it is, deadlines must go on being kept)
                _log.exception("deadlines cannot be looked at")
                wait_s = 1.0
            if not self._stopping.is_set():
                self._wake.wait(wait_s)

    def _end_overdue(self) -> float:
        """End what is overdue; returns how long nothing else is, s."""
        query = select(InspectionRow.id, InspectionRow.deadline).where(InspectionRow.state == InspectionState.QUEUED)
        with self._store.read() as session:
            waiting = [(row.id, row.deadline) for row in session.execute(query) if row.deadline is not None]
        moment = now()
        for inspection_id in [waits for waits, deadline in waiting if deadline <= moment]:
            with self._announcer.write() as session:
                row = inspections.get(session, inspection_id)
                if row.state == InspectionState.QUEUED:  # else it was taken up, or cancelled, just now
                    inspections.finish_undecided(row, LATE)
                    self._announcer.tell(session, row)
        return min([_LOOK_S, *((deadline - moment).total_seconds() for _, deadline in waiting if deadline > moment)])
