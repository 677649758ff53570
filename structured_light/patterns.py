"""The fringe patterns of one projector: N-step phase shift, unwrapped in time by a Gray code or by further fringes.

The pattern coordinate w runs across the fringes, in projector pixels: w = x cos α + y sin α + w₀ with α the angle that the
fringes are turned by. With s = (w + ½)/p, the distance in periods, step k shows ½ + ½ cos(2πs − 2πk/N).

Gray bits show the order ⌊s⌋, most significant first; the complementary pattern shows the last bit of the Gray code of ⌊2s⌋,
whose edges lie half a period away from all others. The decoder always reads the code whose edges are far, so that blur and
noise at an edge cannot become a slip of 2π. Thresholds come from the phase steps: no white or black frame is needed.

References:
    Zhang, Q. et al., "3-D shape measurement based on complementary Gray-code light", Opt. Lasers Eng. 50 (2012).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rig_configs.errors import RigFileError
from rig_configs.fringes import FringeConfig, MultiFrequencyUnwrapping
from structured_light.unwrapping import CYCLIC_GUARD, MAX_LEAST_CONTRAST, ladder, least_contrast

Direction = Literal["columns", "rows"]
Response = float | tuple[float, ...]


class PatternRole(StrEnum):
    """What a pattern is for."""

    PHASE = "phase"
    GRAY = "gray"
    COMPLEMENTARY = "complementary"
    COARSE = "coarse"


@dataclass(frozen=True)
class FringePatterns:
    """The patterns that a projector shows, in order.

    N phase steps, once for each exposure; then Gray bits from the most significant and the complementary bit, or the phase
    steps of each further period.

    Raises:
        RigFileError: the further periods do not cover the pattern, or only for fringes far stronger than the noise.
    """

    fringes: FringeConfig
    """Steps, periods, exposures."""
    width_px: int
    """Projector columns."""
    height_px: int
    """Projector rows."""
    direction: Direction | float = "columns"
    """What the fringes encode: ``columns`` (vertical fringes), ``rows``, or the angle α from columns towards rows, degrees."""
    response: Response = 1.0
    """The projector's light against its grey level, which the patterns undo: γ of (grey/255)^γ, or samples from black to white."""
    gamma: float = 1.0
    """γ that was measured with that response undone, and is undone on top of it."""

    def __post_init__(self) -> None:
        if self.multi_frequency is None:
            return
        frequency = ladder(self.fringes)[-1].frequency
        if frequency * self.length_px > 1 - CYCLIC_GUARD:
            raise RigFileError(
                f"The fringe periods tell positions apart over {1 / frequency:.0f} px, the pattern is {self.length_px:.0f} px long.",
                cure=f"Choose sequence.fringes.unwrapping.periods_px that reach {1 / (1 - CYCLIC_GUARD):.2f} times as far as the pattern.",
                detail="fringe_periods",
            )
        if (contrast := least_contrast(self.fringes)) > MAX_LEAST_CONTRAST:
            raise RigFileError(
                f"The fringe periods are told apart only where the fringes are {contrast:.0f} times as strong as the noise.",
                cure="Choose sequence.fringes.unwrapping.periods_px that grow in smaller ratios, of the periods or of their beats, or more steps.",
                detail="fringe_periods",
            )

    @property
    def angle_rad(self) -> float:
        """α, radians; columns are 0, rows π/2."""
        if isinstance(self.direction, str):
            return 0.0 if self.direction == "columns" else math.pi / 2
        return math.radians(self.direction)

    @property
    def axis(self) -> tuple[float, float, float]:
        """cos α, sin α and w₀ of w = x cos α + y sin α + w₀, which is 0 at the projector pixel where it is least."""
        c, s = (round(math.cos(self.angle_rad), 12), round(math.sin(self.angle_rad), 12))
        return c, s, -min(0.0, c * (self.width_px - 1)) - min(0.0, s * (self.height_px - 1))

    @property
    def length_px(self) -> float:
        """Extent of w, from half a pixel before its first to half a pixel behind its last."""
        c, s, _ = self.axis
        return abs(c) * (self.width_px - 1) + abs(s) * (self.height_px - 1) + 1

    @property
    def multi_frequency(self) -> MultiFrequencyUnwrapping | None:
        """The further fringes, where these and no Gray code tell the orders."""
        return self.fringes.unwrapping if isinstance(self.fringes.unwrapping, MultiFrequencyUnwrapping) else None

    @property
    def orders(self) -> int:
        """Fringe periods that the projector holds, the last perhaps cut."""
        return math.ceil(self.length_px / self.fringes.period_px)

    @property
    def bits(self) -> int:
        """Gray bits, without the complementary one."""
        return max(1, (self.orders - 1).bit_length())

    @property
    def count(self) -> int:
        """Number of patterns."""
        return len(self.roles)

    @property
    def roles(self) -> tuple[PatternRole, ...]:
        """What each pattern is for."""
        phase = (PatternRole.PHASE,) * self.fringes.phase_patterns
        if self.multi_frequency is not None:
            return phase + (PatternRole.COARSE,) * (self.multi_frequency.steps * len(self.multi_frequency.periods_px))
        return phase + (PatternRole.GRAY,) * self.bits + (PatternRole.COMPLEMENTARY,)

    @property
    def profiles(self) -> list[NDArray[np.uint8]]:
        """Each pattern at whole w from 0, (L,) uint8 grey levels."""
        return self._levels(np.arange(math.ceil(self.length_px)))

    @property
    def images(self) -> list[NDArray[np.uint8]]:
        """Each pattern, (height, width) uint8 grey levels; read-only views where the fringes run along rows or columns."""
        shape = (self.height_px, self.width_px)
        c, s, w0 = self.axis
        x, y = np.arange(self.width_px), np.arange(self.height_px)[:, None]
        w = c * x + w0 if s == 0 else s * y + w0 if c == 0 else c * x + s * y + w0
        return [np.broadcast_to(p, shape) for p in self._levels(w)]

    def _levels(self, w: NDArray[np.integer | np.floating]) -> list[NDArray[np.uint8]]:
        fringes, further = self.fringes, self.multi_frequency
        phase = _steps(w, fringes.period_px, fringes.steps) * len(fringes.exposures)
        if further is not None:
            light = phase + [step for period in further.periods_px for step in _steps(w, period, further.steps)]
        else:
            half = np.floor(2 * (w + 0.5) / fringes.period_px).astype(np.int64)
            gray = half ^ (half >> 1)
            light = phase + [((gray >> bit) & 1).astype(np.float64) for bit in range(self.bits, -1, -1)]
        return [self._grey(step) for step in light]

    def _grey(self, light: NDArray[np.float64]) -> NDArray[np.uint8]:
        """Grey levels that make the projector send ``light``, a share of white."""
        light = light ** (1 / self.gamma)
        if isinstance(self.response, tuple):
            curve = np.asarray(self.response, np.float64)
            grey = np.interp(curve[0] + light * (curve[-1] - curve[0]), curve, np.linspace(0, 1, len(curve)))
        else:
            grey = light ** (1 / self.response)
        return np.rint(255 * grey).astype(np.uint8)


def _steps(w: NDArray[np.integer | np.floating], period: float, steps: int) -> list[NDArray[np.float64]]:
    s = (w + 0.5) / period
    return [np.clip(0.5 + 0.5 * np.cos(2 * np.pi * (s - k / steps)), 0, 1) for k in range(steps)]
