"""Frames and patterns pass through shared memory as they are, and outlive their writer."""

from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acquisition.frame_ring import FrameRing, share_patterns, shared_patterns
from acquisition.opener import Opener


def two_ends(slot_bytes: int, slots: int) -> tuple[FrameRing, FrameRing]:
    descriptor = FrameRing.memory(slot_bytes, slots)
    ends = FrameRing(descriptor, slot_bytes, slots), FrameRing(descriptor, slot_bytes, slots)
    os.close(descriptor)
    return ends


@given(
    shape=st.one_of(st.tuples(st.integers(1, 70), st.integers(1, 70)), st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3))),
    dtype=st.sampled_from([np.uint8, np.uint16]),
    seed=st.integers(0, 2**32 - 1),
)
def test_every_slot_gives_its_own_frame_at_the_other_end(shape: tuple[int, ...], dtype: type, seed: int) -> None:
    rng = np.random.default_rng(seed)
    frames = [rng.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True) for _ in range(3)]
    writer, reader = two_ends(frames[0].nbytes, 3)
    for slot, frame in enumerate(frames):
        writer.write(slot, frame)
    for slot, frame in enumerate(frames):
        np.testing.assert_array_equal(reader.read(slot, frame.shape, frame.dtype), frame)


def test_a_frame_that_was_read_does_not_change_with_its_slot() -> None:
    writer, reader = two_ends(64, 1)
    writer.write(0, np.full((8, 8), 7, np.uint8))
    kept = reader.read(0, (8, 8), np.dtype(np.uint8))
    writer.write(0, np.full((8, 8), 9, np.uint8))
    assert (kept == 7).all()
    assert kept.flags.owndata


def test_a_frame_is_not_written_over_its_neighbour() -> None:
    writer, _ = two_ends(64, 2)
    with pytest.raises(ValueError, match="do not fit"):
        writer.write(0, np.zeros((8, 9), np.uint8))
    with pytest.raises(ValueError, match="slot 2 of 2"):
        writer.write(2, np.zeros((8, 8), np.uint8))


def test_patterns_of_different_projectors_arrive_in_their_places_and_cannot_be_changed() -> None:
    rng = np.random.default_rng(5)
    sizes = [[(4, 6), (4, 6)], [], [(3, 5)]]
    patterns = [[rng.integers(0, 256, size, np.uint8) for size in shown] for shown in sizes]
    descriptor = share_patterns(patterns)
    seen = shared_patterns(descriptor, sizes)
    os.close(descriptor)
    assert [len(shown) for shown in seen] == [2, 0, 1]
    for mine, theirs in zip([p for shown in patterns for p in shown], [p for shown in seen for p in shown], strict=True):
        np.testing.assert_array_equal(mine, theirs)
        assert not theirs.flags.writeable


def test_no_patterns_at_all_are_shared_too() -> None:
    descriptor = share_patterns([[], []])
    assert shared_patterns(descriptor, [[], []]) == ((), ())
    os.close(descriptor)


def test_an_opener_crosses_as_text() -> None:
    opener = Opener("pathlib:PurePosixPath", ("a", "b"))
    again = Opener.from_json(opener.to_json())
    assert again == opener
    assert str(again.load()()) == "a/b"
