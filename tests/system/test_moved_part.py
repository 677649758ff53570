"""A part that moves while the station captures it is NotDecidable, whatever its model would say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from acquisition.devices import RawFrame
from acquisition.simulation.feeder import PartFeeder
from api.cli.demo import RECIPE
from api.composition import OpenStation
from api.schemas import Evaluation, StationState


def test_a_part_that_is_pushed_during_the_scan_is_not_decidable_and_the_next_one_is_judged(
    opened: OpenStation, monkeypatch: pytest.MonkeyPatch
) -> None:
    station, bench = opened.station, opened.bench
    assert bench is not None
    PartFeeder(bench, RECIPE).place(None, seed=11)
    still, expose, exposures = bench.placed, bench.expose, 0
    assert still is not None
    pushed = replace(still, meshes=tuple(m.moved(np.eye(3), np.array([0.1, 0.05, 0])) for m in still.meshes))

    def push_in_the_middle(exposure_us: float) -> RawFrame:
        nonlocal exposures
        exposures += 1
        if exposures == 1 + 4 + 2 * 12:  # the dark frame, the zones, two projectors' fringes
            monkeypatch.setattr(bench, "_object", pushed)
            monkeypatch.setattr(bench, "_view", None)
        return expose(exposure_us)

    monkeypatch.setattr(bench, "expose", push_in_the_middle)
    outcome = station.inspect(RECIPE)
    assert outcome.evaluation is Evaluation.NOT_DECIDABLE
    assert outcome.reason is not None
    assert outcome.reason.code == "reconstruction.failed.moved"
    assert "north_west" in outcome.reason.message
    assert station.state().state is StationState.READY  # it is the part that cannot be judged, nothing is broken
    assert station.inspect(RECIPE).evaluation is Evaluation.OK
