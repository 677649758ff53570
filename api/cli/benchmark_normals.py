"""``d3station benchmark normals``: light models against what was really there, on a simulated rig."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.table import Table

from api.cli.common import RigOption, cancellable, progress_bar, stderr

if TYPE_CHECKING:
    from api.normals_benchmark import Score

MAP_SCALE_DEG = 10.0
"""The error maps' colours end here."""


def normals(
    rig: RigOption = "demo",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the noise and of the part.")] = 0,
    json_file: Annotated[Path | None, typer.Option("--json", help="File to write the errors to; - is standard output.")] = None,
    markdown: Annotated[Path | None, typer.Option("--markdown", help="File to write the table to, as it stands in the docs.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for error maps, one light model beside the other.")] = None,
) -> None:
    """Normals of a simulated sphere, cone, plane and part by light model: angle to the true ones, in the middle and at the corners."""
    from api.normals_benchmark import run

    with cancellable() as cancelled, progress_bar("Normals") as progress:
        calibration, scores = run(rig, seed, progress, cancelled, lambda name, maps: _draw(out, name, maps))
    if json_file is not None:
        document = {"rig": calibration.rig, "calibration_id": calibration.calibration_id, "seed": seed, "scores": [asdict(s) for s in scores]}
        text = json.dumps(document, indent=2) + "\n"
        if str(json_file) == "-":
            typer.echo(text, nl=False)
        else:
            json_file.write_text(text, encoding="utf-8")
    head, rows = _rows(scores)
    if markdown is not None:
        lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *("| " + " | ".join(row) + " |" for row in rows)]
        markdown.write_text("\n".join(lines) + "\n", encoding="utf-8")
    table = Table(*head, title=f"Angular error, mean / median, degrees; {calibration.calibration_id}")
    for row in rows:
        table.add_row(*row)
    stderr.print(table)


def _draw(folder: Path | None, name: str, maps: list[NDArray[np.float32]]) -> None:
    """Error maps side by side, in the order of the table's columns."""
    from api.cli.benchmark import error_picture
    from api.pictures import encode

    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.png").write_bytes(encode(".png", np.hstack([error_picture(off, MAP_SCALE_DEG) for off in maps])))


def _rows(scores: list[Score]) -> tuple[list[str], list[list[str]]]:
    """Head and rows of the table: a row an object and place, a column a light model."""
    from api.normals_benchmark import MODELS

    by_place: dict[tuple[str, str], dict[str, Score]] = {}
    for score in scores:
        by_place.setdefault((score.object, score.place), {})[score.model] = score
    rows: list[list[str]] = []
    for (thing, place), models in by_place.items():
        found = [models[model] for model in MODELS]
        rows.append([thing, place, *(f"{s.mean_deg:.2f} / {s.median_deg:.2f}" for s in found), str(found[0].pixels)])
    return ["object", "place", *MODELS.values(), "pixels"], rows
