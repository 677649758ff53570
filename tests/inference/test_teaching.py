"""What teaching tells, and what it does with more parts, fewer threads and other block sizes."""

import tracemalloc

import numpy as np
import pytest
import torch

import inference.coreset as coreset
import inference.nearest as nearest
from inference.d3m import D3M, D3MConfig
from inference.fitting import extract_all
from inference.teaching_memory import teaching_memory
from rig_configs.errors import SampleError

SMALL = D3MConfig(working_px=160, fusion_steps=5, fusion_batch=128, folds=3)


def test_more_good_parts_widen_what_is_good_without_the_old_ones(model, sample_of):
    """A version with a higher boss is rejected, added, and then passes; what is defective stays so."""
    before = [model.predict(sample_of(seed, "height")).score for seed in (100, 101)]
    more = model.extended(sample_of(seed, "height") for seed in range(302, 308))
    after = [more.predict(sample_of(seed, "height")).score for seed in (100, 101)]
    assert min(before) > 1.0 > max(after)
    assert more.predict(sample_of(101)).score < 1.0
    assert more.predict(sample_of(100, "dent")).score > max(after)
    assert len(more.report.samples) == len(model.report.samples) + 6
    assert more.model_id != model.model_id
    assert all(new > old for new, old in zip(more.report.bank_rows, model.report.bank_rows, strict=True))


def test_banks_never_grow_beyond_their_bound(good_samples):
    config = SMALL.model_copy(update={"most_bank_rows": 100, "coreset_share": 0.5})
    model = D3M.fit(good_samples[:5], config)
    assert model.report.bank_rows == (100, 100, 100)
    assert model.extended(good_samples[5:7]).report.bank_rows == (100, 100, 100)
    with pytest.raises(SampleError):
        model.extended([])


def test_a_defective_part_among_the_good_ones_is_pointed_out_with_what_saw_it(good_samples, sample_of):
    spoilt = D3M.fit([*good_samples[:12], sample_of(400, "stain", "spoilt")], SMALL.model_copy(update={"working_px": 256, "folds": 4}))
    outliers = spoilt.report.outliers()
    assert [o.name for o in outliers] == ["spoilt"]
    assert outliers[0].bank == "rgb"
    assert spoilt.report.by_distance()[-1][0] == "spoilt"
    counts, edges = spoilt.report.histogram()
    assert sum(counts) == 13
    assert edges[-1] >= 1.0


def test_nothing_is_pointed_out_among_parts_that_are_all_good(model):
    assert model.report.outliers() == []


def test_the_model_does_not_depend_on_threads_or_block_sizes(good_samples, sample_of, monkeypatch):
    def scores():
        model = D3M.fit(good_samples[:5], SMALL)
        predictions = [model.predict(sample_of(seed, defect)) for seed, defect in ((100, ""), (100, "stain"))]
        return np.array([[p.score, *(b.score for b in p.banks)] for p in predictions])

    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        first = scores()
        torch.set_num_threads(1)
        monkeypatch.setattr(nearest, "_QUERIES", 97)
        monkeypatch.setattr(nearest, "_ROWS", 53)
        monkeypatch.setattr(coreset, "_BLOCK", 131)
        second = scores()
    finally:
        torch.set_num_threads(threads)
    np.testing.assert_allclose(second, first, rtol=2e-3)


def test_memory_is_told_beforehand_and_kept(good_samples):
    """Of numpy's arrays, which are what grows with the parts."""
    _, features = extract_all(good_samples[:5], SMALL, lambda *_: None, lambda: False)
    told = teaching_memory(features[0], 5, SMALL)
    D3M.fit(good_samples[:5], SMALL)  # whatever is loaded once is loaded
    tracemalloc.start()
    model = D3M.fit(good_samples[:5], SMALL)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(bank.rows.nbytes for bank in model.state.banks) == pytest.approx(told.banks, rel=0.1)
    kept = sum(f.rgb.nbytes + f.pseudo3d.nbytes + f.points.nbytes for f in features)
    assert kept == pytest.approx(told.features, rel=0.1)
    assert peak / 1e6 < told.megabytes + 12.0  # pictures and maps of one part at a time
