"""A killed service loses nothing that it had acknowledged."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx

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
