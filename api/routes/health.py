"""Whether the process lives, and whether the station can work. Both say why not."""

from __future__ import annotations

import shutil
import tempfile
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Response
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from api.schemas import Health, Reason, StationState
from api.security import public
from api.service import Service, Serving
from rig_configs.errors import D3Error

router = APIRouter(tags=["health"])

FREE_BYTES = 500_000_000
"""Less free space than this is a problem: it is about ten inspections of the reference rig."""
_WORKING = {StationState.READY, StationState.SINGLE_EXECUTION}
_UNAVAILABLE: dict[int | str, dict[str, Any]] = {503: {"model": Health, "description": "Something is missing; says what."}}


@router.get("/healthz", dependencies=[public("supervisors ask it; it tells no more than that the process works")], responses=_UNAVAILABLE)
def get_health(service: Serving, response: Response) -> Health:
    """Whether the process lives. When not, restarting it helps."""
    problems: list[Reason] = []
    if not service.runner.is_alive:
        problems.append(Reason(code="service.fault", message="Nobody works through the queue.", cure="Restart the service; its log says why."))
    return _answer(problems, response)


@router.get("/readyz", dependencies=[public("supervisors and load balancers ask it; it names no part and no person")], responses=_UNAVAILABLE)
def get_readiness(service: Serving, response: Response) -> Health:
    """Whether the station can inspect: devices, model, database, disk. When not, a person has to do something."""
    return _answer([*_station(service), *_model(service), *_database(service), *_disk(service)], response)


def _answer(problems: list[Reason], response: Response) -> Health:
    response.headers["Cache-Control"] = "no-store"
    if problems:
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    return Health(status="unavailable" if problems else "ok", problems=problems)


def _station(service: Service) -> list[Reason]:
    state = service.station.state()
    if state.state in _WORKING:
        return []
    return [
        state.reason
        or Reason(code="device.unavailable", message=f"The station is {state.state.value}.", cure="Wait until it is Ready, or look at the rig.")
    ]


def _model(service: Service) -> list[Reason]:
    """The recipe that the station was changed over to has to have a model that can be read; where there is none, each trigger names its own."""
    try:
        current = service.station.models.current()
        if current is not None:
            service.station.models.model(current)
    except D3Error as error:
        return [Reason(code=error.code, message=error.message, cure=error.cure)]
    return []


def _database(service: Service) -> list[Reason]:
    try:
        with service.store.read() as session:
            session.execute(text("SELECT count(*) FROM alembic_version"))
    except SQLAlchemyError as error:
        return [Reason(code="store.failed", message=f"The database does not answer ({type(error).__name__}).", cure="Look at the service's log.")]
    return []


def _disk(service: Service) -> list[Reason]:
    folder = service.store.data_dir
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"d3station")
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return [Reason(code="store.failed", message=f"The data folder cannot be written ({error.strerror}).", cure="Check its disk and its rights.")]
    if free < FREE_BYTES:
        return [Reason(code="store.space", message=f"{free / 1e6:.0f} MB are free for results.", cure="Free space on the disk of the data folder.")]
    return []
