"""A pattern as it leaves a projector: gamma, the chip's contrast and binary planes, and the blur of its pixels and its lens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from acquisition.simulation.optics import TrueProjector
from acquisition.simulation.point_spread import blurred

F32 = NDArray[np.float32]

_STEP_PX2 = 4.0  # between two degrees of blur the light is linear in the variance to 0.5 % of a 20 px fringe's swing
_MOST_LEVELS = 8
# A square pixel spreads its light by 1/12 px², reading linearly between pixel centres by 1/6.
_READING_PX2 = 1 / 6 - 1 / 12


@dataclass(frozen=True, slots=True)
class BlurLevels:
    """Degrees of blur at which a pattern is kept ready, evenly spaced in variance."""

    least_px2: float
    step_px2: float
    count: int

    @classmethod
    def over(cls, least_px2: float, most_px2: float) -> BlurLevels:
        """Levels from one variance to another."""
        span = most_px2 - least_px2
        if span < 1e-6:
            return cls(least_px2, 1.0, 1)
        count = min(2 + int(span / _STEP_PX2), _MOST_LEVELS)
        return cls(least_px2, span / (count - 1), count)


def binary_planes(exposure_us: float, period_us: float) -> F32:
    """Share of its light that each grey level of 0 … 255 gets into an exposure, which starts with the picture, (256,) float32.

    A micro-mirror is on or off: bit k of the level is shown for 2^k/255 of the period, the least significant first. Over whole
    periods every level is itself; an exposure that ends within one misses the planes that had yet to come.
    """
    levels = np.arange(256)
    ends = np.cumsum(2.0 ** np.arange(8)) / 255
    periods, rest = divmod(exposure_us / period_us, 1.0)
    shown = np.clip(rest - np.concatenate([[0], ends[:-1]]), 0, 2.0 ** np.arange(8) / 255)
    bits = (levels[:, None] >> np.arange(8)) & 1
    light = periods * levels / 255 + bits @ shown
    steady = exposure_us / period_us * np.maximum(levels, 1) / 255
    return np.asarray(np.where(levels > 0, light / steady, 1.0), np.float32)


def projected(device: TrueProjector, pattern: NDArray[np.uint8], exposure_us: float, levels: BlurLevels) -> F32:
    """The pattern's light at every degree of blur.

    Args:
        device: the projector.
        pattern: (h, w) uint8 grey levels.
        exposure_us: the camera's exposure; it matters where the chip makes its greys of binary planes.
        levels: degrees of blur.

    Returns:
        (L, h, w) float32, white is 1; h is 1 where all rows are alike, as of vertical fringes, which makes them cheap.
    """
    grey = (np.arange(256) / 255) ** device.gamma
    if device.pattern_period_us is not None:
        grey = grey * binary_planes(exposure_us, device.pattern_period_us)
    curve = (device.leak + (1 - device.leak) * grey).astype(np.float32)
    if (pattern == pattern[0]).all():
        pattern = pattern[:1]
    light = curve[pattern]
    variances = levels.least_px2 + levels.step_px2 * np.arange(levels.count) - _READING_PX2
    return np.stack([blurred(light, float(v)) for v in variances])
