"""Reports to print: one inspection, one shift."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import numpy as np
import pytest
from fake_station import GOOD, FakeStation
from tiny_parts import H, W, part

from api.outcome import ArtifactFile, Outcome
from api.pictures import anomaly_files, depth_picture, encode
from api.reports.pdf import Sheet
from api.retention import Retention
from api.schemas import Evaluation, Reason, Region
from api.service import Service

URL = "/api/v1/inspections"
WAIT = {"Prefer": "wait=30"}


def outcome(seed: int, evaluation: Evaluation) -> Outcome:
    bad = evaluation is Evaluation.NOT_OK
    sample = part(seed, stained=bad)
    anomaly = np.zeros((H, W), np.float32)
    anomaly[30:44, 30:46] = 2.5 if bad else 0.2
    files = [
        ArtifactFile("thumbnail.jpg", "image/jpeg", encode(".jpg", sample.rgb)),
        ArtifactFile("rgb.png", "image/png", encode(".png", sample.rgb)),
        ArtifactFile("pseudo3d.png", "image/png", encode(".png", sample.pseudo3d)),
        ArtifactFile("depth.png", "image/png", encode(".png", depth_picture(sample.xyz_mm[..., 2], sample.foreground))),
        *anomaly_files(anomaly),
    ]
    region = Region(x_px=30, y_px=30, width_px=16, height_px=14, area_mm2=2.2, peak=2.5, modality="rgb")
    reason = Reason(code="device.frame_timeout", message="Frame 3 did not come.", cure="Check the trigger cable.")
    return replace(
        GOOD,
        evaluation=evaluation,
        reason=reason if evaluation is Evaluation.NOT_DECIDABLE else None,
        regions=[region] if bad else [],
        score=2.5 if bad else 0.4,
        artifacts=files,
        width_px=W,
        height_px=H,
    )


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is written on the pages."""
    texts: list[str] = []
    text = Sheet.text

    def noted(self: Sheet, x: float, y: float, words: str, **how: object) -> None:
        texts.append(words)
        text(self, x, y, words, **how)

    monkeypatch.setattr(Sheet, "text", noted)
    return texts


def pages(answer: httpx.Response) -> int:
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-")
    return len(re.findall(rb"/Type /Page\b", answer.content))


def test_an_inspections_page_tells_verdict_reviews_and_provenance(
    operator: httpx.Client, fake: FakeStation, service: Service, written: list[str]
) -> None:
    fake.next = outcome(1, Evaluation.NOT_OK)
    serial = "A$_7^{x}\\frac"  # what would be a formula is printed as it is
    url = operator.post(URL, json={"recipe": "bolt", "serial": serial, "lot": "L-9"}, headers=WAIT).headers["location"]
    operator.post(f"{url}/review", json={"evaluation": "OK", "reason": "a fibre"})
    assert pages(operator.get(f"{url}/report.pdf")) == 1
    everything = "\n".join(written)
    for told in ("NotOK", "L-9", "cal-1", "bolt-1", "0.300", "overruled: OK, a fibre", "2.50"):
        assert told in everything, told
    Retention(service.store, service.settings.model_copy(update={"keep_days_not_ok": 1e-9})).sweep()
    assert pages(operator.get(f"{url}/report.pdf")) == 1
    assert "The pictures of this inspection are not kept." in written


def test_what_is_not_finished_has_no_report(operator: httpx.Client, fake: FakeStation) -> None:
    fake.gate.clear()
    url = operator.post(URL, json={"recipe": "bolt"}).headers["location"]
    assert operator.get(f"{url}/report.pdf").json()["code"] == "conflict.unfinished"


def test_a_shifts_pages_tell_yield_and_show_the_bad_parts(operator: httpx.Client, fake: FakeStation, written: list[str]) -> None:
    verdicts = [Evaluation.OK] * 5 + [Evaluation.NOT_OK] * 2 + [Evaluation.NOT_DECIDABLE]
    for number, evaluation in enumerate(verdicts):
        fake.next = outcome(number, evaluation)
        operator.post(URL, json={"recipe": "bolt", "serial": f"S{number}"}, headers=WAIT)
    answer = operator.get("/api/v1/reports/shift.pdf")
    assert pages(answer) == 2
    everything = "\n".join(written)
    for told in ("71.4%", "8 inspections: 5 OK, 2 NotOK, 1 NotDecidable", "S5", "S6", "S7", "device.frame_timeout"):
        assert told in everything, told
    assert "S4" not in written
    quiet = operator.get("/api/v1/reports/shift.pdf", params={"at": (datetime.now(UTC) - timedelta(days=9)).isoformat()})
    assert pages(quiet) == 1
