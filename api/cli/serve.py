"""``d3station serve``: the service."""

from __future__ import annotations

import socket
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from api.cli.common import DATA_DIR, DataDirOption, RigOption, stderr
from rig_configs.errors import ConfigurationError, D3Error

if TYPE_CHECKING:
    from collections.abc import Callable

    import uvicorn
    from fastapi import FastAPI

    from api.composition import OpenStation
    from api.settings import Settings

HostOption = Annotated[str, typer.Option(help="Address to listen on.")]
Started = TypeVar("Started")
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
    """Serve the REST interface and the panel.

    Where the station cannot start, the panel and every route say why, until that is put right and a try goes well.
    """
    from api.composition import open_station
    from api.settings import Settings

    settings = Settings(data_dir=data_dir, database=database, station_name=station_name, host=host, port=port)
    door = _Door(settings)
    opened = _started(door, lambda: open_station(rig, data_dir, name=station_name, seed=seed), D3Error)
    if opened is None:
        return
    try:
        run(settings, opened, door=door)
    finally:
        opened.station.close()


class _Door:
    """The listening socket, made when it is first needed and kept from one app to the next: who knocks in between waits."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @cached_property
    def listener(self) -> socket.socket:
        """The socket. Raises Conflict where the port is taken."""
        from api.listening import listen

        return listen(self.settings)

    @property
    def address(self) -> str:
        """How a browser on this machine reaches it."""
        from api.listening import address_of

        return address_of(self.settings, self.listener)


def run(settings: Settings, opened: OpenStation, log: Path | None = None, door: _Door | None = None) -> None:
    """Serve until told to stop; prints a one-time sign-in link when the service listens.

    Args:
        settings: how the service is set up.
        opened: the station; closed at the end.
        log: file to log to; standard error when none is given.
        door: where it listens, where somebody listened there already.

    Raises:
        Conflict: the port is taken, or another service works in the data folder.
        ConfigurationError: the certificate cannot be used, or nobody has taken charge of a station that others could reach.
    """
    from api.accounts import Accounts
    from api.app import create_app
    from api.listening import refuse_without_admin
    from api.log import configure_logging
    from api.rig_care import RigCare
    from api.schemas import Role
    from api.service_lock import ServiceLock
    from api.store.audit import SERVICE
    from api.store.backup import BackupFailed
    from api.store.database import StoreDamaged, StoreUnreachable
    from api.store.store import Store, open_store

    configure_logging(log)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    door = door or _Door(settings)

    def opened_store() -> Store:
        # Also taken by the service itself for its whole life; here for a plain word in place of uvicorn's traceback, and to wait for a restore.
        with ServiceLock(settings.data_dir):
            return open_store(settings)

    store = _started(door, opened_store, ConfigurationError, StoreDamaged, StoreUnreachable, BackupFailed)
    if store is None:
        opened.station.close()
        return
    accounts = Accounts(store, settings.session_hours)
    refuse_without_admin(settings, accounts)
    address = door.address

    def tell() -> None:
        link = accounts.create_sign_in_link(Role.ADMIN, base_url=address, by=SERVICE)
        stderr.print(f"\nThe station listens on {address}. Sign in once with this link (15 minutes):\n\n  [bold]{link}[/bold]\n", soft_wrap=True)
        stderr.print("Ctrl-C stops it." + (f" Log: {log}" if log else ""), markup=False)

    care = RigCare(opened.station, opened.folder, settings.data_dir, settings.calibration_days)
    _server(door, create_app(settings, opened.station, store=store, care=care), tell).run(sockets=[door.listener])


def _started(door: _Door, start: Callable[[], Started], *recoverable: type[D3Error]) -> Started | None:
    """What ``start`` gives; where it cannot, stay up, tell why, and try again when asked. None where the service is told to stop meanwhile."""
    from api.log import configure_logging
    from api.recovery import Recovery, recovery_app

    try:
        return start()
    except recoverable as error:
        recovery = Recovery(error, start)
        stderr.print(f"The station cannot start: {error.message}", style="bold red", markup=False, soft_wrap=True)
        stderr.print(f"{error.cure}  [{error.code}]", markup=False, soft_wrap=True)
    configure_logging()

    def leave() -> None:
        server.should_exit = True

    told = f"{door.address} tells so, too. Ctrl-C stops it."
    server = _server(door, recovery_app(recovery, leave), lambda: stderr.print(told, markup=False))
    server.run(sockets=[door.listener.dup()])  # the web server closes what it is given
    if recovery.started is not None:
        stderr.print("What was wrong is put right; the station starts.")
    return recovery.started


def _server(door: _Door, app: FastAPI, tell: Callable[[], None]) -> uvicorn.Server:
    """A web server of an app, as this service sets it up; ``tell`` is called when it listens."""
    import uvicorn

    from api.listening import tls_options

    settings = door.settings

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if not self.should_exit:  # else the service did not start, and has said why
                tell()

    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=5,
        server_header=False,
        http="h11",  # the one that bounds the size of headers
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies or None,
        **tls_options(settings),
    )
    return Server(config)
