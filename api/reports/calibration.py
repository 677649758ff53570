"""The calibration report: what a rig engineer looks at before trusting a calibration."""
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from api.reports.light import light_section
from api.reports.page import Page
from photometric.calibration import ZonesFit
from rig_configs.calibration import Calibration
from rig_configs.schema import RigConfig
from structured_light.calibration import GeometryFit
from structured_light.uncertainty import height_sigma_um

F64 = NDArray[np.float64]
Panel = tuple[str, int, int, list[tuple[F64, F64]]]
"""A device, its columns and rows, and for each pose where its corners are and their residuals, both (M, 2) pixels."""

_MEANING = {
    "camera_rms_px": "board corners in the camera, RMS, px",
    "projector_rms_px": "board corners in the projectors, RMS, projector px",
    "held_out_rms_um": "a board pose the fit did not see, from its own surface, RMS, µm: noise included",
    "light_rms_deg": "light directions from the spheres against the fitted positions, RMS, degrees",
    "flat_field_rms_percent": "matt white plate against its flat-field polynomial, RMS, per cent",
}


def write_calibration_report(
    path: Path, config: RigConfig, calibration: Calibration, geometry: GeometryFit | None, light: ZonesFit | None = None
) -> Path:
    """Write the report of a calibration.

    Args:
        path: the HTML file.
        config: the rig.
        calibration: what was written.
        geometry: the fit of camera and projectors; None where they were not measured this time.
        light: the fit of the light zones; the same.
    """
    simulated = ", simulated" if calibration.is_simulated else ""
    page = Page(f"Calibration {calibration.calibration_id}", f"Rig {calibration.rig}{simulated}, {calibration.created:%Y-%m-%d %H:%M} UTC")
    page.heading("How well it fits")
    page.table(("residual", "value", "what it is"), [(n, v, _MEANING[n]) for n, v in calibration.residuals.model_dump().items()])
    if geometry is not None:
        _geometry(page, config, calibration, geometry)
    light_section(page, config, calibration, light)
    return page.write(path)


def _geometry(page: Page, config: RigConfig, calibration: Calibration, fit: GeometryFit) -> None:
    if fit.dropped:
        page.text(f"Left out: pose {', '.join(str(p + 1) for p in fit.dropped)} of the board did not agree with the others.", bad=True)
    page.heading("What the noise of the captures leaves open")
    rows = [
        (d.name, d.focal_px, d.principal_point_px, *d.position_um, d.pointing_mdeg)
        for d in (calibration.uncertainty.devices if calibration.uncertainty else ())
    ]
    page.table(("device, 1 σ", "focal length, px", "principal point, px", "x, µm", "y, µm", "z, µm", "pointing, 0.001°"), rows)
    page.text("These trade against each other: what counts is what they together leave open of a height, below.")
    names = [p.name for p in config.projectors]
    page.figure(_height_sigma(config, fit), "Standard deviation of a height on the reference plane, by the calibration alone")
    page.heading("Reprojection residuals")
    camera = config.camera
    seen = [(o.camera_px, -e) for o, e in zip(fit.observations, fit.bundle.camera_errors_px, strict=True)]
    page.figure(_field([("camera", camera.width_px, camera.height_px, seen)]), "Residuals of the board's corners in the camera")
    panels: list[Panel] = []
    for p, config_p in enumerate(config.projectors):
        lit = [(o.projector_px[p], -e[p]) for o, e in zip(fit.observations, fit.bundle.projector_errors_px, strict=True)]
        panels.append((names[p], config_p.width_px, config_p.height_px, lit))
    page.figure(_field(panels), "Residuals in the projectors; a pattern in the arrows is a distortion that the model does not know")
    page.figure(_per_pose(fit, names), "RMS residual of each pose of the board")
    page.heading("The board")
    page.figure(_board(fit), "How far the board is off its drawing, as the adjustment found it: bow (colour) and print (arrows, enlarged)")


def _height_sigma(config: RigConfig, fit: GeometryFit) -> Figure:
    figure = Figure(figsize=(6.5, 4), layout="constrained")
    axes = figure.subplots()
    sigma_um = height_sigma_um(config, fit.bundle)
    picture = axes.imshow(sigma_um, extent=(0, config.camera.width_px, config.camera.height_px, 0), cmap="viridis", vmin=0)
    axes.set(xlabel="column, px", ylabel="row, px")
    figure.colorbar(picture, label="σ of z, µm")
    return figure


def _field(panels: list[Panel]) -> Figure:
    """Residual arrows over the picture of each device; every pose in its own colour, so that coverage shows."""
    columns = min(len(panels), 2)
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(6.2 * columns, 4.2 * rows), layout="constrained")
    for axes, (name, width, height, poses) in zip(np.ravel(figure.subplots(rows, columns, squeeze=False)), panels, strict=False):
        errors = np.concatenate([e for _, e in poses])
        typical = float(np.nanmedian(np.hypot(*errors.T)))
        for index, (where, error) in enumerate(poses):
            axes.quiver(
                where[:, 0],
                where[:, 1],
                error[:, 0],
                error[:, 1],
                angles="xy",
                scale_units="xy",
                scale=typical / (0.03 * width),
                color=f"C{index % 10}",
                width=0.002,
            )
        axes.set(xlim=(0, width), ylim=(height, 0), aspect="equal", title=f"{name}: median {typical:.3f} px")
    return figure


def _per_pose(fit: GeometryFit, names: list[str]) -> Figure:
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    axes = figure.subplots()
    numbers = [p + 1 for p in range(fit.poses + len(fit.dropped)) if p not in fit.dropped]
    at: F64 = np.arange(len(numbers), dtype=np.float64)
    devices: list[tuple[str, list[F64]]] = [("camera", list(fit.bundle.camera_errors_px))]
    devices += [(name, [e[p] for e in fit.bundle.projector_errors_px]) for p, name in enumerate(names)]
    for index, (name, errors) in enumerate(devices):
        axes.bar(at + (index - len(devices) / 2) * 0.15, [_rms_px(e) for e in errors], 0.15, label=name)
    axes.set(xticks=at, xticklabels=numbers, xlabel="pose of the board", ylabel="RMS, px of the device")
    axes.legend(fontsize="small", ncols=len(devices))
    return figure


def _rms_px(errors: F64) -> float:
    lengths: F64 = np.hypot(errors[:, 0], errors[:, 1])
    return float(np.sqrt(np.nanmean(lengths**2)))


def _board(fit: GeometryFit) -> Figure:
    known = np.unique(np.concatenate([o.ids for o in fit.observations]))
    where = np.full((int(known.max()) + 1, 2), np.nan)
    for o in fit.observations:
        where[o.ids] = o.board_mm[:, :2]
    off_um = 1e3 * fit.bundle.board_offsets_mm[known]
    figure = Figure(figsize=(6.5, 4), layout="constrained")
    axes = figure.subplots()
    dots = axes.scatter(*where[known].T, c=-off_um[:, 2], cmap="coolwarm", s=60)
    arrows = axes.quiver(*where[known].T, *off_um[:, :2].T, angles="xy", width=0.003)
    axes.quiverkey(arrows, 0.85, 1.04, 3, "3 µm", labelpos="E")
    axes.set(xlabel="x, mm", ylabel="y, mm", aspect="equal")
    axes.invert_yaxis()
    figure.colorbar(dots, label="towards the camera, µm")
    return figure
