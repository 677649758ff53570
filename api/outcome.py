"""What the station hands to the store when a part has been looked at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from api.schemas import BankScore, Evaluation, Provenance, Reason, Recipe, Region, RigState, Stage, Timings


@dataclass(frozen=True, slots=True)
class ArtifactFile:
    """A file to be kept with an inspection, still in memory."""

    name: str
    """File name, one path component."""
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """The whole result of looking at one part."""

    evaluation: Evaluation
    reason: Reason | None
    """Set exactly when the evaluation is NotDecidable."""
    score: float | None
    threshold: float | None
    banks: list[BankScore]
    regions: list[Region]
    timings: Timings
    provenance: Provenance
    is_simulated: bool
    width_px: int
    height_px: int
    pixel_pitch_mm: float
    artifacts: list[ArtifactFile] = field(default_factory=list["ArtifactFile"])
    """Named ``thumbnail.jpg``, ``rgb.png``, ``pseudo3d.png``, ``depth.png``, ``anomaly.png``, ``anomaly.tiff``, ``xyz.tiff``, ``cloud.ply``."""


class Inspects(Protocol):
    """What the job runner needs of a station. Called from one worker thread."""

    def inspect(self, recipe: str, report: Callable[[Stage], None], cancelled: Callable[[], bool]) -> Outcome:
        """Capture the part on the rig and judge it.

        A hardware or data fault becomes a NotDecidable outcome with its reason; only faults of the program itself raise.

        Args:
            recipe: an existing recipe.
            report: told each stage as it begins.
            cancelled: asked between frames and stages; when true the inspection ends NotDecidable, code job.cancelled.
        """
        ...

    def recipes(self) -> list[str]:
        """Names of the recipes that can be inspected by or taught."""
        ...

    def describe(self, recipe: str) -> Recipe:
        """A recipe with the model it judges by; no model where it was never taught, or where the model cannot be read."""
        ...

    def state(self) -> RigState:
        """What the station is and does now; ``running`` and ``queued`` are filled in by the caller."""
        ...

    def close(self) -> None:
        """Lights and projectors off, devices released."""
        ...
