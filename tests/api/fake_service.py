"""The service around the fake station, in a process of its own, to be killed. Arguments: data folder, whether inspections hang."""

from __future__ import annotations

import sys
from pathlib import Path

import uvicorn
from fake_station import FakeStation

from api.app import create_app
from api.schemas import Role
from api.settings import Settings
from api.store.store import open_store


class TellingServer(uvicorn.Server):
    """Says where it listens, once it does."""

    async def startup(self, sockets: list | None = None) -> None:
        await super().startup(sockets)
        print(self.servers[0].sockets[0].getsockname()[1], flush=True)


settings = Settings(data_dir=Path(sys.argv[1]))
station = FakeStation()
if sys.argv[2] == "hang":
    station.gate.clear()
store = open_store(settings)
app = create_app(settings, station, store=store)
print(app.state.service.accounts.create_sign_in_token(Role.OPERATOR), flush=True)
TellingServer(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", log_config=None)).run()
