"""What is captured of a part, step by step."""

from __future__ import annotations

from collections.abc import Sequence as Seq
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from rig_configs.schema import RigConfig


class StepKind(StrEnum):
    """What shines during a step."""

    AMBIENT = "ambient"
    ZONE = "zone"
    FRINGE = "fringe"


class _Step(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    exposure_us: float = Field(gt=0, description="Exposure of the frame, µs.")


class AmbientStep(_Step):
    """Every light off: what the room adds to each frame."""

    kind: Literal[StepKind.AMBIENT] = Field(default=StepKind.AMBIENT, description="What shines during the step.")

    @property
    def key(self) -> str:
        """Name of the step's frame."""
        return "ambient"


class ZoneStep(_Step):
    """One light zone on."""

    kind: Literal[StepKind.ZONE] = Field(default=StepKind.ZONE, description="What shines during the step.")
    zone: int = Field(ge=0, description="Index of the zone.")

    @property
    def key(self) -> str:
        """Name of the step's frame."""
        return f"zone{self.zone}"


class FringeStep(_Step):
    """One projector shows one pattern."""

    kind: Literal[StepKind.FRINGE] = Field(default=StepKind.FRINGE, description="What shines during the step.")
    projector: int = Field(ge=0, description="Index of the projector.")
    pattern: int = Field(ge=0, description="Index of the pattern among those loaded.")

    @property
    def key(self) -> str:
        """Name of the step's frame."""
        return f"projector{self.projector}_pattern{self.pattern:02d}"


Step = Annotated[AmbientStep | ZoneStep | FringeStep, Field(discriminator="kind")]


@dataclass(frozen=True, slots=True)
class Sequence:
    """Steps in capture order, and the patterns each projector must have loaded for them."""

    steps: tuple[AmbientStep | ZoneStep | FringeStep, ...]
    patterns: tuple[tuple[NDArray[np.uint8], ...], ...]
    """For each projector its patterns, (height, width) uint8."""

    def __len__(self) -> int:
        return len(self.steps)


def fringe_sequence(rig: RigConfig, patterns: Seq[Seq[NDArray[np.uint8]]]) -> Sequence:
    """The dark frame that the rig holds the others against, and every inspection pattern of the projectors that take part; no light zone.

    Args:
        rig: the rig.
        patterns: for each projector the patterns to show, (height, width) uint8.
    """
    timing = rig.sequence
    ambient = AmbientStep(exposure_us=timing.ambient_exposure_us)
    steps = (
        FringeStep(projector=p, pattern=i, exposure_us=timing.fringe_exposure_us * timing.fringes.exposure_factor(i))
        for p in rig.eyes
        for i in range(len(patterns[p]))
    )
    return Sequence((ambient, *steps), tuple(tuple(shown) if p in rig.eyes else () for p, shown in enumerate(patterns)))


def inspection_sequence(rig: RigConfig, patterns: Seq[Seq[NDArray[np.uint8]]]) -> Sequence:
    """The full sequence of an inspection: ambient, every zone, every pattern of the projectors that take part.

    Args:
        rig: the rig.
        patterns: for each projector the patterns to show, (height, width) uint8.
    """
    fringes = fringe_sequence(rig, patterns)
    ambient, *shown = fringes.steps
    zones = (ZoneStep(zone=z, exposure_us=rig.sequence.light_exposure_us) for z in range(len(rig.lights.zones)))
    return Sequence((ambient, *zones, *shown), fringes.patterns)
