"""A killed service loses nothing that it had acknowledged, and one that cannot start does once it can."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx

from api.recovery import RETRY
from rig_configs.files import SHIPPED

HERE = Path(__file__).parent
URL = "/api/v1/inspections"


@contextmanager
def running(data_dir: Path, how: str) -> Generator[tuple[subprocess.Popen[str], httpx.Client]]:
    """The service in its own process, and an operator who has signed in."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(HERE.parents[1]), str(HERE)))}
    with (data_dir.parent / f"{how}.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, str(HERE / "fake_service.py"), str(data_dir), how], stdout=subprocess.PIPE, stderr=log, text=True, env=environment
        )
    assert process.stdout is not None
    token, port = process.stdout.readline().strip(), process.stdout.readline().strip()
    base = f"http://127.0.0.1:{port}"
    try:
        with httpx.Client(base_url=base, headers={"Origin": base}, timeout=30) as client:
            assert client.post("/api/v1/sessions", json={"token": token}).status_code == 201
            yield process, client
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) in (0, -signal.SIGTERM)
        process.stdout.close()


def test_sigkill_in_the_middle_of_an_inspection_loses_nothing_acknowledged(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with running(data_dir, "run") as (process, client):
        finished = [client.post(URL, json={"recipe": "bolt", "serial": f"S{n}"}, headers={"Prefer": "wait=30"}).json() for n in range(3)]
        events = []
    with running(data_dir, "hang") as (process, client):
        cut = client.post(URL, json={"recipe": "bolt", "serial": "cut"}, headers={"Idempotency-Key": "cut"}).json()
        with client.stream("GET", "/api/v1/events", headers={"Last-Event-ID": "0"}) as answer:
            for line in answer.iter_lines():
                events.append(line)
                if '"stage": "capture"' in line and cut["id"] in line:
                    break
        waiting = client.post(URL, json={"recipe": "ring", "serial": "waiting"}).json()
        process.send_signal(signal.SIGKILL)
        assert process.wait(30) == -signal.SIGKILL
    with running(data_dir, "run") as (process, client):
        for before in finished:
            assert client.get(f"{URL}/{before['id']}").json() == before
            assert client.get(before["thumbnail_url"]).status_code == 200
        for lost in (cut, waiting):
            after = client.get(f"{URL}/{lost['id']}").json()
            assert (after["state"], after["evaluation"], after["reason"]["code"]) == ("finished", "NotDecidable", "service.interrupted")
        again = client.post(URL, json={"recipe": "bolt", "serial": "cut"}, headers={"Idempotency-Key": "cut"})
        assert again.json()["id"] == cut["id"]
        new = client.post(URL, json={"recipe": "bolt"}, headers={"Prefer": "wait=30"}).json()
        assert new["evaluation"] == "OK"
        assert [item["id"] for item in client.get(URL).json()["items"]] == [
            new["id"],
            waiting["id"],
            cut["id"],
            *(f["id"] for f in reversed(finished)),
        ]


def test_a_service_that_cannot_start_starts_when_what_was_wrong_is_put_right(tmp_path: Path) -> None:
    """First its rig's file is wrong, then its database: one process and one socket through all of it."""
    rig, data_dir = tmp_path / "rig", tmp_path / "data"
    shutil.copytree(SHIPPED / "demo", rig)
    right = (rig / "rig.yaml").read_text(encoding="utf-8")
    (rig / "rig.yaml").write_text(right.replace("camera:", "kamera:", 1), encoding="utf-8")
    data_dir.mkdir()
    (data_dir / "d3station.sqlite3").write_text("this is not a database, however long it is " * 100)
    command = [sys.executable, "-m", "api.cli.main", "serve", "--rig", str(rig), "--data-dir", str(data_dir), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=HERE.parents[1]) as process:
        assert process.stderr is not None
        url = next(found[0] for line in process.stderr if (found := re.search(r"http://127.0.0.1:[0-9]+", line)))
        reader = threading.Thread(target=process.stderr.read)
        reader.start()

        def ready() -> tuple[int, list[str]]:
            answer = httpx.get(f"{url}/readyz", timeout=60)
            return answer.status_code, [problem["code"] for problem in answer.json()["problems"]]

        def retried() -> int:
            while True:  # two tries have a rest between them
                answer = httpx.post(url + RETRY, timeout=60)
                if answer.status_code == 202 or answer.json()["code"] != before:
                    return answer.status_code
                threading.Event().wait(0.2)

        try:
            status, (before,) = ready()
            assert (status, before) == (503, "rig.invalid")
            assert httpx.post(url + RETRY, timeout=60).status_code == 503
            (rig / "rig.yaml").write_text(right, encoding="utf-8")
            assert retried() == 202
            while (found := ready()) == (503, [before]):
                threading.Event().wait(0.05)
            assert found == (503, ["store.damaged"])
            (data_dir / "d3station.sqlite3").unlink()
            before = "store.damaged"
            assert retried() == 202
            while (found := ready()) == (503, [before]):
                threading.Event().wait(0.05)
            assert found == (200, [])
            assert process.poll() is None
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) in (0, -signal.SIGTERM)
            reader.join(60)
