"""``d3station rig plan``: what a scan will do, before it is done."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from api.cli.common import JsonOption, RigOption, print_json, stderr
from rig_configs.files import load_rig, rig_folder


def plan(
    rig: RigOption = "demo",
    diagram: Annotated[Path | None, typer.Option(help="Also draw a timing diagram, to a file that ends with .svg, .png or .pdf.")] = None,
    link_mb_s: Annotated[float, typer.Option(min=1, help="What the camera's link carries, MB a second: GigE about 110, USB3 about 380.")] = 110,
    as_json: JsonOption = False,
) -> None:
    """Print every step of a scan with what shines, its exposure and when it is expected. No device is asked."""
    from api.reports.timing import check_format, write_timing_diagram
    from api.scan_plan import plan_scan

    if diagram is not None:
        check_format(diagram, "--diagram")
    config = load_rig(rig_folder(rig))
    planned = plan_scan(config, link_mb_s)
    if as_json:
        print_json({"duration_ms": planned.duration_ms, "exposure_ms": planned.exposure_ms, "trigger": planned.trigger,
                    "steps": [asdict(step) for step in planned.steps]})  # fmt: skip
    else:
        table = Table(
            "step", "triggered by", "shines", "pattern", "exposure, µs", "told at, ms", "exposed at, ms", "arrived at, ms", title=config.name
        )
        for step in planned.steps:
            pattern = "" if step.pattern is None else str(step.pattern)
            times = (f"{t:.1f}" for t in (step.starts_ms, step.exposed_ms, step.arrived_ms))
            table.add_row(step.key, step.trigger, step.shines, pattern, f"{step.exposure_us:g}", *times)
        stderr.print(table)
        stderr.print(
            f"{len(planned.steps)} frames, triggered {planned.trigger}, in {planned.duration_ms / 1e3:.2f} s, "
            f"of which {planned.exposure_ms / 1e3:.2f} s exposure."
        )
        if planned.outruns_link:
            stderr.print(f"[yellow]Projectors trigger the camera faster than {link_mb_s:g} MB/s carry its frames: lengthen their period_us.[/]")
    if diagram is not None:
        write_timing_diagram(diagram, config, planned)
        stderr.print(f"Diagram: {diagram}", markup=False)
