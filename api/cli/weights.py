"""``d3station weights``: which backbones are ready, official checkpoints imported, a small one trained."""

from __future__ import annotations

import os
from collections.abc import Generator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from api.cli.common import DATA_DIR, DataDirOption, JsonOption, cancellable, print_json, progress_bar, stderr
from rig_configs.errors import SampleError

if TYPE_CHECKING:
    from inference.sample import D3Sample

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
    table = Table("backbone", "of", "channels", "licence", "ready", "SHA-256")
    for state in states:
        card = state.card
        table.add_row(card.name, card.modality, str(card.channels), card.license, "yes" if state.ready else "no", state.sha256[:8])
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


@app.command()
def pretrain(
    dataset: Annotated[Path, typer.Argument(metavar="DIR", help="Data set whose good training samples give the clouds; no label is used.")],
    layout: Annotated[str | None, typer.Option("--layout", help="Its layout; left out, it is found out.")] = None,
    categories: Annotated[str | None, typer.Option(help="Categories to take, with commas between; all of them where left out.")] = None,
    steps: Annotated[int, typer.Option(min=1, max=1_000_000, help="Training steps.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the network and of what each step draws.")] = 0,
    data_dir: DataDirOption = DATA_DIR,
    as_json: JsonOption = False,
) -> None:
    """Train the small Point-MAE on clouds alone, on a GPU where there is one; a run that was stopped goes on."""
    from inference.datasets.dataset import Split
    from inference.datasets.layouts import open_dataset
    from inference.weights_pretraining import Pretraining, cut_clouds
    from inference.weights_pretraining import pretrain as run

    opened = open_dataset(dataset, layout)
    wanted = [name.strip() for name in categories.split(",")] if categories else list(opened.categories)
    broken: list[str] = []

    def loaded() -> Generator[D3Sample]:
        for name in wanted:
            for sample in opened.samples(name, Split.TRAIN):
                if sample.sample_id.is_normal:
                    try:
                        yield sample.load()
                    except SampleError as error:
                        broken.append(error.message)

    with cancellable() as cancelled, progress_bar("Training") as progress:
        clouds, left_out = cut_clouds(loaded(), progress, cancelled)
        left_out += broken
        source = f"trained on {len(clouds)} clouds of {dataset.resolve().name}: {', '.join(wanted)}"
        origin, losses = run(clouds, Pretraining(steps=steps, seed=seed), source, folder_of(data_dir), progress, cancelled)
    for why in left_out:
        stderr.print(f"left out: {why}", markup=False)
    tenth = max(1, len(losses) // 10)
    loss = {"first": sum(losses[:tenth]) / tenth, "last": sum(losses[-tenth:]) / tenth} if losses else None
    if as_json:
        print_json(asdict(origin) | {"clouds": len(clouds), "left_out": left_out, "loss": loss})
    else:
        told = f", loss {loss['first']:.3f} to {loss['last']:.3f}" if loss else ""
        stderr.print(f"{origin.backbone} is ready: {origin.source}{told}.", markup=False)
