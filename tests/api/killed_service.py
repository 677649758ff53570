"""The service around the fake station, in a process that is forked from one which has everything loaded: to be killed many times."""

from __future__ import annotations

from multiprocessing.connection import Connection

import uvicorn
from fake_station import FakeStation

from api.app import create_app
from api.schemas import Role
from api.settings import Settings


class TellingServer(uvicorn.Server):
    """Tells where it listens, and a key that opens it."""

    def __init__(self, config: uvicorn.Config, told: Connection, key: str) -> None:
        super().__init__(config)
        self._told = told
        self._key = key

    async def startup(self, sockets: list | None = None) -> None:
        await super().startup(sockets)
        self._told.send((self.servers[0].sockets[0].getsockname()[1], self._key))


def serve(settings: Settings, life: int, told: Connection) -> None:
    """Serve until killed."""
    app = create_app(settings, FakeStation())
    service = app.state.service
    service.store.upgrade()
    key = service.accounts.create_key(f"life {life}", Role.ADMIN)
    TellingServer(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", log_config=None), told, key).run()
