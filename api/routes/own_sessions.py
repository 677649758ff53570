"""One's own sessions: where one is signed in, and ending what one does not know."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path

from api.accounts_sessions import end_session, sessions_of
from api.problems import documented
from api.schemas import Role
from api.schemas_people import OpenSession
from api.security import Principal, requires
from api.service import Serving

router = APIRouter(prefix="/me/sessions", tags=["sign-in"])

_ACCESS = documented(HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.SERVICE_UNAVAILABLE)

Caller = Annotated[Principal, requires(Role.OPERATOR, Role.MES)]
SessionId = Annotated[str, Path(description="Identity of the session.", pattern="^[0-9a-f]{16}$")]


@router.get("", responses=_ACCESS)
def list_own_sessions(caller: Caller, service: Serving) -> list[OpenSession]:
    """Where one is signed in, newest first; nothing for a key."""
    return sessions_of(service.store, caller)


@router.delete(
    "/{session_id}",
    status_code=HTTPStatus.NO_CONTENT,
    responses=_ACCESS | documented(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY),
)
def end_own_session(session_id: SessionId, caller: Caller, service: Serving) -> None:
    """End another of one's own sessions."""
    end_session(service.store, caller, session_id)
