"""Metrics against other people's code and against the definition, written out."""

import cv2
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from inference.metrics import AUPRO_LIMIT, PixelCounts, sample_auroc


def _maps(seed=0, samples=4, shape=(40, 60), levels=0):
    """Maps with round defects in some of them, some defects hardly seen; ``levels`` quantises the scores so that there are ties."""
    rng = np.random.default_rng(seed)
    maps, masks = [], []
    for i in range(samples):
        mask = np.zeros(shape, np.uint8)
        for _ in range(i % 3):
            cv2.circle(mask, (int(rng.integers(60)), int(rng.integers(40))), int(rng.integers(2, 7)), 1, -1)
        scores = rng.gamma(2.0, 0.2, shape) + mask * rng.uniform(0.0, 1.2)
        if levels:
            scores = np.round(scores * levels) / levels
        scores[:8] = 0.0  # off the part
        maps.append(scores.astype(np.float32))
        masks.append(mask.astype(bool))
    return maps, masks


def _counts(maps, masks):
    return PixelCounts.total(PixelCounts.of(m, k) for m, k in zip(maps, masks, strict=True))


def _brute_force_pro(maps, masks, limit):
    """The definition: for every threshold that there is, the share of good pixels at or above it, and the mean share of each region."""
    scores, mask = np.concatenate([m.ravel() for m in maps]), np.concatenate([k.ravel() for k in masks])
    regions = []
    for m, k in zip(maps, masks, strict=True):
        count, labels = cv2.connectedComponents(k.astype(np.uint8), connectivity=8)
        regions += [m[labels == i] for i in range(1, count)]
    thresholds = np.unique(scores)[::-1]
    across = [0.0, *(np.mean(scores[~mask] >= t) for t in thresholds)]
    up = [0.0, *(np.mean([np.mean(r >= t) for r in regions]) for t in thresholds)]
    at_limit = np.interp(limit, across, up)
    inside = np.array(across) < limit
    x, y = [*np.array(across)[inside], limit], [*np.array(up)[inside], at_limit]
    return float(np.trapezoid(y, x)) / limit


@pytest.mark.parametrize("levels", [0, 7])
@pytest.mark.parametrize("seed", range(3))
def test_pixel_auroc_is_sklearns_within_the_error_it_states(seed, levels):
    maps, masks = _maps(seed, levels=levels)
    area = _counts(maps, masks).auroc()
    expected = roc_auc_score(np.concatenate([k.ravel() for k in masks]), np.concatenate([m.ravel() for m in maps]))
    assert abs(area.value - expected) <= area.error + 1e-12
    assert levels or area.error < 5e-4  # of ties the counts cannot know that they are such


@pytest.mark.parametrize("levels", [0, 7])
@pytest.mark.parametrize("limit", [AUPRO_LIMIT, 0.05, 1.0])
def test_aupro_is_that_of_the_definition_within_the_error_it_states(limit, levels):
    for seed in range(3):
        maps, masks = _maps(seed, samples=3, levels=levels)
        area = _counts(maps, masks).aupro(limit)
        assert abs(area.value - _brute_force_pro(maps, masks, limit)) <= area.error + 1e-9
        assert levels or area.error < 5e-3


def test_sample_auroc_is_sklearns_with_ties():
    rng = np.random.default_rng(0)
    scores, defective = np.round(rng.normal(size=200), 1), rng.random(200) < 0.3
    assert sample_auroc(scores, defective) == pytest.approx(roc_auc_score(defective, scores), abs=1e-12)


def test_counts_do_not_depend_on_the_order_or_grouping_of_samples():
    maps, masks = _maps(samples=6)
    one, two, three = (_counts(maps[i : i + 2], masks[i : i + 2]) for i in (0, 2, 4))
    for area in ("auroc", "aupro"):
        whole, other = getattr(_counts(maps, masks), area)(), getattr(three + (one + two), area)()
        assert whole.value == pytest.approx(other.value, abs=1e-12)
        assert whole.error == pytest.approx(other.error, abs=1e-12)


def test_a_perfect_map_is_one_and_a_blind_one_is_half():
    mask = np.zeros((30, 30), bool)
    mask[5:9, 5:9] = True
    perfect, blind = PixelCounts.of(mask.astype(np.float32), mask), PixelCounts.of(np.full(mask.shape, 0.5, np.float32), mask)
    assert perfect.auroc().value == perfect.aupro().value == 1.0
    assert blind.auroc().value == pytest.approx(0.5)


def test_a_small_region_counts_as_much_as_a_large_one_in_aupro_alone():
    mask = np.zeros((60, 60), bool)
    mask[5:45, 5:45] = True
    mask[52:55, 52:55] = True
    seen = mask.astype(np.float32)
    seen[52:55, 52:55] = 0.0
    rng = np.random.default_rng(0)
    counts = PixelCounts.of(seen + 0.5 * rng.random(mask.shape, np.float32), mask)
    assert counts.aupro().value < 0.7
    assert counts.auroc().value > 0.99


def test_what_has_no_answer_is_not_a_number():
    maps, masks = _maps(samples=1)
    assert np.isnan(_counts(maps, masks).auroc().value)
    assert np.isnan(_counts(maps, masks).aupro().value)
    assert np.isnan(sample_auroc(np.array([1.0, 2.0]), np.array([False, False])))


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -0.1])
def test_scores_that_have_no_place_are_refused(wrong):
    scores = np.ones((5, 5), np.float32)
    scores[2, 2] = wrong
    with pytest.raises(ValueError, match="finite"):
        PixelCounts.of(scores, np.zeros((5, 5), bool))
    with pytest.raises(ValueError, match="one shape"):
        PixelCounts.of(np.ones((5, 5), np.float32), np.zeros((5, 6), bool))


def test_memory_does_not_grow_with_the_number_of_samples():
    maps, masks = _maps(samples=2, shape=(200, 300))
    few, many = _counts(maps, masks), _counts(maps * 10, masks * 10)
    assert len(many.good) == len(few.good)
    assert many.good.sum() == 10 * few.good.sum()
