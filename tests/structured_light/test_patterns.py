from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rig_configs.fringes import FringeConfig
from structured_light.patterns import FringePatterns, PatternRole


def test_phase_steps_come_first_then_gray_from_the_coarsest_then_the_complementary_one() -> None:
    patterns = FringePatterns(FringeConfig(steps=5, period_px=20), 1280, 800)
    assert patterns.count == 5 + 6 + 1 == len(patterns.images)
    assert patterns.roles == (PatternRole.PHASE,) * 5 + (PatternRole.GRAY,) * 6 + (PatternRole.COMPLEMENTARY,)
    assert all(image.shape == (800, 1280) and image.dtype == np.uint8 for image in patterns.images)
    edges = [np.count_nonzero(np.diff(profile.astype(int))) for profile in patterns.profiles[5:]]
    assert edges == sorted(edges)


def test_rows_vary_down_the_image_and_columns_across() -> None:
    fringes = FringeConfig(steps=4, period_px=16)
    across, down = FringePatterns(fringes, 64, 48).images[0], FringePatterns(fringes, 64, 48, "rows").images[0]
    assert across.shape == down.shape == (48, 64)
    assert (across == across[:1]).all()
    assert (down == down[:, :1]).all()
    assert (across[0, :48] == down[:, 0]).all()


@given(period=st.integers(4, 256), steps=st.integers(3, 16), length=st.integers(16, 2048))
@settings(max_examples=60, deadline=None)
def test_one_gray_bit_changes_at_a_time_and_never_within_half_a_period_of_the_complementary_edges(period: int, steps: int, length: int) -> None:
    patterns = FringePatterns(FringeConfig(steps=steps, period_px=period), length, 16)
    bits = np.stack(patterns.profiles[steps:]) > 127
    changes = np.diff(bits, axis=1)
    assert (changes.sum(axis=0) <= 1).all()
    main, guard = (np.flatnonzero(c) for c in (changes[:-1].any(axis=0), changes[-1]))
    if len(main) and len(guard):
        assert np.abs(main[:, None] - guard[None, :]).min() >= period // 2
