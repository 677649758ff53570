"""A service around a fake station, on a real socket."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fake_station import FakeStation
from fastapi import FastAPI
from postgresql import Postgresql

from api.app import create_app
from api.log import configure_logging
from api.schemas import Role
from api.service import Service
from api.settings import Settings

configure_logging()


@pytest.fixture
def fake() -> FakeStation:
    return FakeStation()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests marked ``both_databases`` run on SQLite and on PostgreSQL; all others on SQLite."""
    if "database" in metafunc.fixturenames and metafunc.definition.get_closest_marker("both_databases"):
        metafunc.parametrize("database", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Postgresql]:
    server = Postgresql()
    yield server
    server.stop()


@pytest.fixture
def database(request: pytest.FixtureRequest) -> str | None:
    """URL of the database; none for SQLite in the data folder."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return None
    return request.getfixturevalue("postgresql").new_database()


@pytest.fixture
def settings(tmp_path: Path, database: str | None) -> Settings:
    return Settings(data_dir=tmp_path / "data", database=database, station_name="cell 7", queue_limit=3)


@pytest.fixture
def app(settings: Settings, fake: FakeStation, tmp_path: Path) -> Iterator[FastAPI]:
    app = create_app(settings, fake, panel_dist=tmp_path / "no panel")
    yield app
    app.state.service.store.close()


@pytest.fixture
def service(app: FastAPI) -> Service:
    return app.state.service


@contextmanager
def serving(app: FastAPI, **options: Any) -> Generator[str]:
    """The app on a socket of its own; gives its address."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", timeout_graceful_shutdown=2, **options))
    started = threading.Event()
    startup = server.startup

    async def startup_and_tell(sockets: list | None = None) -> None:
        try:
            await startup(sockets)
        finally:
            started.set()

    server.startup = startup_and_tell
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert started.wait(20)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()


@pytest.fixture
def url(app: FastAPI, fake: FakeStation) -> Iterator[str]:
    """Address of the running service."""
    with serving(app) as address:
        yield address
        fake.gate.set()


Client = Callable[..., httpx.Client]


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    """Makes callers of the running service (no TLS here, so no time is spent on loading certificates)."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(httpx.Client(base_url=url, timeout=40, verify=False, **options))


@pytest.fixture
def anonymous(client: Client) -> httpx.Client:
    """A caller without credentials."""
    return client()


As = Callable[[Role], httpx.Client]


@pytest.fixture
def as_role(client: Client, service: Service) -> As:
    """Makes callers with a key of a role."""
    return lambda role: client(headers={"Authorization": f"Bearer {service.accounts.create_key(role.value, role)}"})


@pytest.fixture
def operator(as_role: As) -> httpx.Client:
    return as_role(Role.OPERATOR)


@pytest.fixture
def mes(as_role: As) -> httpx.Client:
    return as_role(Role.MES)


@pytest.fixture
def browser(client: Client, service: Service, url: str) -> httpx.Client:
    """A browser that has opened an operator's sign-in link."""
    browser = client(headers={"Origin": url})
    assert browser.post("/api/v1/sessions", json={"token": service.accounts.create_sign_in_token(Role.OPERATOR)}).status_code == 201
    return browser
