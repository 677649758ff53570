"""The contract: committed, honest, and kept by every answer; errors are problems; the panel is served."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from conftest import serving
from fake_station import FakeStation

import api
from api.app import create_app, openapi_text
from api.schemas import Problem
from api.settings import Settings

COMMITTED = Path(api.__file__).parent / "openapi.json"


def test_the_committed_contract_is_the_present_one() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == openapi_text(), "run: d3station openapi > api/openapi.json"


def test_every_operation_has_a_plain_name_and_documents_its_problems() -> None:
    document = json.loads(openapi_text())
    names = []
    for path, operations in document["paths"].items():
        for operation in operations.values():
            names.append(operation["operationId"])
            if not path.startswith("/api/"):
                continue
            problems = [answer for status, answer in operation["responses"].items() if status.startswith(("4", "5"))]
            assert problems
            assert all(list(answer["content"]) == ["application/problem+json"] for answer in problems), operation["operationId"]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() for name in names)


def problem_of(answer: httpx.Response, status: int, code: str) -> Problem:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    found = Problem.model_validate(answer.json())
    assert (found.status, found.code, found.type) == (status, code, f"urn:d3station:problem:{code}")
    assert found.cure
    return found


def test_every_error_is_a_problem(operator: httpx.Client, anonymous: httpx.Client, fake: FakeStation, monkeypatch: pytest.MonkeyPatch) -> None:
    inspections = "/api/v1/inspections"
    problem_of(operator.get("/api/v1/nothing"), 404, "not_found.route")
    problem_of(operator.post("/api/v1/nothing"), 404, "not_found.route")
    problem_of(operator.get(inspections + "/"), 404, "not_found.route")
    problem_of(operator.get(inspections + "/none"), 404, "not_found.inspection")
    problem_of(operator.post(inspections + "/none/cancel"), 404, "not_found.inspection")
    assert operator.delete(inspections).headers["allow"]
    problem_of(operator.delete(inspections), 405, "request.method")
    problem_of(operator.post("/somewhere"), 404, "not_found.route")
    for body in (
        b"",
        b"{",
        b"[]",
        b'{"recipe": ""}',
        b'{"recipe": "bolt", "color": "red"}',
        b'{"recipe": "bolt", "serial": "a\\u0000b"}',
        b"\xff\xfe",
    ):
        answer = operator.post(inspections, content=body, headers={"Content-Type": "application/json"})
        found = problem_of(answer, 422, "request.invalid")
        assert "Traceback" not in answer.text
        assert found.detail
    problem_of(operator.post(inspections, content=b"\x12\x80~", headers={"Content-Type": "application/json"}), 400, "request.body")
    problem_of(operator.post(inspections, json={"recipe": "bolt", "serial": "x" * 70_000}), 413, "request.too_large")
    chunks = (b"x" * 1000 for _ in range(100))
    problem_of(operator.post(inspections, content=chunks, headers={"Content-Type": "application/json"}), 413, "request.too_large")
    monkeypatch.setattr(fake, "recipes", lambda: 1 / 0)
    found = problem_of(operator.get("/api/v1/recipes"), 500, "service.fault")
    assert "division" not in found.model_dump_json()


def test_the_panel_is_served_with_its_own_addresses_and_nothing_else(settings: Settings, fake: FakeStation, tmp_path: Path) -> None:
    dist = tmp_path / "dist"
    (dist / "assets").mkdir(parents=True)
    (dist / "index.html").write_text("<title>panel</title>")
    (dist / "assets" / "app-1a2b.js").write_text("start()")
    (tmp_path / "secret.txt").write_text("secret")
    with serving(create_app(settings, fake, panel_dist=dist)) as url, httpx.Client(base_url=url, verify=False) as browser:
        for own in ("/", "/history", "/inspections/abc", "/sign-in"):
            answer = browser.get(own)
            assert "<title>panel" in answer.text
            assert answer.headers["cache-control"] == "no-cache"
            assert answer.headers["content-type"].startswith("text/html")
        script = browser.get("/assets/app-1a2b.js")
        assert script.text == "start()"
        assert "javascript" in script.headers["content-type"]
        assert "immutable" in script.headers["cache-control"]
        for other in (
            "/assets/gone.js",
            "/favicon.ico",
            "/api/v1/nothing",
            "/api/",
            "/..%2fsecret.txt",
            "/%2e%2e/secret.txt",
            "/assets/..%2f..%2fsecret.txt",
        ):
            answer = browser.get(other)
            assert answer.status_code == 404, other
            assert answer.headers["content-type"] == "application/problem+json"


def test_without_a_panel_the_start_page_says_how_to_build_it(anonymous: httpx.Client) -> None:
    answer = anonymous.get("/")
    assert answer.status_code == 200
    assert "make panel" in answer.text
