"""Inspections in the database: rows to schemas, the queue, the history, the counts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session, object_session

from api.outcome import Outcome
from api.schemas import Counts, Evaluation, Inspection, InspectionPage, InspectionState, InspectionSummary, Reason
from api.store import tallies
from api.store.clock import now
from api.store.tables import InspectionRow
from rig_configs.errors import NotFound

API = "/api/v1"
THUMBNAIL = "thumbnail.jpg"
_DETAILS = (
    "deadline",
    "reviews",
    "files_removed",
    "banks",
    "regions",
    "timings",
    "provenance",
    "width_px",
    "height_px",
    "pixel_pitch_mm",
)


def inspection_url(inspection_id: str) -> str:
    """Where an inspection is found."""
    return f"{API}/inspections/{inspection_id}"


def summary_of(row: InspectionRow) -> InspectionSummary:
    """A row as a line of the history."""
    return InspectionSummary.model_validate(_summary_fields(row))


def inspection_of(row: InspectionRow) -> Inspection:
    """A row as the whole record."""
    base = inspection_url(row.id) + "/artifacts/"
    return Inspection.model_validate(
        _summary_fields(row)
        | {name: getattr(row, name) for name in _DETAILS}
        | {"artifacts": [artifact | {"url": base + artifact["name"]} for artifact in row.artifacts]}
    )


def _summary_fields(row: InspectionRow) -> dict[str, Any]:
    fields: dict[str, Any] = {name: getattr(row, name) for name in InspectionSummary.model_fields if name != "thumbnail_url"}
    has_thumbnail = any(artifact["name"] == THUMBNAIL for artifact in row.artifacts)
    return fields | {"thumbnail_url": f"{inspection_url(row.id)}/artifacts/{THUMBNAIL}" if has_thumbnail else None}


def get(session: Session, inspection_id: str) -> InspectionRow:
    """One inspection.

    Raises:
        NotFound: there is none of this identity.
    """
    row = session.scalar(select(InspectionRow).where(InspectionRow.id == inspection_id))
    if row is None:
        raise NotFound("There is no inspection of this identity.", cure="Look it up in the history: GET /api/v1/inspections.", detail="inspection")
    return row


def known(session: Session, ids: Sequence[str]) -> set[str]:
    """Which of these inspections exist."""
    return set(session.scalars(select(InspectionRow.id).where(InspectionRow.id.in_(ids))))


def queued(session: Session) -> int:
    """How many inspections wait."""
    return session.scalar(select(func.count()).where(InspectionRow.state == InspectionState.QUEUED)) or 0


def next_queued(session: Session) -> InspectionRow | None:
    """The inspection that has waited longest."""
    return session.scalar(select(InspectionRow).where(InspectionRow.state == InspectionState.QUEUED).order_by(InspectionRow.sequence).limit(1))


def unfinished(session: Session) -> Sequence[InspectionRow]:
    """All inspections that wait or run, oldest first."""
    states = (InspectionState.QUEUED, InspectionState.RUNNING)
    return session.scalars(select(InspectionRow).where(InspectionRow.state.in_(states)).order_by(InspectionRow.sequence)).all()


def last_created(session: Session) -> datetime | None:
    """When the newest inspection was asked for."""
    return session.scalar(select(InspectionRow.created).order_by(InspectionRow.sequence.desc()).limit(1))


def finish(row: InspectionRow, outcome: Outcome, artifacts: list[dict[str, Any]]) -> None:
    """Write a verdict into its row.

    Raises:
        ValueError: the outcome contradicts itself or holds numbers that are none; nothing is changed.
    """
    undecided = outcome.evaluation is Evaluation.NOT_DECIDABLE
    if outcome.evaluation is Evaluation.UNDEFINED or undecided != (outcome.reason is not None):
        raise ValueError(f"an outcome of evaluation {outcome.evaluation} with reason {outcome.reason}")
    fields: dict[str, Any] = {
        "score": outcome.score,
        "threshold": outcome.threshold,
        "banks": [bank.model_dump(mode="json") for bank in outcome.banks],
        "regions": [region.model_dump(mode="json") for region in outcome.regions],
        "timings": outcome.timings.model_dump(mode="json"),
        "provenance": outcome.provenance.model_dump(mode="json"),
        "model_id": outcome.provenance.model_id,
        "recipe_version": outcome.provenance.recipe_version,
        "is_simulated": outcome.is_simulated,
        "width_px": outcome.width_px,
        "height_px": outcome.height_px,
        "pixel_pitch_mm": outcome.pixel_pitch_mm,
    }
    json.dumps(fields, allow_nan=False)
    for name, value in fields.items():
        setattr(row, name, value)
    row.artifacts = artifacts
    row.kept_bytes = sum(artifact["size_bytes"] for artifact in artifacts)
    _close(row, outcome.evaluation, outcome.reason)


def finish_undecided(row: InspectionRow, reason: Reason) -> None:
    """End an inspection that came to no verdict."""
    _close(row, Evaluation.NOT_DECIDABLE, reason)


def _close(row: InspectionRow, evaluation: Evaluation, reason: Reason | None) -> None:
    row.state = InspectionState.FINISHED
    row.stage = None
    row.evaluation = evaluation
    row.reason = reason.model_dump(mode="json") if reason else None
    row.finished = now()
    tallies.describe(row)
    session = object_session(row)
    assert session is not None
    session.flush()
    tallies.count(session, row)


@dataclass(frozen=True, slots=True)
class History:
    """What of the history is wanted; none means any."""

    serial: str | None = None
    lot: str | None = None
    recipe: str | None = None
    evaluation: Evaluation | None = None
    since: datetime | None = None
    """Asked for at or after this."""
    until: datetime | None = None
    """Asked for before this."""
    before: int | None = None
    """Cursor: only what was accepted before this sequence number."""
    limit: int = 50
    order: str | None = None
    is_reviewed: bool | None = None


def page(session: Session, wanted: History) -> InspectionPage:
    """A page of the history, newest first."""
    rows = session.scalars(history(session, wanted).limit(wanted.limit + 1)).all()
    more = len(rows) > wanted.limit
    rows = rows[: wanted.limit]
    return InspectionPage(items=[summary_of(row) for row in rows], next_cursor=str(rows[-1].sequence) if more else None)


def history(session: Session, wanted: History) -> Select[InspectionRow]:
    """The inspections that are wanted, newest first, as a query that an index answers in order.

    The time an inspection is asked for never falls from one to the next, so a span of time is a span of the sequence.
    """
    query = select(InspectionRow).order_by(InspectionRow.sequence.desc())
    for column, value in (
        (InspectionRow.serial, wanted.serial),
        (InspectionRow.lot, wanted.lot),
        (InspectionRow.order, wanted.order),
        (InspectionRow.recipe, wanted.recipe),
        (InspectionRow.evaluation, wanted.evaluation),
        (InspectionRow.is_reviewed, wanted.is_reviewed),
    ):
        if value is not None:
            query = query.where(column == value)
    query = query.where(*in_span(session, wanted.since, wanted.until))
    if wanted.before is not None:
        query = query.where(InspectionRow.sequence < wanted.before)
    return query


def in_span(session: Session, since: datetime | None, until: datetime | None) -> list[ColumnElement[bool]]:
    """A span of time as conditions, also on the sequence, by which every index is ordered in the end."""
    found: list[ColumnElement[bool]] = []
    edge = select(InspectionRow.sequence).limit(1)
    if since is not None:
        first = session.scalar(edge.where(InspectionRow.created >= since).order_by(InspectionRow.created, InspectionRow.sequence))
        found += [InspectionRow.created >= since, InspectionRow.sequence >= (first or 0)]
    if until is not None:
        last = session.scalar(edge.where(InspectionRow.created < until).order_by(InspectionRow.created.desc(), InspectionRow.sequence.desc()))
        found += [InspectionRow.created < until, InspectionRow.sequence <= (last or 0)]
    return found


def in_lot(session: Session, lot: str) -> list[ColumnElement[bool]]:
    """A lot as conditions, also on the sequence: it was inspected in one go or a few."""
    edge = select(InspectionRow.sequence).where(InspectionRow.lot == lot).limit(1)
    first, last = (session.scalar(edge.order_by(order)) for order in (InspectionRow.sequence, InspectionRow.sequence.desc()))
    return [InspectionRow.lot == lot, InspectionRow.sequence >= (first or 0), InspectionRow.sequence <= (last or 0)]


def counts(session: Session, since: datetime) -> Counts:
    """Verdicts since a time; answered from an index alone."""
    verdict = InspectionRow.evaluation.concat("")  # by the column itself SQLite would go through the whole index of verdicts
    query = select(verdict, func.count()).where(InspectionRow.finished >= since).group_by(verdict)
    by = dict(session.execute(query).all())
    return Counts(
        since=since,
        total=sum(by.values()),
        ok=by.get(Evaluation.OK, 0),
        not_ok=by.get(Evaluation.NOT_OK, 0),
        not_decidable=by.get(Evaluation.NOT_DECIDABLE, 0),
    )
