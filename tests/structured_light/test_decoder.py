from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rig_configs.errors import ReconstructionError
from rig_configs.fringes import FringeConfig
from structured_light.decoder import Decoded, FringeDecoder
from structured_light.noise import NoiseModel
from structured_light.patterns import FringePatterns

SATURATION, LEAST = 4095, 40


def decode(patterns: FringePatterns, frames: list[np.ndarray]) -> Decoded:
    decoder = FringeDecoder(patterns, SATURATION, LEAST)
    for i, frame in enumerate(frames):
        decoder.add(i, frame)
    return decoder.decode()


def ramp(patterns: FringePatterns, rows: int = 40, columns: int = 300) -> np.ndarray:
    """Every camera row sweeps the whole pattern, each at other sub-pixel positions."""
    positions = np.linspace(4, patterns.length_px - 5, rows * columns)  # the pattern's very ends blur into nothing
    return positions.reshape(columns, rows).T


@given(
    period=st.integers(5, 120),
    steps=st.integers(3, 9),
    blur=st.floats(0.3, 1.2),
    gamma=st.floats(0.9, 1.1),
    direction=st.sampled_from(["columns", "rows"]),
    seed=st.integers(0, 10_000),
)
@settings(max_examples=25, deadline=None)
def test_no_pixel_ever_slips_a_period(frames_of, period, steps, blur, gamma, direction, seed) -> None:
    patterns = FringePatterns(FringeConfig(steps=steps, period_px=period), 912, 600, direction)
    position = ramp(patterns)
    decoded = decode(patterns, frames_of(patterns, position, np.random.default_rng(seed), blur_px=blur, gamma=gamma))
    assert decoded.valid.mean() > 0.98
    assert np.nanmax(np.abs(decoded.column - position)) < 0.4 * period


def test_without_noise_the_column_is_exact_to_the_patterns_quantisation(frames_of) -> None:
    patterns = FringePatterns(FringeConfig(steps=8, period_px=16), 912, 600)
    position = ramp(patterns)
    decoded = decode(patterns, frames_of(patterns, position, np.random.default_rng(0), noise=False))
    error = decoded.column - position
    assert decoded.valid.all()
    assert np.abs(error).max() < 0.02
    assert abs(error.mean()) < 1e-3


@pytest.mark.parametrize(("steps", "period"), [(3, 16), (5, 20), (8, 16)])
def test_predicted_sigma_is_the_scatter_of_repeated_scans(frames_of, steps, period) -> None:
    patterns = FringePatterns(FringeConfig(steps=steps, period_px=period), 912, 600)
    position, rng = ramp(patterns, 20, 200), np.random.default_rng(3)
    scans = [decode(patterns, frames_of(patterns, position, rng, gamma=1.04)) for _ in range(20)]
    measured = np.nanmean(np.std([s.column for s in scans], axis=0, ddof=1))
    predicted = np.nanmean([s.sigma_column for s in scans])
    assert 0.9 < predicted / measured < 1.1


def test_the_noise_estimate_is_the_photon_transfer_line(frames_of) -> None:
    patterns = FringePatterns(FringeConfig(steps=5, period_px=20), 1280, 800)
    albedo = np.linspace(0.2, 1.2, 300)[None, :] * np.ones((200, 1))
    decoded = decode(patterns, frames_of(patterns, ramp(patterns, 200), np.random.default_rng(1), amplitude=3000 * albedo))
    for value in (300.0, 1500.0, 3500.0):
        truth = np.sqrt(4 + 0.336 * (value - 64))
        assert decoded.noise.sigma_dn(value) == pytest.approx(truth, rel=0.05)


def test_eight_bit_frames_work_too(frames_of) -> None:
    patterns = FringePatterns(FringeConfig(steps=8, period_px=16), 912, 600)
    position = ramp(patterns)
    frames = [(f // 16).astype(np.uint8) for f in frames_of(patterns, position, np.random.default_rng(0))]
    decoder = FringeDecoder(patterns, 255, 3)
    for i, frame in enumerate(frames):
        decoder.add(i, frame)
    decoded = decoder.decode()
    assert decoded.valid.mean() > 0.99
    assert np.nanmax(np.abs(decoded.column - position)) < 0.5


def test_saturated_dark_and_contradicting_pixels_are_not_measured(frames_of) -> None:
    patterns = FringePatterns(FringeConfig(steps=5, period_px=20), 912, 600)
    position = ramp(patterns)
    frames = frames_of(patterns, position, np.random.default_rng(0))
    frames[2][:, :50] = SATURATION
    for frame in frames:
        frame[:, 50:100] = 70
    half = np.mod(2 * (position + 0.5) / 20, 1)
    for frame in frames[5:10]:  # one level for every main bit: as if the projector had stood still
        frame[:, 100:150] = frames[0][:, 100:150] // 2 + frames[2][:, 100:150] // 2
    frames[-1][:, 150:200] = np.where(frames[-1][:, 150:200] > 1500, 100, 3000)
    decoded = decode(patterns, frames)
    assert not decoded.valid[:, :100].any()
    flipped = (half[:, 150:200] > 0.26) & (half[:, 150:200] < 0.74)
    assert not decoded.valid[:, 150:200][flipped].any()
    assert decoded.valid[:, 200:].mean() > 0.99
    good = decoded.valid[:, 100:150]
    assert good.mean() < 0.8


def test_five_per_cent_dark_and_one_per_cent_saturated_pixels_cause_no_slip(frames_of) -> None:
    patterns = FringePatterns(FringeConfig(steps=5, period_px=20), 1280, 800)
    position = ramp(patterns)
    for seed in range(10):
        rng = np.random.default_rng(seed)
        frames = frames_of(patterns, position, rng)
        dark, bright = rng.random(position.shape) < 0.05, rng.random(position.shape) < 0.01
        for frame in frames:
            frame[dark] = np.clip(64 + rng.normal(0, 2, dark.sum()), 0, 4095)
            frame[bright] = SATURATION
        decoded = decode(patterns, frames)
        assert not decoded.valid[dark | bright].any()
        assert np.nanmax(np.abs(decoded.column - position)) < 1


def test_a_given_noise_model_is_used_and_a_result_can_be_filled_anew(frames_of) -> None:
    patterns = FringePatterns(FringeConfig(steps=5, period_px=20), 912, 600)
    decoder = FringeDecoder(patterns, SATURATION, LEAST, NoiseModel(400.0, 0.0))
    results = []
    for shift in (0.0, 3.0):
        decoder.reset()
        for i, frame in enumerate(frames_of(patterns, ramp(patterns) - shift, np.random.default_rng(0))):
            decoder.add(i, frame)
        results.append(decoder.decode(results[-1] if results else None))
    assert results[1].column is results[0].column
    expected = 20 / (2 * np.pi) * np.sqrt(2 / 5) * 20 / results[1].modulation
    np.testing.assert_allclose(results[1].sigma_column, np.where(results[1].valid, expected, np.nan), rtol=1e-5)


def test_missing_repeated_or_misshapen_frames_are_named(frames_of) -> None:
    patterns = FringePatterns(FringeConfig(steps=5, period_px=20), 912, 600)
    frames = frames_of(patterns, ramp(patterns), np.random.default_rng(0))
    decoder = FringeDecoder(patterns, SATURATION, LEAST)
    decoder.add(0, frames[0])
    with pytest.raises(ReconstructionError, match=r"1 of 12 patterns") as missing:
        decoder.decode()
    assert missing.value.code == "reconstruction.failed.pattern_missing"
    with pytest.raises(ReconstructionError, match="Pattern 2 arrived where pattern 1 of 12 was due") as order:
        decoder.add(2, frames[2])
    assert order.value.code == "reconstruction.failed.pattern_order"
    with pytest.raises(ReconstructionError, match=r"\(10, 10\) pixels"):
        decoder.add(1, frames[1][:10, :10])


def test_a_scene_without_fringes_is_an_error_not_a_result(frames_of) -> None:
    patterns = FringePatterns(FringeConfig(steps=5, period_px=20), 912, 600)
    rng = np.random.default_rng(0)
    dark = [rng.integers(60, 68, (40, 300)).astype(np.uint16) for _ in range(patterns.count)]
    with pytest.raises(ReconstructionError) as error:
        decode(patterns, dark)
    assert error.value.code == "reconstruction.failed.no_fringes"
