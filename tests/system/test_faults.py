"""A hardware or data fault is NotDecidable with its reason, everything is dark, and the next part is judged."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from acquisition.capture import Frame
from acquisition.simulation.faults import Faults
from acquisition.simulation.feeder import PartFeeder
from api.cli.demo import RECIPE
from api.composition import OpenStation
from api.reconstruction import Reconstructor
from api.schemas import Evaluation, StationState
from rig_configs.errors import ReconstructionError
from rig_configs.simulation import FaultKind


def unplugged(device: str) -> Callable[[Faults], None]:
    return lambda faults: faults.unplugged.add(device)


def dark(device: str) -> Callable[[Faults], None]:
    return lambda faults: faults.dark.add(device)


def of_frame(number: int, kind: FaultKind) -> Callable[[Faults], None]:
    return lambda faults: faults.frames.extend([None] * (number - 1) + [kind])


def lagging(source: str) -> Callable[[Faults], None]:
    return lambda faults: faults.lagging.add(source)


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        (unplugged("camera"), "device.unavailable", "camera"),
        (unplugged("lights"), "device.unavailable", "lights"),
        (unplugged("projector2"), "device.unavailable", "projector2"),
        (dark("zone3"), "device.frame_fault.dark", "light zone south"),
        (dark("projector1"), "device.frame_fault.dark", "projector north_west"),
        (of_frame(1, FaultKind.DROPPED), "device.frame_timeout", "no frame"),
        (of_frame(30, FaultKind.LATE), "device.frame_timeout", "no frame"),
        (of_frame(3, FaultKind.DUPLICATED), "device.frame_fault.duplicate", "again"),
        (of_frame(9, FaultKind.INCOMPLETE), "device.frame_fault.incomplete", "incomplete"),
        (of_frame(4, FaultKind.SATURATED), "device.frame_fault.saturated", "overexposed"),
        (lagging("zone0"), "device.frame_fault.dark", "light zone east"),
    ],
)
def test_a_device_fault_is_not_decidable_and_the_next_part_is_judged(opened: OpenStation, fault, code: str, words: str) -> None:
    station, bench = opened.station, opened.bench
    assert bench is not None
    PartFeeder(bench, RECIPE).place(None, seed=11)
    fault(bench.faults)
    outcome = station.inspect(RECIPE)
    assert outcome.evaluation is Evaluation.NOT_DECIDABLE
    assert outcome.reason is not None
    assert outcome.reason.code.startswith(code)
    assert words in outcome.reason.message
    assert outcome.reason.cure
    assert outcome.score is None
    # Only a light that has lost its plug cannot be told to go dark; whatever else fails, all of them are off.
    assert bench.is_dark or words in ("lights", "projector2")
    assert station.state().state is StationState.ERROR
    assert station.state().reason == outcome.reason

    bench.faults.clear()
    assert station.inspect(RECIPE).evaluation is Evaluation.OK
    assert station.state().state is StationState.READY
    assert station.state().reason is None


def test_everything_is_dark_before_anybody_hears_that_the_solver_gave_up(opened: OpenStation, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = opened.bench
    assert bench is not None
    PartFeeder(bench, RECIPE).place(None, seed=11)
    taken: list[Frame] = []

    def give_up(_: Reconstructor, frame: Frame) -> None:
        taken.append(frame)
        if len(taken) == 9:
            assert not bench.is_dark
            raise ReconstructionError("Enough.", cure="None.")

    monkeypatch.setattr(Reconstructor, "add", give_up)
    try:
        opened.station.reconstruct()
    except ReconstructionError:
        assert bench.is_dark  # now, and not when the exception's traceback is forgotten
    assert len(taken) == 9


def test_an_empty_plate_is_not_decidable(opened: OpenStation) -> None:
    assert opened.bench is not None
    opened.bench.place(None)
    outcome = opened.station.inspect(RECIPE)
    assert outcome.evaluation is Evaluation.NOT_DECIDABLE
    assert outcome.reason is not None
    assert outcome.reason.code.startswith("sample.invalid")
    assert opened.station.state().state is StationState.READY  # nothing is wrong with the station


def test_an_untaught_recipe_is_not_decidable_and_nothing_is_captured(opened: OpenStation) -> None:
    outcome = opened.station.inspect("connector_housing_female")
    assert outcome.evaluation is Evaluation.NOT_DECIDABLE
    assert outcome.reason is not None
    assert outcome.reason.code == "model.invalid.missing"
    assert "d3station teach connector_housing_female" in outcome.reason.cure
    assert outcome.artifacts == []


def test_a_cancelled_inspection_is_not_decidable(opened: OpenStation) -> None:
    assert opened.bench is not None
    PartFeeder(opened.bench, RECIPE).place(None, seed=11)
    asked: list[int] = []

    def cancelled() -> bool:
        asked.append(1)
        return len(asked) > 5

    outcome = opened.station.inspect(RECIPE, cancelled=cancelled)
    assert outcome.evaluation is Evaluation.NOT_DECIDABLE
    assert outcome.reason is not None
    assert outcome.reason.code == "job.cancelled"
    assert len(asked) == 6
