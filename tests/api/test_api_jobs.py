"""The job runner: every accepted inspection ends in one stored verdict, whatever happens."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import httpx
import pytest
from conftest import serving
from fake_station import CANCELLED, GOOD, PNG, FakeStation
from sqlalchemy import delete, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from api import jobs
from api.app import create_app
from api.equipment import Equipment
from api.jobs import JobRunner
from api.outcome import ArtifactFile, Outcome
from api.recipes import Recipes
from api.schemas import Evaluation, Inspection, InspectionRequest, InspectionState, Reason, Role, StationState
from api.security import Principal
from api.service import Service
from api.settings import Settings
from api.station import Station
from api.store import inspections
from api.store.clock import now
from api.store.store import Store, open_store
from api.store.tables import EventRow
from api.waiting import finished
from rig_configs.errors import FrameTimeout
from rig_configs.files import load_calibration, load_rig

if TYPE_CHECKING:
    from acquisition.rig_process import AnyRig

CALLER = Principal("operator", Role.OPERATOR, "session", "")
BOLT = InspectionRequest(recipe="bolt", serial="S1")


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    store = open_store(settings)
    yield store
    store.close()


@pytest.fixture
def runner(store: Store, fake: FakeStation) -> Iterator[JobRunner]:
    runner = JobRunner(store, fake, station_name="cell 7")
    runner.start()
    yield runner
    fake.gate.set()
    assert runner.stop()


def record(store: Store, inspection_id: str) -> Inspection:
    with store.read() as session:
        return inspections.inspection_of(inspections.get(session, inspection_id))


def inspect(store: Store, runner: JobRunner, fake: FakeStation) -> Inspection:
    """One inspection from submit to its end."""
    fake.gate.set()
    inspection, created = runner.submit(BOLT, CALLER, None)
    assert created
    found = asyncio.run(finished(store, inspection.id, wait_s=20))
    assert found.state is InspectionState.FINISHED
    return found


def files(store: Store) -> list[str]:
    return sorted(p.name for p in (store.data_dir / "artifacts").rglob("*") if p.is_file())


@pytest.mark.both_databases
def test_a_fault_of_the_program_is_not_decidable_and_the_next_part_is_inspected(store: Store, runner: JobRunner, fake: FakeStation) -> None:
    fake.next = ZeroDivisionError("secret detail")
    found = inspect(store, runner, fake)
    assert (found.evaluation, found.reason.code) == ("NotDecidable", "service.fault")
    assert "secret" not in found.model_dump_json()
    assert found.score is None
    fake.next = GOOD
    assert runner.is_alive


@pytest.mark.both_databases
def test_a_device_fault_that_is_raised_keeps_its_own_code_and_cure(store: Store, runner: JobRunner, fake: FakeStation) -> None:
    fake.next = FrameTimeout("Frame 3 did not come.", cure="Check the trigger cable.", detail="camera")
    found = inspect(store, runner, fake)
    assert (found.evaluation, found.reason.code, found.reason.cure) == ("NotDecidable", "device.frame_timeout.camera", "Check the trigger cable.")


@pytest.mark.both_databases
@pytest.mark.parametrize(
    "nonsense",
    [
        replace(GOOD, score=float("nan")),
        replace(GOOD, evaluation=Evaluation.UNDEFINED),
        replace(GOOD, evaluation=Evaluation.NOT_DECIDABLE),
        replace(GOOD, reason=Reason(code="x", message="y", cure="z")),
        replace(GOOD, artifacts=[ArtifactFile("../../evil.png", "image/png", PNG)]),
        replace(GOOD, artifacts=[GOOD.artifacts[0], GOOD.artifacts[0]]),
    ],
    ids=["nan", "undefined", "no reason", "needless reason", "traversal", "double name"],
)
def test_an_outcome_that_contradicts_itself_is_never_a_verdict(store: Store, runner: JobRunner, fake: FakeStation, nonsense: Outcome) -> None:
    fake.next = nonsense
    found = inspect(store, runner, fake)
    assert (found.evaluation, found.reason.code, found.artifacts) == ("NotDecidable", "service.fault", [])
    assert files(store) == []


@pytest.mark.both_databases
def test_artifacts_are_on_disk_before_the_row_that_names_them(store: Store, runner: JobRunner, fake: FakeStation, monkeypatch) -> None:
    seen: list[tuple[str, list[str]]] = []
    finish = inspections.finish

    def watched(row, outcome, artifacts) -> None:
        seen.append((record(store, row.id).state, files(store)))
        finish(row, outcome, artifacts)

    monkeypatch.setattr(inspections, "finish", watched)
    found = inspect(store, runner, fake)
    assert seen[0] == (InspectionState.RUNNING, ["rgb.png", "thumbnail.jpg"])
    assert [a.name for a in found.artifacts] == ["rgb.png", "thumbnail.jpg"]


def test_artifact_files_and_their_folders_are_synced_before_they_get_their_name(store: Store, monkeypatch) -> None:
    order: list[str] = []
    fsync, rename = os.fsync, Path.rename

    def synced(handle: int) -> None:
        order.append("sync " + Path(f"/proc/self/fd/{handle}").readlink().name)
        fsync(handle)

    def renamed(self: Path, target: Path) -> Path:
        order.append(f"rename {self.name}")
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "rename", renamed)
    moment = now()
    store.artifacts.write(moment, "abc", GOOD.artifacts)
    day = f"{moment:%Y-%m-%d}"
    assert order == ["sync artifacts", "sync data", "sync rgb.png", "sync thumbnail.jpg", "sync abc.partial", "rename abc.partial", f"sync {day}"]


@pytest.mark.both_databases
def test_a_disk_full_while_writing_files_is_not_decidable_and_leaves_nothing(store: Store, runner: JobRunner, fake: FakeStation, monkeypatch) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("api.store.artifacts.os.fsync", full)
    found = inspect(store, runner, fake)
    assert (found.evaluation, found.reason.code) == ("NotDecidable", "store.failed")
    assert files(store) == []


def limit_pages(store: Store) -> None:
    """Let the database grow no more: from now on, what does not fit into its free pages meets a real SQLITE_FULL."""
    with store.write() as session:
        session.add(EventRow(type="ballast", data={"x": "x" * 60_000}, created=now()))
    with store.write() as session:
        session.execute(delete(EventRow).where(EventRow.type == "ballast"))
    store.engine.dispose()
    event.listen(store.engine, "connect", lambda connection, _record: connection.execute("PRAGMA max_page_count=1").close())


def test_a_result_that_the_full_database_does_not_take_is_not_decidable(store: Store, runner: JobRunner, fake: FakeStation, monkeypatch) -> None:
    monkeypatch.setattr(jobs, "_RETRIES_S", (0.01,))
    limit_pages(store)
    fake.next = replace(GOOD, provenance=GOOD.provenance.model_copy(update={"rig": "x" * 200_000}))
    found = inspect(store, runner, fake)
    assert (found.evaluation, found.reason.code, found.artifacts) == ("NotDecidable", "store.failed", [])


@pytest.mark.both_databases
def test_a_failure_that_cannot_be_stored_holds_the_queue_until_it_can(store: Store, runner: JobRunner, fake: FakeStation, monkeypatch) -> None:
    monkeypatch.setattr(jobs, "_RETRIES_S", (0.01,))
    write, failures = store.write, iter(range(4))

    @contextmanager
    def failing() -> Generator[Session]:
        if threading.current_thread().name == "inspections" and fake.gate.is_set() and next(failures, None) is not None:
            raise OperationalError("COMMIT", None, Exception("disk I/O error"))
        with write() as session:
            yield session

    fake.gate.clear()
    first, _ = runner.submit(BOLT, CALLER, None)
    assert fake.entered.acquire(timeout=10)
    runner.submit(BOLT, CALLER, None)
    monkeypatch.setattr(store, "write", failing)
    fake.next = ZeroDivisionError()
    fake.gate.set()
    assert fake.entered.acquire(timeout=10)
    assert next(failures, None) is None
    assert record(store, first.id).evaluation == "NotDecidable"


def test_an_inspection_that_the_database_does_not_take_is_not_accepted(fake: FakeStation, tmp_path: Path) -> None:
    app = create_app(Settings(data_dir=tmp_path, queue_limit=10_000), fake)
    service: Service = app.state.service
    fake.gate.clear()
    with serving(app) as url:
        key = service.accounts.create_key("operator", Role.OPERATOR)
        limit_pages(service.store)
        accepted: set[str] = set()
        with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, verify=False) as operator:
            while (answer := operator.post("/api/v1/inspections", json={"recipe": "bolt", "lot": "x" * 100})).status_code == 202:
                accepted.add(answer.json()["id"])
        assert (answer.status_code, answer.json()["code"]) == (503, "store.failed")
        assert "retry-after" in answer.headers
        with service.store.read() as session:
            assert {row.id for row in inspections.unfinished(session)} == accepted


@pytest.mark.both_databases
def test_a_clean_stop_breaks_the_running_inspection_off_and_the_next_start_ends_the_waiting(store: Store, fake: FakeStation) -> None:
    runner = JobRunner(store, fake, station_name="cell 7")
    runner.start()
    fake.gate.clear()
    running, _ = runner.submit(BOLT, CALLER, None)
    assert fake.entered.acquire(timeout=10)
    waiting, _ = runner.submit(BOLT, CALLER, None)
    assert runner.stop()
    assert record(store, running.id).reason.code == "service.interrupted"
    assert record(store, waiting.id).state is InspectionState.QUEUED
    assert JobRunner(store, fake, station_name="cell 7").recover() == [waiting.id]
    found = record(store, waiting.id)
    assert (found.state, found.evaluation, found.reason.code) == ("finished", "NotDecidable", "service.interrupted")
    assert fake.inspected == ["bolt"]


@pytest.mark.both_databases
def test_recovery_removes_what_was_half_written_and_leaves_what_it_does_not_know(store: Store, fake: FakeStation) -> None:
    runner = JobRunner(store, fake, station_name="cell 7")
    cut, _ = runner.submit(BOLT, CALLER, None)
    store.artifacts.write(cut.created, cut.id, GOOD.artifacts)
    store.artifacts.write(cut.created, "of-another-database", GOOD.artifacts[:1])
    day = store.data_dir / "artifacts" / f"{cut.created:%Y-%m-%d}"
    (day / "half.partial").mkdir()
    (day / "half.partial" / "rgb.png").write_bytes(b"half")
    store.scratch.mkdir()
    (store.scratch / "0.tiff").write_bytes(b"a frame of a capture that was cut")
    assert runner.recover() == [cut.id]
    assert [p.name for p in day.iterdir()] == ["of-another-database"]
    assert not store.scratch.exists()
    assert runner.recover() == []


@pytest.mark.both_databases
@pytest.mark.parametrize("how", ["late", "kept"])
def test_frames_of_a_part_are_kept_with_it_or_not_at_all(store: Store, runner: JobRunner, fake: FakeStation, tmp_path: Path, how: str) -> None:
    frames = store.scratch / "one"
    frames.mkdir(parents=True)
    (frames / "zone0.tiff").write_bytes(b"frame")
    fake.next = replace(GOOD if how == "kept" else CANCELLED, frames=frames)
    fake.judgement.clear()
    inspection, _ = runner.submit(BOLT.model_copy(update={"deadline_s": 3.0 if how == "late" else None}), CALLER, None)
    while not fake.judged or (how == "late" and now() <= inspection.deadline):
        assert fake.judged or record(store, inspection.id).state != "finished", "its deadline passed before its capture"
        threading.Event().wait(0.005)
    fake.judgement.set()
    found = asyncio.run(finished(store, inspection.id, wait_s=20))
    assert found.reason is None if how == "kept" else found.reason.code == "job.deadline"
    while frames.exists():
        threading.Event().wait(0.005)
    assert ("zone0.tiff" in files(store)) == (how == "kept")


def test_frames_of_a_part_whose_judgement_fails_do_not_stay(
    store: Store, runner: JobRunner, fake: FakeStation, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = store.scratch / "one"
    frames.mkdir(parents=True)
    fake.next = replace(GOOD, frames=frames)
    monkeypatch.setattr(fake, "judge", lambda *_: 1 / 0)
    inspection, _ = runner.submit(BOLT, CALLER, None)
    found = asyncio.run(finished(store, inspection.id, wait_s=20))
    assert found.reason is not None
    assert found.reason.code == "service.fault"
    assert not frames.exists()


def test_who_waits_for_the_rig_is_asked_whether_it_is_still_wanted(tmp_path: Path) -> None:
    """A teaching may have the rig for long; the deadline of an inspection that waits for it ends its waiting."""
    rig = SimpleNamespace(config=load_rig("demo"))
    station = Station("cell 7", Equipment(cast("AnyRig", rig), load_calibration("demo")), Recipes(tmp_path, ("bolt",)))
    asked = iter([False, True])
    with station.on_rig, ThreadPoolExecutor(1) as other:
        outcome = other.submit(station.capture, "bolt", lambda _: None, lambda: next(asked)).result(20)
    assert isinstance(outcome, Outcome)
    assert outcome.reason is not None
    assert outcome.reason.code == "job.cancelled"
    assert station.state().state is StationState.READY
