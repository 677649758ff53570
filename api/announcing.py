"""Telling listeners what happens, in the transaction that makes it true."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from api import events
from api.outcome import Inspects
from api.schemas import InspectionState, RigState, StationState
from api.schemas_people import Scope
from api.schemas_webhooks import WebhookEvent
from api.store import inspections, outbox
from api.store.clock import now
from api.store.store import Store
from api.store.tables import InspectionRow
from api.store.tables_people import ApiKeyRow
from rig_configs.errors import D3Error

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class AtWork:
    """The inspections that are worked on now, by identity."""

    on_rig: str | None = None
    judged: str | None = None


class Announcer:
    """Writes the database and the events about it together.

    Args:
        store: the station's memory.
        station: says how it is.
    """

    def __init__(self, store: Store, station: Inspects) -> None:
        self._store = store
        self._station = station
        self._told: RigState | None = None
        self.at_work = AtWork()

    @contextmanager
    def write(self) -> Generator[Session]:
        """A transaction with events in it; when it fails, nobody has been told anything."""
        try:
            with self._store.write() as session:
                yield session
        except BaseException:
            self._told = None
            raise

    def tell(self, session: Session, row: InspectionRow) -> None:
        """Add what listeners should know of an inspection, and of the station where that changed."""
        session.flush()
        summary = inspections.summary_of(row)
        events.append(session, summary)
        if summary.state is InspectionState.FINISHED:
            outbox.announce(session, WebhookEvent.INSPECTION_FINISHED, summary)
        try:
            state = self._with_queue(session, self._station.state())
        except D3Error:  # a station that cannot say how it is must not cost the verdict
            _log.exception("the station does not say how it is")
            return
        if state != self._told:
            events.append(session, state)
            if _is_in_trouble(state) != _is_in_trouble(self._told):
                outbox.announce(session, WebhookEvent.STATION_ERROR if _is_in_trouble(state) else WebhookEvent.STATION_RECOVERED, state)
            self._told = state

    def rig_state(self) -> RigState:
        """What the station is and does now, with the running and the waiting inspections."""
        state = self._station.state()
        with self._store.read() as session:
            return self._with_queue(session, state)

    def _with_queue(self, session: Session, state: RigState) -> RigState:
        on_rig, judged = self.at_work.on_rig, self.at_work.judged
        armed_for = ["button", "machine"] if _machine_may_trigger(session) else ["button"]
        return state.model_copy(
            update={"running": on_rig or judged, "judging": judged, "queued": inspections.queued(session), "armed_for": armed_for}
        )


def _machine_may_trigger(session: Session) -> bool:
    """Whether a key that may start inspections is valid now."""
    lasts = or_(ApiKeyRow.expires.is_(None), ApiKeyRow.expires > now())
    return session.scalar(select(ApiKeyRow.name).where(ApiKeyRow.revoked.is_(None), ApiKeyRow.scope != Scope.READ.value, lasts).limit(1)) is not None


def _is_in_trouble(state: RigState | None) -> bool:
    return state is not None and state.state is StationState.ERROR
