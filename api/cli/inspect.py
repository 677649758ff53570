"""``d3station inspect``: judge one part, without the service."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.common import DATA_DIR, DataDirOption, JsonOption, RigOption, cancellable, print_json, stderr

if TYPE_CHECKING:
    from api.outcome import Outcome


def inspect(
    recipe: Annotated[str, typer.Argument(help="Recipe to inspect by.")],
    capture: Annotated[Path | None, typer.Option(help="Judge this saved capture in place of the part on the rig.")] = None,
    rig: RigOption = "demo",
    data_dir: DataDirOption = DATA_DIR,
    seed: Annotated[int, typer.Option(min=0, help="Seed of a simulated rig's parts and noise.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Judge the part on the rig, or a saved capture; exits 0 for OK, 3 for NotOK, 4 for NotDecidable."""
    from api.composition import open_station

    opened = open_station(rig, data_dir, seed=seed, capture=capture)
    try:
        opened.station.models.model(recipe)
        with cancellable() as cancelled:
            outcome = opened.station.inspect(recipe, cancelled=cancelled)
    finally:
        opened.station.close()
    if as_json:
        print_json(_as_json(outcome))
    else:
        stderr.print(_in_words(outcome), markup=False)
    code = {"OK": 0, "NotOK": 3}.get(outcome.evaluation.value, 4)
    if code:
        raise typer.Exit(code)


def _as_json(outcome: Outcome) -> dict[str, Any]:
    return {
        "evaluation": outcome.evaluation.value,
        "reason": outcome.reason.model_dump() if outcome.reason else None,
        "score": outcome.score,
        "threshold": outcome.threshold,
        "banks": [b.model_dump() for b in outcome.banks],
        "regions": [r.model_dump() for r in outcome.regions],
        "seconds": outcome.timings.model_dump(),
        "provenance": outcome.provenance.model_dump(),
        "is_simulated": outcome.is_simulated,
    }


def _in_words(outcome: Outcome) -> str:
    if outcome.reason is not None:
        return f"NotDecidable: {outcome.reason.message} {outcome.reason.cure} [{outcome.reason.code}]"
    return f"{outcome.evaluation.value}: score {outcome.score:.3f}, limit {outcome.threshold:.3f}, {outcome.timings.total:.1f} s"
