"""The fringe patterns of one projector: N-step phase shift, unwrapped in time by a Gray code with a complementary bit.

With s = (x + ½)/p the distance along the pattern in periods, step k shows ½ + ½ cos(2πs − 2πk/N); the Gray bits show
the order ⌊s⌋, most significant first; the complementary pattern shows the last bit of the Gray code of ⌊2s⌋, whose edges
lie half a period away from all others. The decoder always reads the code whose edges are far, so that blur and noise at
an edge cannot become a slip of 2π. Thresholds come from the phase steps' mean: no white or black frame is needed.

References:
    Zhang, Q. et al., "3-D shape measurement based on complementary Gray-code light", Opt. Lasers Eng. 50 (2012).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rig_configs.schema import FringeConfig

Direction = Literal["columns", "rows"]


class PatternRole(StrEnum):
    """What a pattern is for."""

    PHASE = "phase"
    GRAY = "gray"
    COMPLEMENTARY = "complementary"


@dataclass(frozen=True)
class FringePatterns:
    """The patterns that a projector shows, in order: N phase steps, Gray bits from the most significant, complementary bit."""

    fringes: FringeConfig
    """Steps and period."""
    width_px: int
    """Projector columns."""
    height_px: int
    """Projector rows."""
    direction: Direction = "columns"
    """What the fringes encode: ``columns`` (vertical fringes) or ``rows``."""

    @property
    def length_px(self) -> int:
        """Projector pixels along the direction that is encoded."""
        return self.width_px if self.direction == "columns" else self.height_px

    @property
    def orders(self) -> int:
        """Fringe periods that the projector holds, the last perhaps cut."""
        return -(-self.length_px // self.fringes.period_px)

    @property
    def bits(self) -> int:
        """Gray bits, without the complementary one."""
        return max(1, (self.orders - 1).bit_length())

    @property
    def count(self) -> int:
        """Number of patterns."""
        return self.fringes.steps + self.bits + 1

    @property
    def roles(self) -> tuple[PatternRole, ...]:
        """What each pattern is for."""
        return (PatternRole.PHASE,) * self.fringes.steps + (PatternRole.GRAY,) * self.bits + (PatternRole.COMPLEMENTARY,)

    @property
    def profiles(self) -> list[NDArray[np.uint8]]:
        """Each pattern along the direction that is encoded, (length,) uint8."""
        s = (np.arange(self.length_px) + 0.5) / self.fringes.period_px
        steps = [np.rint(127.5 + 127.5 * np.cos(2 * np.pi * (s - k / self.fringes.steps))) for k in range(self.fringes.steps)]
        half = np.floor(2 * s).astype(np.int64)
        gray = half ^ (half >> 1)
        codes = [255 * ((gray >> bit) & 1) for bit in range(self.bits, -1, -1)]
        return [profile.astype(np.uint8) for profile in (*steps, *codes)]

    @property
    def images(self) -> list[NDArray[np.uint8]]:
        """Each pattern, (height, width) uint8; read-only views of the profiles."""
        shape = (self.height_px, self.width_px)
        return [np.broadcast_to(p if self.direction == "columns" else p[:, None], shape) for p in self.profiles]
