"""Sequences beyond the default: further periods, several exposures, turned fringes, gamma; and scans whose frames do not belong together."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from rig_configs.errors import ReconstructionError, RigFileError
from rig_configs.fringes import FringeConfig
from structured_light.decoder import Decoded, FringeDecoder
from structured_light.patterns import FringePatterns, PatternRole

HIERARCHICAL = {"method": "hierarchical", "periods_px": (130, 1450), "steps": 4}
HETERODYNE = {"method": "heterodyne", "periods_px": (17.98, 20.21), "steps": 4}
SATURATION = 4095


def patterns_of(width: int = 1200, direction: Any = "columns", response: Any = 1.0, **fringes: Any) -> FringePatterns:
    return FringePatterns(FringeConfig.model_validate({"steps": 8, "period_px": 16, **fringes}), width, 600, direction, response)


def ramp(patterns: FringePatterns, rows: int = 40, columns: int = 300) -> np.ndarray:
    return np.linspace(4, patterns.length_px - 5, rows * columns).reshape(columns, rows).T


def decode(patterns: FringePatterns, frames: list[np.ndarray]) -> Decoded:
    decoder = FringeDecoder(patterns, SATURATION, 40, black_level_dn=64)
    for i, frame in enumerate(frames):
        decoder.add(i, frame)
    return decoder.decode()


@pytest.mark.parametrize("unwrapping", [HIERARCHICAL, HETERODYNE])
def test_further_periods_tell_the_order_as_a_gray_code_does(frames_of, unwrapping) -> None:
    patterns = patterns_of(unwrapping=unwrapping)
    assert patterns.roles == (PatternRole.PHASE,) * 8 + (PatternRole.COARSE,) * 8
    position = ramp(patterns)
    for seed, gamma in enumerate((0.9, 1.0, 1.1)):
        decoded = decode(patterns, frames_of(patterns, position, np.random.default_rng(seed), gamma=gamma))
        error = decoded.column - position
        assert decoded.valid.mean() > 0.99
        assert np.nanmax(np.abs(error)) < 0.2
        assert 0.9 < np.nanmean(decoded.sigma_column) / np.nanstd(error) < 1.1


@pytest.mark.parametrize("unwrapping", [{"method": "gray"}, HIERARCHICAL, HETERODYNE])
def test_noise_darkness_and_saturation_make_holes_but_never_a_slip(frames_of, unwrapping) -> None:
    patterns = patterns_of(unwrapping=unwrapping)
    position = ramp(patterns, 20, 200)
    for seed in range(100):
        rng = np.random.default_rng(seed)
        frames = frames_of(
            patterns,
            position,
            rng,
            amplitude=3000 * rng.uniform(0.02, 1.2, position.shape),
            blur_px=rng.uniform(0.3, 1.2),
            gamma=rng.uniform(0.9, 1.1),
        )
        dark, bright = rng.random(position.shape) < 0.05, rng.random(position.shape) < 0.01
        for frame in frames:
            frame[dark] = np.clip(64 + rng.normal(0, 2, dark.sum()), 0, SATURATION)
            frame[bright] = SATURATION
        decoded = decode(patterns, frames)
        assert not decoded.valid[dark | bright].any()
        assert decoded.valid.mean() > 0.3
        assert np.nanmax(np.abs(decoded.column - position)) < 0.25 * 16


def test_periods_that_do_not_reach_over_the_pattern_are_refused() -> None:
    with pytest.raises(RigFileError, match=r"apart over 500 px, the pattern is 1200 px") as error:
        patterns_of(unwrapping={**HIERARCHICAL, "periods_px": (100, 500)})
    assert error.value.code == "rig.invalid.fringe_periods"
    with pytest.raises(RigFileError):
        patterns_of(unwrapping={**HETERODYNE, "periods_px": (17.98, 20.52)})  # beats of equal period tell nothing


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"unwrapping": {**HIERARCHICAL, "periods_px": (1450, 130)}}, "must grow"),
        ({"unwrapping": HIERARCHICAL, "steps": 3}, "steps of 4 or more"),
        ({"unwrapping": HIERARCHICAL, "exposures": (1.0, 0.2)}, "share one Gray code"),
        ({"exposures": (0.2, 1.0)}, "must fall"),
    ],
)
def test_a_fringe_sequence_that_cannot_work_is_refused(change: dict[str, Any], what: str) -> None:
    with pytest.raises(ValidationError, match=what):
        FringeConfig.model_validate({"steps": 8, "period_px": 16, **change})


def test_two_exposures_measure_what_is_shiny_and_what_is_dull(frames_of) -> None:
    """A part whose brightness spans 1 : 100; each exposure alone leaves some of it unmeasured."""
    both = patterns_of(steps=5, exposures=(1.0, 0.1))
    assert both.count == 2 * 5 + 7 + 1
    assert [both.fringes.exposure_factor(i) for i in (0, 4, 5, 9, 10, 17)] == [1.0, 1.0, 0.1, 0.1, 1.0, 1.0]
    position = ramp(both)
    shine = np.geomspace(200, 20_000, position.size).reshape(position.shape[::-1]).T
    covered = {}
    for exposures in ((1.0,), (0.1,), (1.0, 0.1)):
        patterns = patterns_of(steps=5, exposures=exposures)
        frames = [
            frames_of(patterns, position, np.random.default_rng(i), amplitude=shine * patterns.fringes.exposure_factor(i))[i]
            for i in range(patterns.count)
        ]
        decoded = decode(patterns, frames)
        covered[exposures] = decoded.valid.mean()
        error = np.abs(decoded.column - position) / decoded.sigma_column
        assert np.nanmax(np.abs(decoded.column - position)) < 4
        assert np.mean(error[decoded.valid] < 5) > 0.995
    assert covered[1.0, 0.1] > 0.98
    assert covered[1.0, 0.1] > max(covered[1.0,], covered[0.1,]) + 0.2


@pytest.mark.parametrize(
    ("response", "beyond"), [(2.2, 1.0), (tuple(np.linspace(0, 1, 33) ** 2.2), 1.0), (1.0, 2.2), (2.0, 1.1), (tuple(np.linspace(0, 1, 33) ** 2), 1.1)]
)
def test_patterns_undo_the_projectors_measured_response_and_what_calibration_found_beyond_it(frames_of, response, beyond) -> None:
    plain, corrected = patterns_of(), replace(patterns_of(response=response), gamma=beyond)
    position = ramp(plain)
    for patterns in (plain, corrected):
        decoded = decode(patterns, frames_of(patterns, position, np.random.default_rng(0), gamma=2.2))
        assert decoded.gamma == pytest.approx(2.2 if patterns is plain else 1.0, abs=0.06)
    light = (np.array(corrected.profiles[0]) / 255) ** 2.2
    np.testing.assert_allclose(light, 0.5 + 0.5 * np.cos(2 * np.pi * (np.arange(1200) + 0.5) / 16), atol=0.01)


@pytest.mark.parametrize("steps", [4, 5, 8])
@pytest.mark.parametrize("moved_from", [1, 2])
def test_a_part_that_moves_during_the_phase_steps_is_reported(frames_of, steps, moved_from) -> None:
    patterns = patterns_of(steps=steps)
    position = ramp(patterns)
    still = frames_of(patterns, position, np.random.default_rng(0))
    moved = frames_of(patterns, position + 1.2, np.random.default_rng(1))
    with pytest.raises(ReconstructionError, match="no sinusoids") as error:
        decode(patterns, still[:moved_from] + moved[moved_from:])
    assert error.value.code == "reconstruction.failed.phase_steps"


@pytest.mark.parametrize("unwrapping", [{"method": "gray"}, HIERARCHICAL, HETERODYNE])
def test_vibration_is_reported_whatever_unwraps(frames_of, unwrapping) -> None:
    patterns = patterns_of(unwrapping=unwrapping)
    position, rng = ramp(patterns), np.random.default_rng(0)
    shaken = [frames_of(patterns, position + rng.normal(0, 0.4), rng)[i] for i in range(patterns.count)]
    with pytest.raises(ReconstructionError) as error:
        decode(patterns, shaken)
    assert error.value.code == "reconstruction.failed.phase_steps"


def test_a_part_that_moves_between_phase_steps_and_gray_code_is_reported(frames_of) -> None:
    patterns = patterns_of()
    position = ramp(patterns)
    still, moved = (frames_of(patterns, position + d, np.random.default_rng(0)) for d in (0, 7))
    with pytest.raises(ReconstructionError, match="contradict") as error:
        decode(patterns, still[:8] + moved[8:])
    assert error.value.code == "reconstruction.failed.fringe_orders"


def test_a_repeated_picture_is_named_by_its_step(frames_of) -> None:
    patterns = patterns_of()
    frames = frames_of(patterns, ramp(patterns), np.random.default_rng(0))
    frames[5] = frames[4]
    with pytest.raises(ReconstructionError, match="step 6 of 8"):
        decode(patterns, frames)


def test_a_small_moving_thing_is_masked_and_the_rest_measured(frames_of) -> None:
    patterns = patterns_of()
    position = ramp(patterns)
    frames = frames_of(patterns, position, np.random.default_rng(0))
    elsewhere = frames_of(patterns, position + 3, np.random.default_rng(1))
    frames[3][5:10, 100:130] = elsewhere[3][5:10, 100:130]
    decoded = decode(patterns, frames)
    assert decoded.valid[5:10, 100:130].mean() < 0.2
    decoded.column[5:10, 100:130] = np.nan
    assert decoded.valid.mean() > 0.98
    assert np.nanmax(np.abs(decoded.column - position)) < 0.2


@pytest.mark.parametrize("angle", [0.0, 90.0, 30.0, -45.0, 180.0])
def test_turned_fringes_encode_the_distance_across_them(angle) -> None:
    columns, rows = patterns_of(), patterns_of(direction="rows")
    turned = patterns_of(direction=angle)
    c, s, w0 = turned.axis
    y, x = np.mgrid[0:600, 0:1200]
    w = c * x + s * y + w0
    assert w.min() == pytest.approx(0, abs=1e-9)
    assert w.max() == pytest.approx(turned.length_px - 1)
    light = 127.5 + 127.5 * np.cos(2 * np.pi * ((w + 0.5) / 16 - 3 / 8))
    np.testing.assert_allclose(turned.images[3], light, atol=0.501)
    for straight, at in ((columns, 0.0), (rows, 90.0)):
        if angle == at:
            np.testing.assert_array_equal(np.stack(turned.images), np.stack(straight.images))
