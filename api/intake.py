"""Taking inspections in: named requests once, the queue no longer than it may be, stored before anybody is told."""

from __future__ import annotations

import hashlib
import shutil
import uuid
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from api.announcing import Announcer
from api.outcome import Inspects
from api.problems import IdempotencyMismatch, NoSpace, QueueFull
from api.schemas import Evaluation, Inspection, InspectionRequest, InspectionState, Role
from api.security import Principal
from api.store import inspections
from api.store.clock import now
from api.store.store import Store
from api.store.tables import IdempotencyRow, InspectionRow
from rig_configs.errors import NotFound, Unprocessable

RETRY_AFTER_S = 5
"""When a caller should try again after finding the queue full: about one inspection."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the station takes in."""

    queue: int
    """How many inspections may wait."""
    deadline_s: float
    """Within what time an inspection has its verdict where its request does not say."""
    reserve_bytes: int
    """Space that results leave free on the disk."""


class Intake:
    """Takes inspections in.

    Args:
        store: the station's memory.
        station: knows the recipes.
        announcer: tells listeners.
        station_name: written on every inspection.
        limits: what is taken in.
    """

    def __init__(self, store: Store, station: Inspects, announcer: Announcer, station_name: str, limits: Limits) -> None:
        self._store = store
        self._station = station
        self._announcer = announcer
        self._station_name = station_name
        self._limits = limits

    def submit(self, request: InspectionRequest, principal: Principal, idempotency_key: str | None) -> tuple[Inspection, bool]:
        """Take an inspection in; see :meth:`api.jobs.JobRunner.submit`."""
        try:
            return self._submit(request, principal, idempotency_key)
        except IntegrityError:  # another process was faster with the same key
            return self._submit(request, principal, idempotency_key)

    def _submit(self, request: InspectionRequest, principal: Principal, key: str | None) -> tuple[Inspection, bool]:
        digest = hashlib.sha256(request.model_dump_json().encode()).hexdigest()
        if key is not None and (earlier := self._earlier(key, digest)) is not None:
            return earlier, False
        recipe = self._recipe(request)
        self._check_space()
        is_simulated = self._station.state().is_simulated
        with self._announcer.write() as session:
            if key is not None and (earlier := _by_key(session, key, digest)) is not None:
                return earlier, False
            if inspections.queued(session) >= self._limits.queue:
                raise QueueFull(
                    f"{self._limits.queue} inspections wait already; this one was not accepted.",
                    cure="Send it again after the time in Retry-After.",
                    retry_after_s=RETRY_AFTER_S,
                )
            # A clock that is set back must not put an inspection before those that were taken in before it.
            present = now()
            created = max(present, inspections.last_created(session) or present)
            row = InspectionRow(
                id=str(uuid.uuid4()),
                state=InspectionState.QUEUED,
                evaluation=Evaluation.UNDEFINED,
                recipe=recipe,
                serial=request.serial,
                lot=request.lot,
                order=request.order,
                operator=request.operator or (None if principal.role is Role.MES else principal.name),
                station=self._station_name,
                requested_by=principal.name,
                created=created,
                deadline=created + timedelta(seconds=request.deadline_s or self._limits.deadline_s),
                is_simulated=is_simulated,
                is_reviewed=False,
                is_pinned=False,
                banks=[],
                regions=[],
                artifacts=[],
                reviews=[],
            )
            session.add(row)
            session.flush()
            if key is not None:
                session.add(IdempotencyRow(key=key, request_sha256=digest, inspection_id=row.id, created=row.created))
            self._announcer.tell(session, row)
            return inspections.inspection_of(row), True

    def _recipe(self, request: InspectionRequest) -> str:
        recipe = request.recipe or self._station.state().recipe
        if recipe is None:
            raise Unprocessable(
                "The request names no recipe, and the station was not changed over to one.",
                cure="Name a recipe, or change over first.",
                detail="recipe",
            )
        known = self._station.recipes()
        if recipe not in known:
            raise NotFound(f"There is no recipe '{recipe}'.", cure=f"Use one of: {', '.join(sorted(known)) or 'none is there yet'}.", detail="recipe")
        return recipe

    def _check_space(self) -> None:
        free = shutil.disk_usage(self._store.data_dir).free
        if free < self._limits.reserve_bytes:
            raise NoSpace(
                f"{free / 1e6:.0f} MB are free, and {self._limits.reserve_bytes / 1e6:.0f} MB stay free: no result would be kept.",
                cure="Free space on the disk of the data folder, or let retention keep less.",
                retry_after_s=60,
            )

    def _earlier(self, key: str, digest: str) -> Inspection | None:
        with self._store.read() as session:
            return _by_key(session, key, digest)


def _by_key(session: Session, key: str, digest: str) -> Inspection | None:
    row = session.get(IdempotencyRow, key)
    if row is None:
        return None
    if row.request_sha256 != digest:
        raise IdempotencyMismatch(
            "This Idempotency-Key was used for another request.", cure="Use a new key for a new request, and the old key only to repeat the old one."
        )
    return inspections.inspection_of(inspections.get(session, row.inspection_id))
