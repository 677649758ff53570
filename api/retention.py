"""Retention: the files of inspections go by age, by number and when the disk gets full; their records stay.

What is pinned stays. What is NotOK, or was found so by a person, is kept longer, and goes last when space is short.
"""

from __future__ import annotations

import itertools
import shutil
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from enum import StrEnum

import structlog
from sqlalchemy import Select, func, select

from acquisition.rig import nobody
from api.schemas import Evaluation, InspectionState
from api.settings import Settings
from api.store.clock import now
from api.store.store import Store
from api.store.tables import InspectionRow

_EVERY_S = 600.0
_LOOK_S = 20.0
_PAGE = 100
# Space is made before the reserve is touched, and then some, so that not every inspection has to.
_LOW, _ENOUGH = 1.5, 2.0
_log = structlog.get_logger(__name__)

_GOES_FIRST = (Evaluation.OK, Evaluation.NOT_DECIDABLE, Evaluation.NOT_OK)


def _unheard() -> None:
    """Nobody listens."""


class Why(StrEnum):
    """By which rule files go."""

    AGE = "age"
    COUNT = "count"
    SPACE = "space"


class Retention:
    """Removes what need not be kept any longer.

    Args:
        store: the station's memory.
        settings: how long and how much is kept.
    """

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._stopping = threading.Event()
        self._sweeping = threading.Lock()
        self._told: Callable[[], None] = _unheard
        self._cancelled: Callable[[], bool] = nobody
        self._thread = threading.Thread(target=self._work, name="retention", daemon=True)

    def start(self) -> None:
        """Begin to look after the disk."""
        self._thread.start()

    def stop(self, timeout_s: float = 30.0) -> None:
        """Stop looking after it."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    @property
    def free_bytes(self) -> int:
        """Free space on the disk of the data folder, bytes."""
        return shutil.disk_usage(self._store.data_dir).free

    @property
    def total_bytes(self) -> int:
        """Size of that disk, bytes."""
        return shutil.disk_usage(self._store.data_dir).total

    def would_go(self) -> Iterator[tuple[InspectionRow, Why]]:
        """What :meth:`sweep` would remove now, in its order, each with the rule it goes by; nothing is removed."""
        moment, kept_days = now(), (self._settings.keep_days, self._settings.keep_days, self._settings.keep_days_not_ok)
        gone: set[int] = set()
        free_bytes = self.free_bytes

        def going(rows: Iterator[InspectionRow], why: Why) -> Iterator[tuple[InspectionRow, Why]]:
            nonlocal free_bytes
            for row in rows:
                if row.sequence not in gone:
                    gone.add(row.sequence)
                    free_bytes += row.kept_bytes
                    yield row, why

        for evaluation, days in zip(_GOES_FIRST, kept_days, strict=True):
            yield from going(self._older(evaluation, moment, days), Why.AGE)
        yield from going(self._found_bad_before(moment - timedelta(days=self._settings.keep_days_not_ok)), Why.AGE)
        if self._settings.keep_count is not None:
            yield from itertools.islice(going(self._in_turn(), Why.COUNT), max(self._kept_count() - len(gone) - self._settings.keep_count, 0))
        if free_bytes < _LOW * self._settings.reserve_bytes:
            enough = _ENOUGH * self._settings.reserve_bytes
            yield from itertools.takewhile(lambda pair: free_bytes - pair[0].kept_bytes < enough, going(self._in_turn(), Why.SPACE))

    def sweep(self, told: Callable[[], None] = _unheard, cancelled: Callable[[], bool] = nobody) -> int:
        """Remove what may go now.

        Args:
            told: called each time an inspection's files are gone.
            cancelled: asked before each; what was removed until then stays so.

        Returns:
            The number of inspections whose files were removed.
        """
        with self._sweeping:
            self._told, self._cancelled = told, cancelled
            return self._sweep()

    def _sweep(self) -> int:
        moment = now()
        removed = self._remove(self._older(Evaluation.OK, moment, self._settings.keep_days))
        removed += self._remove(self._older(Evaluation.NOT_DECIDABLE, moment, self._settings.keep_days))
        removed += self._remove(self._older(Evaluation.NOT_OK, moment, self._settings.keep_days_not_ok))
        removed += self._remove(self._found_bad_before(moment - timedelta(days=self._settings.keep_days_not_ok)))
        return removed + self._too_many() + self._too_full()

    # ---------------------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        rest_s = 0.0
        while not self._stopping.is_set():
            try:
                if rest_s <= 0 or self.free_bytes < _LOW * self._settings.reserve_bytes:
                    rest_s = _EVERY_S
                    if removed := self.sweep():
                        _log.info("files of old inspections removed", inspections=removed, free_bytes=self.free_bytes)
            except Exception:  # noqa: BLE001 (whatever failed, the disk must go on being looked after)
                _log.exception("retention failed")
            self._stopping.wait(_LOOK_S)
            rest_s -= _LOOK_S

    def _older(self, evaluation: Evaluation, moment: datetime, days: float) -> Iterator[InspectionRow]:
        return self._pages(_kept(evaluation).where(InspectionRow.created < moment - timedelta(days=days)))

    def _found_bad_before(self, moment: datetime) -> Iterator[InspectionRow]:
        for evaluation in (Evaluation.OK, Evaluation.NOT_DECIDABLE):
            yield from self._pages(_kept(evaluation, found_bad=True).where(InspectionRow.created < moment))

    def _too_many(self) -> int:
        most = self._settings.keep_count
        if most is None:
            return 0
        return self._remove(self._in_turn(), self._kept_count() - most)

    def _kept_count(self) -> int:
        with self._store.read() as session:
            return session.scalar(select(func.count()).select_from(InspectionRow).where(InspectionRow.kept_bytes > 0)) or 0

    def _too_full(self) -> int:
        reserve = self._settings.reserve_bytes
        removed = 0
        if self.free_bytes < _LOW * reserve:
            for row in self._in_turn():
                if self.free_bytes >= _ENOUGH * reserve or self._stopping.is_set() or self._cancelled():
                    break
                removed += self._remove(iter((row,)))
        return removed

    def _in_turn(self) -> Iterator[InspectionRow]:
        """What is kept, in the order in which it goes."""
        for evaluation in _GOES_FIRST[:2]:
            yield from self._pages(_kept(evaluation))
        for evaluation in _GOES_FIRST[:2]:
            yield from self._pages(_kept(evaluation, found_bad=True))
        yield from self._pages(_kept(Evaluation.NOT_OK))

    def _pages(self, query: Select[InspectionRow]) -> Iterator[InspectionRow]:
        """Rows of a query, oldest first, read a page at a time."""
        after = 0
        while True:
            with self._store.read() as session:
                rows = session.scalars(query.where(InspectionRow.sequence > after).order_by(InspectionRow.sequence).limit(_PAGE)).all()
            if not rows:
                return
            yield from rows
            after = rows[-1].sequence

    def _remove(self, rows: Iterator[InspectionRow], most: int | None = None) -> int:
        removed = 0
        for row in rows:
            if self._stopping.is_set() or self._cancelled() or (most is not None and removed >= most):
                break
            with self._store.write() as session:
                kept = session.get_one(InspectionRow, row.sequence)
                if kept.is_pinned:  # just now
                    continue
                # First the files: should the service die here, the record still counts them as kept, and the next sweep takes it again.
                self._store.artifacts.discard(kept.created, kept.id)
                kept.artifacts, kept.kept_bytes, kept.files_removed = [], 0, now()
            removed += 1
            self._told()
        return removed


def _kept(evaluation: Evaluation, *, found_bad: bool = False) -> Select[InspectionRow]:
    """Finished inspections of a verdict that have files and may lose them.

    Args:
        evaluation: the station's verdict.
        found_bad: those that a person found NotOK, or those that nobody did; of NotOK all, whatever a person said.
    """
    query = select(InspectionRow).where(
        InspectionRow.is_pinned.is_(False),
        InspectionRow.evaluation == evaluation,
        InspectionRow.kept_bytes > 0,
        InspectionRow.state == InspectionState.FINISHED,
    )
    if evaluation is Evaluation.NOT_OK:
        return query
    said_bad = InspectionRow.reviewed_as == Evaluation.NOT_OK
    return query.where(said_bad if found_bad else (InspectionRow.reviewed_as.is_(None) | ~said_bad))
