"""The next part is captured while the last is judged: in order, one capture waiting at most, each ending in its own verdict."""

from __future__ import annotations

import threading
from dataclasses import replace

import httpx
import pytest
from fake_station import BAD, GOOD, FakeStation

pytestmark = pytest.mark.both_databases

URL = "/api/v1/inspections"
WAIT = {"Prefer": "wait=30"}


def state(operator: httpx.Client, location: str) -> str:
    return operator.get(location).json()["state"]


def test_the_next_part_is_captured_while_the_last_is_judged_and_a_third_waits(operator: httpx.Client, fake: FakeStation) -> None:
    fake.judgement.clear()
    fake.next = BAD
    first = operator.post(URL, json={"recipe": "bolt"}).headers["location"]
    assert fake.entered.acquire(timeout=10)
    second = operator.post(URL, json={"recipe": "ring"}).headers["location"]
    assert fake.entered.acquire(timeout=10)  # captured, although the first has no verdict
    third = operator.post(URL, json={"recipe": "bolt"}).headers["location"]
    assert not fake.entered.acquire(timeout=0.3)  # one capture waits already
    rig = operator.get("/api/v1/rig/state").json()
    assert (rig["judging"], rig["running"], rig["queued"]) == (first.rsplit("/", 1)[1], second.rsplit("/", 1)[1], 1)
    assert [state(operator, x) for x in (first, second, third)] == ["running", "running", "queued"]
    fake.judgement.set()
    done = operator.post(URL, json={"recipe": "ring"}, headers=WAIT).json()
    assert done["state"] == "finished"
    assert fake.inspected == fake.judged == ["bolt", "ring", "bolt", "ring"]
    finished = [operator.get(x).json()["finished"] for x in (first, second, third)]
    assert finished == sorted(finished)
    fake.judgement.set()


def test_a_capture_that_fails_is_told_after_the_part_before_it(operator: httpx.Client, fake: FakeStation) -> None:
    fake.judgement.clear()
    first = operator.post(URL, json={"recipe": "bolt"}).headers["location"]
    assert fake.entered.acquire(timeout=10)
    while not fake.judged:
        threading.Event().wait(0.005)
    fake.next = ZeroDivisionError()
    second = operator.post(URL, json={"recipe": "ring"}).headers["location"]
    assert fake.entered.acquire(timeout=10)
    assert state(operator, second) == "running"
    fake.next = GOOD
    fake.judgement.set()
    operator.post(URL, json={"recipe": "bolt"}, headers=WAIT)
    one, two = operator.get(first).json(), operator.get(second).json()
    assert (one["evaluation"], two["evaluation"]) == ("OK", "NotDecidable")
    assert one["finished"] <= two["finished"]


def test_a_part_that_is_judged_can_be_cancelled_and_the_captured_one_is_judged(operator: httpx.Client, fake: FakeStation) -> None:
    fake.judgement.clear()
    first = operator.post(URL, json={"recipe": "bolt"}).headers["location"]
    while not fake.judged:
        threading.Event().wait(0.005)
    second = operator.post(URL, json={"recipe": "ring"}).headers["location"]
    assert fake.entered.acquire(timeout=10)
    assert operator.post(f"{first}/cancel").status_code == 202
    while len(fake.judged) < 2:
        threading.Event().wait(0.005)
    assert operator.get(first).json()["reason"]["code"] == "job.cancelled"
    fake.judgement.set()
    operator.post(URL, json={"recipe": "bolt"}, headers=WAIT)
    assert operator.get(second).json()["evaluation"] == "OK"


def test_an_inspection_without_a_verdict_in_its_time_is_not_decidable(operator: httpx.Client, fake: FakeStation) -> None:
    fake.gate.clear()
    running = operator.post(URL, json={"recipe": "bolt", "deadline_s": 0.2}, headers=WAIT).json()
    assert (running["evaluation"], running["reason"]["code"]) == ("NotDecidable", "job.deadline")
    holding = operator.post(URL, json={"recipe": "bolt"}).headers["location"]
    fake.entered.acquire(timeout=10)
    waiting = operator.post(URL, json={"recipe": "ring", "deadline_s": 0.001}).headers["location"]
    operator.post(f"{holding}/cancel")
    fake.gate.set()
    operator.post(URL, json={"recipe": "bolt"}, headers=WAIT)
    assert operator.get(waiting).json()["reason"]["code"] == "job.deadline"
    assert "ring" not in fake.inspected


def test_a_deadline_is_kept_while_another_part_has_the_rig(operator: httpx.Client, fake: FakeStation) -> None:
    fake.gate.clear()
    holding = operator.post(URL, json={"recipe": "bolt"}).headers["location"]
    assert fake.entered.acquire(timeout=10)
    waiting = operator.post(URL, json={"recipe": "ring", "deadline_s": 0.2}, headers=WAIT).json()
    assert (waiting["state"], waiting["reason"]["code"]) == ("finished", "job.deadline")
    assert state(operator, holding) == "running"
    assert operator.get("/api/v1/rig/state").json()["queued"] == 0
    fake.gate.set()
    operator.post(URL, json={"recipe": "bolt"}, headers=WAIT)
    assert "ring" not in fake.inspected


def test_provenance_names_rig_calibration_model_recipe_and_software(operator: httpx.Client, fake: FakeStation) -> None:
    fake.next = replace(GOOD, provenance=GOOD.provenance.model_copy(update={"recipe_version": 3, "software": "0.1.0"}))
    found = operator.post(URL, json={"recipe": "bolt"}, headers=WAIT).json()["provenance"]
    assert all(found[name] for name in ("rig_sha256", "calibration_sha256", "model_sha256", "model_id", "recipe_version", "software"))
