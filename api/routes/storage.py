"""How much room there is for results, and what lies on the disk that nobody knows."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field
from sqlalchemy import func, select

from api.problems import documented
from api.schemas import Role, Schema
from api.security import Principal, requires
from api.service import Serving
from api.store.tables import InspectionRow

router = APIRouter(tags=["station"])

_ACCESS = documented(HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.SERVICE_UNAVAILABLE)
_MOST_ORPHANS = 100

Engineer = Annotated[Principal, requires(Role.ENGINEER)]


class Storage(Schema):
    """The disk of the data folder."""

    free_bytes: int = Field(description="Free space, bytes.")
    reserve_bytes: int = Field(description="Space that results leave free, bytes; below it inspections are refused with 507.")
    inspections_with_files: int = Field(description="Inspections whose files are kept.")
    kept_bytes: int = Field(description="What those files take, bytes.")
    orphans: list[str] = Field(description="Folders that belonged to no inspection when the service started; the first hundred. They are left alone.")


@router.get("/rig/storage", responses=_ACCESS)
def get_storage(_caller: Engineer, service: Serving) -> Storage:
    """How much room there is for results."""
    query = select(func.count(), func.coalesce(func.sum(InspectionRow.kept_bytes), 0)).where(InspectionRow.kept_bytes > 0)
    with service.store.read() as session:
        count, kept = session.execute(query).one()
    return Storage(
        free_bytes=service.retention.free_bytes,
        reserve_bytes=service.settings.reserve_bytes,
        inspections_with_files=count,
        kept_bytes=kept,
        orphans=service.runner.orphans[:_MOST_ORPHANS],
    )
