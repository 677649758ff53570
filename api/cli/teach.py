"""``d3station teach``: a recipe from good parts."""

from __future__ import annotations

import getpass
import logging
from contextlib import nullcontext
from pathlib import Path
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
        teach_with_bar(opened, data_dir, recipe, parts, resume=resume)
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


def teach_with_bar(opened: OpenStation, data_dir: Path, recipe: str, parts: int, *, resume: bool = False) -> None:
    """Teach, showing progress, and judge by the new model; on a real rig asks for each part. The audit log tells who did."""
    from api.log import configure_logging
    from api.recipe_audit import audited
    from api.settings import Settings
    from api.station import unheard
    from api.store.audit import Actor
    from api.store.store import open_store
    from api.teaching import lay_again

    configure_logging(level=logging.WARNING)  # standard output is for the result
    station, who = opened.station, getpass.getuser()
    station.models.check(recipe)
    store = open_store(Settings(data_dir=data_dir))  # before the scans: a log that cannot be written is no news after an hour of them
    try:
        # No bar where a person is asked for each part: it would overwrite the question.
        with cancellable() as cancelled, progress_bar(f"Teaching {recipe}") if opened.hand else nullcontext(unheard) as progress:
            next_good_part = opened.hand.next_good_part if opened.hand else _ask
            if resume and opened.hand:
                lay_again(next_good_part, recipe, station.scanned(recipe))
            model = station.teach(recipe, parts, next_good_part, None, progress, cancelled, who, "taught", False, resume)
        with audited(store, station.models, Actor(who, "command"), "model.teach", recipe, f"{recipe}/{model.model_id}"):
            station.models.change(recipe, who, "taught", model_id=model.model_id, threshold=None)
    finally:
        store.close()


def _ask(recipe: str) -> None:
    Prompt.ask(f"Put a good {recipe} on the rig and press Enter", default="", show_default=False, console=stderr)
