"""The report of an acceptance test."""
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from api.acceptance import Acceptance, scalars
from api.reports.page import Page
from rig_configs.calibration import Calibration
from rig_configs.schema import RigConfig


def write_acceptance_report(path: Path, config: RigConfig, calibration: Calibration, result: Acceptance, figures: Mapping[str, object]) -> Path:
    """Write the report of an acceptance test.

    Args:
        path: the HTML file.
        config: the rig.
        calibration: what it was accepted with.
        result: what was measured.
        figures: the figures as printed.
    """
    simulated = ", simulated" if calibration.is_simulated else ""
    page = Page(f"Acceptance test of rig {config.name}", f"In the manner of VDI/VDE 2634-2{simulated}, calibration {calibration.calibration_id}")
    page.heading("Figures, the worst of every position")
    page.table(("figure", "value"), scalars(figures))
    if result.planes:
        page.heading("Plane")
        page.figure(_planes(result), "Distances from the plane, µm, at each position")
    if result.bars:
        page.heading("Ball bar")
        spheres = [s for bar in result.bars for s in bar]
        page.table(
            ("sphere", "x, mm", "y, mm", "form 1 σ, µm", "form range, µm", "diameter, mm", "points"),
            [(str(i + 1), *s.centre_mm[:2], s.form_um, s.form_range_um, f"{s.diameter_mm:.5f}", str(s.points)) for i, s in enumerate(spheres)],
        )
    if result.steps:
        page.heading("Step")
        page.table(
            ("position", "height, mm", "upper face 1 σ, µm", "lower face 1 σ, µm"),
            [(str(i + 1), f"{s.height_mm:.5f}", s.upper_sigma_um, s.lower_sigma_um) for i, s in enumerate(result.steps)],
        )
    return page.write(path)


def _planes(result: Acceptance) -> Figure:
    columns = min(3, len(result.planes))
    rows = -(-len(result.planes) // columns)
    figure = Figure(figsize=(4.4 * columns, 3 * rows), layout="constrained")
    limit = 3 * max(p.sigma_um for p in result.planes)
    picture = None
    panels = np.ravel(figure.subplots(rows, columns, squeeze=False))
    for index, axes in enumerate(panels):
        axes.set(xticks=[], yticks=[])
        if index < len(result.planes):
            step = max(1, result.planes[index].residual_um.shape[1] // 400)
            picture = axes.imshow(result.planes[index].residual_um[::step, ::step], cmap="coolwarm", vmin=-limit, vmax=limit)
            axes.set(title=f"{index + 1}: σ {result.planes[index].sigma_um:.2f} µm")
        else:
            axes.axis("off")
    if picture is not None:
        figure.colorbar(picture, ax=list(panels), label="µm")
    return figure
