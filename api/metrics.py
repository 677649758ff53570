"""Figures for Prometheus: what was judged and how long it took, counted when it is committed; what waits and what is free, read when asked."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, GCCollector, Histogram, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from api.schemas import InspectionState, InspectionSummary, RigState, StationState
from api.schemas_webhooks import DeliveryState
from api.store import inspections
from api.store.store import Store
from api.store.tables_webhooks import DeliveryRow

_SECONDS = (0.1, 0.25, 0.5, 1, 2, 3, 4, 6, 8, 12, 20, 30, 60, 120)
_log = structlog.get_logger(__name__)


class Metrics:
    """The figures of one service. Counters start at zero with it.

    Args:
        store: tells what was committed.
        rig_state: what the station is and does now.
    """

    def __init__(self, store: Store, rig_state: Callable[[], RigState]) -> None:
        self._store = store
        self._open: set[str] = set()
        self._registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self._registry)
        self._registry.register(_Present(store, rig_state))
        self._verdicts = Counter("d3station_inspections", "Inspections finished.", ("recipe", "evaluation"), registry=self._registry)
        self._reasons = Counter(
            "d3station_not_decidable", "Inspections without a verdict, by the code of the reason; those of devices begin with 'device'.", ("code",),
            registry=self._registry,
        )  # fmt: skip
        self._stages = Histogram("d3station_stage_seconds", "Time in a stage.", ("stage",), buckets=_SECONDS, registry=self._registry)
        self._total = Histogram(
            "d3station_inspection_seconds", "From the beginning of work to the verdict.", buckets=_SECONDS, registry=self._registry
        )
        self._waited = Histogram(
            "d3station_wait_seconds", "From being asked for to the beginning of work.", buckets=_SECONDS, registry=self._registry
        )
        store.listeners.append(self.committed)

    def exposition(self) -> bytes:
        """All figures in Prometheus's text format."""
        return generate_latest(self._registry)

    def committed(self, told: Sequence[Any]) -> None:
        """Count what a transaction said, once it is committed. Never raises: no figure is worth a verdict."""
        try:
            for content in told:
                if isinstance(content, InspectionSummary):
                    self._count(content)
        except Exception:  # noqa: BLE001
            _log.exception("could not be counted")

    def _count(self, summary: InspectionSummary) -> None:
        if summary.state is not InspectionState.FINISHED:
            self._open.add(summary.id)
            return
        if summary.id not in self._open:  # told again, since it was reviewed
            return
        self._open.discard(summary.id)
        self._verdicts.labels(summary.recipe, summary.evaluation.value).inc()
        if summary.reason is not None:
            self._reasons.labels(summary.reason.code).inc()
        if summary.started is None:
            return
        self._waited.observe((summary.started - summary.created).total_seconds())
        if summary.finished is not None:
            self._total.observe((summary.finished - summary.started).total_seconds())
        with self._store.read() as session:
            timings = inspections.get(session, summary.id).timings or {}
        for stage, seconds in timings.items():
            if stage != "total":
                self._stages.labels(stage).observe(seconds)


class _Present(Collector):
    """What is so at the moment that it is asked for."""

    def __init__(self, store: Store, rig_state: Callable[[], RigState]) -> None:
        self._store = store
        self._rig_state = rig_state

    def describe(self) -> list[GaugeMetricFamily]:
        return []  # named without being asked for: a registry would read the database once more at its making

    def collect(self) -> Iterator[GaugeMetricFamily]:
        disk = GaugeMetricFamily("d3station_disk_free_bytes", "Free space on the disk of the data folder.")
        disk.add_metric((), shutil.disk_usage(self._store.data_dir).free)
        yield disk
        try:
            state = self._rig_state()
            messages = self._messages()
        except SQLAlchemyError:
            _log.exception("the database does not answer; its figures are left out")
            return
        queue = GaugeMetricFamily("d3station_queue_depth", "Inspections that wait.")
        queue.add_metric((), state.queued)
        yield queue
        station = GaugeMetricFamily("d3station_state", "1 for the state that the station is in, after OPC 40100-1.", labels=("state",))
        for possible in StationState:
            station.add_metric((possible.value,), float(state.state is possible))
        yield station
        waiting = GaugeMetricFamily("d3station_webhook_messages", "Messages to webhooks that wait, or were given up.", labels=("state",))
        for name in (DeliveryState.PENDING, DeliveryState.DEAD):
            waiting.add_metric((name.value,), messages.get(name.value, 0))
        yield waiting

    def _messages(self) -> dict[str, int]:
        kept = (DeliveryState.PENDING, DeliveryState.DEAD)
        query = select(DeliveryRow.state, func.count()).where(DeliveryRow.state.in_(kept)).group_by(DeliveryRow.state)
        with self._store.read() as session:
            return {row[0]: row[1] for row in session.execute(query)}
