"""``d3station rig capture``: one scan to a folder, and how long it took against the plan."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from api.cli.common import DATA_DIR, DataDirOption, JsonOption, RigOption, cancellable, print_json, stderr


def capture(
    out: Annotated[Path, typer.Argument(help="Folder to make; it must not exist.")],
    rig: RigOption = "demo",
    recipe: Annotated[str | None, typer.Option(help="On a simulated rig, the part to lay on the bench.")] = None,
    defect: Annotated[str | None, typer.Option(help="On a simulated rig, the part's defect.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of a simulated rig's part and noise.")] = 0,
    diagram: Annotated[
        Path | None, typer.Option(help="Also draw the plan and when the frames really came, to a file that ends with .svg, .png or .pdf.")
    ] = None,
    link_mb_s: Annotated[float, typer.Option(min=1, help="For the plan: what the camera's link carries, MB a second.")] = 110,
    data_dir: DataDirOption = DATA_DIR,
    as_json: JsonOption = False,
) -> None:
    """Capture the part on the rig to a folder, losslessly; reconstruct or inspect it later. Tells how long the scan took against its plan."""
    from acquisition.capture import Capture
    from api.composition import open_station
    from api.reports.timing import check_format, write_timing_diagram
    from api.scan_plan import cycle_of, plan_scan

    if diagram is not None:
        check_format(diagram, "--diagram")
    opened = open_station(rig, data_dir, seed=seed, automatic_hand=False)
    try:
        if opened.hand is not None:
            opened.hand.feeder(recipe or opened.station.recipes()[0], seed).place(defect, seed=seed)
        opened.station.rig.safe()  # whatever connects when it is first used has then done so, and the scan's time is that of any scan
        with cancellable() as cancelled:
            for _ in opened.station.frames(cancelled, keep=out):
                pass
    finally:
        opened.station.close()
    record = Capture(out).record
    planned, arrived_ms = plan_scan(record.rig, link_mb_s), [frame.arrived_ms for frame in record.frames]
    cycle = cycle_of(planned, arrived_ms)
    if as_json:
        print_json({"capture": str(out), "frames": len(arrived_ms), "cycle": cycle})
    else:
        table = Table("shines", "frames", "planned, ms", "measured, ms")
        for row in cycle:
            table.add_row(row["shines"], str(row["frames"]), f"{row['planned_ms']:.0f}", f"{row['measured_ms']:.0f}")
        stderr.print(table)
        stderr.print(
            f"{len(arrived_ms)} frames in {out}, in {arrived_ms[-1] / 1e3:.2f} s; planned were {planned.duration_ms / 1e3:.2f} s.", markup=False
        )
    if diagram is not None:
        write_timing_diagram(diagram, record.rig, planned, arrived_ms)
        stderr.print(f"Diagram: {diagram}", markup=False)
