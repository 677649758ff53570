"""Backups of the database: made now, listed, looked into, taken away. Putting one back is a command, for the service must be stopped."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Response
from fastapi.responses import FileResponse

from api.backups import NAME, backup_file, backups, look_into
from api.problems import documented
from api.schemas import Role
from api.schemas_recipes import Task, TaskKind, TaskResult
from api.schemas_storage import Backup, BackupCheck
from api.security import Principal, requires
from api.service import Serving
from api.store import audit
from api.store.backup import backup
from api.store.inspections import API
from api.tasks import Handle
from rig_configs.errors import Cancelled

router = APIRouter(prefix="/backups", tags=["station"])

_ACCESS = documented(HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.SERVICE_UNAVAILABLE)
_FOUND = _ACCESS | documented(HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY)
_COPYING = 0.7
"""Share of a backup's time that is copying; the rest is checking the copy."""

Admin = Annotated[Principal, requires(Role.ADMIN)]
BackupNamed = Annotated[str, Path(description="Name of the backup.", max_length=160, pattern=NAME.pattern)]


@router.get("", responses=_ACCESS)
def list_backups(_caller: Admin, service: Serving) -> list[Backup]:
    """The backups in the data folder, newest first."""
    return backups(service.store.data_dir)


@router.post("", status_code=HTTPStatus.ACCEPTED, responses=_ACCESS | documented(HTTPStatus.CONFLICT))
def create_backup(caller: Admin, service: Serving, response: Response) -> Task:
    """Back the database up now, while the service goes on working. Pictures and models are files beside it, and are not in it."""

    def work(handle: Handle) -> TaskResult:
        def watch(share: float) -> None:
            handle.progress(_COPYING * share, "copies the database" if share < 1 else "checks the copy")
            if handle.cancelled():
                raise Cancelled("The backup was stopped.", cure="Start it again when wanted; nothing is left of it.")

        made = backup(service.store.database_url, service.store.data_dir, watch=watch)
        with service.store.write() as session:
            audit.record(session, caller, "backup.create", made.name, after={"bytes": made.stat().st_size})
        return TaskResult(backup=made.name)

    task = service.tasks.start(TaskKind.BACKUP, "", caller.name, work)
    response.headers["Location"] = f"{API}/tasks/{task.id}"
    return task


@router.get("/{name}/check", responses=_FOUND)
def check_backup(name: BackupNamed, _caller: Admin, service: Serving) -> BackupCheck:
    """Whether a backup is whole and could be put back."""
    return look_into(backup_file(service.store.data_dir, name))


@router.get(
    "/{name}",
    response_class=FileResponse,
    responses=_FOUND
    | {200: {"description": "The backup.", "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}},
)
def get_backup(name: BackupNamed, caller: Admin, service: Serving) -> FileResponse:
    """A backup, to be kept elsewhere. Who takes it is written down: it holds everything, digests of passwords too."""
    path = backup_file(service.store.data_dir, name)
    with service.store.write() as session:
        audit.record(session, caller, "backup.take", name)
    return FileResponse(path, media_type="application/octet-stream", filename=name)
