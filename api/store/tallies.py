"""The tally: how many inspections of each kind were finished in each quarter of an hour. Written with the verdicts it counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from api.store.tables import InspectionRow
from api.store.tables_production import TallyRow

QUARTER_S = 900
_ROWS, _COLUMNS = ("upper", "", "lower"), ("left", "", "right")


def quarter_of(moment: datetime) -> datetime:
    """Start of the quarter of an hour (UTC) that a moment is in."""
    return datetime.fromtimestamp(moment.timestamp() // QUARTER_S * QUARTER_S, UTC)


def place_of(region: Mapping[str, Any], width_px: int, height_px: int) -> str:
    """Where in the image the middle of a region is, in ninths, as the panel names them: ``upperleft`` … ``centre`` … ``lowerright``."""
    x = (region["x_px"] + region["width_px"] / 2) / width_px
    y = (region["y_px"] + region["height_px"] / 2) / height_px
    return _ROWS[min(max(int(3 * y), 0), 2)] + _COLUMNS[min(max(int(3 * x), 0), 2)] or "centre"


def describe(row: InspectionRow) -> None:
    """Write into a finished inspection's row what it is counted by."""
    regions: Sequence[Mapping[str, Any]] = row.regions
    row.reason_code = row.reason["code"] if row.reason else None
    row.modality = regions[0]["modality"] if regions else None
    row.place = place_of(regions[0], row.width_px, row.height_px) if regions and row.width_px and row.height_px else None


def count(session: Session, row: InspectionRow, by: int = 1) -> None:
    """Count a finished inspection, or with -1 no longer count it."""
    assert row.finished is not None
    key = (
        quarter_of(row.finished),
        row.recipe,
        row.lot or "",
        row.evaluation,
        row.reviewed_as or "",
        row.modality or "",
        row.place or "",
        row.reason_code or "",
    )
    tally = session.get(TallyRow, key)
    if tally is None:
        names = ("quarter", "recipe", "lot", "evaluation", "reviewed_as", "modality", "place", "reason_code")
        session.add(TallyRow(**dict(zip(names, key, strict=True)), inspections=by))
        session.flush()
    else:
        tally.inspections += by
