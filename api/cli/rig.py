"""``d3station rig``: talk to the devices."""

from __future__ import annotations

import typer

from api.cli.accuracy import accuracy
from api.cli.common import RigOption, stderr
from api.cli.rig_capture import capture
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
app.command()(capture)
