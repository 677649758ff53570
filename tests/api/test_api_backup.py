"""Backups, going back to one, and what is said of a database that is damaged."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from postgresql import Postgresql
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError
from typer.testing import CliRunner

from api.cli.db import app as db
from api.schemas import Role
from api.service_lock import ServiceLock
from api.settings import Settings
from api.store import audit
from api.store.backup import BackupFailed, backup, restore
from api.store.database import WRITES, StoreDamaged, current_revision, known_revisions, migration_config
from api.store.store import Store, open_store
from rig_configs.errors import Conflict, NotFound

RUN = CliRunner()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture
def filled(settings: Settings) -> Settings:
    """A database with a hundred changes in it."""
    store = open_store(settings)
    for number in range(100):
        with store.write() as session:
            audit.record(session, audit.COMMAND, "thing.change", str(number))
    store.close()
    return settings


def rows(settings: Settings) -> int:
    store = open_store(settings)
    try:
        with store.read() as session:
            return audit.check(session).rows
    finally:
        store.close()


def database(settings: Settings) -> Path:
    return settings.data_dir / "d3station.sqlite3"


def damage(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[4096:8192] = b"\xa5" * 4096
    file.write_bytes(content)


def test_a_backup_of_a_database_in_use_is_whole_and_goes_back(filled: Settings) -> None:
    live = open_store(filled)
    with live.write() as session:  # what is not committed is not in it
        audit.record(session, audit.COMMAND, "thing.change", "later")
        done = RUN.invoke(db, ["backup", "--data-dir", str(filled.data_dir)])
    assert done.exit_code == 0
    made = Path(done.stdout.strip())
    assert made.parent == filled.data_dir / "backups"
    assert [p.name for p in made.parent.iterdir()] == [made.name]
    live.close()
    assert rows(filled) == 101
    with closing(sqlite3.connect(made)) as copy:
        assert copy.execute("SELECT count(*) FROM audit").fetchone() == (100,)
    assert RUN.invoke(db, ["restore", str(made), "--data-dir", str(filled.data_dir)]).exit_code == 0
    assert rows(filled) == 101  # the 100 before, and that it was put back
    (replaced,) = (filled.data_dir / "backups").glob("replaced-*.sqlite3")
    with closing(sqlite3.connect(replaced)) as before:
        assert before.execute("SELECT count(*) FROM audit").fetchone() == (101,)


def test_a_damaged_database_is_told_and_never_backed_up_and_a_backup_cures_it(filled: Settings) -> None:
    good = backup(filled.database_url, filled.data_dir)
    damage(database(filled))
    with pytest.raises(StoreDamaged) as refused:
        open_store(filled)
    assert "db restore" in refused.value.cure
    with pytest.raises(StoreDamaged):
        backup(filled.database_url, filled.data_dir)
    assert [p.name for p in good.parent.iterdir()] == [good.name]
    told = RUN.invoke(db, ["check", "--json", "--data-dir", str(filled.data_dir)])
    assert told.exit_code == 1
    assert json.loads(told.stdout)["problems"]
    assert RUN.invoke(db, ["restore", str(good), "--data-dir", str(filled.data_dir)]).exit_code == 0
    assert rows(filled) == 101
    told = RUN.invoke(db, ["check", "--json", "--data-dir", str(filled.data_dir)])
    assert (told.exit_code, json.loads(told.stdout)["problems"], json.loads(told.stdout)["audit_rows"]) == (0, [], 101)


def test_a_file_that_is_no_database_is_told(settings: Settings) -> None:
    settings.data_dir.mkdir()
    database(settings).write_text("this is not a database, however long it is " * 100)
    with pytest.raises(StoreDamaged, match="not a database"):
        open_store(settings)


def test_postgresql_is_backed_up_migrated_and_put_back_by_its_own_programs(
    postgresql: Postgresql, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(data_dir=tmp_path / "data", database=postgresql.new_database(empty=True))
    store = Store(settings.database_url, settings.data_dir)
    with store.engine.begin() as connection:
        command.upgrade(migration_config(connection), known_revisions()[-1])
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(BackupFailed) as refused:
        store.upgrade()
    assert refused.value.code == "store.backup.no_client"
    assert current_revision(store.engine) == known_revisions()[-1]
    monkeypatch.setenv("PATH", f"{postgresql.programs}:/usr/bin:/bin")
    made = store.upgrade()
    assert made is not None
    assert made.read_bytes()[:5] == b"PGDMP"
    with store.write() as session:
        audit.record(session, audit.COMMAND, "thing.change", "kept")
    kept = backup(settings.database_url, settings.data_dir)
    with store.write() as session:
        audit.record(session, audit.COMMAND, "thing.change", "later")
    store.engine.dispose()
    assert restore(settings.database_url, settings.data_dir, kept, known_revisions()) is None
    assert rows(settings) == 1
    with pytest.raises(DatabaseError, match="append-only"), store.engine.begin() as connection:
        connection.execute(text("DELETE FROM audit"))
    with pytest.raises(BackupFailed):
        restore(settings.database_url, settings.data_dir, Path(__file__), known_revisions())
    store.close()
    assert rows(settings) == 1


@pytest.mark.parametrize("what", ["nothing", "text", "damaged", "of nobody", "newer"])
def test_what_is_no_sound_backup_is_not_put_back(filled: Settings, tmp_path: Path, what: str) -> None:
    file = tmp_path / "backup.sqlite3"
    if what == "text":
        file.write_text("no backup " * 1000)
    elif what == "of nobody":
        with closing(sqlite3.connect(file)) as other:
            other.execute("CREATE TABLE a (b)")
    elif what != "nothing":
        backup(filled.database_url, filled.data_dir, to=file)
        if what == "damaged":
            damage(file)
        else:
            with closing(sqlite3.connect(file)) as other:
                other.execute("UPDATE alembic_version SET version_num = '9999'")
                other.commit()
    before = database(filled).read_bytes()
    done = RUN.invoke(db, ["restore", str(file), "--data-dir", str(filled.data_dir)])
    assert isinstance(done.exception, NotFound if what == "nothing" else BackupFailed)
    assert database(filled).read_bytes() == before


def test_a_backup_is_not_put_back_under_a_running_service(filled: Settings) -> None:
    made = backup(filled.database_url, filled.data_dir)
    with ServiceLock(filled.data_dir):
        assert isinstance(RUN.invoke(db, ["restore", str(made), "--data-dir", str(filled.data_dir)]).exception, Conflict)


@pytest.mark.parametrize("revision", known_revisions()[1:])
def test_every_schema_there_was_is_brought_up_to_date_with_a_backup_first(settings: Settings, revision: str) -> None:
    store = Store(settings.database_url, settings.data_dir)
    with store.engine.execution_options(**{WRITES: True}).begin() as connection:
        command.upgrade(migration_config(connection), revision)
        connection.execute(text("INSERT INTO api_keys (key_sha256, name, role, created) VALUES ('a', 'plc', 'mes', '2025-01-01 00:00:00')"))
        connection.execute(
            text("INSERT INTO sessions (token_sha256, name, role, created, expires) VALUES ('b', 'n', 'admin', '2025-01-01', '2025-01-02')")
        )
    made = store.upgrade()
    assert made is not None
    assert f"{revision}-to-{known_revisions()[0]}" in made.name
    with closing(sqlite3.connect(made)) as before:
        assert before.execute("SELECT version_num FROM alembic_version").fetchone() == (revision,)
    assert current_revision(store.engine) == known_revisions()[0]
    with store.engine.connect() as connection:
        assert connection.execute(text("SELECT name, role, scope FROM api_keys")).all() == [("plc", Role.MES, "full")]
        assert connection.execute(text("SELECT name, user_id FROM sessions")).all() == [("n", None)]
    assert store.upgrade() is None
    store.close()


def test_a_migration_without_room_for_its_backup_does_not_begin(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(settings.database_url, settings.data_dir)
    with store.engine.execution_options(**{WRITES: True}).begin() as connection:
        command.upgrade(migration_config(connection), "0001")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("api.store.backup._sync", full)
    with pytest.raises(BackupFailed, match="No space left"):
        store.upgrade()
    assert current_revision(store.engine) == "0001"
    assert list((settings.data_dir / "backups").iterdir()) == []
    assert store.upgrade(backup_first=False) is None
    store.close()
