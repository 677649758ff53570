"""The job runner: the database is the queue, two threads work through it in order.

One has the rig and captures, the other judges what was captured: the next part is captured while the last is judged. One capture at
most waits for its judgement, so memory is bounded however fast parts come.

An inspection is acknowledged when its row is committed, and ends in exactly one committed verdict. What was waiting or running
when the service stopped is never executed later: by then another part may lie on the fixture, so a stale trigger would judge the
wrong part. It ends NotDecidable, code ``service.interrupted``, and whoever asked for it asks again.
"""

from __future__ import annotations

import itertools
import shutil
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from api import events
from api.announcing import Announcer
from api.intake import Intake, Limits
from api.outcome import Captured, Inspects, Outcome
from api.overdue import Overdue
from api.reasons import CANCELLED, FAULT, INTERRUPTED, LATE, NOT_SAVED
from api.schemas import Inspection, InspectionRequest, InspectionState, Reason, RigState, Stage
from api.schemas_webhooks import WebhookEvent
from api.security import Principal
from api.store import audit, inspections, outbox
from api.store.clock import now
from api.store.store import Store
from rig_configs.errors import Conflict, D3Error

Result = TypeVar("Result")

_RETRIES_S = (0.2, 1.0, 5.0, 30.0)
_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Job:
    """An inspection that is being worked on."""

    id: str
    recipe: str
    deadline: datetime | None
    captured: Captured | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)

    @property
    def is_late(self) -> bool:
        return self.deadline is not None and now() > self.deadline


class JobRunner:
    """Takes inspections in, works through them in order, and keeps their verdicts.

    Args:
        store: the station's memory, its schema up to date.
        station: looks at parts.
        station_name: written on every inspection.
        queue_limit: how many may wait.
        deadline_s: within what time an inspection has its verdict where its request does not say.
        reserve_bytes: space that results leave free on the disk.
    """

    def __init__(
        self, store: Store, station: Inspects, *, station_name: str, queue_limit: int = 20, deadline_s: float = 600.0, reserve_bytes: int = 0
    ) -> None:
        self._store = store
        self._station = station
        self._announcer = Announcer(store, station)
        limits = Limits(queue_limit, deadline_s, reserve_bytes)
        self._intake = Intake(store, station, self._announcer, station_name, limits)
        self._overdue = Overdue(store, self._announcer)
        self.orphans: list[str] = []
        """Folders that belonged to no inspection when the service started."""
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._on_rig: _Job | None = None
        self._judged: _Job | None = None
        self._handover = threading.Condition()
        """Guards ``_judged``: taken by the capturing thread when free, freed by the judging thread when the verdict is stored."""
        self._rig_thread = threading.Thread(target=self._work, name="inspections", daemon=True)
        self._judge_thread = threading.Thread(target=self._judge_all, name="judgements", daemon=True)

    # ------------------------------------------------------------------------------------------------------- life

    def start(self) -> None:
        """Clear up after the life before, then begin to work. The caller holds the data folder's :class:`api.service_lock.ServiceLock`."""
        self.recover()
        self._overdue.start()
        self._judge_thread.start()
        self._rig_thread.start()

    def stop(self, timeout_s: float = 30.0) -> bool:
        """Break off the running inspections and stop; what waits is left to :meth:`recover`.

        Returns:
            Whether the work ended in time.
        """
        self._stopping.set()
        self._wake.set()
        self._overdue.stop()
        with self._handover:
            self._handover.notify_all()
        for thread in (self._rig_thread, self._judge_thread):
            if thread.is_alive():
                thread.join(timeout_s)
        stopped = not (self._rig_thread.is_alive() or self._judge_thread.is_alive())
        if not stopped:
            _log.error("the running inspections did not stop in time", inspections=[j.id for j in (self._judged, self._on_rig) if j])
        return stopped

    @property
    def is_alive(self) -> bool:
        """Whether somebody works through the queue."""
        return self._rig_thread.is_alive() and self._judge_thread.is_alive()

    def recover(self) -> list[str]:
        """End what was waiting or running when the service stopped, and remove the files it left, scratch ones, too.

        Returns:
            The inspections that were cut off.
        """
        with self._store.write() as session:
            cut = inspections.unfinished(session)
            for row in cut:
                self._store.artifacts.remove(row.created, row.id)
                inspections.finish_undecided(row, INTERRUPTED)
                session.flush()
                summary = inspections.summary_of(row)
                events.append(session, summary)
                outbox.announce(session, WebhookEvent.INSPECTION_FINISHED, summary)
                _log.warning("inspection was interrupted", inspection=row.id)
        shutil.rmtree(self._store.scratch, ignore_errors=True)
        self.orphans = [folder.name for folder in self._store.artifacts.sweep(self._known)]
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
            Unprocessable: no recipe is named, and the station was not changed over to one.
            QueueFull: as many wait as may wait.
            NoSpace: the disk is as full as it may get.
        """
        accepted = self._intake.submit(request, principal, idempotency_key)
        self._wake.set()
        self._overdue.look()
        return accepted

    def cancel(self, inspection_id: str, principal: Principal) -> Inspection:
        """Ask for an inspection to be given up; a waiting one ends at once, a running one at its next frame or stage. Audited with it.

        Raises:
            NotFound: no such inspection.
            Conflict: it has its verdict already.
        """
        with self._announcer.write() as session:
            row = inspections.get(session, inspection_id)
            if row.state == InspectionState.FINISHED:
                raise Conflict("This inspection is finished.", cure="GET it to see its verdict.", detail="finished")
            if row.state == InspectionState.QUEUED:
                inspections.finish_undecided(row, CANCELLED)
                self._announcer.tell(session, row)
            audit.record(session, principal, "inspection.cancel", inspection_id)
            asked = inspections.inspection_of(row)
        for job in (self._on_rig, self._judged):
            if job is not None and job.id == inspection_id:
                job.cancelled.set()
        return asked

    def rig_state(self) -> RigState:
        """What the station is and does now, with the running and the waiting inspections."""
        return self._announcer.rig_state()

    # -------------------------------------------------------------------------------------------- the thread with the rig

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
        job = _Job(row.id, row.recipe, row.deadline)
        with self._turn(job) as session:
            row = inspections.get(session, job.id)
            if row.state != InspectionState.QUEUED:  # cancelled just now
                self._on_rig = self._announcer.at_work.on_rig = None
                self._wake.set()
                return None
            row.state = InspectionState.RUNNING
            row.started = now()
            self._announcer.tell(session, row)
        return job

    def _run(self, job: _Job) -> None:
        """Capture a part, and hand it over; what came to nothing is stored here, after all that was captured before it."""
        taken = LATE if job.is_late else self._guarded(lambda: self._station.capture(job.recipe, self._reporter(job), self._giving_up(job)))
        with self._handover:
            while self._judged is not None:
                self._handover.wait()
            if not isinstance(taken, Outcome | Reason) and not self._stopping.is_set():
                job.captured = taken
                self._judged, self._on_rig = job, None
                self._announcer.at_work.judged, self._announcer.at_work.on_rig = job.id, None
                self._handover.notify_all()
                return
        self._finish(job, taken if isinstance(taken, Outcome | Reason) else INTERRUPTED)

    # ----------------------------------------------------------------------------------------------- the thread that judges

    def _judge_all(self) -> None:
        while True:
            with self._handover:
                while self._judged is None:
                    if self._stopping.is_set():
                        return  # what the other thread still captures, it stores itself
                    self._handover.wait()
                job = self._judged
            with structlog.contextvars.bound_contextvars(inspection=job.id, recipe=job.recipe):
                self._finish(job, self._judge(job))

    def _judge(self, job: _Job) -> Outcome | Reason:
        captured, job.captured = job.captured, None
        assert captured is not None
        result = self._guarded(lambda: self._station.judge(captured, self._reporter(job), self._giving_up(job)))
        if isinstance(result, Reason) and captured.frames is not None:  # there is no outcome that they would be kept with
            shutil.rmtree(captured.frames, ignore_errors=True)
        return result

    # ----------------------------------------------------------------------------------------------------- what both do

    def _guarded(self, work: Callable[[], Result]) -> Result | Reason:
        try:
            return work()
        except D3Error as error:
            _log.warning("the station gave up", code=error.code, message=error.message)
            return Reason(code=error.code, message=error.message, cure=error.cure)
        except Exception:  # noqa: BLE001 (a fault of the program is an answer too: NotDecidable)
            _log.exception("the station failed")
            return FAULT

    def _giving_up(self, job: _Job) -> Callable[[], bool]:
        return lambda: job.cancelled.is_set() or self._stopping.is_set() or job.is_late

    def _reporter(self, job: _Job) -> Callable[[Stage], None]:
        return lambda stage: self._report(job, stage)

    def _report(self, job: _Job, stage: Stage) -> None:
        try:
            with self._announcer.write() as session:
                row = inspections.get(session, job.id)
                if row.stage != stage:
                    row.stage = stage
                    self._announcer.tell(session, row)
        except SQLAlchemyError:  # a stage is news, not a result: not worth losing the part for
            _log.exception("the stage could not be stored", stage=stage)

    def _finish(self, job: _Job, result: Outcome | Reason) -> None:
        frames = result.frames if isinstance(result, Outcome) else None
        if _code(result) == CANCELLED.code and not job.cancelled.is_set():
            result = INTERRUPTED if self._stopping.is_set() else LATE if job.is_late else result
        try:
            if isinstance(result, Outcome):
                self._report(job, Stage.SAVE)
                self._save(job, result)
            else:
                self._save_undecided(job, result)
        except Exception as error:  # noqa: BLE001 (whatever failed, the part must get a stored answer)
            _log.exception("the result could not be saved")
            self._save_at_last(job, NOT_SAVED if isinstance(error, OSError | SQLAlchemyError) else FAULT)
        if frames is not None:
            shutil.rmtree(frames, ignore_errors=True)  # those that were kept have moved

    def _save(self, job: _Job, outcome: Outcome) -> None:
        with self._store.read() as session:
            created = inspections.get(session, job.id).created
        artifacts = self._store.artifacts.write(created, job.id, outcome.artifacts, outcome.frames)
        with self._over(job) as session:
            row = inspections.get(session, job.id)
            inspections.finish(row, outcome, artifacts)
            row.kept_bytes = self._store.artifacts.size_bytes(created, job.id)
            self._announcer.tell(session, row)
        _log.info("inspected", evaluation=outcome.evaluation, score=outcome.score, seconds=outcome.timings.total)

    def _save_undecided(self, job: _Job, reason: Reason) -> None:
        with self._over(job) as session:
            row = inspections.get(session, job.id)
            self._store.artifacts.remove(row.created, row.id)
            inspections.finish_undecided(row, reason)
            self._announcer.tell(session, row)
        _log.warning("not decidable", code=reason.code)

    def _save_at_last(self, job: _Job, reason: Reason) -> None:
        """Store that nothing could be stored; holds the queue until that works, for nothing else would be stored either."""
        for attempt in itertools.count():
            try:
                self._save_undecided(job, reason)
            except Exception:  # noqa: BLE001 (there is nothing left but to try again)
                _log.exception("not even the failure could be stored", attempt=attempt)
                if self._stopping.wait(_RETRIES_S[min(attempt, len(_RETRIES_S) - 1)]):
                    self._put_down(job)
                    return  # still 'running' in the database: the next start ends it
            else:
                return

    # ------------------------------------------------------------------------------------------------- transactions

    @contextmanager
    def _turn(self, job: _Job) -> Generator[Session]:
        """A transaction that takes up a job; when it fails, none is taken up."""
        at_work = self._announcer.at_work
        try:
            with self._announcer.write() as session:
                self._on_rig, at_work.on_rig = job, job.id
                yield session
        except BaseException:
            self._on_rig, at_work.on_rig = None, None
            raise

    @contextmanager
    def _over(self, job: _Job) -> Generator[Session]:
        """A transaction that ends a job and puts it down; when it fails, the job stays at hand."""
        at_work = self._announcer.at_work
        before = (at_work.on_rig, at_work.judged)
        try:
            with self._announcer.write() as session:
                at_work.on_rig = None if at_work.on_rig == job.id else at_work.on_rig
                at_work.judged = None if at_work.judged == job.id else at_work.judged
                yield session
        except BaseException:
            if job.id in before:
                at_work.on_rig = job.id if before[0] == job.id else at_work.on_rig
                at_work.judged = job.id if before[1] == job.id else at_work.judged
            raise
        self._put_down(job)

    def _put_down(self, job: _Job) -> None:
        with self._handover:
            if self._judged is job:
                self._judged = None
                self._handover.notify_all()
            elif self._on_rig is job:
                self._on_rig = None


def _code(result: Outcome | Reason) -> str | None:
    reason = result.reason if isinstance(result, Outcome) else result
    return reason.code if reason else None
