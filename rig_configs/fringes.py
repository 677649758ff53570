"""The fringe sequence of a rig: what its projectors show to be told apart pixel by pixel."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from rig_configs.strict import Strict


class GrayUnwrapping(Strict):
    """Fringe orders from a Gray code with a complementary bit: one frame a bit, robust against any noise."""

    method: Literal["gray"] = Field(default="gray", description="How fringe orders are told.")


class MultiFrequencyUnwrapping(Strict):
    """Fringe orders from further fringes of other periods."""

    method: Literal["hierarchical", "heterodyne"] = Field(
        description="'hierarchical': the last period covers the whole pattern and each longer one unwraps the next shorter; "
        "'heterodyne': beats of neighbouring periods do, of which the beat of all covers the pattern."
    )
    periods_px: tuple[Annotated[float, Field(ge=4)], ...] = Field(
        min_length=1, max_length=4, description="Periods of the further fringes, projector pixels, growing and longer than period_px."
    )
    steps: int = Field(default=3, ge=3, le=32, description="Phase-shift steps of each further fringe set.")


Unwrapping = Annotated[GrayUnwrapping | MultiFrequencyUnwrapping, Field(discriminator="method")]


class FringeConfig(Strict):
    """The fringe sequence of each projector: N-step phase shift, unwrapped in time."""

    steps: int = Field(ge=3, le=32, description="Phase-shift steps N; the phase moves by 2π/N a step. From 4 on, motion during a scan shows.")
    period_px: int = Field(ge=4, le=256, description="Fringe period in projector pixels.")
    unwrapping: Unwrapping = Field(default=GrayUnwrapping(), description="How fringe orders are told.")
    exposures: tuple[Annotated[float, Field(gt=0, le=100)], ...] = Field(
        default=(1.0,),
        min_length=1,
        max_length=4,
        description="The phase steps are taken once with each of these multiples of the fringe exposure, falling; "
        "more than one (HDR) for parts both shiny and dull. Every other pattern is taken once, with the first.",
    )
    smoothing: bool = Field(
        default=False, description="Whether each column is averaged with the neighbours that agree with it within noise; fills no gaps."
    )

    @model_validator(mode="after")
    def _fits_together(self) -> FringeConfig:
        if any(b >= a for a, b in pairwise(self.exposures)):
            raise ValueError("exposures must fall, each shorter than the one before")
        if isinstance(self.unwrapping, MultiFrequencyUnwrapping):
            periods = (self.period_px, *self.unwrapping.periods_px)
            if any(b <= a for a, b in pairwise(periods)):
                raise ValueError("unwrapping.periods_px must grow, each longer than the one before and than period_px")
            if self.steps < 4:
                raise ValueError("multi-frequency unwrapping reads the noise off the phase steps' redundancy: give steps of 4 or more")
            if len(self.exposures) > 1:
                raise ValueError("several exposures share one Gray code: give unwrapping.method 'gray'")
        return self

    @property
    def phase_patterns(self) -> int:
        """How many patterns are phase steps of the finest fringes, all exposures together."""
        return self.steps * len(self.exposures)

    def exposure_factor(self, pattern: int) -> float:
        """The multiple of the fringe exposure that a pattern is taken with."""
        return self.exposures[pattern // self.steps] if pattern < self.phase_patterns else self.exposures[0]
