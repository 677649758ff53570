"""A captured part on its way to judgement."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from api.equipment import Equipment
from api.recipes import RecipeModel
from api.reconstruction import Reconstructor
from api.schemas_recipes import RecipeVersion
from api.stopwatch import Stopwatch


@dataclass(slots=True)
class CapturedPart:
    """A part whose frames are all there; it is judged with what the recipe was when it was captured."""

    recipe: str
    equipment: Equipment
    definition: RecipeVersion
    model: RecipeModel
    reconstructor: Reconstructor
    clock: Stopwatch
    frames: Path | None
    """Folder of the camera's frames, where the recipe may want them kept."""
