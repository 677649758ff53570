"""``d3station teach``: a recipe from good parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.prompt import Prompt

from api.cli.common import DATA_DIR, DataDirOption, JsonOption, RigOption, cancellable, print_json, progress_bar, stderr
from rig_configs.errors import Cancelled

if TYPE_CHECKING:
    from api.composition import OpenStation

DEFAULT_PARTS = 24


def teach(
    recipe: Annotated[str, typer.Argument(help="Name of the recipe.")],
    parts: Annotated[int, typer.Option(min=5, max=500, help="Number of good parts.")] = DEFAULT_PARTS,
    rig: RigOption = "demo",
    data_dir: DataDirOption = DATA_DIR,
    seed: Annotated[int, typer.Option(min=0, help="Seed of a simulated rig's parts and noise.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on after the parts that teaching which was stopped has scanned.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Scan good parts and fit the recipe's D³M model; the old model stays until the new one is complete."""
    from api.composition import open_station

    opened = open_station(rig, data_dir, seed=seed)
    try:
        teach_with_bar(opened, recipe, parts, resume=resume)
    except Cancelled:
        if there := opened.station.scanned(recipe):
            stderr.print(f"{there} scanned parts are kept: the same command with --resume goes on after them.", markup=False)
        raise
    finally:
        opened.station.close()
    model = opened.station.models.model(recipe)
    if as_json:
        print_json({"recipe": recipe, "model_id": model.model_id, "parts": parts, "threshold": model.threshold})
    else:
        stderr.print(f"Recipe {recipe} is taught: {model.model_id}, limit {model.threshold:.3f}.", markup=False)


def teach_with_bar(opened: OpenStation, recipe: str, parts: int, *, resume: bool = False) -> None:
    """Teach, showing progress; on a real rig asks for each part."""
    from api.teaching import lay_again

    opened.station.models.check(recipe)
    with cancellable() as cancelled:
        if opened.hand is None:
            opened.station.teach(recipe, parts, _ask, cancelled=cancelled, resume=resume)
            return
        if resume:
            lay_again(opened.hand.next_good_part, recipe, opened.station.scanned(recipe))
        with progress_bar(f"Teaching {recipe}") as progress:
            opened.station.teach(recipe, parts, opened.hand.next_good_part, progress=progress, cancelled=cancelled, resume=resume)


def _ask(recipe: str) -> None:
    Prompt.ask(f"Put a good {recipe} on the rig and press Enter", default="", show_default=False, console=stderr)
