"""``d3station rig``: talk to the devices."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli.accuracy import accuracy
from api.cli.common import DATA_DIR, DataDirOption, RigOption, cancellable, stderr
from api.cli.rig_check import check
from api.cli.rig_plan import plan
from rig_configs.errors import DeviceUnavailable
from rig_configs.files import load_rig, rig_folder

app = typer.Typer(help="Talk to the rig's devices.", no_args_is_help=True)


app.command()(check)
app.command()(plan)


@app.command()
def safe(rig: RigOption = "demo") -> None:
    """Turn lights and projectors off."""
    from api.composition import open_rig

    folder = rig_folder(rig)
    opened = open_rig(load_rig(folder), folder)
    try:
        problems = opened.rig.safe()
    finally:
        opened.rig.close()
    if problems:
        raise DeviceUnavailable(
            "Not everything is known to be dark: " + " ".join(p.message for p in problems),
            cure="Cut the power of the device named here.",
            detail="safe",
        )
    stderr.print("Lights and projectors are off.")


app.command()(accuracy)


@app.command()
def capture(
    out: Annotated[Path, typer.Argument(help="Folder to make; it must not exist.")],
    rig: RigOption = "demo",
    recipe: Annotated[str | None, typer.Option(help="On a simulated rig, the part to lay on the bench.")] = None,
    defect: Annotated[str | None, typer.Option(help="On a simulated rig, the part's defect.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of a simulated rig's part and noise.")] = 0,
    data_dir: DataDirOption = DATA_DIR,
) -> None:
    """Capture the part on the rig to a folder, losslessly; reconstruct or inspect it later."""
    from api.composition import open_station

    opened = open_station(rig, data_dir, seed=seed, automatic_hand=False)
    try:
        if opened.hand is not None:
            opened.hand.feeder(recipe or opened.station.recipes()[0], seed).place(defect, seed=seed)
        with cancellable() as cancelled:
            frames = sum(1 for _ in opened.station.frames(cancelled, keep=out))
    finally:
        opened.station.close()
    stderr.print(f"{frames} frames in {out}", markup=False)
