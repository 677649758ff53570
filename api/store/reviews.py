"""What people say of verdicts: confirmed, or overruled with a reason. The verdict itself stays what the station said."""

from __future__ import annotations

from typing import Literal

from sqlalchemy.orm import Session

from api.schemas import Evaluation, InspectionState, Review
from api.store import inspections, tallies
from api.store.clock import now
from api.store.tables import InspectionRow
from rig_configs.errors import Conflict, Unprocessable


def review(session: Session, inspection_id: str, said: Literal[Evaluation.OK, Evaluation.NOT_OK], reason: str | None, by: str) -> InspectionRow:
    """Add a review to an inspection; earlier ones stay.

    Raises:
        NotFound: no such inspection.
        Conflict: it has no verdict yet.
        Unprocessable: it is overruled without a reason.
    """
    row = inspections.get(session, inspection_id)
    if row.state != InspectionState.FINISHED:
        raise Conflict("This inspection has no verdict yet.", cure="Review it when it is finished.", detail="unfinished")
    confirms = row.evaluation == said
    if not confirms and reason is None:
        raise Unprocessable("A verdict is overruled only with a reason.", cure="Say in 'reason' what was seen on the part.", detail="reason")
    tallies.count(session, row, -1)
    added = Review(evaluation=said, confirms=confirms, reason=reason, by=by, at=now())
    row.reviews = [*row.reviews, added.model_dump(mode="json")]
    row.reviewed_as = said
    row.is_reviewed = True
    tallies.count(session, row)
    return row


def pin(session: Session, inspection_id: str, *, pinned: bool) -> InspectionRow:
    """Keep an inspection's files for good, or no longer. Raises NotFound."""
    row = inspections.get(session, inspection_id)
    row.is_pinned = pinned
    return row
