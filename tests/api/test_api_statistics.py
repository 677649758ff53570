"""Statistics: counted right, by rules that are known by their names, from indices alone."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import numpy as np
import pytest
from fake_station import BAD, GOOD, FakeStation
from query_plans import plans
from sqlalchemy import select
from sqlalchemy.orm import Session

from api import control_charts, statistics
from api.schemas import Evaluation
from api.schemas_statistics import By, Cause, Rule, Verdict
from api.settings import Settings
from api.shifts import Calendar
from api.statistics import Span
from api.store import inspections, reviews, tallies
from api.store.store import Store, open_store
from api.store.tables import InspectionRow
from api.store.tables_production import TallyRow

URL = "/api/v1/inspections"
WAIT = {"Prefer": "wait=30"}
START = datetime(2025, 3, 3, tzinfo=UTC)
PLANT = Calendar(UTC, ("06:00", "14:00", "22:00"))


@pytest.fixture
def store(tmp_path: Path, database: str | None) -> Iterator[Store]:
    store = open_store(Settings(data_dir=tmp_path / "store", database=database))
    yield store
    store.close()


def row(number: int, finished: datetime, evaluation: Evaluation, *, score: float | None = 0.4, lot: str = "L", place_px: int = 0) -> InspectionRow:
    bad = evaluation is Evaluation.NOT_OK
    region = {"x_px": place_px, "y_px": 0, "width_px": 2, "height_px": 2, "area_mm2": 1.0, "peak": 2.0, "modality": "rgb"}
    made = InspectionRow(
        id=f"i{number}",
        state="finished",
        evaluation=evaluation,
        recipe="bolt",
        lot=lot,
        station="s",
        requested_by="x",
        created=finished,
        finished=finished,
        score=score,
        model_id="m",
        is_simulated=True,
        is_reviewed=False,
        banks=[],
        regions=[region] if bad else [],
        artifacts=[],
        reviews=[],
        reason={"code": "device.frame_timeout"} if evaluation is Evaluation.NOT_DECIDABLE else None,
        width_px=90,
        height_px=90,
    )
    tallies.describe(made)
    return made


@pytest.fixture
def filled(store: Store) -> Store:
    """Four hundred inspections over three days, some of them reviewed."""
    rng = random.Random(1)
    with store.write() as session:
        for n in range(400):
            said = rng.choices([Evaluation.OK, Evaluation.NOT_OK, Evaluation.NOT_DECIDABLE], [8, 2, 1])[0]
            made = row(n, START + timedelta(minutes=rng.randrange(3 * 1440)), said, lot=f"L{n // 100}", place_px=rng.choice([0, 40, 80]))
            session.add(made)
            session.flush()
            tallies.count(session, made)
            if rng.random() < 0.3:
                reviews.review(session, made.id, rng.choice([Evaluation.OK, Evaluation.NOT_OK]), "seen", "me")
    return store


SPAN = Span.of(START, START + timedelta(days=3))


@pytest.mark.both_databases
@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_statistic_is_what_counting_the_inspections_gives(filled: Store, verdict: Verdict) -> None:
    with filled.read() as session:
        rows = session.scalars(select(InspectionRow)).all()
        by_day = statistics.yields(session, SPAN, By.DAY, verdict, PLANT)
        by_shift = statistics.p_chart(session, SPAN, By.SHIFT, verdict, PLANT)
        by_lot = statistics.p_chart(session, SPAN, By.LOT, verdict, PLANT)
        places = statistics.pareto(session, SPAN, Cause.PLACE, verdict)
        reasons = statistics.pareto(session, SPAN, Cause.REASON, Verdict.STATION)
        one_lot = statistics.yields(session, Span.of(START, START + timedelta(days=3), "bolt", "L1"), By.RECIPE, verdict, PLANT)

    def final(one: InspectionRow) -> str:
        return one.reviewed_as if one.reviewed_as and verdict is Verdict.FINAL else one.evaluation

    counted = Counter((one.finished.date().isoformat(), final(one)) for one in rows)
    assert {(g.group[:10], "OK"): g.ok for g in by_day.groups} == {k: v for k, v in counted.items() if k[1] == "OK"}
    assert sum(g.not_ok for g in by_day.groups) == by_day.overall.not_ok == sum(v for k, v in counted.items() if k[1] == "NotOK")
    assert by_day.overall.overruled == sum(one.reviewed_as is not None and one.reviewed_as != one.evaluation for one in rows)
    assert one_lot.overall.total == 100
    begun = {lot: min(tallies.quarter_of(one.finished) for one in rows if one.lot == lot) for lot in ("L0", "L1", "L2", "L3")}
    assert [p.group for p in by_lot.points] == sorted(begun, key=lambda lot: (begun[lot], lot))
    decided = [one for one in rows if final(one) in ("OK", "NotOK")]
    assert sum(p.inspections for p in by_shift.points) == sum(p.inspections for p in by_lot.points) == len(decided)
    assert by_shift.centre == pytest.approx(sum(final(one) == "NotOK" for one in decided) / len(decided))
    assert {p.group[11:16] for p in by_shift.points} == {"06:00", "14:00", "22:00"}
    bad_places = Counter(one.place or "unknown" for one in rows if final(one) == "NotOK")
    assert {c.cause: c.inspections for c in places.causes} == dict(bad_places)
    assert [c.inspections for c in places.causes] == sorted(bad_places.values(), reverse=True)
    assert places.causes[-1].cumulative == pytest.approx(1.0)
    assert reasons.causes[0].cause == "device.frame_timeout"


@pytest.mark.both_databases
def test_statistics_read_tallies_and_indices_not_the_inspections(filled: Store) -> None:
    def ask(session: Session) -> None:
        statistics.yields(session, SPAN, By.DAY, Verdict.FINAL, PLANT)
        statistics.p_chart(session, Span.of(START, START + timedelta(days=1), "bolt", "L1"), By.LOT, Verdict.FINAL, PLANT)
        statistics.pareto(session, SPAN, Cause.MODALITY, Verdict.FINAL)
        inspections.counts(session, START + timedelta(days=2))
        statistics.score_drift(session, "bolt", "m", lot=None, since=None, until=None, reference=100, last=50)
        statistics.score_drift(session, "bolt", "m", lot="L1", since=START, until=SPAN.until, reference=100, last=50)

    found = plans(filled, ask)
    assert len(found) >= 12
    nodes = [node for plan in found for node in plan]
    assert not [node for node in nodes if node.startswith("SCAN")]
    assert any("inspections" in node for node in nodes)


@pytest.mark.both_databases
def test_a_review_moves_an_inspection_in_the_tally_and_counts_it_once(filled: Store) -> None:
    with filled.read() as session:
        reviewed = session.scalars(select(InspectionRow).where(InspectionRow.is_reviewed)).all()
        counted = session.execute(select(TallyRow.inspections, TallyRow.reviewed_as)).all()
    assert sum(n for n, _ in counted) == 400
    assert sum(n for n, said in counted if said) == len(reviewed) > 0


def test_the_rules_fire_on_what_their_names_say() -> None:
    def rules(*sigmas: float) -> list[Rule]:
        return control_charts.rules_fired(np.array(sigmas))[-1]

    assert rules(3.1) == [Rule.BEYOND_3_SIGMA]
    assert rules(2.1, 0, 2.1) == [Rule.TWO_OF_THREE]
    assert rules(2.1, 0, -2.1) == []
    assert rules(1.1, 1.1, -0.1, 1.1, 1.2) == [Rule.FOUR_OF_FIVE]
    assert rules(*[0.1, 0.2] * 4) == [Rule.EIGHT_IN_A_ROW]
    assert rules(*[0.1, 0.2] * 3) == []
    assert rules(-0.5, -0.3, -0.1, 0.1, 0.3, 0.5) == [Rule.SIX_TRENDING]
    assert rules(*[0.1, -0.1] * 7) == [Rule.FOURTEEN_ALTERNATING]
    assert rules(*[0.1, -0.1] * 6) == []


def test_a_p_chart_has_the_limits_of_the_textbook() -> None:
    limits = control_charts.p_limits([50, 200], [5, 20])
    assert limits.centre == pytest.approx(0.1)
    assert limits.upper == pytest.approx([0.1 + 3 * (0.09 / 50) ** 0.5, 0.1 + 3 * (0.09 / 200) ** 0.5])
    assert limits.lower == pytest.approx([0.0, 0.1 - 3 * (0.09 / 200) ** 0.5])
    none_bad = control_charts.p_limits([10, 10], [0, 0])
    assert list(none_bad.sigmas) == [0, 0]


def test_an_ewma_is_quiet_without_a_change_and_tells_a_shift_of_one_sigma() -> None:
    rng = np.random.default_rng(3)
    runs, delays = 0, []
    for _ in range(200):
        quiet = control_charts.ewma(rng.normal(5.0, 0.5, 400), 5.0, 0.5)
        runs += (int(quiet.beyond.any()) and int(np.argmax(quiet.beyond))) or 400
        shifted = control_charts.ewma(rng.normal(5.5, 0.5, 400), 5.0, 0.5)
        delays.append(int(np.argmax(shifted.beyond)) + 1)
    assert runs / 200 > 200  # a run of 400 is cut off; uncut it is about 370 on average
    assert 6 < np.mean(delays) < 14
    assert control_charts.moving_range_sigma(rng.normal(0, 2.0, 20_000)) == pytest.approx(2.0, rel=0.03)


@pytest.mark.both_databases
def test_drifting_scores_are_told_with_the_rule_that_fired(store: Store) -> None:
    rng = np.random.default_rng(4)
    scores = np.concatenate([rng.normal(0.4, 0.05, 150), rng.normal(0.5, 0.05, 30)])
    with store.write() as session:
        session.add_all(row(n, START + timedelta(minutes=n), Evaluation.OK, score=float(score)) for n, score in enumerate(scores))
    with store.read() as session:
        early = statistics.score_drift(session, "bolt", "m", lot=None, since=None, until=START + timedelta(minutes=150), reference=100, last=500)
        late = statistics.score_drift(session, "bolt", "m", lot=None, since=None, until=None, reference=100, last=500)
        few = statistics.score_drift(session, "ring", "m", lot=None, since=None, until=None, reference=100, last=500)
    assert (late.reference, late.centre) == (100, pytest.approx(scores[:100].mean()))
    assert not any(Rule.EWMA in p.rules for p in early.points)
    assert late.drifts
    assert Rule.EWMA in late.points[-1].rules
    assert Rule.EIGHT_IN_A_ROW in late.points[-1].rules
    assert (few.reference, few.centre, few.points) == (0, None, [])


def test_shifts_and_days_are_those_of_the_plants_clock() -> None:
    berlin = Calendar(ZoneInfo("Europe/Berlin"), ("06:00", "14:00", "22:00"))
    night = datetime(2025, 3, 30, 3, 30, tzinfo=UTC)  # after the clocks went forward
    assert berlin.label(night, By.SHIFT) == "2025-03-29T22:00+01:00"
    assert berlin.label(night, By.DAY) == "2025-03-30T00:00+01:00"
    assert berlin.shift(night) == (datetime(2025, 3, 29, 21, tzinfo=UTC), datetime(2025, 3, 30, 4, tzinfo=UTC))  # seven hours
    assert berlin.label(datetime(2025, 3, 30, 4, tzinfo=UTC), By.SHIFT) == "2025-03-30T06:00+02:00"


@pytest.mark.both_databases
def test_statistics_over_rest_follow_inspections_and_reviews(operator: httpx.Client, fake: FakeStation) -> None:
    ids = []
    for outcome in (GOOD, BAD, GOOD, RuntimeError()):
        fake.next = outcome
        ids.append(operator.post(URL, json={"recipe": "bolt", "lot": "A"}, headers=WAIT).json()["id"])
    operator.post(f"{URL}/{ids[1]}/review", json={"evaluation": "OK", "reason": "dust"})
    told = operator.get("/api/v1/statistics/yield", params={"by": "lot"}).json()
    assert told["groups"] == [{"group": "A", "total": 4, "ok": 3, "not_ok": 0, "not_decidable": 1, "overruled": 1, "good_share": 1.0}]
    as_said = operator.get("/api/v1/statistics/p-chart", params={"by": "lot", "verdict": "station"}).json()
    assert (as_said["centre"], as_said["points"][0]["not_ok"]) == (pytest.approx(1 / 3), 1)
    assert operator.get("/api/v1/statistics/pareto", params={"verdict": "station"}).json()["causes"][0]["cause"] == "left"
    assert operator.get("/api/v1/statistics/pareto", params={"cause": "reason"}).json()["causes"][0]["cause"] == "service.fault"
    assert operator.get("/api/v1/statistics/drift", params={"recipe": "bolt"}).json()["points"] == []
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    assert operator.get("/api/v1/statistics/yield", params={"from": later}).json()["code"] == "unprocessable.period"


def test_shifts_are_listed_by_the_plants_day_and_the_present_one_with_the_one_before(operator: httpx.Client) -> None:
    of_day = operator.get("/api/v1/statistics/shifts", params={"day": "2026-03-01"}).json()
    assert [(s["since"], s["until"]) for s in of_day] == [
        ("2026-03-01T06:00:00Z", "2026-03-01T14:00:00Z"),
        ("2026-03-01T14:00:00Z", "2026-03-01T22:00:00Z"),
        ("2026-03-01T22:00:00Z", "2026-03-02T06:00:00Z"),
    ]
    before, present = operator.get("/api/v1/statistics/shifts").json()
    assert before["until"] == present["since"]
    assert datetime.fromisoformat(present["since"]) <= datetime.now(UTC) < datetime.fromisoformat(present["until"])
    assert operator.get("/api/v1/statistics/shifts", params={"day": "yesterday"}).status_code == 422


def test_the_night_shift_of_the_day_the_clock_changes_is_an_hour_shorter() -> None:
    calendar = Calendar(ZoneInfo("Europe/Berlin"), ("06:00", "14:00", "22:00"))
    hours = [(until - since).total_seconds() / 3600 for since, until in calendar.shifts_of(date(2026, 3, 28))]
    assert hours == [8, 8, 7]
