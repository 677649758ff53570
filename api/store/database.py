"""The database engine, made durable, and its schema, brought up to date."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event

from rig_configs.errors import ConfigurationError, ServiceError

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_TIMEOUT_MS = 10_000
WRITES = "d3station_writes"


class StoreDamaged(ServiceError):
    """The database is there, but cannot be used."""

    base_code = "store.damaged"


class StoreUnreachable(ServiceError):
    """The database does not answer."""

    base_code = "store.unreachable"


def make_engine(url: str) -> Engine:
    """An engine whose commits survive a power cut.

    On SQLite: WAL with ``synchronous=FULL`` (about 0.35 ms a commit), and writers begin IMMEDIATE, so that a transaction which
    reads before it writes waits for its turn at the start instead of failing in the middle.
    """
    if not url.startswith("sqlite"):
        return create_engine(url, pool_size=20, pool_pre_ping=True, hide_parameters=True)
    engine = create_engine(url, pool_size=20, hide_parameters=True, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver begins no transaction of its own; _begin_sqlite does
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_TIMEOUT_MS}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get(WRITES) else "BEGIN")


def migration_config(connection: Connection | None = None, data_dir: Path | None = None) -> Config:
    """Alembic's configuration, without a file; to migrate, it needs the connection, and the data folder with the station's keys."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    config.attributes["data_dir"] = data_dir
    return config


def known_revisions() -> list[str]:
    """Every schema that this program can bring up to date, newest first."""
    return [script.revision for script in ScriptDirectory.from_config(migration_config()).walk_revisions()]


def current_revision(engine: Engine) -> str | None:
    """The schema that the database has; none where it is empty."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def upgrade(engine: Engine, data_dir: Path) -> None:
    """Bring the database to this program's schema; does nothing when it is there already.

    Args:
        engine: the database.
        data_dir: the data folder, where the station's keys are.

    Raises:
        ConfigurationError: the database was written by a newer program.
    """
    known = known_revisions()
    with engine.execution_options(**{WRITES: True}).begin() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
        if current is not None and current not in known:
            raise ConfigurationError(
                f"The database has schema '{current}', which this version does not know.",
                cure="Start the version of d3station that wrote it, or a newer one.",
                detail="database_newer",
            )
        if current != known[0]:
            command.upgrade(migration_config(connection, data_dir), "head")
