"""Finding inspections again: filters, cursor, table; every question answered by an index."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fake_station import BAD, GOOD, FakeStation
from query_plans import plans

from api.schemas import Evaluation, InspectionRequest, Role
from api.security import Principal
from api.service import Service
from api.settings import Settings
from api.store import inspections
from api.store.inspections import History
from api.store.store import Store, open_store

pytestmark = pytest.mark.both_databases

URL = "/api/v1/inspections"
WAIT = {"Prefer": "wait=30"}
SINCE = datetime(2025, 1, 1, tzinfo=UTC)


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    store = open_store(settings)
    yield store
    store.close()


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (History(serial="S"), "ix_inspections_serial"),
        (History(lot="L", since=SINCE), "ix_inspections_lot"),
        (History(order="O"), "ix_inspections_order"),
        (History(recipe="R", evaluation=Evaluation.NOT_OK), "ix_inspections_recipe_evaluation"),
        (History(recipe="R", before=100), "ix_inspections_recipe"),
        (History(is_reviewed=True), "ix_inspections_reviewed"),
        (History(evaluation=Evaluation.NOT_DECIDABLE), "ix_inspections_evaluation"),
        (History(since=SINCE, until=SINCE + timedelta(days=1)), "PRIMARY KEY"),
    ],
)
def test_each_question_to_the_history_is_a_search_in_order(store: Store, wanted: History, index: str) -> None:
    found = plans(store, lambda session: inspections.page(session, wanted))
    *edges, (page,) = found
    assert page.startswith("SEARCH")  # neither a scan nor a sort
    if store.engine.dialect.name == "sqlite":  # of an empty table PostgreSQL thinks any index as good
        assert index in page
    for (edge,) in edges:
        assert edge.startswith("SEARCH")
        assert "ix_inspections_created" in edge


def test_a_clock_that_is_set_back_does_not_reorder_the_history(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    service.store.upgrade()
    caller = Principal("operator", Role.OPERATOR, "session", "")
    moments = iter([SINCE + timedelta(hours=2), SINCE, SINCE + timedelta(hours=3)])
    monkeypatch.setattr("api.intake.now", lambda: next(moments))
    created = [service.runner.submit(InspectionRequest(recipe="bolt"), caller, None)[0].created for _ in range(3)]
    assert created == [SINCE + timedelta(hours=h) for h in (2, 2, 3)]
    with service.store.read() as session:
        found = inspections.page(session, History(since=SINCE + timedelta(hours=2), until=SINCE + timedelta(hours=3)))
    assert len(found.items) == 2


def test_the_history_is_searched_by_order_and_by_review(operator: httpx.Client, fake: FakeStation) -> None:
    ids = [operator.post(URL, json={"recipe": "bolt", "order": f"O{n}"}, headers=WAIT).json()["id"] for n in range(3)]
    operator.post(f"{URL}/{ids[1]}/review", json={"evaluation": "OK"})

    def found(**wanted: str) -> list[str]:
        return [item["id"] for item in operator.get(URL, params=wanted).json()["items"]]

    assert found(order="O2") == [ids[2]]
    assert found(reviewed="true") == [ids[1]]
    assert found(reviewed="false") == [ids[2], ids[0]]


def test_the_operator_is_the_signed_in_person_or_whom_the_machine_names(operator: httpx.Client, mes: httpx.Client) -> None:
    by_person = operator.post(URL, json={"recipe": "bolt"}, headers=WAIT).json()
    by_machine = mes.post(URL, json={"recipe": "bolt", "operator": "M. Curie"}, headers=WAIT | {"Idempotency-Key": "a"}).json()
    unnamed = mes.post(URL, json={"recipe": "bolt"}, headers=WAIT | {"Idempotency-Key": "b"}).json()
    assert (by_person["operator"], by_machine["operator"], unnamed["operator"]) == ("operator", "M. Curie", None)


def test_a_verdict_is_confirmed_or_overruled_and_stays(operator: httpx.Client, fake: FakeStation) -> None:
    fake.next = BAD
    url = operator.post(URL, json={"recipe": "bolt"}, headers=WAIT).headers["location"]
    refused = operator.post(f"{url}/review", json={"evaluation": "OK"})
    assert (refused.status_code, refused.json()["code"]) == (422, "unprocessable.reason")
    confirmed = operator.post(f"{url}/review", json={"evaluation": "NotOK"}).json()
    assert (confirmed["reviewed_as"], confirmed["reviews"][0]["confirms"]) == ("NotOK", True)
    overruled = operator.post(f"{url}/review", json={"evaluation": "OK", "reason": "a fibre, wiped off"}).json()
    assert (overruled["evaluation"], overruled["score"], overruled["reviewed_as"]) == ("NotOK", 2.5, "OK")
    assert [(r["evaluation"], r["confirms"], r["reason"], r["by"]) for r in overruled["reviews"]] == [
        ("NotOK", True, None, "operator"),
        ("OK", False, "a fibre, wiped off", "operator"),
    ]
    assert operator.get(url).json() == overruled


def test_what_is_not_finished_cannot_be_reviewed_and_machines_do_not_review(operator: httpx.Client, mes: httpx.Client, fake: FakeStation) -> None:
    fake.gate.clear()
    url = operator.post(URL, json={"recipe": "bolt"}).headers["location"]
    assert operator.post(f"{url}/review", json={"evaluation": "OK"}).json()["code"] == "conflict.unfinished"
    assert mes.post(f"{url}/review", json={"evaluation": "OK"}).status_code == 403


def test_the_history_leaves_as_a_table_that_no_spreadsheet_runs(operator: httpx.Client, fake: FakeStation) -> None:
    fake.next = replace(GOOD, score=0.25)
    for number in range(3):
        operator.post(URL, json={"recipe": "bolt", "serial": f"=cmd|'{number}'", "lot": f'L{number}, "new"'}, headers=WAIT)
    answer = operator.get(f"{URL}/export.csv", params={"recipe": "bolt"})
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["serial"] for row in rows] == ["'=cmd|'2'", "'=cmd|'1'", "'=cmd|'0'"]
    assert rows[0]["lot"] == 'L2, "new"'
    assert (rows[0]["evaluation"], float(rows[0]["score"]), rows[0]["recipe"]) == ("OK", 0.25, "bolt")
    assert len(list(csv.reader(io.StringIO(operator.get(f"{URL}/export.csv", params={"lot": "none"}).text)))) == 1


def test_the_table_has_every_inspection_once_however_long_it_is(operator: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.csv_export._PAGE", 2)
    ids = [operator.post(URL, json={"recipe": "bolt"}, headers=WAIT).json()["id"] for _ in range(5)]
    rows = csv.DictReader(io.StringIO(operator.get(f"{URL}/export.csv").text))
    assert [row["id"] for row in rows] == ids[::-1]
