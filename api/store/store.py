"""The station's memory: the database and the folder of artifacts."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from api.events import Bell
from api.settings import Settings
from api.store.artifacts import ArtifactFolders
from api.store.database import WRITES, make_engine, upgrade


class Store:
    """Reads and writes the database; rings the bell after each write.

    Args:
        database_url: SQLAlchemy URL.
        data_dir: folder for everything that is a file; made when missing.
    """

    def __init__(self, database_url: str, data_dir: Path) -> None:
        data_dir.mkdir(parents=True, exist_ok=True)
        self.data_dir = data_dir
        self.artifacts = ArtifactFolders(data_dir / "artifacts")
        self.bell = Bell()
        self.engine = make_engine(database_url)
        self._readers = sessionmaker(self.engine, expire_on_commit=False)
        self._writers = sessionmaker(self.engine.execution_options(**{WRITES: True}), expire_on_commit=False)
        self._writing = threading.Lock()

    def upgrade(self) -> None:
        """Bring the database to this program's schema.

        Raises:
            ConfigurationError: the database is of a newer program.
        """
        upgrade(self.engine)

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
        self.bell.ring()

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()


def open_store(settings: Settings) -> Store:
    """The store that the settings name, its schema up to date.

    Raises:
        ConfigurationError: the database is of a newer program.
    """
    store = Store(settings.database_url, settings.data_dir)
    store.upgrade()
    return store
