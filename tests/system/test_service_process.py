"""The demo as a process: signed in by its link, triggered by REST, killed, started again."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import httpx
import pytest
from demo_process import DemoService

from api.cli.demo import RECIPE

INSPECTIONS = "/api/v1/inspections"


def test_a_part_is_triggered_waited_for_and_its_pictures_fetched(service: DemoService) -> None:
    with service.signed_in() as client:
        answer = client.post(INSPECTIONS, json={"recipe": RECIPE, "serial": "0153-A"}, headers={"Prefer": "wait=60", "Idempotency-Key": "one"})
        assert answer.status_code == 200
        inspection = answer.json()
        assert inspection["evaluation"] in ("OK", "NotOK")
        assert inspection["is_simulated"] is True
        for artifact in inspection["artifacts"]:
            got = client.get(artifact["url"])
            assert got.status_code == 200
            assert len(got.content) == artifact["size_bytes"]
        again = client.post(INSPECTIONS, json={"recipe": RECIPE, "serial": "0153-A"}, headers={"Idempotency-Key": "one"})
        assert again.json()["id"] == inspection["id"]
        recipes = {r["name"]: r for r in client.get("/api/v1/recipes").json()}
        assert recipes[RECIPE]["model_id"] == inspection["provenance"]["model_id"]
        assert recipes[RECIPE]["taught_from"] == 24


def test_the_link_works_once_and_a_wrong_key_not_at_all(service: DemoService) -> None:
    with service.signed_in():
        pass
    with pytest.raises(httpx.HTTPStatusError) as caught, service.signed_in():
        pass
    problem = caught.value.response.json()
    assert caught.value.response.status_code == 401
    assert problem["code"] == "unauthenticated.token_used"
    assert problem["cure"]
    for headers in ({}, {"Authorization": "Bearer d3_wrong"}):
        answer = httpx.post(service.address + INSPECTIONS, json={"recipe": RECIPE}, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert answer.json()["code"].startswith("unauthenticated")


def test_an_unknown_part_is_a_problem_and_leaves_no_row(service: DemoService) -> None:
    with service.signed_in() as client:
        answer = client.post(INSPECTIONS, json={"recipe": "gizmo"})
        assert answer.status_code == 404
        assert answer.json()["code"] == "not_found.recipe"
        assert RECIPE in answer.json()["cure"]
        assert client.get(INSPECTIONS).json()["items"] == []


def test_sigkill_loses_nothing_acknowledged(service: DemoService, data_dir: Path) -> None:
    with service.signed_in() as client:
        done = client.post(INSPECTIONS, json={"recipe": RECIPE, "serial": "done"}, headers={"Prefer": "wait=60"}).json()
        cut = client.post(INSPECTIONS, json={"recipe": RECIPE, "serial": "cut"}).json()
        waiting = client.post(INSPECTIONS, json={"recipe": RECIPE, "serial": "waiting"}).json()
        with client.stream("GET", "/api/v1/events", headers={"Last-Event-ID": "0"}) as events:
            for line in events.iter_lines():
                if line.startswith("data:") and cut["id"] in line and '"running"' in line.replace(" ", ""):
                    break
    assert service.stop(signal.SIGKILL) == -signal.SIGKILL

    service.start()
    with service.signed_in() as client:
        assert client.get(f"{INSPECTIONS}/{done['id']}").json() == done
        for artifact in done["artifacts"]:
            assert client.get(artifact["url"]).status_code == 200
        for lost in (cut, waiting):
            record = client.get(f"{INSPECTIONS}/{lost['id']}").json()
            assert (record["state"], record["evaluation"]) == ("finished", "NotDecidable")
            assert record["reason"]["code"] == "service.interrupted"
            assert record["reason"]["cure"]
        after = client.post(INSPECTIONS, json={"recipe": RECIPE, "serial": "after"}, headers={"Prefer": "wait=60"}).json()
        assert after["evaluation"] in ("OK", "NotOK")
    kept = {p.name for p in (data_dir / "artifacts").glob("*/*")}
    assert kept == {done["id"], after["id"]}


def test_sigterm_stops_cleanly(service: DemoService, data_dir: Path) -> None:
    with service.signed_in() as client:
        client.post(INSPECTIONS, json={"recipe": RECIPE})
    # The web server ends by the signal it was sent, after everything was put away.
    assert service.stop(signal.SIGTERM) in (0, -signal.SIGTERM)
    last = json.loads((data_dir / "log.jsonl").read_text().splitlines()[-1])
    assert last["event"] == "service stopped"
