"""The history as CSV (RFC 4180), read and sent a page at a time."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from api.store import inspections
from api.store.store import Store

COLUMNS = (
    "id",
    "created",
    "finished",
    "station",
    "operator",
    "recipe",
    "recipe_version",
    "serial",
    "lot",
    "order",
    "evaluation",
    "reason_code",
    "score",
    "threshold",
    "modality",
    "place",
    "reviewed_as",
    "model_id",
    "is_simulated",
)
_PAGE = 500
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def lines(store: Store, wanted: inspections.History) -> Iterator[str]:
    """The table in pieces, its head first. Each page is read by itself, so that a slow reader holds no transaction open."""
    yield _text([COLUMNS])
    before = wanted.before
    while True:
        with store.read() as session:
            rows = session.scalars(inspections.history(session, replace(wanted, before=before)).limit(_PAGE)).all()
        if not rows:
            return
        yield _text([[cell(getattr(row, name)) for name in COLUMNS] for row in rows])
        before = rows[-1].sequence


def cell(value: object) -> object:
    """A value as a spreadsheet may have it."""
    if isinstance(value, datetime):
        return value.isoformat()
    # A spreadsheet would run what begins like a formula; the apostrophe makes it text.
    if isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    return value


def _text(rows: list[tuple[str, ...]] | list[list[object]]) -> str:
    file = io.StringIO()
    csv.writer(file).writerows(rows)
    return file.getvalue()
