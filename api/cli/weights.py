"""``d3station weights``: which backbones are ready, official checkpoints imported, a small one trained."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from api.cli.common import DATA_DIR, DataDirOption, JsonOption, print_json, stderr

app = typer.Typer(help="Show, import and train the weights that features are made with.", no_args_is_help=True)


def folder_of(data_dir: Path) -> Path:
    """Where weights lie: D3STATION_WEIGHTS_DIR, else ``weights`` in the data folder."""
    from inference.weights_folder import VARIABLE

    named = os.environ.get(VARIABLE)
    return Path(named) if named else data_dir / "weights"


@app.command("list")
def list_(data_dir: DataDirOption = DATA_DIR, as_json: JsonOption = False) -> None:
    """Show every backbone, whether it is ready, and what its weights are."""
    from inference.weights_list import list_backbones

    states = list_backbones(folder_of(data_dir))
    if as_json:
        print_json([asdict(state.card) | {key: value for key, value in asdict(state).items() if key != "card"} for state in states])
        return
    table = Table("backbone", "of", "channels", "made for", "licence", "ready", "SHA-256")
    for column in table.columns:
        column.no_wrap = True
    for state in states:
        card = state.card
        size = f"{card.working_px} px" if card.working_px else ""
        table.add_row(card.name, card.modality, str(card.channels), size, card.license, "yes" if state.ready else "no", state.sha256[:10])
    stderr.print(table)
    for state in states:
        if not state.ready:
            stderr.print(f"{state.card.name}: {state.cure}", markup=False)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Official checkpoint: .pth, .pt or .safetensors.")],
    name: Annotated[str | None, typer.Option("--as", help="Backbone that it is of; left out, its tensors tell.")] = None,
    data_dir: DataDirOption = DATA_DIR,
    as_json: JsonOption = False,
) -> None:
    """Verify a checkpoint tensor by tensor and keep it as safetensors in the data folder; nothing in it is run."""
    from inference.weights_folder import weights_file
    from inference.weights_import import import_weights

    folder = folder_of(data_dir)
    origin = import_weights(file, name, folder)
    path = weights_file(origin.backbone, folder)
    if as_json:
        print_json(asdict(origin) | {"file": str(path)})
    else:
        stderr.print(f"{origin.backbone} is ready: {path}, SHA-256 {origin.sha256}.", markup=False)
