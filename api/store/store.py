"""The station's memory: the database and the folder of artifacts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from api.events import TOLD, Bell
from api.settings import Settings
from api.store.artifacts import ArtifactFolders
from api.store.backup import backup, problems_of, sqlite_file
from api.store.database import WRITES, StoreDamaged, StoreUnreachable, current_revision, known_revisions, make_engine, upgrade
from api.store.sealing import Sealing

CHECKED_BYTES = 512 * 1024 * 1024
"""A database up to this size is checked whole at each start: that takes a second or two."""


class Store:
    """Reads and writes the database; rings the bell after each write.

    Args:
        database_url: SQLAlchemy URL.
        data_dir: folder for everything that is a file; made when missing.
    """

    def __init__(self, database_url: str, data_dir: Path) -> None:
        data_dir.mkdir(parents=True, exist_ok=True)
        self.data_dir = data_dir
        self.database_url = database_url
        self.artifacts = ArtifactFolders(data_dir / "artifacts")
        self.sealing = Sealing(data_dir)
        self.scratch = data_dir / "scratch"
        """For files on their way; what a service left there is removed when the next one starts."""
        self.bell = Bell()
        self.listeners: list[Callable[[Sequence[Any]], None]] = []
        """Called after each commit with what the transaction said by :func:`api.events.append`."""
        self.engine = make_engine(database_url)
        self._readers = sessionmaker(self.engine, expire_on_commit=False)
        self._writers = sessionmaker(self.engine.execution_options(**{WRITES: True}), expire_on_commit=False)
        self._writing = threading.Lock()

    def upgrade(self, *, backup_first: bool = True) -> Path | None:
        """Bring the database to this program's schema; one that has to change for that is backed up first.

        Args:
            backup_first: whether to back up before a change.

        Returns:
            The backup, where one was made.

        Raises:
            ConfigurationError: the database is of a newer program.
            StoreDamaged: the database is damaged.
            StoreUnreachable: the database does not answer.
            BackupFailed: it could not be backed up; nothing was changed.
        """
        file = sqlite_file(self.database_url)
        if file is not None and file.is_file() and file.stat().st_size <= CHECKED_BYTES and (found := problems_of(file, whole=False)):
            raise StoreDamaged(
                f"The database {file} is damaged: {found[0]}.", cure=f"Put the last backup back: d3station db restore FILE --data-dir {self.data_dir}"
            )
        try:
            current, known, made = current_revision(self.engine), known_revisions(), None
            if backup_first and current in known[1:]:
                made = backup(self.database_url, self.data_dir, f"before-migration-{current}-to-{known[0]}")
            upgrade(self.engine, self.data_dir)
        except OperationalError as cause:
            told = str(cause.orig).strip().splitlines()
            raise StoreUnreachable(
                f"The database does not answer: {told[0] if told else 'no reason given'}.",
                cure="Check D3STATION_DATABASE, that the server runs, and the disk.",
            ) from cause
        return made

    @contextmanager
    def read(self) -> Generator[Session]:
        """A session that sees one state of the database."""
        with self._readers() as session:
            yield session

    @contextmanager
    def write(self) -> Generator[Session]:
        """A transaction: committed, durable and rung when the block ends, undone when it raises.

        One at a time in this process: event ids are then seen in the order they were given on every database, and SQLite has but
        one writer anyhow.
        """
        with self._writing, self._writers.begin() as session:
            yield session
        for listener in self.listeners:
            listener(session.info.get(TOLD, ()))
        self.bell.ring()

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()


def open_store(settings: Settings) -> Store:
    """The store that the settings name, its schema up to date.

    Raises:
        ConfigurationError, StoreDamaged, StoreUnreachable, BackupFailed: from :meth:`Store.upgrade`.
    """
    store = Store(settings.database_url, settings.data_dir)
    try:
        store.upgrade()
    except BaseException:
        store.close()
        raise
    return store
