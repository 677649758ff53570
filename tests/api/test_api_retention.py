"""What is kept and what goes: by age, number and space; pinned and NotOK last; and the disk is never filled."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import httpx
import pytest
from conftest import As
from fake_station import BAD, GOOD, FakeStation

from api.retention import Retention
from api.schemas import Role
from api.service import Service
from api.store.clock import now

pytestmark = pytest.mark.both_databases

URL = "/api/v1/inspections"
WAIT = {"Prefer": "wait=30"}


def inspect(operator: httpx.Client, fake: FakeStation, outcome: object = GOOD) -> str:
    fake.next = outcome
    return operator.post(URL, json={"recipe": "bolt"}, headers=WAIT).json()["id"]


def kept(operator: httpx.Client, ids: list[str]) -> list[bool]:
    return [operator.get(f"{URL}/{one}/artifacts/rgb.png").status_code == 200 for one in ids]


@pytest.fixture
def retention(service: Service, url: str) -> Retention:
    """A second one beside the service's, called by hand."""
    return Retention(service.store, service.settings)


def test_files_go_by_age_and_records_stay(
    operator: httpx.Client, fake: FakeStation, service: Service, retention: Retention, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [inspect(operator, fake), inspect(operator, fake, BAD), inspect(operator, fake), inspect(operator, fake)]
    operator.post(f"{URL}/{ids[2]}/pin", json={"is_pinned": True})
    operator.post(f"{URL}/{ids[3]}/review", json={"evaluation": "NotOK", "reason": "a crack"})
    assert retention.sweep() == 0
    monkeypatch.setattr("api.retention.now", lambda: now() + timedelta(days=service.settings.keep_days + 1))
    assert retention.sweep() == 1
    assert kept(operator, ids) == [False, True, True, True]
    gone = operator.get(f"{URL}/{ids[0]}").json()
    assert (gone["evaluation"], gone["artifacts"], gone["thumbnail_url"]) == ("OK", [], None)
    assert gone["files_removed"] is not None
    monkeypatch.setattr("api.retention.now", lambda: now() + timedelta(days=service.settings.keep_days_not_ok + 1))
    assert retention.sweep() == 2
    assert kept(operator, ids) == [False, False, True, False]
    folders = [p.name for p in (service.settings.data_dir / "artifacts").glob("*/*")]
    assert folders == [ids[2]]


def test_files_go_by_number_the_oldest_good_ones_first(operator: httpx.Client, fake: FakeStation, service: Service) -> None:
    ids = [inspect(operator, fake, BAD), *(inspect(operator, fake) for _ in range(3))]
    few = Retention(service.store, service.settings.model_copy(update={"keep_count": 2}))
    assert few.sweep() == 2
    assert kept(operator, ids) == [True, False, False, True]


def test_a_disk_that_gets_full_is_cleared_only_as_far_as_needed(
    operator: httpx.Client, fake: FakeStation, service: Service, retention: Retention, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [inspect(operator, fake, BAD), *(inspect(operator, fake) for _ in range(3))]
    reserve = service.settings.reserve_bytes
    left = iter([1.2 * reserve, 1.2 * reserve, 1.4 * reserve, 2.5 * reserve])
    monkeypatch.setattr("api.retention.shutil.disk_usage", lambda _: SimpleNamespace(free=next(left)))
    assert retention.sweep() == 2
    assert kept(operator, ids) == [True, False, False, True]


def test_nothing_is_accepted_that_could_not_be_kept(operator: httpx.Client, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.intake.shutil.disk_usage", lambda _: SimpleNamespace(free=service.settings.reserve_bytes - 1))
    answer = operator.post(URL, json={"recipe": "bolt"})
    assert (answer.status_code, answer.json()["code"]) == (507, "store.space")
    assert int(answer.headers["retry-after"]) > 0
    assert operator.get(URL).json()["items"] == []


def test_the_disk_tells_what_is_on_it(operator: httpx.Client, as_role: As, fake: FakeStation, service: Service) -> None:
    inspect(operator, fake)
    service.store.artifacts.write(now(), "of-another-database", GOOD.artifacts)
    service.runner.recover()
    found = as_role(Role.ENGINEER).get("/api/v1/rig/storage").json()
    assert found["inspections_with_files"] == 1
    assert found["kept_bytes"] == sum(len(a.content) for a in GOOD.artifacts)
    assert found["orphans"] == ["of-another-database"]
    assert found["free_bytes"] > 0
