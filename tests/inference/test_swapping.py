import numpy as np
import pytest

from inference.swapping import channel_spatial_swap


def _maps(channels=48, rows=7, columns=23):
    rng = np.random.default_rng(0)
    return tuple(rng.standard_normal((rows * columns, channels)).astype(np.float32) for _ in range(2))


COLUMNS = np.tile(np.arange(23), 7)


@pytest.mark.parametrize("mode", ["blend", "hard"])
def test_alpha_zero_changes_nothing_and_gives_new_arrays(mode):
    rgb, pseudo3d = _maps()
    a, b = channel_spatial_swap(rgb, pseudo3d, COLUMNS, mode, 0.0)
    assert np.array_equal(a, rgb)
    assert np.array_equal(b, pseudo3d)
    assert not np.shares_memory(a, rgb)


@pytest.mark.parametrize("mode", ["blend", "hard"])
def test_swap_keeps_shape_type_inputs_and_the_sum_of_both(mode):
    rgb, pseudo3d = _maps()
    before = rgb.copy(), pseudo3d.copy()
    a, b = channel_spatial_swap(rgb, pseudo3d, COLUMNS, mode, 0.1)
    assert a.shape == b.shape == rgb.shape
    assert a.dtype == b.dtype == np.float32
    np.testing.assert_allclose(a + b, rgb + pseudo3d, atol=1e-5)  # features are exchanged, none invented
    assert np.array_equal(rgb, before[0])
    assert np.array_equal(pseudo3d, before[1])


def test_blend_is_the_papers_formula():
    rgb, pseudo3d = _maps()
    a, b = channel_spatial_swap(rgb, pseudo3d, COLUMNS, "blend", 0.1)
    np.testing.assert_allclose(a, 0.9 * rgb + 0.1 * pseudo3d, atol=1e-6)
    np.testing.assert_allclose(b, 0.9 * pseudo3d + 0.1 * rgb, atol=1e-6)


def test_hard_swap_takes_every_tenth_channel_then_every_tenth_column():
    rgb, pseudo3d = _maps()
    a, _ = channel_spatial_swap(rgb, pseudo3d, COLUMNS, "hard", 0.1)
    # As the released code says it, on (C, H, W) maps.
    first, second = (patches.reshape(7, 23, 48).transpose(2, 0, 1).copy() for patches in (rgb, pseudo3d))
    first[::10], second[::10] = second[::10].copy(), first[::10].copy()
    first[:, :, ::10] = second[:, :, ::10]
    assert np.array_equal(a, first.transpose(1, 2, 0).reshape(-1, 48))


def test_maps_of_two_shapes_are_refused():
    rgb, pseudo3d = _maps()
    with pytest.raises(ValueError, match="one shape"):
        channel_spatial_swap(rgb, pseudo3d[:-1], COLUMNS, "blend", 0.1)
