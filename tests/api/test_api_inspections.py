"""Asking for inspections and reading what came of them."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from conftest import serving
from fake_station import BAD, GOOD, JPEG, PNG, FakeStation
from fastapi import FastAPI

from api.schemas import Inspection, Role, StationState
from api.schemas_people import Scope
from api.service import Service

URL = "/api/v1/inspections"
WAIT = {"Prefer": "wait=30"}


def test_waiting_for_an_inspection_gives_the_whole_stored_record(operator: httpx.Client, fake: FakeStation) -> None:
    fake.next = BAD
    answer = operator.post(URL, json={"recipe": "bolt", "serial": "S1", "lot": "L1", "order": "O1"}, headers=WAIT)
    assert answer.status_code == 200
    assert answer.headers["preference-applied"] == "wait=30"
    found = Inspection.model_validate(answer.json())
    assert answer.headers["location"] == f"{URL}/{found.id}"
    assert (found.evaluation, found.score, found.threshold) == ("NotOK", 2.5, 1.0)
    assert (found.recipe, found.serial, found.lot, found.order, found.station) == ("bolt", "S1", "L1", "O1", "cell 7")
    assert found.banks == BAD.banks
    assert found.regions == BAD.regions
    assert found.timings == BAD.timings
    assert found.provenance == BAD.provenance
    assert (found.width_px, found.height_px, found.pixel_pitch_mm) == (16, 12, 0.03)
    assert found.is_simulated
    assert found.stage is None
    assert found.reason is None
    assert found.created <= found.started <= found.finished
    assert operator.get(answer.headers["location"]).json() == answer.json()


def test_without_waiting_the_inspection_is_accepted_and_followed_by_its_location(operator: httpx.Client, fake: FakeStation) -> None:
    fake.gate.clear()
    answer = operator.post(URL, json={"recipe": "bolt"})
    assert answer.status_code == 202
    assert "preference-applied" not in answer.headers
    assert fake.entered.acquire(timeout=10)
    running = operator.get(answer.headers["location"]).json()
    assert (running["state"], running["stage"], running["evaluation"], running["finished"]) == ("running", "capture", "Undefined", None)
    assert operator.get("/api/v1/rig/state").json()["running"] == running["id"]


def test_a_wait_that_runs_out_is_answered_202(operator: httpx.Client, fake: FakeStation) -> None:
    fake.gate.clear()
    answer = operator.post(URL, json={"recipe": "bolt"}, headers={"Prefer": "respond-async, wait=0"})
    assert answer.status_code == 202
    assert answer.headers["preference-applied"] == "wait=0"
    assert answer.json()["state"] in ("queued", "running")


def test_preferences_it_does_not_know_are_ignored(operator: httpx.Client) -> None:
    for prefer in ("wait=soon", "handling=lenient", "await=3", ""):
        answer = operator.post(URL, json={"recipe": "bolt"}, headers={"Prefer": prefer})
        assert answer.status_code in (200, 202)
        assert "preference-applied" not in answer.headers


def test_an_unknown_recipe_is_refused_and_the_known_ones_named(operator: httpx.Client, fake: FakeStation) -> None:
    answer = operator.post(URL, json={"recipe": "nut"})
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found.recipe"
    assert "bolt, ring" in answer.json()["cure"]
    assert fake.inspected == []
    assert operator.get(URL).json()["items"] == []


def test_a_full_queue_refuses_and_says_when_to_come_back(operator: httpx.Client, fake: FakeStation, service: Service) -> None:
    fake.gate.clear()
    assert operator.post(URL, json={"recipe": "bolt"}).status_code == 202
    assert fake.entered.acquire(timeout=10)
    for _ in range(service.settings.queue_limit):
        assert operator.post(URL, json={"recipe": "bolt"}).status_code == 202
    assert operator.get("/api/v1/rig/state").json()["queued"] == 3
    answer = operator.post(URL, json={"recipe": "bolt"})
    assert (answer.status_code, answer.json()["code"]) == (503, "queue.full")
    assert int(answer.headers["retry-after"]) > 0
    assert len(operator.get(URL).json()["items"]) == 4


def test_a_running_inspection_can_be_cancelled_and_ends_not_decidable(operator: httpx.Client, fake: FakeStation, service: Service) -> None:
    fake.gate.clear()
    location = operator.post(URL, json={"recipe": "bolt"}).headers["location"]
    assert fake.entered.acquire(timeout=10)
    assert operator.post(f"{location}/cancel").status_code == 202
    fake_next = operator.post(URL, json={"recipe": "ring"})
    assert fake.entered.acquire(timeout=10)  # the next one runs: the cancelled one is over
    cancelled = operator.get(location).json()
    assert (cancelled["state"], cancelled["evaluation"], cancelled["reason"]["code"]) == ("finished", "NotDecidable", "job.cancelled")
    assert operator.get(fake_next.headers["location"]).json()["state"] == "running"


def test_a_waiting_inspection_can_be_cancelled_and_is_never_run(operator: httpx.Client, fake: FakeStation) -> None:
    fake.gate.clear()
    operator.post(URL, json={"recipe": "bolt"})
    assert fake.entered.acquire(timeout=10)
    location = operator.post(URL, json={"recipe": "ring"}).headers["location"]
    cancelled = operator.post(f"{location}/cancel").json()
    assert (cancelled["state"], cancelled["evaluation"], cancelled["reason"]["code"]) == ("finished", "NotDecidable", "job.cancelled")
    fake.gate.set()
    assert operator.post(URL, json={"recipe": "bolt"}, headers=WAIT).status_code == 200
    assert fake.inspected == ["bolt", "bolt"]


def test_a_finished_inspection_cannot_be_cancelled(operator: httpx.Client) -> None:
    location = operator.post(URL, json={"recipe": "bolt"}, headers=WAIT).headers["location"]
    answer = operator.post(f"{location}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict.finished")
    assert operator.get(location).json()["evaluation"] == "OK"


def test_artifacts_are_served_as_they_were_made_and_may_be_kept_for_good(operator: httpx.Client) -> None:
    found = operator.post(URL, json={"recipe": "bolt"}, headers=WAIT).json()
    assert {a["name"]: (a["media_type"], a["size_bytes"]) for a in found["artifacts"]} == {
        "rgb.png": ("image/png", len(PNG)),
        "thumbnail.jpg": ("image/jpeg", len(JPEG)),
    }
    rgb = next(a for a in found["artifacts"] if a["name"] == "rgb.png")
    answer = operator.get(rgb["url"])
    assert answer.content == PNG
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["etag"] == f'"{hashlib.sha256(PNG).hexdigest()}"'
    assert "immutable" in answer.headers["cache-control"]
    assert operator.get(rgb["url"], headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    assert operator.get(rgb["url"], headers={"Range": "bytes=0-7"}).content == PNG[:8]
    assert operator.get(found["thumbnail_url"]).content == JPEG


def test_no_address_reaches_a_file_that_is_not_an_artifact(operator: httpx.Client) -> None:
    found = operator.post(URL, json={"recipe": "bolt"}, headers=WAIT).json()
    for name in (
        "..%2f..%2f..%2fd3station.sqlite3",
        "%2e%2e%2f%2e%2e",
        "%2e%2e",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "..%5c..%5cd3station.sqlite3",
        "rgb.png%00",
        "rgb.png%2f",
        "nothing.png",
        "a" * 101,
    ):
        answer = operator.get(f"{URL}/{found['id']}/artifacts/{name}")
        assert answer.status_code in (404, 422), name
        assert answer.headers["content-type"] == "application/problem+json"


def test_the_history_is_newest_first_filtered_and_paged_without_gap_or_double(operator: httpx.Client, fake: FakeStation) -> None:
    ids = []
    for number in range(7):
        fake.next = BAD if number % 3 == 0 else GOOD
        body = {"recipe": "bolt" if number % 2 else "ring", "serial": f"S{number}", "lot": "L1" if number < 4 else "L2"}
        ids.append(operator.post(URL, json=body, headers=WAIT).json()["id"])
    ids.reverse()
    paged, cursor = [], None
    while True:
        page = operator.get(URL, params={"limit": 3} | ({"cursor": cursor} if cursor else {})).json()
        paged += [item["id"] for item in page["items"]]
        assert len(page["items"]) <= 3
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert paged == ids

    def serials(**wanted: str) -> list[str]:
        return [item["serial"] for item in operator.get(URL, params=wanted).json()["items"]]

    assert serials(serial="S3") == ["S3"]
    assert serials(lot="L2") == ["S6", "S5", "S4"]
    assert serials(recipe="bolt") == ["S5", "S3", "S1"]
    assert serials(evaluation="NotOK") == ["S6", "S3", "S0"]
    assert serials(evaluation="NotOK", lot="L1") == ["S3", "S0"]
    created = operator.get(f"{URL}/{ids[3]}").json()["created"]
    assert serials(**{"from": created}) == ["S6", "S5", "S4", "S3"]
    assert serials(to=created) == ["S2", "S1", "S0"]
    assert serials(serial="other") == []


def test_a_page_of_the_history_carries_only_summaries(operator: httpx.Client) -> None:
    operator.post(URL, json={"recipe": "bolt"}, headers=WAIT)
    (item,) = operator.get(URL).json()["items"]
    assert "artifacts" not in item
    assert item["thumbnail_url"].endswith("/thumbnail.jpg")


def test_a_question_that_means_nothing_is_refused(operator: httpx.Client) -> None:
    for query in ("from=2025-01-01T00:00:00", "limit=0", "limit=201", "cursor=-1", "cursor=x", "evaluation=Fine", "serial=%00"):
        answer = operator.get(f"{URL}?{query}")
        assert (answer.status_code, answer.json()["code"]) == (422, "request.invalid")
        assert query.split("=")[0] in answer.json()["detail"]


def test_verdicts_are_counted_since_a_time(operator: httpx.Client, fake: FakeStation) -> None:
    for outcome in (GOOD, BAD, GOOD, RuntimeError("broken")):
        fake.next = outcome
        operator.post(URL, json={"recipe": "bolt"}, headers=WAIT)
    found = operator.get("/api/v1/statistics/counts").json()
    assert {k: found[k] for k in ("total", "ok", "not_ok", "not_decidable")} == {"total": 4, "ok": 2, "not_ok": 1, "not_decidable": 1}
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert operator.get("/api/v1/statistics/counts", params={"since": later}).json()["total"] == 0


def test_recipes_are_listed(operator: httpx.Client) -> None:
    assert [recipe["name"] for recipe in operator.get("/api/v1/recipes").json()] == ["bolt", "ring"]


def test_health_is_about_the_process_and_readiness_about_the_station(anonymous: httpx.Client, fake: FakeStation, service: Service) -> None:
    assert anonymous.get("/healthz").json() == {"status": "ok", "problems": []}
    assert anonymous.get("/readyz").json() == {"status": "ok", "problems": []}
    fake.rig_state = StationState.ERROR
    answer = anonymous.get("/readyz")
    assert (answer.status_code, answer.json()["problems"][0]["code"]) == (503, "device.unavailable")
    assert anonymous.get("/healthz").status_code == 200
    fake.rig_state = StationState.READY
    service.runner.stop()
    assert anonymous.get("/healthz").status_code == 503


def test_readiness_sees_a_data_folder_that_cannot_be_written(anonymous: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("api.routes.health.tempfile.TemporaryFile", full)
    answer = anonymous.get("/readyz")
    assert (answer.status_code, answer.json()["problems"][0]["code"]) == (503, "store.failed")
    assert "No space left" in answer.json()["problems"][0]["message"]


def test_the_station_is_dark_when_the_service_has_stopped(app: FastAPI, fake: FakeStation) -> None:
    with serving(app):
        assert not fake.closed
    assert fake.closed


def test_the_station_tells_what_it_is_armed_for(browser: httpx.Client, service: Service) -> None:
    """A machine can start inspections only with a key that is valid and may trigger: without one, only the button does."""
    keys = service.accounts

    def armed_for() -> list[str]:
        return browser.get("/api/v1/rig/state").json()["armed_for"]

    assert armed_for() == ["button"]
    keys.create_key("reader", Role.MES, Scope.READ)
    assert armed_for() == ["button"]
    keys.create_key("line", Role.MES, Scope.TRIGGER)
    assert armed_for() == ["button", "machine"]
    keys.revoke_key("line")
    assert armed_for() == ["button"]
