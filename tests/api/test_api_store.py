"""The database: durable, migrated, indexed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import httpx
import numpy as np
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from conftest import serving
from fake_station import GOOD, FakeStation
from sqlalchemy import inspect, select, text
from sqlalchemy.exc import IntegrityError, StatementError

from acquisition.capture import CaptureWriter, Frame
from acquisition.sequence import ZoneStep
from api.service import Service
from api.service_lock import ServiceLock
from api.settings import Settings
from api.store import inspections
from api.store.checking import check
from api.store.database import upgrade
from api.store.schema import METADATA
from api.store.store import Store, open_store
from api.store.tables import IdempotencyRow
from api.store.tables_people import SessionRow
from rig_configs.errors import ConfigurationError, Conflict, NotFound
from rig_configs.files import load_rig


@pytest.fixture
def store(tmp_path: Path, database: str | None) -> Iterator[Store]:
    store = open_store(Settings(data_dir=tmp_path / "new" / "data", database=database))
    yield store
    store.close()


@pytest.mark.both_databases
def test_migrations_make_exactly_the_tables_of_the_program(store: Store) -> None:
    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


@pytest.mark.both_databases
def test_a_database_that_is_up_to_date_is_left_alone(store: Store) -> None:
    before = inspect(store.engine).get_table_names()
    upgrade(store.engine, store.data_dir)
    assert inspect(store.engine).get_table_names() == before


def test_a_failed_migration_leaves_the_database_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from alembic import op

    create_index, made = op.create_index, []

    def failing(name: str, *args: object) -> None:
        if len(made) == 3:
            raise RuntimeError("power cut")
        made.append(name)
        create_index(name, *args)

    store = Store(f"sqlite:///{tmp_path}/db.sqlite3", tmp_path)
    monkeypatch.setattr(op, "create_index", failing)
    with pytest.raises(RuntimeError, match="power cut"):
        store.upgrade()
    assert inspect(store.engine).get_table_names() == []
    monkeypatch.undo()
    store.upgrade()
    assert "inspections" in inspect(store.engine).get_table_names()
    store.close()


@pytest.mark.both_databases
def test_a_database_of_a_newer_program_is_not_touched(store: Store) -> None:
    with store.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigurationError) as refused:
        store.upgrade()
    assert refused.value.code == "configuration.invalid.database_newer"
    assert "9999" in refused.value.message


def test_every_sqlite_connection_is_durable(store: Store) -> None:
    with store.engine.connect() as first, store.engine.connect() as second:
        for connection in (first, second):
            values = [connection.exec_driver_sql(f"PRAGMA {p}").scalar() for p in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")]
            assert values == ["wal", 2, 1, 10_000]


@pytest.mark.both_databases
def test_a_row_cannot_point_to_nothing(store: Store) -> None:
    with pytest.raises(IntegrityError), store.write() as session:
        session.add(IdempotencyRow(key="k", request_sha256="0" * 64, inspection_id="none", created=datetime.now(UTC)))


@pytest.mark.both_databases
def test_times_keep_their_moment_and_need_a_zone(store: Store) -> None:
    local = datetime(2025, 3, 1, 12, tzinfo=timezone(timedelta(hours=9)))
    with store.write() as session:
        session.add(SessionRow(token_sha256="a", name="n", role="operator", created=local, expires=local))
    with store.read() as session:
        found = session.scalars(select(SessionRow)).one()
    assert found.created == local
    assert found.created.tzinfo is UTC
    with pytest.raises(StatementError, match="time zone"), store.write() as session:
        session.add(SessionRow(token_sha256="b", name="n", role="operator", created=local.replace(tzinfo=None), expires=local))


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (inspections.History(serial="S"), "ix_inspections_serial"),
        (inspections.History(lot="L"), "ix_inspections_lot"),
        (inspections.History(recipe="R", before=100), "ix_inspections_recipe"),
        (inspections.History(), None),
    ],
)
def test_the_history_is_read_in_order_from_an_index(store: Store, wanted: inspections.History, index: str | None) -> None:
    plans: list[str] = []
    with store.read() as session:
        scalars = session.scalars

        def explained(query, **kwargs):
            sql = str(query.compile(store.engine, compile_kwargs={"literal_binds": True}))
            plans.extend(row[3] for row in session.execute(text("EXPLAIN QUERY PLAN " + sql)))
            return scalars(query, **kwargs)

        session.scalars = explained
        inspections.page(session, wanted)
    assert not any("TEMP B-TREE" in plan for plan in plans)
    assert index is None or any(index in plan for plan in plans)


def test_no_name_leads_out_of_an_inspections_folder(store: Store) -> None:
    moment = datetime(2025, 3, 1, tzinfo=UTC)
    for name in ("../x", "/etc/passwd", "..", ".", "", "a/b", "a\\b", "a\0b", ".hidden", "a" * 101):
        with pytest.raises(NotFound):
            store.artifacts.path(moment, "abc", name)
        with pytest.raises(NotFound):
            store.artifacts.path(moment, name, "rgb.png")


@pytest.mark.both_databases
def test_files_that_are_not_what_was_stored_are_found(
    settings: Settings, service: Service, operator: httpx.Client, fake: FakeStation, tmp_path: Path
) -> None:
    frames = tmp_path / "frames"
    with CaptureWriter(frames) as writer:
        list(writer.write([Frame(ZoneStep(zone=0, exposure_us=100.0), np.zeros((4, 4), np.uint8), 1, 1, 100.0, 1.0)]))
        writer.finish(rig=load_rig("demo"), rig_sha256="a" * 64, calibration_id=None, calibration_sha256=None)
    ids = []
    for outcome in (replace(GOOD, frames=frames), GOOD, GOOD, GOOD):
        fake.next = outcome
        ids.append(operator.post("/api/v1/inspections", json={"recipe": "bolt"}, headers={"Prefer": "wait=30"}).json()["id"])

    def found() -> tuple[int, list[str]]:
        report = check(settings.database_url, settings.data_dir, lambda *_: None)
        assert report.files is not None
        assert report.problems == report.files.problems
        assert report.files.wrong == len(report.problems)
        return report.files.files, sorted(report.problems)

    assert found() == (4 * len(GOOD.artifacts) + 1, [])
    of = {path.parent.name if path.parent.name != "frames" else "frames": path.parent for path in settings.data_dir.glob("artifacts/**/*.*")}
    (frame,) = of["frames"].glob("*.tiff")
    frame.write_bytes(frame.read_bytes()[:-1] + b"\1")
    (of[ids[1]] / "rgb.png").unlink()
    picture = of[ids[2]] / "rgb.png"
    picture.write_bytes(picture.read_bytes()[::-1])
    assert found()[1] == sorted(
        [
            f"Inspection {ids[0]}: frame {frame.name} is not what was stored.",
            f"Inspection {ids[1]}: rgb.png is missing.",
            f"Inspection {ids[2]}: rgb.png is not what was stored.",
        ]
    )


def test_one_service_at_a_time_works_in_a_data_folder(settings: Settings, fake: FakeStation, app) -> None:
    with serving(app):
        with pytest.raises(Conflict) as refused:
            ServiceLock(settings.data_dir).acquire()
        assert refused.value.code == "conflict.data_dir"
    lock = ServiceLock(settings.data_dir)
    lock.acquire()
    lock.release()


def test_every_setting_is_described_and_can_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert all(field.description for field in Settings.model_fields.values())
    monkeypatch.setenv("D3STATION_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("D3STATION_QUEUE_LIMIT", "5")
    settings = Settings()
    assert (settings.data_dir, settings.queue_limit) == (tmp_path, 5)
    assert settings.database_url == f"sqlite:///{tmp_path}/d3station.sqlite3"
    monkeypatch.setenv("D3STATION_DATABASE", "postgresql+psycopg://somewhere/d3station")
    assert Settings().database_url == "postgresql+psycopg://somewhere/d3station"
