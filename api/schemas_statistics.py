"""Statistics as they cross the REST boundary."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from api.schemas import Evaluation, Schema


class By(StrEnum):
    """What inspections are put together by."""

    HOUR = "hour"
    SHIFT = "shift"
    DAY = "day"
    LOT = "lot"
    RECIPE = "recipe"


class Verdict(StrEnum):
    """Whose verdict counts: the station's, or what a person said where one did."""

    STATION = "station"
    FINAL = "final"


class Cause(StrEnum):
    """What a Pareto puts the bad inspections together by."""

    MODALITY = "modality"
    PLACE = "place"
    REASON = "reason"


class Rule(StrEnum):
    """Rules that tell a change from chance, by the names they are known by."""

    BEYOND_3_SIGMA = "Western Electric 1: one point beyond 3 sigma"
    TWO_OF_THREE = "Western Electric 2: two of three beyond 2 sigma on one side"
    FOUR_OF_FIVE = "Western Electric 3: four of five beyond 1 sigma on one side"
    EIGHT_IN_A_ROW = "Western Electric 4: eight in a row on one side"
    SIX_TRENDING = "Nelson 3: six in a row rising or falling"
    FOURTEEN_ALTERNATING = "Nelson 4: fourteen in a row alternating"
    EWMA = "EWMA beyond its limits"


class Period(Schema):
    """What a statistic covers, in whole quarters of an hour."""

    since: datetime = Field(description="Start of the period (UTC).")
    until: datetime = Field(description="End of the period (UTC), not included.")


class Shift(Schema):
    """A shift of the plant."""

    since: datetime = Field(description="When it begins (UTC).")
    until: datetime = Field(description="When it ends (UTC), not included.")


class YieldOf(Schema):
    """Verdicts of one group."""

    group: str = Field(description="The lot or recipe, or when the hour, shift or day began.")
    total: int = Field(description="Inspections finished.")
    ok: int = Field(description="Of those OK.")
    not_ok: int = Field(description="Of those NotOK.")
    not_decidable: int = Field(description="Of those NotDecidable.")
    overruled: int = Field(description="Of all, verdicts that a person overruled.")
    good_share: float | None = Field(description="Share of OK among what was decided; none where nothing was.")


class Yield(Period):
    """Verdicts by group."""

    groups: list[YieldOf] = Field(description="The groups in order.")
    overall: YieldOf = Field(description="All of them.")


class CauseCount(Schema):
    """One bar of a Pareto."""

    cause: str = Field(description="The bank, the place in the image, or the error code.")
    inspections: int = Field(description="How many inspections.")
    share: float = Field(description="Share of all bad ones.")
    cumulative: float = Field(description="Share of this and all larger bars.")


class Pareto(Period):
    """What makes inspections bad, most frequent first."""

    causes: list[CauseCount] = Field(description="The bars.")
    total: int = Field(description="Inspections that are counted.")


class ShewhartPoint(Schema):
    """One point of a p-chart."""

    group: str = Field(description="The lot, or when the hour, shift or day began.")
    inspections: int = Field(description="Inspections that were decided.")
    not_ok: int = Field(description="Of those NotOK.")
    share: float = Field(description="Share of NotOK.")
    lower: float = Field(description="Lower control limit.")
    upper: float = Field(description="Upper control limit.")
    rules: list[Rule] = Field(description="Rules that fire at this point.")


class PChart(Period):
    """Share of NotOK from group to group, with the limits that chance keeps (3 sigma)."""

    centre: float | None = Field(description="Share of NotOK over all groups; none where nothing was decided.")
    points: list[ShewhartPoint] = Field(description="The groups in order.")


class DriftPoint(Schema):
    """One inspection in the drift of scores."""

    id: str = Field(description="Identity of the inspection.")
    finished: datetime = Field(description="When its verdict was stored (UTC).")
    evaluation: Evaluation = Field(description="Its verdict.")
    score: float = Field(description="Its score.")
    ewma: float = Field(description="Exponentially weighted mean of the scores up to here.")
    lower: float = Field(description="Lower limit of that mean.")
    upper: float = Field(description="Upper limit of that mean.")
    rules: list[Rule] = Field(description="Rules that fire at this inspection.")


class ScoreDrift(Schema):
    """Whether the scores of good parts drift away from what they were with the same model."""

    recipe: str = Field(description="Name of the recipe.")
    model_id: str | None = Field(description="Model whose scores these are; none where it has judged nothing.")
    reference: int = Field(description="How many good inspections, the first of this model, centre and spread are from.")
    centre: float | None = Field(description="Mean score of the reference; none while there are too few.")
    sigma: float | None = Field(description="Spread of single scores, from their moving range.")
    points: list[DriftPoint] = Field(description="Good inspections after the reference, oldest first.")
    drifts: bool = Field(description="Whether a rule fires within the last twenty points.")
