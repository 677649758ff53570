"""Yield, Pareto, p-chart and drift of scores. All but the last are counted from the tallies, however many inspections there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from api import control_charts
from api.schemas import Evaluation
from api.schemas_statistics import By, Cause, CauseCount, DriftPoint, Pareto, PChart, Rule, ScoreDrift, ShewhartPoint, Verdict, Yield, YieldOf
from api.shifts import Calendar
from api.store import inspections
from api.store.tables import InspectionRow
from api.store.tables_production import TallyRow
from api.store.tallies import QUARTER_S, quarter_of

_RECENT = 20
"""A rule that fired within so many points still asks for somebody's attention."""


@dataclass(frozen=True, slots=True)
class Span:
    """Which inspections a statistic is about; the times become whole quarters of an hour."""

    since: datetime
    until: datetime
    recipe: str | None = None
    lot: str | None = None

    @classmethod
    def of(cls, since: datetime, until: datetime, recipe: str | None = None, lot: str | None = None) -> Span:
        """The span, its ends rounded outwards to quarters."""
        end = quarter_of(until)
        return cls(quarter_of(since), end if end == until else end + timedelta(seconds=QUARTER_S), recipe, lot)

    def conditions(self) -> list[ColumnElement[bool]]:
        """The span as conditions on tallies."""
        found: list[ColumnElement[bool]] = [TallyRow.quarter >= self.since, TallyRow.quarter < self.until]
        if self.recipe is not None:
            found.append(TallyRow.recipe == self.recipe)
        if self.lot is not None:
            found.append(TallyRow.lot == self.lot)
        return found


def yields(session: Session, span: Span, by: By, verdict: Verdict, calendar: Calendar) -> Yield:
    """Verdicts by group."""
    groups: dict[str, _Tally] = {}
    for key, said, reviewed_as, count in _counted(session, span, by):
        group = groups.setdefault(_name(key, by, calendar), _Tally())
        group.add(said, reviewed_as, count, verdict)
    overall = _Tally()
    for group in groups.values():
        overall.verdicts.update(group.verdicts)
        overall.overruled += group.overruled
    found = [group.told(name) for name, group in sorted(groups.items())]
    return Yield(since=span.since, until=span.until, groups=found, overall=overall.told("all"))


def p_chart(session: Session, span: Span, by: By, verdict: Verdict, calendar: Calendar) -> PChart:
    """Share of NotOK from group to group; lots stand in the order in which they were begun."""
    groups: dict[str, _Tally] = {}
    for key, said, reviewed_as, count in _counted(session, span, by):
        groups.setdefault(_name(key, by, calendar), _Tally()).add(said, reviewed_as, count, verdict)
    names = _begun(session, span, by) if by in (By.LOT, By.RECIPE) else sorted(groups)
    decided = [(name, groups[name]) for name in names if groups[name].decided]
    if not decided:
        return PChart(since=span.since, until=span.until, centre=None, points=[])
    limits = control_charts.p_limits([g.decided for _, g in decided], [g.verdicts[Evaluation.NOT_OK] for _, g in decided])
    fired = control_charts.rules_fired(limits.sigmas)
    points = [
        ShewhartPoint(
            group=name,
            inspections=group.decided,
            not_ok=group.verdicts[Evaluation.NOT_OK],
            share=group.verdicts[Evaluation.NOT_OK] / group.decided,
            lower=float(limits.lower[i]),
            upper=float(limits.upper[i]),
            rules=fired[i],
        )
        for i, (name, group) in enumerate(decided)
    ]
    return PChart(since=span.since, until=span.until, centre=limits.centre, points=points)


def pareto(session: Session, span: Span, cause: Cause, verdict: Verdict) -> Pareto:
    """What makes inspections bad: of NotOK the bank or place of the strongest region, of NotDecidable the reason."""
    column = {Cause.MODALITY: TallyRow.modality, Cause.PLACE: TallyRow.place, Cause.REASON: TallyRow.reason_code}[cause]
    wanted = Evaluation.NOT_DECIDABLE if cause is Cause.REASON else Evaluation.NOT_OK
    query = (
        select(column, TallyRow.evaluation, TallyRow.reviewed_as, func.sum(TallyRow.inspections))
        .where(*span.conditions())
        .group_by(column, TallyRow.evaluation, TallyRow.reviewed_as)
    )
    bars: Counter[str] = Counter()
    for name, said, reviewed_as, count in session.execute(query):
        if _final(said, reviewed_as, verdict) == wanted and count:
            bars[name or "unknown"] += int(count)
    total, sofar, causes = bars.total(), 0, list[CauseCount]()
    for name, count in bars.most_common():
        sofar += count
        causes.append(CauseCount(cause=name, inspections=count, share=count / total, cumulative=sofar / total))
    return Pareto(since=span.since, until=span.until, causes=causes, total=total)


def score_drift(
    session: Session, recipe: str, model_id: str | None, *, lot: str | None, since: datetime | None, until: datetime | None, reference: int, last: int
) -> ScoreDrift:
    """Whether scores of good parts drift.

    Args:
        session: the database.
        recipe: the recipe.
        model_id: whose scores.
        lot: only this lot's; the reference is the model's first parts all the same.
        since: only points from then on.
        until: only points before then.
        reference: from how many of the model's first good inspections centre and spread are taken.
        last: how many points at most, the newest.
    """
    found = ScoreDrift(recipe=recipe, model_id=model_id, reference=0, centre=None, sigma=None, points=[], drifts=False)
    if model_id is None:
        return found
    good = (
        InspectionRow.recipe == recipe,
        InspectionRow.model_id == model_id,
        InspectionRow.evaluation == Evaluation.OK,
        InspectionRow.score.is_not(None),
    )
    columns = select(InspectionRow.sequence, InspectionRow.score).where(*good).order_by(InspectionRow.sequence).limit(reference)
    first = session.execute(columns).all()
    if len(first) < min(reference, 20):
        return found.model_copy(update={"reference": len(first)})
    baseline = np.array([score for _, score in first], np.float64)
    centre, sigma = float(baseline.mean()), control_charts.moving_range_sigma(baseline)
    query = select(InspectionRow.id, InspectionRow.finished, InspectionRow.evaluation, InspectionRow.score).where(
        *good, InspectionRow.sequence > first[-1][0]
    )
    query = query.where(*inspections.in_span(session, since, until), *(inspections.in_lot(session, lot) if lot is not None else ()))
    rows = session.execute(query.order_by(InspectionRow.sequence.desc()).limit(last)).all()[::-1]
    values = np.array([row.score for row in rows], np.float64)
    chart = control_charts.ewma(values, centre, sigma)
    fired = control_charts.rules_fired(chart.sigmas)
    points = [
        DriftPoint(
            id=row.id,
            finished=row.finished,
            evaluation=row.evaluation,
            score=row.score,
            ewma=float(chart.line[i]),
            lower=float(chart.lower[i]),
            upper=float(chart.upper[i]),
            rules=[*([Rule.EWMA] if chart.beyond[i] else []), *fired[i]],
        )
        for i, row in enumerate(rows)
    ]
    drifts = any(point.rules for point in points[-_RECENT:])
    return ScoreDrift(recipe=recipe, model_id=model_id, reference=len(first), centre=centre, sigma=sigma, points=points, drifts=drifts)


class _Tally:
    """Verdicts of one group, in the making."""

    def __init__(self) -> None:
        self.verdicts: Counter[str] = Counter()
        self.overruled = 0

    def add(self, said: str, reviewed_as: str, count: int, verdict: Verdict) -> None:
        self.verdicts[_final(said, reviewed_as, verdict)] += count
        if reviewed_as and reviewed_as != said:
            self.overruled += count

    @property
    def decided(self) -> int:
        return self.verdicts[Evaluation.OK] + self.verdicts[Evaluation.NOT_OK]

    def told(self, name: str) -> YieldOf:
        ok = self.verdicts[Evaluation.OK]
        return YieldOf(
            group=name,
            total=self.verdicts.total(),
            ok=ok,
            not_ok=self.verdicts[Evaluation.NOT_OK],
            not_decidable=self.verdicts[Evaluation.NOT_DECIDABLE],
            overruled=self.overruled,
            good_share=ok / self.decided if self.decided else None,
        )


def _final(said: str, reviewed_as: str, verdict: Verdict) -> str:
    return reviewed_as if reviewed_as and verdict is Verdict.FINAL else said


def _counted(session: Session, span: Span, by: By) -> Sequence[tuple[str | datetime, str, str, int]]:
    key = {By.LOT: TallyRow.lot, By.RECIPE: TallyRow.recipe}.get(by, TallyRow.quarter)
    query = (
        select(key, TallyRow.evaluation, TallyRow.reviewed_as, func.sum(TallyRow.inspections))
        .where(*span.conditions())
        .group_by(key, TallyRow.evaluation, TallyRow.reviewed_as)
    )
    return [(row[0], row[1], row[2], int(row[3])) for row in session.execute(query)]


def _begun(session: Session, span: Span, by: By) -> list[str]:
    column = TallyRow.lot if by is By.LOT else TallyRow.recipe
    query = select(column).where(*span.conditions()).group_by(column).order_by(func.min(TallyRow.quarter), column)
    return [name or "none" for name in session.scalars(query)]


def _name(key: str | datetime, by: By, calendar: Calendar) -> str:
    return calendar.label(key, by) if isinstance(key, datetime) else key or "none"
