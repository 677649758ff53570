"""Figures for Prometheus, and what the probes say of the model."""

from __future__ import annotations

import httpx
import pytest
from conftest import As
from fake_station import FakeStation
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy.exc import OperationalError

from api.schemas import Role
from api.security import Principal
from api.service import Service
from rig_configs.errors import FrameTimeout, ModelError

WAIT = {"Prefer": "wait=30"}


def figures(caller: httpx.Client) -> dict[tuple[str, tuple[str, ...]], float]:
    answer = caller.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    families = text_string_to_metric_families(answer.text)
    return {(sample.name, tuple(sorted(sample.labels.values()))): sample.value for family in families for sample in family.samples}


def test_verdicts_stages_reasons_and_the_queue_are_counted(operator: httpx.Client, fake: FakeStation) -> None:
    done = operator.post("/api/v1/inspections", json={"recipe": "bolt"}, headers=WAIT).json()
    operator.post(f"/api/v1/inspections/{done['id']}/review", json={"evaluation": "OK"}).raise_for_status()  # told again, not counted again
    fake.next = FrameTimeout("Frame 3 did not come.", cure="Check the cable.", detail="camera")
    operator.post("/api/v1/inspections", json={"recipe": "ring"}, headers=WAIT)
    fake.gate.clear()
    operator.post("/api/v1/inspections", json={"recipe": "ring"})
    for _ in range(3):  # the third is on the rig
        assert fake.entered.acquire(timeout=10)
    for _ in range(2):
        operator.post("/api/v1/inspections", json={"recipe": "ring"})
    found = figures(operator)
    assert found["d3station_inspections_total", ("OK", "bolt")] == 1
    assert found["d3station_inspections_total", ("NotDecidable", "ring")] == 1
    assert found["d3station_not_decidable_total", ("device.frame_timeout.camera",)] == 1
    assert found["d3station_stage_seconds_count", ("inference",)] == 1
    assert found["d3station_stage_seconds_sum", ("structured_light",)] == pytest.approx(done["timings"]["structured_light"])
    assert found["d3station_inspection_seconds_count", ()] == 2
    assert found["d3station_wait_seconds_count", ()] == 2
    assert found["d3station_queue_depth", ()] == 2
    assert found["d3station_disk_free_bytes", ()] > 0
    assert found["d3station_state", ("Ready",)] == 1
    assert found["d3station_state", ("Error",)] == 0
    assert found["d3station_webhook_messages", ("pending",)] == 0
    assert found["process_resident_memory_bytes", ()] > 0


def test_figures_are_for_those_who_have_a_key_and_outlive_the_database(
    anonymous: httpx.Client, as_role: As, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert anonymous.get("/metrics").status_code == 401
    mes = as_role(Role.MES)
    figures(mes)

    def broken() -> None:
        raise OperationalError("SELECT", None, Exception("disk I/O error"))

    monkeypatch.setattr(service.store, "read", broken)
    monkeypatch.setattr(service.accounts, "by_key", lambda _: Principal("mes", Role.MES, "key", ""))
    found = figures(mes)
    assert ("d3station_disk_free_bytes", ()) in found
    assert ("d3station_queue_depth", ()) not in found


def test_nothing_that_goes_wrong_in_counting_costs_a_verdict(operator: httpx.Client, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service.metrics, "_count", lambda _: 1 / 0)
    assert operator.post("/api/v1/inspections", json={"recipe": "bolt"}, headers=WAIT).json()["evaluation"] == "OK"


def test_readiness_sees_a_model_that_cannot_be_read(anonymous: httpx.Client, fake: FakeStation, monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(_name: str) -> None:
        raise ModelError("The model of 'bolt' is damaged.", cure="Activate another one.", detail="sha256")

    monkeypatch.setattr(fake.models, "current", lambda: "bolt")
    monkeypatch.setattr(fake.models, "model", damaged)
    answer = anonymous.get("/readyz")
    assert (answer.status_code, answer.json()["problems"][0]["code"]) == (503, "model.invalid.sha256")
    assert anonymous.get("/healthz").status_code == 200
