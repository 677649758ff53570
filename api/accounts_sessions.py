"""The browsers that somebody is signed in with, for whoever wonders which those are."""

from __future__ import annotations

from sqlalchemy import ColumnElement, delete, select

from api.schemas_people import OpenSession
from api.security import Principal
from api.store import audit
from api.store.clock import now
from api.store.store import Store
from api.store.tables_people import SessionRow
from rig_configs.errors import Conflict, NotFound

_ID_CHARACTERS = 16
"""Of the digest of the session's secret: enough to tell sessions apart, and no way to the secret."""


def sessions_of(store: Store, principal: Principal) -> list[OpenSession]:
    """The caller's sessions that have not ended, newest first. Who signed in by a link has this one alone."""
    with store.read() as session:
        rows = session.scalars(select(SessionRow).where(*_own(principal)).order_by(SessionRow.created.desc())).all()
    return [
        OpenSession(
            id=row.token_sha256[:_ID_CHARACTERS], created=row.created, expires=row.expires, is_this=row.token_sha256 == principal.secret_sha256
        )
        for row in rows
    ]


def end_session(store: Store, principal: Principal, session_id: str) -> None:
    """End another of the caller's sessions.

    Raises:
        NotFound: the caller has no such session.
        Conflict: it is the one that asks.
    """
    with store.write() as session:
        found = session.scalars(select(SessionRow).where(*_own(principal), SessionRow.token_sha256.startswith(session_id))).one_or_none()
        if found is None:
            raise NotFound("There is no such session.", cure="It may have ended; read the list again.", detail="session")
        if found.token_sha256 == principal.secret_sha256:
            raise Conflict("This is the session that asks.", cure="Sign out instead.", detail="own_session")
        session.execute(delete(SessionRow).where(SessionRow.token_sha256 == found.token_sha256))
        audit.record(session, principal, "session.end", principal.name, before={"session": session_id})


def _own(principal: Principal) -> tuple[ColumnElement[bool], ...]:
    whose = SessionRow.token_sha256 == principal.secret_sha256 if principal.user_id is None else SessionRow.user_id == principal.user_id
    return whose, SessionRow.expires > now()
