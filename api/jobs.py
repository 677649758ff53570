"""The job runner: the database is the queue, one thread works through it.

An inspection is acknowledged when its row is committed, and ends in exactly one committed verdict. What was waiting or running
when the service stopped is never executed later: by then another part may lie on the fixture, so a stale trigger would judge the
wrong part. It ends NotDecidable, code ``service.interrupted``, and whoever asked for it asks again.
"""

from __future__ import annotations

import hashlib
import itertools
import threading
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from api import events
from api.outcome import Inspects, Outcome
from api.problems import IdempotencyMismatch, QueueFull
from api.schemas import Evaluation, Inspection, InspectionRequest, InspectionState, Reason, RigState, Stage
from api.security import Principal
from api.store import inspections
from api.store.clock import now
from api.store.store import Store
from api.store.tables import IdempotencyRow, InspectionRow
from rig_configs.errors import Cancelled, Conflict, D3Error, NotFound

RETRY_AFTER_S = 5
"""When a caller should try again after finding the queue full: about one inspection."""
_RETRIES_S = (0.2, 1.0, 5.0, 30.0)
_log = structlog.get_logger(__name__)

INTERRUPTED = Reason(
    code="service.interrupted",
    message="The service stopped before this inspection had a verdict.",
    cure="Inspect the part again.",
)
CANCELLED = Reason(code=Cancelled.base_code, message="The inspection was cancelled.", cure="Inspect the part again when it is in place.")
FAULT = Reason(
    code="service.fault",
    message="The station's program made a mistake while inspecting.",
    cure="Inspect the part again; if it stays, give the log of this inspection to the maintainer.",
)
NOT_SAVED = Reason(
    code="store.failed",
    message="The result could not be saved.",
    cure="Free space on the disk of the data folder, then inspect the part again.",
)


@dataclass(slots=True)
class _Job:
    """The inspection that is being worked on."""

    id: str
    recipe: str
    cancelled: threading.Event = field(default_factory=threading.Event)


class JobRunner:
    """Takes inspections in, works through them one by one, and keeps their verdicts.

    Args:
        store: the station's memory, its schema up to date.
        station: looks at parts.
        station_name: written on every inspection.
        queue_limit: how many may wait.
    """

    def __init__(self, store: Store, station: Inspects, *, station_name: str, queue_limit: int = 20) -> None:
        self._store = store
        self._station = station
        self._station_name = station_name
        self._queue_limit = queue_limit
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._job: _Job | None = None
        self._told: RigState | None = None
        self._thread = threading.Thread(target=self._work, name="inspections", daemon=True)

    # ------------------------------------------------------------------------------------------------------- life

    def start(self) -> None:
        """Clear up after the life before, then begin to work. The caller holds the data folder's :class:`api.service_lock.ServiceLock`."""
        self.recover()
        self._thread.start()

    def stop(self, timeout_s: float = 30.0) -> bool:
        """Break off the running inspection and stop; what waits is left to :meth:`recover`.

        Returns:
            Whether the work ended in time.
        """
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        if self._thread.is_alive():
            _log.error("the running inspection did not stop in time", inspection=self._job.id if self._job else None)
        return not self._thread.is_alive()

    @property
    def is_alive(self) -> bool:
        """Whether somebody works through the queue."""
        return self._thread.is_alive()

    def recover(self) -> list[str]:
        """End what was waiting or running when the service stopped, and remove the files it left.

        Returns:
            The inspections that were cut off.
        """
        with self._store.write() as session:
            cut = inspections.unfinished(session)
            for row in cut:
                self._store.artifacts.remove(row.created, row.id)
                inspections.finish_undecided(row, INTERRUPTED)
                events.append(session, inspections.summary_of(row))
                _log.warning("inspection was interrupted", inspection=row.id)
        self._store.artifacts.sweep(self._known)
        return [row.id for row in cut]

    def _known(self, ids: list[str]) -> set[str]:
        with self._store.read() as session:
            return inspections.known(session, ids)

    # -------------------------------------------------------------------------------------------- asked from outside

    def submit(self, request: InspectionRequest, principal: Principal, idempotency_key: str | None) -> tuple[Inspection, bool]:
        """Take an inspection in.

        Args:
            request: what to inspect.
            principal: who asks.
            idempotency_key: names the request; the same key with the same request gives the same inspection, however often and
                however concurrently it is sent.

        Returns:
            The inspection, committed, and whether it is a new one.

        Raises:
            IdempotencyMismatch: the key stood for another request.
            NotFound: no such recipe.
            QueueFull: as many wait as may wait.
        """
        try:
            return self._submit(request, principal, idempotency_key)
        except IntegrityError:  # another process was faster with the same key
            return self._submit(request, principal, idempotency_key)

    def _submit(self, request: InspectionRequest, principal: Principal, key: str | None) -> tuple[Inspection, bool]:
        digest = hashlib.sha256(request.model_dump_json().encode()).hexdigest()
        if key is not None and (earlier := self._earlier(key, digest)) is not None:
            return earlier, False
        known = self._station.recipes()
        if request.recipe not in known:
            raise NotFound(
                f"There is no recipe '{request.recipe}'.", cure=f"Use one of: {', '.join(sorted(known)) or 'none is there yet'}.", detail="recipe"
            )
        is_simulated = self._station.state().is_simulated
        with self._write() as session:
            if key is not None and (earlier := _by_key(session, key, digest)) is not None:
                return earlier, False
            if inspections.queued(session) >= self._queue_limit:
                raise QueueFull(
                    f"{self._queue_limit} inspections wait already; this one was not accepted.",
                    cure="Send it again after the time in Retry-After.",
                    retry_after_s=RETRY_AFTER_S,
                )
            row = InspectionRow(
                id=str(uuid.uuid4()),
                state=InspectionState.QUEUED,
                evaluation=Evaluation.UNDEFINED,
                recipe=request.recipe,
                serial=request.serial,
                lot=request.lot,
                order=request.order,
                station=self._station_name,
                requested_by=principal.name,
                created=now(),
                is_simulated=is_simulated,
                banks=[],
                regions=[],
                artifacts=[],
            )
            session.add(row)
            session.flush()
            if key is not None:
                session.add(IdempotencyRow(key=key, request_sha256=digest, inspection_id=row.id, created=row.created))
            self._tell(session, row)
            accepted = inspections.inspection_of(row)
        self._wake.set()
        return accepted, True

    def _earlier(self, key: str, digest: str) -> Inspection | None:
        with self._store.read() as session:
            return _by_key(session, key, digest)

    def cancel(self, inspection_id: str) -> Inspection:
        """Ask for an inspection to be given up; a waiting one ends at once, a running one at its next frame or stage.

        Raises:
            NotFound: no such inspection.
            Conflict: it has its verdict already.
        """
        with self._write() as session:
            row = inspections.get(session, inspection_id)
            if row.state == InspectionState.FINISHED:
                raise Conflict("This inspection is finished.", cure="GET it to see its verdict.", detail="finished")
            if row.state == InspectionState.QUEUED:
                inspections.finish_undecided(row, CANCELLED)
                self._tell(session, row)
            elif self._job is not None and self._job.id == inspection_id:
                self._job.cancelled.set()
            return inspections.inspection_of(row)

    def rig_state(self) -> RigState:
        """What the station is and does now, with the running and the waiting inspections."""
        state = self._station.state()
        with self._store.read() as session:
            return self._with_queue(session, state)

    # ------------------------------------------------------------------------------------------------------ the work

    def _work(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                job = self._claim()
            except Exception:  # noqa: BLE001 (whatever it is, the queue must go on being worked through)
                _log.exception("the queue cannot be read")
                self._stopping.wait(1.0)
                continue
            if job is None:
                if not self._stopping.is_set():  # asked after the bell was cleared: a stop in between has rung it again
                    self._wake.wait()
                continue
            with structlog.contextvars.bound_contextvars(inspection=job.id, recipe=job.recipe):
                self._run(job)

    def _claim(self) -> _Job | None:
        if self._stopping.is_set():
            return None
        with self._store.read() as session:
            row = inspections.next_queued(session)
        if row is None:
            return None
        job = _Job(row.id, row.recipe)
        with self._turn(job) as session:
            row = inspections.get(session, job.id)
            if row.state != InspectionState.QUEUED:  # cancelled just now
                self._job = None
                self._wake.set()
                return None
            row.state = InspectionState.RUNNING
            row.started = now()
            self._tell(session, row)
        return job

    def _run(self, job: _Job) -> None:
        result = self._inspect(job)
        if self._stopping.is_set() and not job.cancelled.is_set() and _code(result) == CANCELLED.code:
            result = INTERRUPTED
        try:
            if isinstance(result, Outcome):
                self._report(job, Stage.SAVE)
                self._save(job, result)
            else:
                self._save_undecided(job, result)
        except Exception as error:  # noqa: BLE001 (whatever failed, the part must get a stored answer)
            _log.exception("the result could not be saved")
            self._save_at_last(job, NOT_SAVED if isinstance(error, OSError | SQLAlchemyError) else FAULT)

    def _inspect(self, job: _Job) -> Outcome | Reason:
        try:
            return self._station.inspect(
                job.recipe, lambda stage: self._report(job, stage), lambda: job.cancelled.is_set() or self._stopping.is_set()
            )
        except D3Error as error:
            _log.warning("the station gave up", code=error.code, message=error.message)
            return Reason(code=error.code, message=error.message, cure=error.cure)
        except Exception:  # noqa: BLE001 (a fault of the program is an answer too: NotDecidable)
            _log.exception("the station failed")
            return FAULT

    def _report(self, job: _Job, stage: Stage) -> None:
        try:
            with self._write() as session:
                row = inspections.get(session, job.id)
                if row.stage != stage:
                    row.stage = stage
                    self._tell(session, row)
        except SQLAlchemyError:  # a stage is news, not a result: not worth losing the part for
            _log.exception("the stage could not be stored", stage=stage)

    def _save(self, job: _Job, outcome: Outcome) -> None:
        with self._store.read() as session:
            created = inspections.get(session, job.id).created
        artifacts = self._store.artifacts.write(created, job.id, outcome.artifacts)
        with self._turn(None) as session:
            row = inspections.get(session, job.id)
            inspections.finish(row, outcome, artifacts)
            self._tell(session, row)
        _log.info("inspected", evaluation=outcome.evaluation, score=outcome.score, seconds=outcome.timings.total)

    def _save_undecided(self, job: _Job, reason: Reason) -> None:
        with self._turn(None) as session:
            row = inspections.get(session, job.id)
            self._store.artifacts.remove(row.created, row.id)
            inspections.finish_undecided(row, reason)
            self._tell(session, row)
        _log.warning("not decidable", code=reason.code)

    def _save_at_last(self, job: _Job, reason: Reason) -> None:
        """Store that nothing could be stored; holds the queue until that works, for nothing else would be stored either."""
        for attempt in itertools.count():
            try:
                self._save_undecided(job, reason)
            except Exception:  # noqa: BLE001 (there is nothing left but to try again)
                _log.exception("not even the failure could be stored", attempt=attempt)
                if self._stopping.wait(_RETRIES_S[min(attempt, len(_RETRIES_S) - 1)]):
                    return  # still 'running' in the database: the next start ends it
            else:
                return

    # ------------------------------------------------------------------------------------------------- transactions

    @contextmanager
    def _write(self) -> Generator[Session]:
        """A transaction with events in it; when it fails, nobody has been told anything."""
        try:
            with self._store.write() as session:
                yield session
        except BaseException:
            self._told = None
            raise

    @contextmanager
    def _turn(self, job: _Job | None) -> Generator[Session]:
        """A transaction that takes up a job, or puts it down (none); when it fails, the job at hand stays what it was."""
        before = self._job
        try:
            with self._write() as session:
                self._job = job
                yield session
        except BaseException:
            self._job = before
            raise

    def _tell(self, session: Session, row: InspectionRow) -> None:
        """Add what listeners should know to the transaction that makes it true."""
        session.flush()
        events.append(session, inspections.summary_of(row))
        try:
            state = self._with_queue(session, self._station.state())
        except D3Error:  # a station that cannot say how it is must not cost the verdict
            _log.exception("the station does not say how it is")
            return
        if state != self._told:
            events.append(session, state)
            self._told = state

    def _with_queue(self, session: Session, state: RigState) -> RigState:
        return state.model_copy(update={"running": self._job.id if self._job else None, "queued": inspections.queued(session)})


def _code(result: Outcome | Reason) -> str | None:
    reason = result.reason if isinstance(result, Outcome) else result
    return reason.code if reason else None


def _by_key(session: Session, key: str, digest: str) -> Inspection | None:
    row = session.get(IdempotencyRow, key)
    if row is None:
        return None
    if row.request_sha256 != digest:
        raise IdempotencyMismatch(
            "This Idempotency-Key was used for another request.", cure="Use a new key for a new request, and the old key only to repeat the old one."
        )
    return inspections.inspection_of(inspections.get(session, row.inspection_id))
