import math

import numpy as np
import pytest
import torch

from inference.contrastive_fusion import FusionSettings, info_nce, train_fusion
from rig_configs.errors import Cancelled

SETTINGS = FusionSettings(steps=60, batch=128, learning_rate=1e-3, temperature=0.1, seed=3)


def _paired(count=1500, seed=0):
    """Two views of one hidden cause, as image and points of one patch are."""
    rng = np.random.default_rng(seed)
    cause = rng.standard_normal((count, 6))
    image = np.tanh(cause @ rng.standard_normal((6, 40))) + 0.05 * rng.standard_normal((count, 40))
    points = np.tanh(cause @ rng.standard_normal((6, 20))) + 0.05 * rng.standard_normal((count, 20))
    return image.astype(np.float32), points.astype(np.float32)


def test_info_nce_is_log_n_when_blind_and_near_zero_when_aligned():
    blind = torch.ones(64, 8)
    assert float(info_nce(blind, blind, 0.1)) == pytest.approx(math.log(64), rel=1e-5)
    aligned = torch.eye(64)
    assert float(info_nce(aligned, aligned, 0.05)) < 1e-5
    assert float(info_nce(aligned, aligned.roll(1, dims=0), 0.05)) > 10.0


def test_training_lowers_the_loss_only_where_the_positives_belong_together():
    image, points = _paired()
    _, aligned = train_fusion(image, points, SETTINGS)
    _, shuffled = train_fusion(image, np.random.default_rng(1).permutation(points), SETTINGS)
    assert np.mean(aligned[-6:]) < 0.5 * np.mean(aligned[:6])
    assert np.mean(shuffled[-6:]) > 2.0 * np.mean(aligned[-6:])


def test_fused_feature_is_both_modalities_side_by_side_each_from_its_own_patch():
    image, points = _paired(count=300)
    fusion, _ = train_fusion(image, points, FusionSettings(5, 64, 1e-3, 0.1, 0))
    fused = fusion.embed(image, points)
    assert fused.shape == (300, 60)
    moved = points.copy()
    moved[7] += 1.0
    changed = np.argwhere(np.abs(fusion.embed(image, moved) - fused) > 1e-6)
    assert set(changed[:, 0]) == {7}
    assert changed[:, 1].min() >= 40


def test_same_seed_same_fusion_and_the_callers_random_state_stays():
    image, points = _paired(count=300)
    short = FusionSettings(8, 64, 1e-3, 0.1, 5)
    torch.manual_seed(11)
    before = torch.get_rng_state()
    first, _ = train_fusion(image, points, short)
    assert torch.equal(torch.get_rng_state(), before)
    second, _ = train_fusion(image, points, short)
    np.testing.assert_array_equal(first.embed(image, points), second.embed(image, points))


def test_training_stops_when_asked():
    image, points = _paired(count=200)
    with pytest.raises(Cancelled):
        train_fusion(image, points, SETTINGS, cancelled=lambda: True)
