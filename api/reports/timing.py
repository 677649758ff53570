"""A planned scan as a timing diagram: who does what when."""
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer
from matplotlib.figure import Figure

from api.scan_plan import PlannedStep, ScanPlan
from rig_configs.schema import RigConfig

_TOLD, _EXPOSED, _SENT, _SHINING = "#9aa5b1", "#d9480f", "#1c7ed6", "#f2b705"
FORMATS = ("svg", "png", "pdf")


def check_format(path: Path, option: str) -> None:
    """Refuse a diagram of another kind. Raises typer.BadParameter."""
    if path.suffix.removeprefix(".").lower() not in FORMATS:
        raise typer.BadParameter(f"'{path}' does not end with one of {', '.join(FORMATS)}", param_hint=option)


def write_timing_diagram(path: Path, config: RigConfig, plan: ScanPlan, arrived_ms: Sequence[float] | None = None) -> None:
    """Draw a plan; the file's ending says in which format, such as ``.svg`` or ``.png``. Raises OSError.

    Args:
        path: of the file.
        config: the rig.
        plan: of a scan.
        arrived_ms: when the frames of a scan really came, ms from its start.
    """
    names = [*(p.name for p in reversed(config.projectors)), *(z.name for z in reversed(config.lights.zones)), "camera", "commands"]
    figure = Figure(figsize=(min(40.0, max(10.0, len(plan.steps) * 0.3)), 1.2 + 0.36 * len(names)), layout="constrained")
    axes = figure.add_subplot()
    for row, name in enumerate(names):
        for bars, colour in _bars(name, plan.steps):
            axes.broken_barh(bars, (row - 0.35, 0.7), facecolors=colour)
    for step in plan.steps:
        axes.axvline(step.starts_ms, color="0.85", linewidth=0.5, zorder=0)
    axes.set_yticks(range(len(names)), labels=names)
    if arrived_ms is not None:
        axes.plot(arrived_ms, [names.index("camera") + 0.35] * len(arrived_ms), "v", color="black", markersize=4)
    axes.set_xlim(0, max([plan.duration_ms, *(arrived_ms or ())]))
    axes.set_xlabel("ms")
    axes.set_title(
        f"{config.name}: {len(plan.steps)} frames in {plan.duration_ms / 1e3:.2f} s, of which {plan.exposure_ms / 1e3:.2f} s exposure; "
        "grey commands, red exposure, blue transfer, yellow light" + (", black arrivals of a real scan" if arrived_ms is not None else "")
    )
    figure.savefig(path)


def _bars(name: str, steps: tuple[PlannedStep, ...]) -> list[tuple[list[tuple[float, float]], str]]:
    if name == "commands":
        return [([(s.starts_ms, s.exposed_ms - s.starts_ms) for s in steps], _TOLD)]
    if name == "camera":
        exposed = [(s.exposed_ms, s.exposure_us / 1e3) for s in steps]
        sent = [(s.exposed_ms + s.exposure_us / 1e3, s.arrived_ms - s.exposed_ms - s.exposure_us / 1e3) for s in steps]
        return [(exposed, _EXPOSED), (sent, _SENT)]
    return [([(s.exposed_ms, s.arrived_ms - s.exposed_ms) for s in steps if s.shines == name], _SHINING)]
