"""The audit log: who changed what and when, each row chained to the one before it by SHA-256.

The database refuses to change or delete a row; whoever gets around that breaks the chain, and :func:`check` names the place.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import structlog
from pydantic import BaseModel
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from api.store.clock import now
from api.store.tables_people import AuditRow

if TYPE_CHECKING:
    from api.security import Principal

GENESIS = "0" * 64
"""What the first row is chained to."""
_LOCK = 0x6433_6175  # any number that nothing else in the database locks by
_PAGE = 1000

_log = structlog.get_logger(__name__)

Snapshot = BaseModel | dict[str, Any] | bytes | None


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes something."""

    name: str
    by: str
    """How they proved who they are: ``session``, ``key``, ``command`` (on the machine itself) or ``service``."""


COMMAND = Actor("command line", "command")
SERVICE = Actor("d3station", "service")


def record(session: Session, actor: Principal | Actor, action: str, target: str, *, before: Snapshot = None, after: Snapshot = None) -> AuditRow:
    """Add a change to the transaction that makes it.

    Args:
        session: a transaction of :meth:`api.store.store.Store.write`.
        actor: who is signed in, or an :class:`Actor` where nobody signed in.
        action: what was done, as ``thing.verb``, such as ``user.create``.
        target: what it was done to.
        before: what it was; none where it was not there. Only its digest is kept.
        after: what it is now; none where it is gone. Only its digest is kept.

    Returns:
        The row.
    """
    if session.get_bind().dialect.name == "postgresql":  # SQLite has one writer anyhow
        session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    last = session.scalar(select(AuditRow).order_by(AuditRow.sequence.desc()).limit(1))
    row = AuditRow(
        sequence=last.sequence + 1 if last else 1,
        moment=now(),
        actor=actor.name[:100],
        actor_kind=actor.by,
        action=action,
        target=target[:200],
        before_sha256=digest(before),
        after_sha256=digest(after),
        previous_sha256=last.sha256 if last else GENESIS,
    )
    row.sha256 = _hash_of(row)
    session.add(row)
    session.flush()
    # The log is a second witness: it tells of rows that were cut off the end of the chain.
    _log.info("changed", action=action, target=row.target, actor=row.actor, audit_sequence=row.sequence, audit_sha256=row.sha256)
    return row


def digest(snapshot: Snapshot) -> str | None:
    """SHA-256 of something as it was: of bytes as they are, of anything else as JSON with sorted keys."""
    if snapshot is None:
        return None
    if not isinstance(snapshot, bytes):
        plain = snapshot.model_dump(mode="json") if isinstance(snapshot, BaseModel) else snapshot
        snapshot = json.dumps(plain, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str).encode()
    return hashlib.sha256(snapshot).hexdigest()


def _hash_of(row: AuditRow) -> str:
    fields = {
        "sequence": row.sequence,
        "moment": row.moment.isoformat(timespec="microseconds"),
        "actor": row.actor,
        "actor_kind": row.actor_kind,
        "action": row.action,
        "target": row.target,
        "before_sha256": row.before_sha256,
        "after_sha256": row.after_sha256,
        "previous_sha256": row.previous_sha256,
    }
    digested = digest(fields)
    assert digested is not None
    return digested


@dataclass(frozen=True, slots=True)
class WantedRows:
    """Which rows of the log; none of a field means any."""

    actor: str | None = None
    action: str | None = None
    """One that ends with a dot stands for all that begin so."""
    target: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def page(session: Session, before: int | None, limit: int, wanted: WantedRows | None = None) -> tuple[list[AuditRow], int | None]:
    """A page of the log, newest first, and the cursor of the next one."""
    wanted = wanted or WantedRows()
    query = select(AuditRow).order_by(AuditRow.sequence.desc()).limit(limit + 1)
    if wanted.actor is not None:
        query = query.where(AuditRow.actor == wanted.actor)
    if wanted.action is not None:
        query = query.where(
            AuditRow.action.startswith(wanted.action, autoescape=True) if wanted.action.endswith(".") else AuditRow.action == wanted.action
        )
    if wanted.target is not None:
        query = query.where(AuditRow.target == wanted.target)
    if wanted.since is not None:
        query = query.where(AuditRow.moment >= wanted.since)
    if wanted.until is not None:
        query = query.where(AuditRow.moment < wanted.until)
    if before is not None:
        query = query.where(AuditRow.sequence < before)
    rows = list(session.scalars(query))
    return rows[:limit], rows[limit - 1].sequence if len(rows) > limit else None


@dataclass(frozen=True, slots=True)
class Chain:
    """What checking the chain found."""

    rows: int
    head_sha256: str
    """Hash of the last row; note it elsewhere, and rows cut off the end are missed."""
    broken: str | None
    """The first row that does not fit, and why; none where the chain holds."""


def check(session: Session) -> Chain:
    """Follow the chain from its first row to its last, or to the first one that does not fit."""
    previous, count = GENESIS, 0
    for row in _rows(session):
        if row.sequence != count + 1:
            return Chain(count, previous, f"row {count + 1} is missing")
        if row.previous_sha256 != previous:
            return Chain(count, previous, f"row {row.sequence} does not follow the row before it")
        if row.sha256 != _hash_of(row):
            return Chain(count, previous, f"row {row.sequence} was changed after it was written")
        previous, count = row.sha256, row.sequence
    return Chain(count, previous, None)


def _rows(session: Session) -> Iterator[AuditRow]:
    last = None
    while True:
        query = select(AuditRow).order_by(AuditRow.sequence).limit(_PAGE)
        found = list(session.scalars(query if last is None else query.where(AuditRow.sequence > last)))
        yield from found
        if len(found) < _PAGE:
            return
        last = found[-1].sequence
        session.expunge_all()
