"""The simulated rig's rate, and the time from trigger to verdict, on the demo rig."""

from __future__ import annotations

import asyncio
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from acquisition.simulation.feeder import PartFeeder
from api.composition import open_station
from api.jobs import JobRunner
from api.schemas import InspectionRequest, Role
from api.security import Principal
from api.settings import Settings
from api.station import Station
from api.store.store import open_store
from api.waiting import finished

RECIPE = "fork_crimp_terminal"
PARTS = 6


def rows() -> list[dict]:
    """Rows of bench.json."""
    with TemporaryDirectory() as folder:
        opened = open_station("demo", Path(folder), automatic_hand=False)
        station, bench = opened.station, opened.bench
        assert opened.hand is not None
        assert bench is not None
        start = time.perf_counter()
        station.teach(RECIPE, 12, opened.hand.next_good_part)
        teach_s = time.perf_counter() - start
        feeder = PartFeeder(bench, RECIPE)
        totals, rates = [], []
        for seed in range(5):
            feeder.place(None, seed=seed)
            outcome = station.inspect(RECIPE)
            totals.append(outcome.timings.total)
            # The same part again: its geometry is known, so a frame costs its shading only.
            start = time.perf_counter()
            frames = sum(1 for _ in station.frames())
            rates.append(frames / (time.perf_counter() - start))
        overlapped = _overlapped(station, Path(folder))
        station.close()
    total_s, rate = statistics.median(totals), statistics.median(rates)
    return [
        {
            "name": "trigger to verdict, demo, warm",
            "value": total_s,
            "unit": "s",
            "against": "median of 5 parts",
            "bar": "<= 6",
            "holds": total_s <= 6,
        },
        {
            "name": "simulated frames at 1368x912",
            "value": rate,
            "unit": "frames/s",
            "against": "median of 5 scans",
            "bar": ">= 25",
            "holds": rate >= 25,
        },
        overlapped,
        {"name": "teach from 12 scanned parts", "value": teach_s, "unit": "s", "against": "scans and fit", "bar": None, "holds": None},
    ]


def _overlapped(station: Station, folder: Path) -> dict:
    """The same parts asked for one by one, each when the one before has its verdict, and all at once."""
    store = open_store(Settings(data_dir=folder))
    runner = JobRunner(store, station, station_name="bench")
    runner.start()
    caller = Principal("bench", Role.ADMIN, "key", "")

    def verdicts(ids: list[str]) -> None:
        for one in ids:
            done = asyncio.run(finished(store, one, wait_s=300))
            assert done.reason is None, done.reason

    def ask() -> str:
        return runner.submit(InspectionRequest(recipe=RECIPE), caller, None)[0].id

    try:
        verdicts([ask()])
        start = time.perf_counter()
        for _ in range(PARTS):
            verdicts([ask()])
        one_by_one_s = time.perf_counter() - start
        start = time.perf_counter()
        verdicts([ask() for _ in range(PARTS)])
        overlapped_s = time.perf_counter() - start
    finally:
        runner.stop()
        store.close()
    return {
        "name": "gain of overlapped stages, demo rig",
        "value": one_by_one_s / overlapped_s,
        "unit": "×",
        "against": f"{PARTS} parts one after another, {one_by_one_s / PARTS:.1f} s each; simulated camera and judgement share the cores",
        "bar": None,
        "holds": None,
    }
