"""The noise table tells of a scan what was put into it, and draws it again."""

from __future__ import annotations

import numpy as np
import pytest

from api.datasets.noise import Conditions, MeasuredErrors, NoiseModel, NoiseTable, compare, measure
from rig_configs.errors import ReconstructionError

SHAPE = (228, 342)
PROJECTORS = 4
SIGMA_UM = (0.0, 9.0, 6.0, 4.0, 3.0)
UNKNOWN = (1.0, 0.3, 0.05, 0.0, 0.0)
BIAS_UM = (0.0, 2.0, 0.0, 0.0, -1.0)


def conditions(unseen: bool = True) -> Conditions:
    u = np.tile(np.arange(SHAPE[1]), (SHAPE[0], 1))
    v = np.tile(np.arange(SHAPE[0])[:, None], (1, SHAPE[1]))
    seen = (u * (PROJECTORS + 1) // SHAPE[1]).astype(np.intp)
    if not unseen:
        seen = np.maximum(seen, 1)
    slant = np.where(v < 114, 5.0, 45.0).astype(np.float32)
    brightness = np.where(v % 114 < 57, 70.0, 160.0).astype(np.float32)
    return Conditions(seen, slant, brightness, np.ones(SHAPE, np.bool_), v > 20)


def scan(seed: int, unseen: bool = True, smooth: bool = False) -> MeasuredErrors:
    """Errors that grow with the slant, fall with the number of projectors, and are twice as large in the dark."""
    rng = np.random.default_rng(seed)
    c = conditions(unseen)
    noise = rng.standard_normal(SHAPE)
    if smooth:
        noise = (noise + np.roll(noise, 1, 0) + np.roll(noise, 1, 1) + np.roll(noise, (1, 1), (0, 1))) / 2
    scale = np.array(SIGMA_UM)[c.projectors] * np.where(c.slant_deg > 20, 1.5, 1) * np.where(c.brightness < 100, 2, 1)
    error = (np.array(BIAS_UM)[c.projectors] + scale * noise).astype(np.float32)
    error[rng.random(SHAPE) < np.array(UNKNOWN)[c.projectors]] = np.nan
    return MeasuredErrors(c, error)


@pytest.fixture(scope="module")
def table() -> NoiseTable:
    return measure([scan(i) for i in range(3)], PROJECTORS)


def test_a_cell_tells_the_spread_bias_and_unknown_share_of_its_pixels(table: NoiseTable) -> None:
    assert len(table.cells) == 5 * 2 * 2
    for cell in table.cells:
        scale = (1.5 if cell.slant_deg[0] > 20 else 1) * (2 if cell.brightness[0] < 100 else 1)
        assert cell.sigma_um == pytest.approx(SIGMA_UM[cell.projectors] * scale, rel=0.06)
        assert cell.unknown_share == pytest.approx(UNKNOWN[cell.projectors], abs=0.02)
        if cell.projectors:
            assert cell.bias_um == pytest.approx(BIAS_UM[cell.projectors], abs=0.15 * cell.sigma_um)
            assert list(cell.error_um) == sorted(cell.error_um)


def test_what_is_drawn_is_what_was_measured(table: NoiseTable) -> None:
    z = np.full(SHAPE, 3.0, np.float32)
    held_out = compare(scan(9), z, NoiseModel(table, PROJECTORS), "block", np.random.default_rng(1))
    for scanned, modelled in (held_out.median_error_um, held_out.p95_error_um, held_out.unknown_share):
        assert modelled == pytest.approx(scanned, rel=0.05)


def test_white_noise_stays_white_and_smooth_noise_smooth() -> None:
    assert measure([scan(1)], PROJECTORS).error_width_px == 0
    smooth = measure([scan(1, smooth=True)], PROJECTORS)
    c = conditions(unseen=False)
    drawn = NoiseModel(smooth, PROJECTORS).height(np.zeros(SHAPE, np.float32), c, np.random.default_rng(3))
    part = drawn[:, 290:]  # four projectors see it, none of it is unknown
    assert np.corrcoef(part[:, :-1].ravel(), part[:, 1:].ravel())[0, 1] == pytest.approx(0.5, abs=0.08)


def test_what_no_projector_sees_has_no_point_even_where_no_scan_met_it() -> None:
    model = NoiseModel(measure([scan(1, unseen=False)], PROJECTORS), PROJECTORS)
    c = conditions()
    z = model.height(np.ones(SHAPE, np.float32), c, np.random.default_rng(0))
    assert np.all(np.isnan(z[c.projectors == 0]))
    assert np.all(np.isfinite(z[c.projectors == 4]))


def test_the_same_seed_draws_the_same_noise(table: NoiseTable) -> None:
    model, z = NoiseModel(NoiseTable.model_validate_json(table.model_dump_json()), PROJECTORS), np.zeros(SHAPE, np.float32)
    first, again, other = (model.height(z, conditions(), np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert np.array_equal(first, again, equal_nan=True)
    assert not np.array_equal(first, other, equal_nan=True)


def test_scans_without_points_make_no_table() -> None:
    empty = MeasuredErrors(conditions(), np.full(SHAPE, np.nan, np.float32))
    with pytest.raises(ReconstructionError, match="too few points"):
        measure([empty], PROJECTORS)
