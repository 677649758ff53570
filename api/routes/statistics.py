"""Statistics: yield, Pareto, p-chart, drift of scores."""

from __future__ import annotations

from datetime import date, timedelta
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from api import statistics
from api.problems import documented
from api.routes.moments import Moment
from api.schemas import PRINTABLE, Counts, Role
from api.schemas_statistics import By, Cause, Pareto, PChart, ScoreDrift, Shift, Verdict, Yield
from api.security import Principal, requires
from api.service import Service, Serving
from api.shifts import Calendar, time_zone
from api.statistics import Span
from api.store import inspections
from api.store.clock import now
from rig_configs.errors import Unprocessable

router = APIRouter(prefix="/statistics", tags=["statistics"])

_ACCESS = documented(HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE)
_DEFAULT_DAYS = 30

Caller = Annotated[Principal, requires(Role.OPERATOR, Role.MES)]
RecipeOf = Annotated[str | None, Query(max_length=100, pattern=PRINTABLE, description="Only this recipe.")]
LotOf = Annotated[str | None, Query(max_length=100, pattern=PRINTABLE, description="Only this lot.")]
Since = Annotated[Moment | None, Query(alias="from", description="Only verdicts at or after this (with time zone); 30 days back if left out.")]
Until = Annotated[Moment | None, Query(alias="to", description="Only verdicts before this (with time zone).")]
Whose = Annotated[Verdict, Query(description="The station's verdict, or what a person said where one did.")]


def _span(recipe: RecipeOf = None, lot: LotOf = None, since: Since = None, until: Until = None) -> Span:
    end = until or now()
    start = since or end - timedelta(days=_DEFAULT_DAYS)
    if start >= end:
        raise Unprocessable("'from' is not before 'to'.", cure="Give an earlier 'from'.", detail="period")
    return Span.of(start, end, recipe, lot)


Wanted = Annotated[Span, Depends(_span)]


def calendar_of(service: Service) -> Calendar:
    """The plant's clock."""
    return Calendar(time_zone(service.settings.plant_time_zone), service.settings.shift_starts)


@router.get("/counts", responses=_ACCESS)
def count_inspections(
    _caller: Caller,
    service: Serving,
    since: Annotated[Moment | None, Query(description="Start of the count (with time zone); the last 24 h when not given.")] = None,
) -> Counts:
    """Verdicts since a time."""
    with service.store.read() as session:
        return inspections.counts(session, since or now() - timedelta(hours=24))


@router.get("/shifts", responses=_ACCESS)
def list_shifts(
    _caller: Caller,
    service: Serving,
    day: Annotated[date | None, Query(description="A day of the plant's clock: the shifts that begin on it, in order.")] = None,
) -> list[Shift]:
    """The shifts of a day; the one before now and the present one where no day is given."""
    calendar = calendar_of(service)
    if day is not None:
        found = calendar.shifts_of(day)
    else:
        present = calendar.shift(now())
        found = [calendar.shift(present[0] - timedelta(microseconds=1)), present]
    return [Shift(since=since, until=until) for since, until in found]


@router.get("/yield", responses=_ACCESS)
def get_yield(
    _caller: Caller,
    service: Serving,
    span: Wanted,
    by: Annotated[By, Query(description="What inspections are put together by.")] = By.DAY,
    verdict: Whose = Verdict.FINAL,
) -> Yield:
    """Verdicts by hour, shift, day, lot or recipe."""
    with service.store.read() as session:
        return statistics.yields(session, span, by, verdict, calendar_of(service))


@router.get("/pareto", responses=_ACCESS)
def get_pareto(
    _caller: Caller,
    service: Serving,
    span: Wanted,
    cause: Annotated[Cause, Query(description="What bad inspections are put together by.")] = Cause.PLACE,
    verdict: Whose = Verdict.FINAL,
) -> Pareto:
    """What makes inspections bad: the bank or the place of the strongest region of what is NotOK, the reason of what is NotDecidable."""
    with service.store.read() as session:
        return statistics.pareto(session, span, cause, verdict)


@router.get("/p-chart", responses=_ACCESS)
def get_p_chart(
    _caller: Caller,
    service: Serving,
    span: Wanted,
    by: Annotated[By, Query(description="What inspections are put together by.")] = By.SHIFT,
    verdict: Whose = Verdict.FINAL,
) -> PChart:
    """Share of NotOK from group to group, with 3 sigma limits and the rules that fire."""
    with service.store.read() as session:
        return statistics.p_chart(session, span, by, verdict, calendar_of(service))


@router.get("/drift", responses=_ACCESS | documented(HTTPStatus.NOT_FOUND))
def get_score_drift(
    _caller: Caller,
    service: Serving,
    recipe: Annotated[str, Query(min_length=1, max_length=100, pattern=PRINTABLE, description="The recipe.")],
    lot: LotOf = None,
    since: Annotated[Moment | None, Query(alias="from", description="Only inspections from then on, such as a shift's (with time zone).")] = None,
    until: Annotated[Moment | None, Query(alias="to", description="Only inspections before then (with time zone).")] = None,
    reference: Annotated[int, Query(ge=20, le=1000, description="From how many of the model's first good parts centre and spread are.")] = 100,
    last: Annotated[int, Query(ge=1, le=5000, description="How many points at most, the newest.")] = 500,
) -> ScoreDrift:
    """Whether the scores of good parts drift away from what they were with the same model: EWMA, and the rules that fire."""
    model_id = service.station.models.definition(recipe).model_id
    with service.store.read() as session:
        return statistics.score_drift(session, recipe, model_id, lot=lot, since=since, until=until, reference=reference, last=last)
