"""Backups of the database: made while it is used, checked before they get their name, put back only where nobody uses it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import structlog
from sqlalchemy import URL, make_url

from api.store.database import StoreDamaged
from rig_configs.errors import ConfigurationError, NotFound, ServiceError, Unprocessable

FOLDER = "backups"
_PARTIAL = ".partial"
_PG_TIMEOUT_S = 3600

_log = structlog.get_logger(__name__)


class BackupFailed(ServiceError):
    """A backup could not be made or put back; the database is as it was."""

    base_code = "store.backup"


Watch = Callable[[float], None]
"""Told the share that is copied; what it raises ends the work, and nothing is left of it."""


def _unwatched(_share: float) -> None:
    """Nobody watches."""


def backup(database_url: str, data_dir: Path, label: str = "backup", to: Path | None = None, watch: Watch = _unwatched) -> Path:
    """Write a whole, consistent copy of the database, also while a service writes to it.

    Args:
        database_url: the database.
        data_dir: the data folder; backups go to its ``backups`` unless ``to`` is given.
        label: what it is for, part of its name.
        to: where to, a file that is not there yet.
        watch: told of the progress of an SQLite database, and may end it.

    Returns:
        The backup: an SQLite database, or what ``pg_dump --format=custom`` writes.

    Raises:
        BackupFailed: it could not be made, or is not whole.
        StoreDamaged: the database itself is not whole.
        Unprocessable: the file is there already.
    """
    url = make_url(database_url)
    target = to or data_dir / FOLDER / f"{label}-{_stamp()}.{'sqlite3' if _is_sqlite(url) else 'dump'}"
    if target.exists():
        raise Unprocessable(f"{target} is there already.", cure="Give another name.", detail="exists")
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + _PARTIAL)
    try:
        if _is_sqlite(url):
            _copy_sqlite(_file_of(url), partial, watch)
        else:
            _run_postgresql(["pg_dump", "--format=custom", f"--file={partial}"], url)
        _sync(partial)
        partial.rename(target)
        _sync(target.parent)
    except OSError as cause:
        raise BackupFailed(f"The backup could not be written: {cause.strerror}.", cure="Free space, or give another place with --to.") from cause
    finally:
        partial.unlink(missing_ok=True)
    _log.info("database backed up", file=str(target), bytes=target.stat().st_size)
    return target


def restore(database_url: str, data_dir: Path, backup_file: Path, revisions: Sequence[str]) -> Path | None:
    """Put a backup in the database's place. The caller holds the service lock.

    Args:
        database_url: the database.
        data_dir: the data folder; what was there before is kept in its ``backups``.
        backup_file: what :func:`backup` wrote.
        revisions: schemas that this program knows.

    Returns:
        What was there before; none where nothing was, or where it is PostgreSQL, which keeps nothing.

    Raises:
        NotFound: no such file.
        BackupFailed: it is no backup, is damaged or of a newer program; the database is as it was.
    """
    if not backup_file.is_file():
        raise NotFound(f"There is no backup {backup_file}.", cure="Look into the folder 'backups' of the data folder.", detail="backup")
    url = make_url(database_url)
    if not _is_sqlite(url):
        _run_postgresql(
            ["pg_restore", "--clean", "--if-exists", "--no-owner", "--single-transaction", f"--dbname={url.database}", str(backup_file)], url
        )
        return None
    revision = revision_of(backup_file)
    if revision not in revisions:
        raise BackupFailed(
            f"The backup has schema '{revision}', which this version does not know.", cure="Use the version of d3station that wrote it."
        )
    target = _file_of(url)
    fresh = target.with_name(target.name + _PARTIAL)
    try:
        shutil.copyfile(backup_file, fresh)
        _sync(fresh)
        before = _set_aside(target, data_dir)
        fresh.rename(target)
        _sync(target.parent)
    except OSError as cause:
        raise BackupFailed(f"The backup could not be put back: {cause.strerror}.", cure="Free space on the disk of the data folder.") from cause
    finally:
        fresh.unlink(missing_ok=True)
    return before


def problems_of(file: Path, *, whole: bool = True) -> list[str]:
    """What SQLite finds wrong with a database file; empty where it is sound.

    Args:
        file: the database.
        whole: also compare indices with tables; without, about twice as fast.
    """
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=10)) as connection:
            rows = connection.execute("PRAGMA integrity_check(20)" if whole else "PRAGMA quick_check(20)").fetchall()
            found = [str(row[0]) for row in rows if row[0] != "ok"]
            return found + [
                f"a row of {row[0]} points to nothing in {row[2]}" for row in connection.execute("PRAGMA foreign_key_check").fetchmany(20)
            ]
    except sqlite3.DatabaseError as error:
        return [str(error)]


def sqlite_file(database_url: str) -> Path | None:
    """The file of an SQLite database; none for others."""
    url = make_url(database_url)
    return _file_of(url) if _is_sqlite(url) else None


def _copy_sqlite(source: Path, target: Path, watch: Watch) -> None:
    if not source.is_file():
        raise NotFound(f"There is no database {source}.", cure="Name the data folder with --data-dir.", detail="database")
    try:
        with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=10)) as live, closing(sqlite3.connect(target)) as copy:
            live.backup(copy, pages=4096, progress=lambda _status, left, total: watch(1 - left / max(total, 1)))
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, nothing beside it
    except sqlite3.DatabaseError as cause:
        raise StoreDamaged(f"The database cannot be read: {cause}.", cure="Put the last backup back: d3station db restore FILE") from cause
    if found := problems_of(target):
        raise StoreDamaged(f"The database is damaged: {found[0]}.", cure="Put the last backup back: d3station db restore FILE")


def revision_of(file: Path) -> str:
    """The schema of a backup. Raises BackupFailed for a file that is none, or is damaged."""
    found = problems_of(file)
    revision = None
    if not found:
        try:
            with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
                revision = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        except sqlite3.DatabaseError as error:
            found = [str(error)]
    if revision is None:
        raise BackupFailed(f"{file} is no sound backup: {found[0] if found else 'it has no schema'}.", cure="Choose another backup.")
    return str(revision[0])


def _set_aside(target: Path, data_dir: Path) -> Path | None:
    """Move the present database, with what SQLite keeps beside it, out of the way."""
    parts = [suffix for suffix in ("-wal", "-shm", "") if target.with_name(target.name + suffix).exists()]
    if not parts:
        return None
    kept = data_dir / FOLDER / f"replaced-{_stamp()}.sqlite3"
    kept.parent.mkdir(parents=True, exist_ok=True)
    for suffix in parts:
        shutil.move(target.with_name(target.name + suffix), kept.with_name(kept.name + suffix))
    return kept


def _run_postgresql(command: list[str], url: URL) -> None:
    environment = os.environ | {
        name: str(value)
        for name, value in (
            ("PGHOST", url.query.get("host") or url.host),
            ("PGPORT", url.port),
            ("PGUSER", url.username),
            ("PGPASSWORD", url.password),
        )
        if value is not None
    }
    environment["PGDATABASE"] = url.database or ""
    program = shutil.which(command[0])
    if program is None:
        raise BackupFailed(
            f"{command[0]} is not installed here.",
            cure="Install PostgreSQL's client programs; or back the server up yourself, then: d3station db upgrade --no-backup",
            detail="no_client",
        )
    done = subprocess.run([program, *command[1:]], env=environment, capture_output=True, text=True, timeout=_PG_TIMEOUT_S, check=False)  # noqa: S603 - names of our own, no shell
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"exit status {done.returncode}"
        raise BackupFailed(f"{command[0]} failed: {last}.", cure="Check the server, its version and the rights of the user.")


def _file_of(url: URL) -> Path:
    if not url.database or url.database == ":memory:":
        raise ConfigurationError("The database is in memory alone.", cure="Name a file in D3STATION_DATABASE.", detail="database_memory")
    return Path(url.database)


def _is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def _stamp() -> str:
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
