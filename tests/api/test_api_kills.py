"""Killed again and again while it writes, the service loses nothing that it acknowledged. D3STATION_KILLS=100 does it a hundred times."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import random
import signal
import threading
from pathlib import Path

import httpx
import killed_service
import pytest
from fake_station import FakeStation
from sqlalchemy import func, select

from api.jobs import JobRunner
from api.schemas import Inspection
from api.settings import Settings
from api.store import audit, inspections
from api.store.backup import problems_of
from api.store.store import Store, open_store
from api.store.tables import InspectionRow
from api.store.tables_people import ApiKeyRow
from api.store.tables_webhooks import DeliveryRow

HERE = Path(__file__).parent
KILLS = int(os.environ.get("D3STATION_KILLS", "5"))
KILLS_OF_POSTGRESQL = int(os.environ.get("D3STATION_KILLS", "2"))
WRITERS = 4


class Life:
    """One life of the service, with writers that note what it acknowledged."""

    def __init__(self, settings: Settings, number: int) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["killed_service"])
        ours, theirs = context.Pipe(duplex=False)
        self._process = context.Process(target=killed_service.serve, args=(settings, number, theirs), daemon=True)
        self._process.start()
        theirs.close()
        assert ours.poll(60)
        port, key = ours.recv()
        ours.close()
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", headers={"Authorization": f"Bearer {key}"}, timeout=30, verify=False)
        self._number = number
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []
        self.acknowledged: dict[str, dict] = {}
        """Inspections by their Idempotency-Key, as the last answer told them."""
        self.keys: set[str] = set()

    def make_webhook(self) -> None:
        # Nobody listens there: what is told waits in the outbox, to be counted.
        self._client.post("/webhooks", json={"url": "https://192.0.2.1.invalid/hook"}).raise_for_status()

    def write_until(self, count: int, repeat: list[str]) -> None:
        """Write from several threads until so much is acknowledged."""
        for writer in range(WRITERS):
            mine = repeat[writer::WRITERS]
            thread = threading.Thread(target=self._write, args=(writer, mine), daemon=True)
            self._threads.append(thread)
            thread.start()
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.acknowledged) + len(self.keys) >= count, 60)

    def kill(self) -> None:
        assert self._process.pid is not None
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.join(30)
        assert self._process.exitcode == -signal.SIGKILL
        self._process.close()
        for thread in self._threads:
            thread.join(30)
        self._client.close()

    def _write(self, writer: int, repeat: list[str]) -> None:
        number = 0
        try:
            while True:
                key = repeat[number] if number < len(repeat) else f"{self._number}-{writer}-{number}"
                sent = {"Idempotency-Key": key} | ({"Prefer": "wait=20"} if number % 2 else {})
                answer = self._client.post("/inspections", json={"recipe": "bolt", "serial": key}, headers=sent)
                assert answer.status_code in (200, 202), answer.text
                with self._changed:
                    self.acknowledged[key] = answer.json()
                    self._changed.notify_all()
                if number % 5 == 4:
                    name = f"key {self._number}-{writer}-{number}"
                    if self._client.post("/keys", json={"name": name}).status_code == 201:
                        with self._changed:
                            self.keys.add(name)
                number += 1
        except httpx.TransportError:
            return  # killed: what was under way may or may not have been stored


def check(store: Store, acknowledged: dict[str, dict], keys: set[str]) -> None:
    """Everything acknowledged is there, as it was told."""
    with store.read() as session:
        assert keys <= set(session.scalars(select(ApiKeyRow.name)))
        assert audit.check(session).broken is None
        for key, told in acknowledged.items():
            row = inspections.get(session, told["id"])
            assert row.serial == key
            if told["state"] == "finished":
                assert inspections.inspection_of(row).model_dump(mode="json") == Inspection.model_validate(told).model_dump(mode="json")


@pytest.mark.timeout(300 + 30 * KILLS)
@pytest.mark.both_databases
def test_kills_while_writing_lose_nothing_acknowledged_and_double_nothing(
    tmp_path: Path, database: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(HERE.parents[1]), str(HERE))))
    chance = random.Random(7)
    data_dir = tmp_path / "data"
    settings = Settings(data_dir=data_dir, database=database, queue_limit=10_000)
    kills = KILLS if database is None else min(KILLS, KILLS_OF_POSTGRESQL)
    acknowledged: dict[str, dict] = {}
    keys: set[str] = set()
    for number in range(kills):
        life = Life(settings, number)
        if number == 0:
            life.make_webhook()
        # Half of what was acknowledged last is sent again, as a caller does that did not get the answer.
        life.write_until(chance.randint(1, 30), repeat=[k for k in list(acknowledged)[-20:] if chance.random() < 0.5])
        life.kill()
        for key, told in life.acknowledged.items():
            assert acknowledged.get(key, told)["id"] == told["id"], "the same key gave another inspection"
        acknowledged |= life.acknowledged
        keys |= life.keys
        assert database is not None or problems_of(data_dir / "d3station.sqlite3") == []
        store = open_store(settings)
        check(store, life.acknowledged, life.keys)
        store.close()
    assert len(acknowledged) > kills
    store = open_store(settings)
    JobRunner(store, FakeStation(), station_name="after").recover()
    check(store, acknowledged, keys)
    with store.read() as session:
        rows = session.scalars(select(InspectionRow)).all()
        serials = [row.serial for row in rows]
        assert len(serials) == len(set(serials)), "one key, two inspections"
        assert {row.state for row in rows} == {"finished"}
        told = session.scalar(select(func.count()).select_from(DeliveryRow).where(DeliveryRow.event == "inspection.finished"))
        assert told == len(rows), "each verdict is told once"
        for row in rows:
            for artifact in row.artifacts:
                content = store.artifacts.path(row.created, row.id, artifact["name"]).read_bytes()
                assert hashlib.sha256(content).hexdigest() == artifact["sha256"]
    store.close()
