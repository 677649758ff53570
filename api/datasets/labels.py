"""What people said of inspections, as the labels that make an archive a data set."""

from __future__ import annotations

import csv
import os
from collections import Counter
from pathlib import Path

from sqlalchemy import select

from api.schemas import Evaluation
from api.store.store import Store
from api.store.tables import InspectionRow
from inference.datasets.archive import COLUMNS, LABELS
from inference.datasets.dataset import NORMAL, Split

DEFECT = "defect"
NEEDED = {"rgb.png", "pseudo3d.png", "xyz.tiff"}


def write_labels(store: Store, train: int, *, trust_verdicts: bool) -> tuple[Path, Counter[str]]:
    """Write ``labels.csv`` beside the inspections' files, whole or not at all.

    Args:
        store: of the station.
        train: so many good inspections of each recipe, the oldest, are for training; all others are to be judged.
        trust_verdicts: take the station's own verdict where nobody reviewed it.

    Returns:
        The file, and how many inspections were labelled of each class, beside ``no review`` and ``no files``.
    """
    columns = (InspectionRow.id, InspectionRow.recipe, InspectionRow.evaluation, InspectionRow.reviewed_as, InspectionRow.artifacts)
    counts: Counter[str] = Counter()
    good: Counter[str] = Counter()
    lines: list[tuple[str, ...]] = []
    with store.read() as session:
        for one, recipe, evaluation, reviewed_as, artifacts in session.execute(select(*columns).order_by(InspectionRow.sequence)):
            said = reviewed_as or (evaluation if trust_verdicts else None)
            if said not in (Evaluation.OK, Evaluation.NOT_OK):
                counts["no review"] += 1
            elif not {artifact["name"] for artifact in artifacts} >= NEEDED:
                counts["no files"] += 1
            else:
                is_good = said == Evaluation.OK
                counts[NORMAL if is_good else DEFECT] += 1
                good[recipe] += is_good
                split = Split.TRAIN if is_good and good[recipe] <= train else Split.TEST
                lines.append((one, recipe, NORMAL if is_good else DEFECT, split.value, ""))
    path = store.data_dir / "artifacts" / LABELS
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    with partial.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *lines])
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    return path, counts
