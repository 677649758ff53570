"""What another threshold would change, told before it is saved."""

from __future__ import annotations

import math

import numpy as np
from sqlalchemy import select

from api.recipes import RecipeModel
from api.schemas import Evaluation
from api.schemas_recipes import Bin, ThresholdPreview
from api.store.store import Store
from api.store.tables import InspectionRow
from inference.threshold import threshold_from_reviews

BINS = 30
_EXAMPLES = 50
_FEWEST_GOOD = 2


def preview(store: Store, recipe: str, model: RecipeModel, wanted: float, last: int) -> ThresholdPreview:
    """Hold a threshold against the last inspections that this model has judged, and against what it was taught from.

    Args:
        store: the station's memory.
        recipe: the recipe.
        model: its model.
        wanted: the threshold asked about.
        last: how many inspections.
    """
    columns = (InspectionRow.id, InspectionRow.score, InspectionRow.reviewed_as)
    query = (
        select(*columns)
        .where(InspectionRow.recipe == recipe, InspectionRow.model_id == model.model_id, InspectionRow.score.is_not(None))
        .order_by(InspectionRow.sequence.desc())
        .limit(last)
    )
    with store.read() as session:
        rows = [(one, float(score), said) for one, score, said in session.execute(query).all() if score is not None]
    taught = [float(score) for score in model.report.held_out_scores]
    good = [score for _, score, said in rows if said == Evaluation.OK]
    bad = [score for _, score, said in rows if said == Evaluation.NOT_OK]
    unreviewed = [score for _, score, said in rows if said is None]
    present = model.threshold
    # The score is NotOK above the threshold, as the model decides it.
    worse = [one for one, score, _ in rows if wanted < score <= present]
    better = [one for one, score, _ in rows if present < score <= wanted]
    changed = set(worse) | set(better)
    return ThresholdPreview(
        recipe=recipe,
        model_id=model.model_id,
        present=present,
        wanted=wanted,
        histogram=_histogram(taught, good, bad, unreviewed, max(present, wanted)),
        inspections=len(rows),
        becomes_not_ok=len(worse),
        becomes_ok=len(better),
        missed=sum(score <= wanted for score in bad),
        false_alarms=sum(score > wanted for score in good),
        proposed=_proposed([*taught, *good], bad, model.taught.config.false_reject_rate),
        examples=[one for one, _, _ in rows if one in changed][:_EXAMPLES],
    )


def _proposed(good: list[float], bad: list[float], false_reject_rate: float) -> float | None:
    if not bad or len(good) < _FEWEST_GOOD:
        return None
    return threshold_from_reviews(np.array(good), np.array(bad), false_reject_rate).threshold


def _histogram(taught: list[float], good: list[float], bad: list[float], unreviewed: list[float], threshold: float) -> list[Bin]:
    """Equal bins from the least score to three times the threshold; the last takes all that is above."""
    everything = [*taught, *good, *bad, *unreviewed]
    low = math.floor(10 * min(0.0, *everything, threshold)) / 10
    high = min(max(everything, default=threshold), 3 * threshold)
    high = max(high, 1.1 * threshold)
    width = (high - low) / BINS

    def counts(scores: list[float]) -> list[int]:
        bins = [0] * BINS
        for score in scores:
            bins[min(int((score - low) / width), BINS - 1)] += 1
        return bins

    columns = [counts(scores) for scores in (taught, good, bad, unreviewed)]
    return [
        Bin(low=low + i * width, high=low + (i + 1) * width, taught=columns[0][i], good=columns[1][i], bad=columns[2][i], unreviewed=columns[3][i])
        for i in range(BINS)
    ]
