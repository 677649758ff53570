"""A repeated request is not done twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from fake_station import FakeStation

from api.jobs import JobRunner
from api.schemas import InspectionRequest, Role
from api.security import Principal
from api.service import Service

pytestmark = pytest.mark.both_databases
URL = "/api/v1/inspections"
BODY = {"recipe": "bolt", "serial": "S1"}


def test_the_same_key_and_request_give_the_same_inspection_running_or_finished(mes: httpx.Client, fake: FakeStation) -> None:
    fake.gate.clear()
    key = {"Idempotency-Key": "part-1"}
    first = mes.post(URL, json=BODY, headers=key)
    assert fake.entered.acquire(timeout=10)
    again = mes.post(URL, json=BODY, headers=key)
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["id"] == again.json()["id"]
    fake.gate.set()
    waited = mes.post(URL, json=BODY, headers=key | {"Prefer": "wait=30"})
    finished = mes.post(URL, json=BODY, headers=key)
    assert (waited.status_code, finished.status_code) == (200, 200)
    assert waited.json() == finished.json()
    assert finished.json()["id"] == first.json()["id"]
    assert fake.inspected == ["bolt"]


def test_a_key_cannot_stand_for_two_requests(mes: httpx.Client, fake: FakeStation) -> None:
    key = {"Idempotency-Key": "part-1", "Prefer": "wait=30"}
    assert mes.post(URL, json=BODY, headers=key).status_code == 200
    answer = mes.post(URL, json=BODY | {"serial": "S2"}, headers=key)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency.mismatch")
    assert fake.inspected == ["bolt"]


def test_a_machine_must_name_its_request_and_a_person_need_not(mes: httpx.Client, operator: httpx.Client, fake: FakeStation) -> None:
    answer = mes.post(URL, json=BODY)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency.missing")
    assert fake.inspected == []
    assert operator.post(URL, json=BODY).status_code == 202


def test_a_refused_request_does_not_use_its_key_up(mes: httpx.Client) -> None:
    key = {"Idempotency-Key": "part-1"}
    assert mes.post(URL, json=BODY | {"recipe": "nut"}, headers=key).status_code == 404
    assert mes.post(URL, json=BODY, headers=key).status_code == 202


def test_a_repeated_request_is_answered_even_when_the_queue_is_full(mes: httpx.Client, fake: FakeStation) -> None:
    fake.gate.clear()
    first = mes.post(URL, json=BODY, headers={"Idempotency-Key": "first"})
    assert fake.entered.acquire(timeout=10)
    for number in range(3):
        mes.post(URL, json=BODY, headers={"Idempotency-Key": f"more-{number}"})
    assert mes.post(URL, json=BODY, headers={"Idempotency-Key": "new"}).status_code == 503
    assert mes.post(URL, json=BODY, headers={"Idempotency-Key": "first"}).json()["id"] == first.json()["id"]


def test_fifty_requests_at_once_with_one_key_make_one_inspection(mes: httpx.Client, fake: FakeStation) -> None:
    fake.gate.clear()
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: mes.post(URL, json=BODY, headers={"Idempotency-Key": "part-1"}), range(50)))
    assert {a.status_code for a in answers} == {202}
    assert len({a.json()["id"] for a in answers}) == 1
    assert len(mes.get(URL).json()["items"]) == 1


def test_two_processes_with_one_key_make_one_inspection(url: str, service: Service, fake: FakeStation) -> None:
    """Two runners share a database but no lock, as two processes would."""
    from api.store.store import Store

    other_store = Store(service.settings.database_url, service.settings.data_dir)
    other = JobRunner(other_store, fake, station_name="cell 8", queue_limit=1000)
    fake.gate.clear()
    caller = Principal("mes", Role.MES, "key", "")

    def submit(number: int) -> str:
        runner = (service.runner, other)[number % 2]
        return runner.submit(InspectionRequest(recipe="bolt"), caller, f"key {number // 4 % 2}")[0].id

    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(submit, range(40)))
    other_store.close()
    assert len(ids) == 2
