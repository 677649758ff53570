"""``d3station serve``: the service."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.common import DATA_DIR, DataDirOption, RigOption, stderr
from rig_configs.errors import ConfigurationError, D3Error

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI

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
    """Serve the REST interface and the panel.

    Where the station cannot start, the panel and every route say why, until that is put right and the service restarted.
    """
    from api.composition import open_station
    from api.settings import Settings

    settings = Settings(data_dir=data_dir, database=database, station_name=station_name, host=host, port=port)
    try:
        opened = open_station(rig, data_dir, name=station_name, seed=seed)
    except D3Error as error:
        _tell_why(settings, error)
        return
    try:
        run(settings, opened)
    finally:
        opened.station.close()


def run(settings: Settings, opened: OpenStation, log: Path | None = None) -> None:
    """Serve until told to stop; prints a one-time sign-in link when the service listens.

    Args:
        settings: how the service is set up.
        opened: the station; closed at the end.
        log: file to log to; standard error when none is given.

    Raises:
        Conflict: the port is taken, or another service works in the data folder.
        ConfigurationError: the certificate cannot be used, or nobody has taken charge of a station that others could reach.
    """
    from api.accounts import Accounts
    from api.app import create_app
    from api.listening import address_of, listen, refuse_without_admin
    from api.log import configure_logging
    from api.rig_care import RigCare
    from api.schemas import Role
    from api.service_lock import ServiceLock
    from api.store.audit import SERVICE
    from api.store.backup import BackupFailed
    from api.store.database import StoreDamaged, StoreUnreachable
    from api.store.store import open_store

    configure_logging(log)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    try:
        # Also taken by the service itself for its whole life; here only for a plain word in place of uvicorn's traceback.
        with ServiceLock(settings.data_dir):
            store = open_store(settings)
    except (ConfigurationError, StoreDamaged, StoreUnreachable, BackupFailed) as error:
        opened.station.close()
        _tell_why(settings, error)
        return
    accounts = Accounts(store, settings.session_hours)
    refuse_without_admin(settings, accounts)
    listener = listen(settings)
    address = address_of(settings, listener)

    def tell() -> None:
        link = accounts.create_sign_in_link(Role.ADMIN, base_url=address, by=SERVICE)
        stderr.print(f"\nThe station listens on {address}. Sign in once with this link (15 minutes):\n\n  [bold]{link}[/bold]\n", soft_wrap=True)
        stderr.print("Ctrl-C stops it." + (f" Log: {log}" if log else ""), markup=False)

    care = RigCare(opened.station, opened.folder, settings.data_dir, settings.calibration_days)
    _run(settings, create_app(settings, opened.station, store=store, care=care), listener, tell)


def _tell_why(settings: Settings, error: D3Error) -> None:
    """Stay up and tell why the station cannot start."""
    from api.listening import address_of, listen
    from api.log import configure_logging
    from api.recovery import recovery_app

    configure_logging()
    listener = listen(settings)
    stderr.print(f"The station cannot start: {error.message}", style="bold red", markup=False, soft_wrap=True)
    stderr.print(f"{error.cure}  [{error.code}]", markup=False, soft_wrap=True)
    _run(
        settings,
        recovery_app(error),
        listener,
        lambda: stderr.print(f"{address_of(settings, listener)} tells so, too. Ctrl-C stops it.", markup=False),
    )


def _run(settings: Settings, app: FastAPI, listener: socket.socket, tell: Callable[[], None]) -> None:
    import uvicorn

    from api.listening import tls_options

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
    Server(config).run(sockets=[listener])
