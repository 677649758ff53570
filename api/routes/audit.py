"""Who changed what: by pages, as a table, and whether the chain holds."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse

from api.csv_export import cell
from api.problems import documented
from api.routes.moments import Moment
from api.schemas import PRINTABLE, Role
from api.schemas_people import AuditChain, AuditEntry, AuditPage
from api.security import Principal, requires
from api.service import Serving
from api.store import audit
from api.store.audit import WantedRows
from api.store.store import Store

router = APIRouter(tags=["people"])

_ACCESS = documented(HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE)
_PAGE = 500

Admin = Annotated[Principal, requires(Role.ADMIN)]


def wanted_rows(
    actor: Annotated[str | None, Query(max_length=100, pattern=PRINTABLE, description="Only what this user, link or key did.")] = None,
    action: Annotated[
        str | None, Query(max_length=60, pattern=r"^[a-z_.]+$", description="Only this action, such as user.create; 'user.' for all that begin so.")
    ] = None,
    target: Annotated[str | None, Query(max_length=200, pattern=PRINTABLE, description="Only what was done to this.")] = None,
    since: Annotated[Moment | None, Query(alias="from", description="Only at or after this (with time zone).")] = None,
    until: Annotated[Moment | None, Query(alias="to", description="Only before this (with time zone).")] = None,
) -> WantedRows:
    """The filters of the log, for a route to depend on."""
    return WantedRows(actor, action, target, since, until)


Wanted = Annotated[WantedRows, Depends(wanted_rows)]


@router.get("/audit", responses=_ACCESS)
def list_changes(
    _caller: Admin,
    service: Serving,
    wanted: Wanted,
    cursor: Annotated[str | None, Query(pattern=r"^[0-9]{1,18}$", description="'next_cursor' of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=200, description="Lines on a page.")] = 50,
) -> AuditPage:
    """Every change, newest first. Each entry is chained to the one before it; `/audit/check` follows the chain."""
    with service.store.read() as session:
        rows, following = audit.page(session, int(cursor) if cursor else None, limit, wanted)
    return AuditPage(items=[_entry(row) for row in rows], next_cursor=None if following is None else str(following))


@router.get(
    "/audit.csv",
    response_class=StreamingResponse,
    responses=_ACCESS | {200: {"description": "The log.", "content": {"text/csv": {"schema": {"type": "string"}}}}},
)
def export_changes(_caller: Admin, service: Serving, wanted: Wanted) -> StreamingResponse:
    """The log as a table, newest first, with the digests that chain it."""
    headers = {"Content-Disposition": 'attachment; filename="audit.csv"'}
    return StreamingResponse(_lines(service.store, wanted), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/audit/check", responses=_ACCESS)
def check_audit(_caller: Admin, service: Serving) -> AuditChain:
    """Follow the chain from the first entry to the last. Note the last digest elsewhere, and entries cut off the end are missed."""
    with service.store.read() as session:
        chain = audit.check(session)
    return AuditChain(entries=chain.rows, head_sha256=chain.head_sha256, holds=chain.broken is None, broken=chain.broken)


def _lines(store: Store, wanted: WantedRows) -> Iterator[str]:
    yield _text([list(AuditEntry.model_fields)])
    before: int | None = None
    while True:
        with store.read() as session:
            rows, before = audit.page(session, before, _PAGE, wanted)
        yield _text([[cell(value) for _, value in _entry(row)] for row in rows])
        if before is None:
            return


def _text(rows: list[list[object]] | list[list[str]]) -> str:
    file = io.StringIO()
    csv.writer(file).writerows(rows)
    return file.getvalue()


def _entry(row: audit.AuditRow) -> AuditEntry:
    return AuditEntry.model_validate({name: getattr(row, name) for name in AuditEntry.model_fields})
