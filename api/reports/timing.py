"""A planned scan as a timing diagram: who does what when."""
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from api.scan_plan import PlannedStep, ScanPlan
from rig_configs.schema import RigConfig

_TOLD, _EXPOSED, _SENT, _SHINING = "#9aa5b1", "#d9480f", "#1c7ed6", "#f2b705"


def write_timing_diagram(path: Path, config: RigConfig, plan: ScanPlan) -> None:
    """Draw a plan; the file's ending says in which format, such as ``.svg`` or ``.png``. Raises OSError."""
    names = [*(p.name for p in reversed(config.projectors)), *(z.name for z in reversed(config.lights.zones)), "camera", "commands"]
    figure = Figure(figsize=(min(40.0, max(10.0, len(plan.steps) * 0.3)), 1.2 + 0.36 * len(names)), layout="constrained")
    axes = figure.add_subplot()
    for row, name in enumerate(names):
        for bars, colour in _bars(name, plan.steps):
            axes.broken_barh(bars, (row - 0.35, 0.7), facecolors=colour)
    for step in plan.steps:
        axes.axvline(step.starts_ms, color="0.85", linewidth=0.5, zorder=0)
    axes.set_yticks(range(len(names)), labels=names)
    axes.set_xlim(0, plan.duration_ms)
    axes.set_xlabel("ms")
    axes.set_title(
        f"{config.name}: {len(plan.steps)} frames in {plan.duration_ms / 1e3:.2f} s, of which {plan.exposure_ms / 1e3:.2f} s exposure; "
        "grey commands, red exposure, blue transfer, yellow light"
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
