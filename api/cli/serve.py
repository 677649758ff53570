"""``d3station serve``: the service."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.common import DATA_DIR, DataDirOption, RigOption, stderr
from rig_configs.errors import Conflict

if TYPE_CHECKING:
    from api.composition import OpenStation
    from api.settings import Settings

HostOption = Annotated[str, typer.Option(help="Address to listen on.")]
PortOption = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")]


def serve(
    rig: RigOption = "demo",
    database: Annotated[str | None, typer.Option(envvar="D3STATION_DATABASE", help="SQLAlchemy URL; SQLite in the data folder by default.")] = None,
    data_dir: DataDirOption = DATA_DIR,
    station_name: Annotated[str, typer.Option(envvar="D3STATION_STATION_NAME", help="Name of the station.")] = "station-1",
    host: HostOption = "127.0.0.1",
    port: PortOption = 8000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of a simulated rig's parts and noise.")] = 0,
) -> None:
    """Serve the REST interface and the panel."""
    from api.composition import open_station
    from api.settings import Settings

    settings = Settings(data_dir=data_dir, database=database, station_name=station_name, host=host, port=port)
    run(settings, open_station(rig, data_dir, name=station_name, seed=seed))


def run(settings: Settings, opened: OpenStation, log: Path | None = None) -> None:
    """Serve until told to stop; prints a one-time sign-in link when the service listens.

    Args:
        settings: how the service is set up.
        opened: the station; closed at the end.
        log: file to log to; standard error when none is given.

    Raises:
        Conflict: the port is taken, or another service works in the data folder.
    """
    import uvicorn

    from api.accounts import Accounts
    from api.app import create_app
    from api.log import configure_logging
    from api.schemas import Role
    from api.service_lock import ServiceLock
    from api.store.store import open_store

    configure_logging(log)
    # Also taken by the service itself for its whole life; here only for a plain word in place of uvicorn's traceback.
    with ServiceLock(settings.data_dir):
        listener = _listen(settings)
    address = f"http://{settings.host if settings.host != '0.0.0.0' else '127.0.0.1'}:{listener.getsockname()[1]}"  # noqa: S104 - compared, not bound
    store = open_store(settings)
    app = create_app(settings, opened.station, store=store)

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.should_exit:  # the service did not start, and has said why
                return
            link = Accounts(store, settings.session_hours).create_sign_in_link(Role.ADMIN, base_url=address)
            stderr.print(f"\nThe station listens on {address}. Sign in once with this link (15 minutes):\n\n  [bold]{link}[/bold]\n", soft_wrap=True)
            stderr.print("Ctrl-C stops it." + (f" Log: {log}" if log else ""), markup=False)

    Server(uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=5)).run(sockets=[listener])


def _listen(settings: Settings) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(128)
    except OSError as cause:
        listener.close()
        raise Conflict(
            f"Cannot listen on {settings.host}:{settings.port}: {cause.strerror}.",
            cure="Stop what listens there, or choose another port: --port 8001",
            detail="port",
        ) from cause
    return listener
