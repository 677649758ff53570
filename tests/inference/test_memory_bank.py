import numpy as np
import pytest

from inference.coreset import covering_radius, k_centre_greedy, projection_dims
from inference.memory_bank import MemoryBank, channel_scale
from rig_configs.errors import Cancelled


def _patches(count, channels, seed=0):
    """Clustered, as patches of a part are."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((30, channels))
    return (centres[rng.integers(30, size=count)] + 0.4 * rng.standard_normal((count, channels))).astype(np.float32)


def _textbook_greedy(patches, count, first):
    picked = [first]
    minimum = ((patches - patches[first]) ** 2).sum(axis=1)
    while len(picked) < count:
        picked.append(int(minimum.argmax()))
        minimum = np.minimum(minimum, ((patches - patches[picked[-1]]) ** 2).sum(axis=1))
    return np.array(picked)


@pytest.mark.parametrize("count", [300, 3000])  # one pool holds them all; several passes are needed
def test_coreset_is_as_good_as_textbook_greedy(count):
    patches = _patches(count, 64)
    picked = k_centre_greedy(patches, count // 10, seed=4)
    exact = _textbook_greedy(patches.astype(np.float64), count // 10, int(picked[0]))
    assert len(set(picked.tolist())) == count // 10
    assert covering_radius(patches, picked) <= 1.01 * covering_radius(patches, exact)


def test_coreset_beats_a_random_choice_by_far_where_a_few_patches_are_rare():
    patches = np.concatenate([_patches(2000, 32), 8.0 + _patches(20, 32, seed=1)])
    random = np.random.default_rng(0).choice(2000, 100, replace=False)
    assert covering_radius(patches, k_centre_greedy(patches, 100)) < 0.5 * covering_radius(patches, random)


def test_wide_patches_are_projected_and_the_radius_hardly_suffers():
    patches = _patches(2000, 600)
    assert projection_dims(2000) < 600
    assert projection_dims(50_000) == 268  # 4 ln n / (ε²/2 − ε³/3), rounded up
    picked = k_centre_greedy(patches, 200)
    exact = _textbook_greedy(patches.astype(np.float64), 200, int(picked[0]))
    assert covering_radius(patches, picked) <= 1.05 * covering_radius(patches, exact)


def test_identical_patches_do_not_trap_the_coreset():
    picked = k_centre_greedy(np.ones((700, 5), np.float32), 600)
    assert sorted(set(picked.tolist())) == sorted(picked.tolist())
    assert len(picked) == 600


def test_coreset_stops_when_asked():
    with pytest.raises(Cancelled):
        k_centre_greedy(_patches(500, 8), 50, cancelled=lambda: True)


def _bank(channels=24):
    return MemoryBank.fit(_patches(2500, channels), [channels], 0.2, seed=0)


def test_nearest_neighbour_equals_brute_force():
    bank, queries = _bank(), _patches(400, 24, seed=9)
    distance, index = bank.distances(queries)
    standardised = ((queries - bank.mean) * bank.scale).astype(np.float64)
    every = np.sqrt(((standardised[:, None, :] - bank.rows[None, :, :]) ** 2).sum(axis=2))
    np.testing.assert_allclose(distance, every.min(axis=1), rtol=1e-5)
    np.testing.assert_array_equal(index, every.argmin(axis=1))


def test_a_patch_of_the_bank_is_at_distance_zero():
    bank = _bank()
    distance, _ = bank.distances(bank.rows[:50] / bank.scale + bank.mean)
    assert distance.max() < 1e-5


def test_groups_of_channels_count_alike_however_wide():
    scale = channel_scale(np.ones(104, np.float32), [100, 4])
    assert (scale[:100] ** 2).sum() == pytest.approx((scale[100:] ** 2).sum())
    assert (scale**2).sum() == pytest.approx(1.0)


def test_a_channel_that_hardly_moves_on_good_parts_does_not_shout():
    scale = channel_scale(np.array([1.0, 1.0, 1.0, 1e-6], np.float32), [4])
    assert scale[3] < 3 * scale[0]


def test_reweighting_follows_its_formula_and_raises_the_score_where_the_match_is_rare_itself():
    rng = np.random.default_rng(0)
    crowd, lone = 0.01 * rng.standard_normal((50, 2)), np.array([[10.0, 10.0]])
    bank = MemoryBank(np.zeros(2, np.float32), np.ones(2, np.float32), np.concatenate([crowd, lone]).astype(np.float32))

    def score(patch):
        patch = np.array([patch], np.float32)
        return bank.sample_score(patch, *bank.distances(patch), neighbours=3)

    near_crowd, near_lone = score([0.0, 1.0]), score([10.0, 11.0])
    assert near_lone == pytest.approx(1.0, rel=1e-3)
    distances = np.sort(np.linalg.norm(bank.rows - np.array([0.0, 1.0]), axis=1))[0]
    assert near_crowd == pytest.approx(2 / 3 * distances, rel=0.02)  # three equal neighbours: w = 1 − 1/3
    patch = np.array([[0.0, 1.0]], np.float32)
    assert bank.sample_score(patch, *bank.distances(patch), neighbours=1) == pytest.approx(distances, rel=1e-3)
