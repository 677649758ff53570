"""The simulated rig's rate, and the time from trigger to verdict, on the demo rig."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from acquisition.simulation.feeder import PartFeeder
from api.composition import open_station

RECIPE = "fork_crimp_terminal"


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
        {"name": "teach from 12 scanned parts", "value": teach_s, "unit": "s", "against": "scans and fit", "bar": None, "holds": None},
    ]
