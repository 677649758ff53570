"""What an admin does from the panel: backups, storage, forgotten passwords, the log; and what everybody may see of their own sessions."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import httpx
import pytest
from conftest import As, Client
from fake_station import BAD, FakeStation
from sqlalchemy import text

from api.schemas import Role
from api.schemas_recipes import TaskKind, TaskResult
from api.service import Service
from api.store.clock import now
from api.tasks import Handle
from rig_configs.errors import Conflict

API = "/api/v1"
PASSWORD = "correct horse battery"


@pytest.fixture
def admin(as_role: As) -> httpx.Client:
    return as_role(Role.ADMIN)


def done(caller: httpx.Client, service: Service, task: httpx.Response) -> dict:
    assert task.status_code == 202
    service.tasks._running[True].thread.join(30)
    found = caller.get(task.headers["location"]).json()
    assert found["state"] == "finished", found
    return found["result"]


def test_a_backup_is_made_looked_into_and_taken_away(admin: httpx.Client, service: Service) -> None:
    assert admin.get(f"{API}/backups").json() == []
    name = done(admin, service, admin.post(f"{API}/backups"))["backup"]
    [listed] = admin.get(f"{API}/backups").json()
    assert listed["name"] == name
    assert listed["restore_command"].startswith("d3station db restore ")
    looked = admin.get(f"{API}/backups/{name}/check").json()
    assert (looked["is_sound"], looked["problems"]) == (True, [])
    taken = admin.get(listed["url"])
    assert taken.content.startswith(b"SQLite format 3")
    assert len(taken.content) == listed["size_bytes"]
    assert [e["action"] for e in admin.get(f"{API}/audit").json()["items"][:2]] == ["backup.take", "backup.create"]

    file = service.settings.data_dir / "backups" / name
    file.write_bytes(taken.content[: len(taken.content) // 2])
    assert not admin.get(f"{API}/backups/{name}/check").json()["is_sound"]
    for other in ("d3station.sqlite3", "..%2Fd3station.sqlite3", "none.sqlite3"):
        assert admin.get(f"{API}/backups/{other}").status_code == 404


def test_a_backup_waits_for_no_other_work_and_can_be_given_up(admin: httpx.Client, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def wait(handle: Handle) -> TaskResult:
        handle.wait_for_person("hold on")
        return TaskResult()

    waits = service.tasks.start(TaskKind.REJUDGE, "bolt", "test", wait)
    with pytest.raises(Conflict):
        service.tasks.start(TaskKind.TEACH, "bolt", "test", wait)
    made = done(admin, service, admin.post(f"{API}/backups"))["backup"]
    service.tasks.cancel(waits.id)

    monkeypatch.setattr("api.tasks._Running.cancelled", lambda _: True)
    task = admin.post(f"{API}/backups")
    service.tasks._running[True].thread.join(30)
    assert admin.get(task.headers["location"]).json()["state"] == "cancelled"
    assert [one["name"] for one in admin.get(f"{API}/backups").json()] == [made]
    assert [path.name for path in (service.settings.data_dir / "backups").iterdir()] == [made]


def test_what_would_go_is_told_before_it_goes(
    admin: httpx.Client, operator: httpx.Client, fake: FakeStation, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = []
    for outcome in (fake.next, BAD, fake.next):
        fake.next = outcome
        ids.append(operator.post(f"{API}/inspections", json={"recipe": "bolt"}, headers={"Prefer": "wait=30"}).json()["id"])
    operator.post(f"{API}/inspections/{ids[2]}/pin", json={"is_pinned": True})
    assert admin.get(f"{API}/rig/retention").json() == {"going": [], "inspections": 0, "size_bytes": 0}
    monkeypatch.setattr("api.retention.now", lambda: now() + timedelta(days=service.settings.keep_days + 1))
    told = admin.get(f"{API}/rig/retention").json()
    assert [(one["why"], one["inspections"]) for one in told["going"]] == [("age", 1)]
    before = admin.get(f"{API}/rig/storage").json()
    assert (before["pinned"], before["keep_days"]) == (1, service.settings.keep_days)
    assert done(admin, service, admin.post(f"{API}/rig/retention"))["removed"] == told["inspections"]
    assert before["kept_bytes"] - admin.get(f"{API}/rig/storage").json()["kept_bytes"] == told["size_bytes"]
    assert admin.get(f"{API}/rig/retention").json()["going"] == []

    few = service.settings.model_copy(update={"keep_count": 1})
    monkeypatch.setattr(service.retention, "_settings", few)
    assert [(one["why"], one["inspections"]) for one in admin.get(f"{API}/rig/retention").json()["going"]] == [("count", 1)]
    full = few.model_copy(update={"keep_count": None, "reserve_bytes": 2**62})
    monkeypatch.setattr(service.retention, "_settings", full)
    assert [(one["why"], one["inspections"]) for one in admin.get(f"{API}/rig/retention").json()["going"]] == [("space", 1)]


def test_a_forgotten_password_is_replaced_and_shown_once(admin: httpx.Client, client: Client, url: str) -> None:
    admin.post(f"{API}/users", json={"name": "wei", "role": "operator", "password": PASSWORD})
    wei = client(headers={"Origin": url})
    assert wei.post(f"{API}/sessions", json={"name": "wei", "password": PASSWORD}).status_code == 201
    given = admin.post(f"{API}/users/wei/password").json()["password"]
    assert wei.get(f"{API}/me").status_code == 401
    assert wei.post(f"{API}/sessions", json={"name": "wei", "password": PASSWORD}).status_code == 401
    assert wei.post(f"{API}/sessions", json={"name": "wei", "password": given}).status_code == 201
    assert given not in admin.get(f"{API}/audit").text
    assert admin.get(f"{API}/audit", params={"action": "user.", "target": "wei"}).json()["items"][0]["action"] == "user.change"


def test_everybody_sees_and_ends_their_own_sessions_alone(admin: httpx.Client, client: Client, url: str, browser: httpx.Client) -> None:
    admin.post(f"{API}/users", json={"name": "wei", "role": "operator", "password": PASSWORD})
    here, there = (client(headers={"Origin": url}) for _ in range(2))
    for one in (there, here):
        one.post(f"{API}/sessions", json={"name": "wei", "password": PASSWORD})
    own = here.get(f"{API}/me/sessions").json()
    assert [one["is_this"] for one in own] == [True, False]
    assert here.delete(f"{API}/me/sessions/{own[0]['id']}").json()["code"] == "conflict.own_session"
    [by_link] = browser.get(f"{API}/me/sessions").json()
    assert by_link["is_this"]
    assert browser.delete(f"{API}/me/sessions/{own[1]['id']}").status_code == 404
    assert here.delete(f"{API}/me/sessions/{own[1]['id']}").status_code == 204
    assert there.get(f"{API}/me").status_code == 401
    assert here.get(f"{API}/me").status_code == 200


def test_the_log_is_searched_exported_and_checked(admin: httpx.Client, service: Service) -> None:
    for name in ("=wei", "mei"):
        service.accounts.create_key(name, Role.MES)
    found = admin.get(f"{API}/audit", params={"action": "key.create", "target": "mei"}).json()["items"]
    assert [(e["actor"], e["target"]) for e in found] == [("command line", "mei")]
    later = (now() + timedelta(hours=1)).isoformat()
    assert admin.get(f"{API}/audit", params={"from": later}).json()["items"] == []
    table = list(csv.DictReader(io.StringIO(admin.get(f"{API}/audit.csv", params={"action": "key."}).text)))
    assert [row["target"] for row in table] == ["mei", "'=wei", "admin"]
    held = admin.get(f"{API}/audit/check").json()
    assert (held["holds"], held["entries"], held["head_sha256"]) == (True, 3, table[0]["sha256"])
    with service.store.write() as session:  # somebody with the file in their hands
        session.execute(text("DROP TRIGGER audit_no_update"))
        session.execute(text("UPDATE audit SET target = 'nobody' WHERE sequence = 2"))
    assert "row 2" in admin.get(f"{API}/audit/check").json()["broken"]
