"""What listeners are told: rows of the events table, streamed as server-sent events, and a bell that says there are new ones."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fastapi.concurrency import run_in_threadpool
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session
from sse_starlette import ServerSentEvent

from api.schemas import InspectionSummary, RigState
from api.schemas_recipes import Task
from api.store.clock import now
from api.store.tables import EventRow

if TYPE_CHECKING:
    from api.store.store import Store

KEPT = 20_000
"""How many events a listener may be behind; older ones are gone, and it starts with the oldest there is."""
HEARTBEAT_S = 15.0
_PAGE = 200
TOLD = "told"
"""Where a session keeps what its transaction says, for those who listen to commits."""


class Bell:
    """Wakes everybody who waits for the database to change. Rung from any thread."""

    def __init__(self) -> None:
        self._listeners: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()

    def ring(self) -> None:
        """Wake all listeners."""
        for loop, event in tuple(self._listeners):
            if not loop.is_closed():
                loop.call_soon_threadsafe(event.set)

    @contextmanager
    def listen(self) -> Generator[asyncio.Event]:
        """An event of the running loop that is set at each ring; clear it before looking at the database."""
        entry = (asyncio.get_running_loop(), asyncio.Event())
        self._listeners.add(entry)
        try:
            yield entry[1]
        finally:
            self._listeners.discard(entry)


def append(session: Session, content: InspectionSummary | RigState | Task) -> None:
    """Add an event to the transaction that makes it true."""
    kind = "inspection" if isinstance(content, InspectionSummary) else "station" if isinstance(content, RigState) else "task"
    session.info.setdefault(TOLD, []).append(content)
    row = EventRow(type=kind, data=content.model_dump(mode="json"), created=now())
    session.add(row)
    session.flush()
    if row.id % 1000 == 0:
        session.execute(delete(EventRow).where(EventRow.id <= row.id - KEPT))


def read(session: Session, after: int, limit: int = _PAGE) -> list[EventRow]:
    """Events after one, oldest first."""
    return list(session.scalars(select(EventRow).where(EventRow.id > after).order_by(EventRow.id).limit(limit)))


def last_id(session: Session) -> int:
    """Identity of the newest event; 0 when there is none."""
    return session.scalar(select(func.max(EventRow.id))) or 0


async def stream(
    store: Store, after: int | None, state: Callable[[], RigState], still_welcome: Callable[[], bool], heartbeat_s: float = HEARTBEAT_S
) -> AsyncIterator[ServerSentEvent]:
    """Events for one listener, for as long as it listens.

    Args:
        store: the database, and its bell.
        after: the last event the listener has seen; none for a new listener, which is told the station's state first, so that
            it has a place to resume from before anything happens.
        state: the station's present state.
        still_welcome: asked at each heartbeat; a listener whose session has ended is let go.
        heartbeat_s: a comment is sent after this much silence, so that both ends notice a dead connection.
    """

    def read_from(place: int) -> list[EventRow]:
        with store.read() as session:
            return read(session, place)

    def newest_id() -> int:
        with store.read() as session:
            return last_id(session)

    newest = await run_in_threadpool(newest_id)
    with store.bell.listen() as rung:
        if after is None or after > newest:  # ahead of us: its last event is of another database
            after = newest
            present = await run_in_threadpool(state)
            yield ServerSentEvent(data=present.model_dump_json(), event="station", id=str(after))
        while True:
            rung.clear()
            rows = await run_in_threadpool(read_from, after)
            for row in rows:
                after = row.id
                yield ServerSentEvent(data=json.dumps(row.data), event=row.type, id=str(row.id))
            if len(rows) == _PAGE:
                continue
            try:
                async with asyncio.timeout(heartbeat_s):  # not wait_for, which before Python 3.12 can lose a cancellation
                    await rung.wait()
            except TimeoutError:
                if not await run_in_threadpool(still_welcome):
                    return
                yield ServerSentEvent(comment="still here")
