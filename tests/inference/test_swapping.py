import numpy as np
import pytest

from inference.swapping import channel_spatial_swap


def _maps(channels=48, rows=7, columns=23):
    rng = np.random.default_rng(0)
    return tuple(rng.standard_normal((channels, rows, columns)).astype(np.float32) for _ in range(2))


@pytest.mark.parametrize("mode", ["blend", "hard"])
def test_alpha_zero_changes_nothing_and_gives_new_arrays(mode):
    rgb, pseudo3d = _maps()
    a, b = channel_spatial_swap(rgb, pseudo3d, mode, 0.0)
    assert np.array_equal(a, rgb)
    assert np.array_equal(b, pseudo3d)
    assert not np.shares_memory(a, rgb)


@pytest.mark.parametrize("mode", ["blend", "hard"])
def test_swap_keeps_shape_type_inputs_and_the_sum_of_both(mode):
    rgb, pseudo3d = _maps()
    before = rgb.copy(), pseudo3d.copy()
    a, b = channel_spatial_swap(rgb, pseudo3d, mode, 0.1)
    assert a.shape == b.shape == rgb.shape
    assert a.dtype == b.dtype == np.float32
    np.testing.assert_allclose(a + b, rgb + pseudo3d, atol=1e-5)  # features are exchanged, none invented
    assert np.array_equal(rgb, before[0])
    assert np.array_equal(pseudo3d, before[1])


def test_blend_is_the_papers_formula():
    rgb, pseudo3d = _maps()
    a, b = channel_spatial_swap(rgb, pseudo3d, "blend", 0.1)
    np.testing.assert_allclose(a, 0.9 * rgb + 0.1 * pseudo3d, atol=1e-6)
    np.testing.assert_allclose(b, 0.9 * pseudo3d + 0.1 * rgb, atol=1e-6)


def test_hard_swap_takes_every_tenth_channel_then_every_tenth_column():
    rgb, pseudo3d = _maps()
    a, _ = channel_spatial_swap(rgb, pseudo3d, "hard", 0.1)
    channel, column = np.arange(48) % 10 == 0, np.arange(23) % 10 == 0
    foreign = channel[:, None, None] ^ column[None, None, :] & np.ones((48, 7, 23), bool)
    assert np.array_equal(a, np.where(foreign, pseudo3d, rgb))


def test_maps_of_two_shapes_are_refused():
    rgb, pseudo3d = _maps()
    with pytest.raises(ValueError, match="one shape"):
        channel_spatial_swap(rgb, pseudo3d[:-1], "blend", 0.1)
