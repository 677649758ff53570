"""Reports to print and to file: one inspection, one shift."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Response

from api import statistics
from api.problems import documented
from api.reports.inspection import inspection_pdf
from api.reports.shift import MOST_PARTS, shift_pdf
from api.routes.inspections import ACCESS, Caller, InspectionId
from api.routes.moments import Moment
from api.routes.statistics import RecipeOf, calendar_of
from api.schemas import Evaluation, InspectionState
from api.schemas_statistics import By, Cause, Verdict
from api.service import Serving
from api.shifts import time_zone
from api.statistics import Span
from api.store import inspections
from api.store.clock import now
from rig_configs.errors import Conflict

router = APIRouter(tags=["reports"])

_PDF = {200: {"description": "The report.", "content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}}}


@router.get(
    "/inspections/{inspection_id}/report.pdf",
    response_class=Response,
    responses=ACCESS | documented(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT) | _PDF,
)
def get_inspection_report(inspection_id: InspectionId, _caller: Caller, service: Serving) -> Response:
    """One inspection as a page: verdict, scores, reviews, provenance, pictures."""
    with service.store.read() as session:
        inspection = inspections.inspection_of(inspections.get(session, inspection_id))
    if inspection.state is not InspectionState.FINISHED:
        raise Conflict("This inspection has no verdict yet.", cure="Ask for its report when it is finished.", detail="unfinished")
    return _answer(inspection_pdf(inspection, service.store.artifacts), f"{inspection.serial or inspection.id}")


@router.get("/reports/shift.pdf", response_class=Response, responses=ACCESS | _PDF)
def get_shift_report(
    _caller: Caller,
    service: Serving,
    at: Annotated[Moment | None, Query(description="A moment within the shift (with time zone); the present one if left out.")] = None,
    recipe: RecipeOf = None,
) -> Response:
    """A shift as pages: yield, Pareto, p-chart, and the bad parts with their pictures."""
    calendar, zone = calendar_of(service), time_zone(service.settings.plant_time_zone)
    start, end = calendar.shift(at or now())
    span = Span.of(start, end, recipe)
    with service.store.read() as session:
        by_hour = statistics.yields(session, span, By.HOUR, Verdict.FINAL, calendar)
        by_recipe = statistics.yields(session, span, By.RECIPE, Verdict.FINAL, calendar)
        places = statistics.pareto(session, span, Cause.PLACE, Verdict.FINAL)
        reasons = statistics.pareto(session, span, Cause.REASON, Verdict.FINAL)
        chart = statistics.p_chart(session, span, By.HOUR, Verdict.FINAL, calendar)
        bad = [
            inspections.inspection_of(row)
            for evaluation in (Evaluation.NOT_OK, Evaluation.NOT_DECIDABLE)
            for row in session.scalars(
                inspections.history(session, inspections.History(recipe=recipe, evaluation=evaluation, since=start, until=end)).limit(MOST_PARTS)
            )
        ]
    content = shift_pdf(service.settings.station_name, start, zone, by_hour, by_recipe, places, reasons, chart, bad, service.store.artifacts)
    return _answer(content, f"shift-{start.astimezone(zone):%Y%m%d-%H%M}")


def _answer(content: bytes, name: str) -> Response:
    safe = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in name)
    return Response(content, media_type="application/pdf", headers={"Content-Disposition": f'inline; filename="{safe}.pdf"'})
