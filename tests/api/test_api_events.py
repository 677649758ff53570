"""What listeners are told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from fake_station import FakeStation
from sqlalchemy import select

from api import events
from api.schemas import InspectionSummary, RigState
from api.service import Service
from api.store.tables import EventRow

INSPECTIONS = "/api/v1/inspections"
Told = tuple[str, str, dict]


@contextmanager
def listening(caller: httpx.Client, last: str | None = None) -> Iterator[Iterator[Told]]:
    """Events (id, type, data) as they come."""
    headers = {"Last-Event-ID": last} if last is not None else {}
    with caller.stream("GET", "/api/v1/events", headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield _events(answer.iter_lines())


def _events(lines: Iterator[str]) -> Iterator[Told]:
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "data" in fields:
            yield fields["id"], fields["event"], json.loads(fields["data"])
            fields = {}


def until_finished(told: Iterator[Told]) -> list[Told]:
    found = []
    for event in told:
        found.append(event)
        if event[1] == "inspection" and event[2]["state"] == "finished":
            return found
    return found


def test_a_new_listener_is_told_the_state_first_and_then_each_change(operator: httpx.Client) -> None:
    with listening(operator) as told:
        _, kind, state = next(told)
        assert kind == "station"
        assert RigState.model_validate(state).state == "Ready"
        posted = operator.post(INSPECTIONS, json={"recipe": "bolt", "serial": "S1"}).json()
        found = until_finished(told)
    changes = [InspectionSummary.model_validate(data) for _, kind, data in found if kind == "inspection"]
    assert {change.id for change in changes} == {posted["id"]}
    assert [(c.state, c.stage) for c in changes] == [
        ("queued", None),
        ("running", None),
        ("running", "capture"),
        ("running", "photometric"),
        ("running", "structured_light"),
        ("running", "inference"),
        ("running", "save"),
        ("finished", None),
    ]
    assert changes[-1].evaluation == "OK"
    assert changes[-1].thumbnail_url
    queue = [(data["running"], data["judging"], data["queued"]) for _, kind, data in found if kind == "station"]
    assert queue == [(None, None, 1), (posted["id"], None, 0), (posted["id"], posted["id"], 0)]
    ids = [int(event[0]) for event in found]
    assert ids == sorted(set(ids))


def test_a_listener_that_was_away_gets_exactly_what_it_missed(operator: httpx.Client) -> None:
    with listening(operator) as told:
        next(told)
        operator.post(INSPECTIONS, json={"recipe": "bolt"})
        whole = until_finished(told)
    for cut in (0, len(whole) // 2):
        with listening(operator, last=whole[cut][0]) as told:
            assert until_finished(told) == whole[cut + 1 :]


def test_a_listener_of_another_database_starts_from_now(operator: httpx.Client) -> None:
    with listening(operator, last="999999999") as told:
        assert next(told)[1] == "station"
        operator.post(INSPECTIONS, json={"recipe": "bolt"})
        assert until_finished(told)[-1][2]["evaluation"] == "OK"


def test_an_event_id_that_is_none_is_refused(operator: httpx.Client) -> None:
    assert operator.get("/api/v1/events", headers={"Last-Event-ID": "latest"}).status_code == 422


def test_silence_is_broken_by_heartbeats_until_the_session_ends(service: Service, fake: FakeStation) -> None:
    service.store.upgrade()
    welcome = iter((True, True, False))

    async def listen() -> list[str | None]:
        stream = events.stream(service.store, None, fake.state, lambda: next(welcome), heartbeat_s=0.01)
        return [event.event or event.comment async for event in stream]

    assert asyncio.run(listen()) == ["station", "still here", "still here"]


def test_events_do_not_pile_up_for_ever(service: Service, fake: FakeStation, monkeypatch) -> None:
    monkeypatch.setattr(events, "KEPT", 500)
    service.store.upgrade()
    with service.store.write() as session:
        for _ in range(2000):
            events.append(session, fake.state())
    with service.store.read() as session:
        left = session.scalars(select(EventRow.id)).all()
    assert (min(left), max(left)) == (1501, 2000)
