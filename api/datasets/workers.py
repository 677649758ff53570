"""The processes that make samples side by side; they end with the one that started them, however it ends."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path

import cv2
import numba

from api.datasets.making import SampleMaker
from api.datasets.noise import NoiseTable
from api.datasets.parts import Source, kinds_of
from api.datasets.plan import Arguments, PlannedSample
from inference.datasets.writing import write_sample
from rig_configs.errors import Cancelled, D3Error, DataError

_LOOK_S = 0.2


@dataclass(frozen=True, slots=True)
class Task:
    """What a worker needs to know to make any sample of a set."""

    out: Path
    source: Source
    arguments: Arguments
    noise: NoiseTable | None


class LocalWorker:
    """Makes and writes samples in this process."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._maker = SampleMaker(task.source.rig, kinds_of(task.source, task.arguments), task.noise)

    def make(self, planned: PlannedSample, cancelled: Callable[[], bool]) -> PlannedSample:
        """Make one sample and write it. Raises D3Error."""
        seed = self._task.arguments.seed
        content = self._maker.make(planned, seed, cancelled)
        write_sample(self._task.out, planned.sample_id, planned.stamp(seed), content)
        return planned

    def close(self) -> None:
        """Release the rig."""
        self._maker.close()


def make_all(task: Task, planned: Iterable[PlannedSample], jobs: int, cancelled: Callable[[], bool]) -> Generator[PlannedSample]:
    """Make samples, yielding each when it is written.

    Args:
        task: the set.
        planned: the samples.
        jobs: how many processes; one is this process itself.
        cancelled: asked before every frame.

    Raises:
        D3Error: a sample cannot be made; what is written stays.
        Cancelled: ``cancelled`` said so.
    """
    if jobs == 1:
        worker = LocalWorker(task)
        try:
            for each in planned:
                yield worker.make(each, cancelled)
        finally:
            worker.close()
        return
    yield from _in_processes(task, list(planned), jobs, cancelled)


def _in_processes(task: Task, planned: list[PlannedSample], jobs: int, cancelled: Callable[[], bool]) -> Generator[PlannedSample]:
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    threads = max(1, (os.cpu_count() or 1) // jobs)
    pool = ProcessPoolExecutor(jobs, context, initializer=_start, initargs=(task, stop, threads))
    try:
        waiting: set[Future[PlannedSample | _Failed]] = {pool.submit(_make, each) for each in planned}
        while waiting:
            done, waiting = wait(waiting, _LOOK_S, FIRST_COMPLETED)
            if cancelled():
                raise Cancelled("Generating was stopped.", cure="Run the same command again to go on; finished samples are kept.")
            for future in done:
                result = future.result()
                if isinstance(result, _Failed):
                    raise DataError(result.message, cure=result.cure, detail=result.detail)
                yield result
    except BrokenProcessPool as cause:
        raise DataError(
            "A worker process died.", cure="It may be short of memory: run the same command again with fewer --jobs; finished samples are kept.",
            detail="worker",
        ) from cause  # fmt: skip
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


# --------------------------------------------------------------------------------------------------- in a worker process


@dataclass(frozen=True, slots=True)
class _Failed:
    """An error on its way to the parent; exceptions that take keywords do not survive the journey."""

    message: str
    cure: str
    detail: str


class _State:
    worker: LocalWorker | None = None
    stop: Event | None = None


def _start(task: Task, stop: Event, threads: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent says when to stop
    threading.Thread(target=_die_with_parent, daemon=True).start()
    numba.set_num_threads(min(threads, numba.get_num_threads()))
    cv2.setNumThreads(threads)
    _State.worker, _State.stop = LocalWorker(task), stop


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _make(planned: PlannedSample) -> PlannedSample | _Failed:
    assert _State.worker is not None
    assert _State.stop is not None
    try:
        return _State.worker.make(planned, _State.stop.is_set)
    except D3Error as error:
        return _Failed(error.message, error.cure, error.code)
