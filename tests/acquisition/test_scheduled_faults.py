"""Faults of the rig's configuration strike the scan and the frame they name, and the next scan is whole again."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from pydantic import ValidationError

from acquisition.drivers.simulated import open_simulated
from acquisition.rig import Rig
from acquisition.sequence import Sequence, inspection_sequence
from acquisition.simulation import artefacts
from rig_configs.errors import D3Error, DeviceUnavailable
from rig_configs.files import load_rig
from rig_configs.schema import RigConfig

SCANS = 4


def with_faults(*faults: dict) -> RigConfig:
    rig = load_rig("demo").model_dump(mode="json")
    rig["simulation"]["faults"] = faults
    rig["camera"] |= {"width_px": 342, "height_px": 228}
    return RigConfig.model_validate(rig)


@pytest.fixture(scope="module")
def sequence() -> Sequence:
    """Fringes of three phases for each of four projectors, 17 frames in all."""
    column = np.arange(1280) * 2 * np.pi / 40
    patterns = [np.tile((127.5 * (1 + np.cos(column + phase))).astype(np.uint8), (800, 1)) for phase in (0, 2, 4)]
    return inspection_sequence(with_faults(), [patterns] * 4)


@pytest.fixture
def codes(sequence: Sequence) -> Callable[[RigConfig], list[tuple[str | None, int]]]:
    """For each of four scans, what it ended with and how many frames it gave."""

    def scan(config: RigConfig) -> list[tuple[str | None, int]]:
        camera, lights, projectors, bench = open_simulated(config)
        bench.place(artefacts.white_plate())
        rig, seen = Rig(config, camera, lights, projectors), []
        for _ in range(SCANS):
            frames, code = 0, None
            try:
                for _ in rig.scan(sequence):
                    frames += 1
            except D3Error as fault:
                code = fault.code
            assert bench.is_dark
            seen.append((code, frames))
        return seen

    return scan


WHOLE = (None, 17)


def test_without_faults_every_scan_is_whole(codes) -> None:
    assert codes(with_faults()) == [WHOLE] * SCANS


@pytest.mark.parametrize(
    ("fault", "code", "frames"),
    [
        ({"kind": "dropped", "frame": 6}, "device.frame_fault.gap", 5),
        ({"kind": "late", "frame": 6}, "device.frame_timeout", 5),
        ({"kind": "duplicated", "frame": 6}, "device.frame_fault.duplicate", 6),
        ({"kind": "incomplete", "frame": 6}, "device.frame_fault.incomplete", 5),
        ({"kind": "saturated", "frame": 6}, "device.frame_fault.saturated", 5),
        ({"kind": "dark", "device": "north"}, "device.frame_fault.dark", 2),
        ({"kind": "dark", "device": "south_west"}, "device.frame_fault.dark", 11),
        ({"kind": "lagging", "device": "east"}, "device.frame_fault.dark", 1),
        ({"kind": "lagging", "device": "south_west", "frame": 13}, "device.frame_fault.unchanged", 12),
        ({"kind": "unplugged", "device": "camera", "frame": 9}, "device.unavailable.unplugged", 6),  # two are still in it
        ({"kind": "unplugged", "device": "camera"}, "device.unavailable.unplugged", 0),
        ({"kind": "unplugged", "device": "lights", "frame": 4}, "device.unavailable.unplugged", 2),
        ({"kind": "unplugged", "device": "north_east", "frame": 7}, "device.unavailable.unplugged", 5),
    ],
)
def test_a_fault_strikes_where_it_is_configured(codes, fault: dict, code: str, frames: int) -> None:
    assert codes(with_faults(fault | {"scan": 2})) == [WHOLE, (code, frames), WHOLE, WHOLE]


def test_a_controller_that_lags_one_step_is_noticed(codes) -> None:
    """It fires the zone before again: a bright frame, in order and on time, that is not the one asked for."""
    lags = [{"kind": "lagging", "device": zone, "frame": 3} for zone in ("east", "north", "west", "south")]
    assert codes(with_faults(*lags))[0] == ("device.frame_fault.unchanged", 2)


def test_what_lags_has_caught_up_when_the_next_scan_begins(codes) -> None:
    assert codes(with_faults({"kind": "lagging", "device": "south_east", "every": 1})) == [("device.frame_fault.dark", 14)] * SCANS


def test_a_fault_comes_back_as_often_as_configured(codes) -> None:
    assert [code for code, _ in codes(with_faults({"kind": "dropped", "every": 2}))] == ["device.frame_timeout", None] * 2


def test_a_test_may_break_what_the_configuration_does_not_mend() -> None:
    camera, _, _, bench = open_simulated(with_faults({"kind": "unplugged", "device": "camera"}))
    bench.faults.unplugged.add("lights")
    with pytest.raises(DeviceUnavailable):
        camera.arm(1)
    assert bench.faults.unplugged == {"lights"}
    camera.arm(1)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"kind": "dark", "device": "nowhere"}, "name one of east, north"),
        ({"kind": "unplugged", "device": "east"}, "name one of camera, lights"),
        ({"kind": "dark"}, "needs a 'device'"),
        ({"kind": "dropped", "device": "camera"}, "leave 'device' out"),
        ({"kind": "melted"}, "kind"),
    ],
)
def test_a_fault_that_cannot_be_is_refused_in_words(fault: dict, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        with_faults(fault)
