"""What the station hands to the store when a part has been looked at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from api.schemas import BankScore, Evaluation, Provenance, Reason, Recipe, Region, RigState, Stage, Timings
from api.schemas_recipes import RigSequence

if TYPE_CHECKING:  # the store knows outcomes, and does without the libraries that models need
    from api.recipes import Recipes
    from inference.d3m import D3M, D3MConfig


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
    """Named ``thumbnail.jpg``, ``rgb.png``, ``pseudo3d.png``, ``depth.png``, ``anomaly.png``, ``anomaly.tiff``, ``xyz.tiff``, ``cloud.ply``,
    ``height.png``, ``fused_height.tiff``; ``depth.json`` and ``height.json`` tell the ends of the colours, and of a large picture there is an
    ``…_overview.jpg``, of the anomaly map ``anomaly_overview.png``."""
    frames: Path | None = None
    """Folder of the camera's frames to be kept with the inspection; whoever stores the outcome moves it."""


class Captured(Protocol):
    """A captured part on its way to judgement; only the station that captured it knows what is in it."""

    @property
    def recipe(self) -> str:
        """The recipe it is judged by."""
        ...

    @property
    def frames(self) -> Path | None:
        """Folder of the camera's frames, where the recipe may want them kept."""
        ...


class Inspects(Protocol):
    """What the job runner needs of a station. Parts are captured from one thread and judged, in the same order, from another.

    A hardware or data fault becomes a NotDecidable outcome with its reason; only faults of the program itself raise.
    """

    def capture(self, recipe: str, report: Callable[[Stage], None], cancelled: Callable[[], bool]) -> Captured | Outcome:
        """Capture the part on the rig. When this returns, the part may leave the rig.

        Args:
            recipe: an existing recipe.
            report: told each stage as it begins.
            cancelled: asked between frames; when true the inspection ends NotDecidable, code job.cancelled.

        Returns:
            What is to be judged, or the outcome where it came to nothing.
        """
        ...

    def judge(self, captured: Any, report: Callable[[Stage], None], cancelled: Callable[[], bool]) -> Outcome:
        """Reconstruct and judge what :meth:`capture` of the same station returned; ``report`` and ``cancelled`` as for :meth:`capture`, asked between stages."""
        ...

    @property
    def models(self) -> Recipes:
        """The recipes, with their versions and models."""
        ...

    @property
    def load_good_part(self) -> Callable[[str], None] | None:
        """On a simulated rig, the hand that puts the next good part of a recipe on the plate; elsewhere none: a person does."""
        ...

    def teach(
        self,
        recipe: str,
        parts: int,
        next_good_part: Callable[[str], None],
        config: D3MConfig | None,
        progress: Callable[[float, str], None],
        cancelled: Callable[[], bool],
        by: str,
        note: str,
        activate: bool,
        resume: bool,
    ) -> D3M:
        """Teach a recipe from good parts scanned on this rig, between inspections. Raises D3Error."""
        ...

    def scanned(self, recipe: str) -> int:
        """How many scanned parts of a recipe teaching that was stopped has kept."""
        ...

    def recipes(self) -> list[str]:
        """Names of the recipes that can be inspected by or taught."""
        ...

    def change_over(self, recipe: str) -> None:
        """Set the station to a recipe, all made ready for its next part. Raises NotFound, ModelError."""
        ...

    def check_sequence(self, sequence: RigSequence) -> None:
        """Raises Unprocessable for a sequence that the rig cannot do."""
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
