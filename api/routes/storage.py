"""How much room there is for results, what goes when, and what lies on the disk that nobody knows."""

from __future__ import annotations

from http import HTTPStatus
from itertools import groupby
from typing import Annotated

from fastapi import APIRouter, Response
from sqlalchemy import func, select

from api.problems import documented
from api.schemas import Role
from api.schemas_recipes import Task, TaskKind, TaskResult
from api.schemas_storage import GoingFiles, RetentionPreview, Storage
from api.security import Principal, requires
from api.service import Serving
from api.store import audit
from api.store.inspections import API
from api.store.tables import InspectionRow
from api.tasks import Handle

router = APIRouter(tags=["station"])

_ACCESS = documented(HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.SERVICE_UNAVAILABLE)
_MOST_ORPHANS = 100

Engineer = Annotated[Principal, requires(Role.ENGINEER)]
Admin = Annotated[Principal, requires(Role.ADMIN)]


@router.get("/rig/storage", responses=_ACCESS)
def get_storage(_caller: Engineer, service: Serving) -> Storage:
    """How much room there is for results."""
    kept = InspectionRow.kept_bytes > 0
    with service.store.read() as session:
        count, size = session.execute(select(func.count(), func.coalesce(func.sum(InspectionRow.kept_bytes), 0)).where(kept)).one()
        pinned = session.scalar(select(func.count()).select_from(InspectionRow).where(kept, InspectionRow.is_pinned)) or 0
    settings = service.settings
    return Storage(
        free_bytes=service.retention.free_bytes,
        total_bytes=service.retention.total_bytes,
        reserve_bytes=settings.reserve_bytes,
        inspections_with_files=count,
        pinned=pinned,
        kept_bytes=size,
        keep_days=settings.keep_days,
        keep_days_not_ok=settings.keep_days_not_ok,
        keep_count=settings.keep_count,
        orphans=service.runner.orphans[:_MOST_ORPHANS],
    )


@router.get("/rig/retention", responses=_ACCESS)
def preview_retention(_caller: Engineer, service: Serving) -> RetentionPreview:
    """What would be removed now, and by which rule; nothing is removed."""
    going: list[GoingFiles] = []
    for why, found in groupby(service.retention.would_go(), lambda pair: pair[1]):
        rows = [row for row, _ in found]
        created = [row.created for row in rows]
        size = sum(row.kept_bytes for row in rows)
        going.append(GoingFiles(why=why, inspections=len(rows), size_bytes=size, oldest=min(created), newest=max(created)))
    return RetentionPreview(going=going, inspections=sum(one.inspections for one in going), size_bytes=sum(one.size_bytes for one in going))


@router.post("/rig/retention", status_code=HTTPStatus.ACCEPTED, responses=_ACCESS | documented(HTTPStatus.CONFLICT))
def run_retention(caller: Admin, service: Serving, response: Response) -> Task:
    """Remove now what the rules let go, which the service otherwise does every ten minutes. Records stay."""

    def work(handle: Handle) -> TaskResult:
        wanted, gone = max(sum(1 for _ in service.retention.would_go()), 1), 0

        def told() -> None:
            nonlocal gone
            gone += 1
            handle.progress(min(gone / wanted, 1.0), f"removed the files of {gone} of {wanted} inspections")

        removed = service.retention.sweep(told, handle.cancelled)
        with service.store.write() as session:
            audit.record(session, caller, "retention.run", "files", after={"inspections": removed})
        return TaskResult(removed=removed)

    task = service.tasks.start(TaskKind.RETENTION, "", caller.name, work)
    response.headers["Location"] = f"{API}/tasks/{task.id}"
    return task
