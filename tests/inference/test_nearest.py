import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from inference import nearest
from inference.nearest import nearest_rows


def _clustered(count, channels, seed):
    centres = np.random.default_rng(0).standard_normal((30, channels))
    rng = np.random.default_rng(seed)
    return (centres[rng.integers(30, size=count)] + 0.4 * rng.standard_normal((count, channels))).astype(np.float32)


def _plain(queries, rows):
    every = ((queries[:, None, :].astype(np.float64) - rows[None].astype(np.float64)) ** 2).sum(axis=2)
    return np.sqrt(every.min(axis=1)), every.argmin(axis=1)


@pytest.mark.parametrize("count", [1, 63, 64, 900])
@pytest.mark.parametrize("channels", [1, 7, 168])
def test_they_are_those_of_a_plain_search_in_float64(count, channels):
    queries, rows = _clustered(300, channels, 1), _clustered(count, channels, 2)
    distance, index = nearest_rows(queries, rows)
    expected, at = _plain(queries, rows)
    np.testing.assert_allclose(distance, expected, rtol=1e-6)
    np.testing.assert_array_equal(index, at)
    assert (distance.dtype, index.dtype) == (np.float32, np.int64)


def test_not_a_bit_hangs_on_batch_blocks_or_threads(monkeypatch):
    queries, rows = _clustered(400, 96, 1), _clustered(700, 96, 2)
    distance, index = nearest_rows(queries, rows)
    threads = torch.get_num_threads()

    def same(found):
        np.testing.assert_array_equal(found[0], distance)
        np.testing.assert_array_equal(found[1], index)

    try:
        for number in (1, 2):
            torch.set_num_threads(number)
            same(nearest_rows(queries, rows))
    finally:
        torch.set_num_threads(threads)
    same([np.concatenate(found) for found in zip(*(nearest_rows(queries[i : i + 1], rows) for i in range(len(queries))), strict=True)])
    monkeypatch.setattr(nearest, "_QUERIES", 37)
    monkeypatch.setattr(nearest, "_ROWS", 111)
    same(nearest_rows(queries, rows))


@given(offset=st.floats(0, 3000), apart=st.floats(0.001, 1.0), seed=st.integers(0, 1000))
def test_rows_far_from_the_origin_that_almost_coincide_are_told_apart(offset, apart, seed):
    """The expanded square alone would lose them: at 3,000 its float32 steps are far wider than they are apart."""
    rng = np.random.default_rng(seed)
    rows = (offset + apart * rng.standard_normal((80, 5))).astype(np.float32)
    queries = (offset + apart * rng.standard_normal((20, 5))).astype(np.float32)
    distance, index = nearest_rows(queries, rows)
    expected, _ = _plain(queries, rows)
    np.testing.assert_allclose(distance, expected, rtol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(queries.astype(np.float64) - rows[index], axis=1), expected, rtol=1e-6)


def test_of_equal_rows_the_first_is_taken_whatever_the_blocks(monkeypatch):
    rows = np.repeat(_clustered(40, 12, 3), 5, axis=0)
    monkeypatch.setattr(nearest, "_ROWS", 64)
    distance, index = nearest_rows(rows, rows)
    assert (distance == 0).all()
    np.testing.assert_array_equal(index, np.repeat(np.arange(0, 200, 5), 5))
