"""Who changed what."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query

from api.problems import documented
from api.schemas import Role
from api.schemas_people import AuditEntry, AuditPage
from api.security import Principal, requires
from api.service import Serving
from api.store import audit

router = APIRouter(tags=["people"])


@router.get(
    "/audit",
    responses=documented(HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE),
)
def list_changes(
    _caller: Annotated[Principal, requires(Role.ADMIN)],
    service: Serving,
    cursor: Annotated[str | None, Query(pattern=r"^[0-9]{1,18}$", description="'next_cursor' of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=200, description="Lines on a page.")] = 50,
) -> AuditPage:
    """Every change, newest first. Each entry is chained to the one before it; `d3station db check` follows the chain."""
    with service.store.read() as session:
        rows, following = audit.page(session, int(cursor) if cursor else None, limit)
    entries = [AuditEntry.model_validate({name: getattr(row, name) for name in AuditEntry.model_fields}) for row in rows]
    return AuditPage(items=entries, next_cursor=None if following is None else str(following))
