"""Ask for inspections, follow them, look at what they found."""

from __future__ import annotations

import re
from dataclasses import replace
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse

from api.problems import IdempotencyMissing, documented
from api.routes.history import Wanted
from api.schemas import Inspection, InspectionPage, InspectionRequest, InspectionState, Role
from api.security import Principal, requires
from api.service import Service, Serving
from api.store import inspections
from api.waiting import finished
from rig_configs.errors import NotFound

router = APIRouter(prefix="/inspections", tags=["inspections"])

MAX_WAIT_S = 60
_EVERYBODY = requires(Role.OPERATOR, Role.MES)
ACCESS = documented(HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE)
_LOCATION = {"Location": {"description": "Where the inspection is found.", "schema": {"type": "string"}}}

InspectionId = Annotated[str, Path(description="Identity of the inspection.", max_length=100)]
Caller = Annotated[Principal, _EVERYBODY]


@router.post(
    "",
    status_code=HTTPStatus.ACCEPTED,
    responses=ACCESS
    | documented(HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.INSUFFICIENT_STORAGE)
    | {
        200: {"model": Inspection, "description": "Finished: the verdict is here.", "headers": _LOCATION},
        202: {"description": "Accepted and stored; not finished yet.", "headers": _LOCATION},
    },
)
async def create_inspection(
    wanted: InspectionRequest,
    caller: Caller,
    service: Serving,
    response: Response,
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=200,
            pattern=r"^[\x21-\x7e]+$",
            description="Names this request; sent again with the same key, it gives the same inspection. Machines must send one.",
        ),
    ] = None,
    prefer: Annotated[
        str | None, Header(max_length=200, description="'wait=N': answer when the verdict is there, or after N seconds, at most 60.")
    ] = None,
) -> Inspection:
    """Ask for the part on the rig to be inspected.

    The inspection is stored before this answers. 202 means it waits or runs: follow it by its Location, or by /events.
    """
    if caller.role is Role.MES and idempotency_key is None:
        raise IdempotencyMissing(
            "A machine has to name its request with an Idempotency-Key.",
            cure="Send a new unique key with each part, and the same key when repeating.",
        )
    inspection, _ = await run_in_threadpool(service.runner.submit, wanted, caller, idempotency_key)
    wait_s = _wait_of(prefer)
    if wait_s is not None:
        response.headers["Preference-Applied"] = f"wait={wait_s}"
        inspection = await finished(service.store, inspection.id, wait_s)
    response.headers["Location"] = inspections.inspection_url(inspection.id)
    response.status_code = HTTPStatus.OK if inspection.state is InspectionState.FINISHED else HTTPStatus.ACCEPTED
    return inspection


@router.get("", responses=ACCESS)
def list_inspections(
    _caller: Caller,
    service: Serving,
    wanted: Wanted,
    cursor: Annotated[str | None, Query(pattern=r"^[0-9]{1,18}$", description="'next_cursor' of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=200, description="Lines on a page.")] = 50,
) -> InspectionPage:
    """The history, newest first."""
    with service.store.read() as session:
        return inspections.page(session, replace(wanted, before=int(cursor) if cursor else None, limit=limit))


@router.get("/{inspection_id}", responses=ACCESS | documented(HTTPStatus.NOT_FOUND))
def get_inspection(inspection_id: InspectionId, _caller: Caller, service: Serving) -> Inspection:
    """The whole record of an inspection."""
    return _get(service, inspection_id)


@router.get(
    "/{inspection_id}/artifacts/{name}",
    response_class=FileResponse,
    responses=ACCESS
    | documented(HTTPStatus.NOT_FOUND)
    | {
        200: {"description": "The file.", "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}},
        304: {"description": "The caller has it already."},
    },
)
def get_artifact(
    inspection_id: InspectionId,
    name: Annotated[str, Path(description="Name of the file.", max_length=100)],
    request: Request,
    _caller: Caller,
    service: Serving,
) -> Response:
    """A file kept with an inspection. It never changes, so it may be kept for good."""
    inspection = _get(service, inspection_id)
    artifact = next((a for a in inspection.artifacts if a.name == name), None)
    if artifact is None:
        raise NotFound("This inspection has no file of this name.", cure="GET the inspection: it lists its artifacts.", detail="artifact")
    headers = {"ETag": f'"{artifact.sha256}"', "Cache-Control": "private, max-age=31536000, immutable"}
    if artifact.sha256 in request.headers.get("if-none-match", ""):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    path = service.store.artifacts.path(inspection.created, inspection.id, name)
    return FileResponse(path, media_type=artifact.media_type, headers=headers)


@router.post("/{inspection_id}/cancel", status_code=HTTPStatus.ACCEPTED, responses=ACCESS | documented(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT))
def cancel_inspection(inspection_id: InspectionId, caller: Caller, service: Serving) -> Inspection:
    """Give an inspection up. It ends NotDecidable, code job.cancelled: a waiting one now, a running one at its next frame."""
    return service.runner.cancel(inspection_id, caller)


def _get(service: Service, inspection_id: str) -> Inspection:
    with service.store.read() as session:
        return inspections.inspection_of(inspections.get(session, inspection_id))


def _wait_of(prefer: str | None) -> int | None:
    """Seconds of a ``Prefer: wait=N``; other preferences are none of ours (RFC 7240: ignore them)."""
    found = re.search(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,6})\"?(?=$|[,;\s])", prefer or "", re.IGNORECASE)
    return min(int(found[1]), MAX_WAIT_S) if found else None
