"""Review inspections, pin them, take the history away as a table."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from api import csv_export, events
from api.problems import documented
from api.routes.history import Wanted
from api.routes.inspections import ACCESS, Caller, InspectionId
from api.schemas import Inspection, Role
from api.schemas_review import PinRequest, ReviewRequest
from api.schemas_webhooks import WebhookEvent
from api.security import Principal, requires
from api.service import Serving
from api.store import audit, inspections, outbox, reviews

router = APIRouter(prefix="/inspections", tags=["inspections"])

Person = Annotated[Principal, requires(Role.OPERATOR)]
_WRITE = ACCESS | documented(HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)


@router.get(
    "/export.csv",
    response_class=StreamingResponse,
    responses=ACCESS | {200: {"description": "One line an inspection.", "content": {"text/csv": {"schema": {"type": "string"}}}}},
)
def export_inspections(_caller: Caller, service: Serving, wanted: Wanted) -> StreamingResponse:
    """The history as a table, newest first, with the filters of the list. It is sent as it is read, however long it is."""
    return StreamingResponse(
        csv_export.lines(service.store, wanted),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="inspections.csv"'},
    )


@router.post("/{inspection_id}/review", responses=_WRITE | documented(HTTPStatus.CONFLICT))
def review_inspection(inspection_id: InspectionId, wanted: ReviewRequest, caller: Person, service: Serving) -> Inspection:
    """Confirm a verdict, or overrule it with a reason. The verdict stays; the review is added to those before."""
    with service.store.write() as session:
        before = inspections.get(session, inspection_id).reviewed_as
        row = reviews.review(session, inspection_id, wanted.evaluation, wanted.reason, caller.name)
        audit.record(session, caller, "inspection.review", row.id, before={"reviewed_as": before}, after={"reviewed_as": row.reviewed_as})
        session.flush()
        summary = inspections.summary_of(row)
        events.append(session, summary)
        outbox.announce(session, WebhookEvent.INSPECTION_REVIEWED, summary)
        return inspections.inspection_of(row)


@router.post("/{inspection_id}/pin", responses=_WRITE)
def pin_inspection(inspection_id: InspectionId, wanted: PinRequest, caller: Person, service: Serving) -> Inspection:
    """Keep an inspection's files for good, or let them go with the others of their age."""
    with service.store.write() as session:
        row = reviews.pin(session, inspection_id, pinned=wanted.is_pinned)
        audit.record(session, caller, "inspection.pin", row.id, after={"is_pinned": row.is_pinned})
        session.flush()
        events.append(session, inspections.summary_of(row))
        return inspections.inspection_of(row)
