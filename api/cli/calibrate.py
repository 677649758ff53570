"""``d3station calibrate``: guided calibration of a rig."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.table import Table

from api.cli.common import JsonOption, RigOption, ask, cancellable, print_json, progress_bar, stderr
from rig_configs.calibration import Calibration, Vector3
from rig_configs.errors import CalibrationError, CalibrationFailed
from rig_configs.files import CALIBRATION_FILE, load_calibration, load_rig, rig_folder, save_calibration

if TYPE_CHECKING:
    from api.calibrating import Calibrator
    from photometric.calibration import ZonesFit
    from structured_light.calibration import GeometryFit

app = typer.Typer(help="Calibrate a rig from captures of the board, the matt white plate and the mirror sphere.", no_args_is_help=True)


class PersonGuide:
    """Asks a person to lay the artefacts."""

    sphere_positions = 7

    def board(self, pose: int, of: int, centre_mm: Vector3, rotation_rad: Vector3) -> None:
        """Ask for a pose of the board."""
        if pose == 0:
            ask("Lay the board flat on the reference plane, upright in the image")
            return
        tilt_deg = math.degrees(math.hypot(*rotation_rad[:2]))
        # Tilting about an axis raises the side to its left, seen along it.
        side = ("top", "left", "bottom", "right")[round(math.degrees(math.atan2(rotation_rad[1], rotation_rad[0])) / 90) % 4]
        how = f"its {side} side raised, {tilt_deg:.0f}°" if tilt_deg > 1 else "level"
        ask(f"Hold the board {centre_mm[2]:.0f} mm above the plane, {how} (pose {pose + 1} of {of})")

    def plate(self) -> None:
        """Ask for the plate."""
        ask("Lay the matt white plate on the reference plane")

    def sphere(self, position: int) -> None:
        """Ask for the sphere."""
        ask(f"Put the mirror sphere on the dark plate, {'in the middle' if position == 0 else 'elsewhere in the field'}")

    def matt_sphere(self, position: int) -> None:
        """Ask for the matt sphere."""
        ask(f"Put the matt white sphere on the dark plate, {'in the middle' if position == 0 else 'elsewhere in the field'}")

    def raised_plate(self, height_mm: float) -> None:
        """Ask for the plate, raised."""
        ask(f"Raise the matt white plate, level, to {height_mm:g} mm above the reference plane; on the spacers, where rig.yaml names some")


SeedOption = Annotated[int, typer.Option(min=0, help="On a simulated rig, how the artefacts are laid.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace a calibration that is better.")]


@app.command("all")
def calibrate_all(rig: RigOption = "demo", seed: SeedOption = 0, force: ForceOption = False, as_json: JsonOption = False) -> None:
    """Camera, projectors and light zones: captures, solves, and writes calibration.yaml, flat fields and calibration.html beside rig.yaml."""
    _calibrate(rig, seed, force, as_json, lambda calibrator: calibrator.all())


@app.command()
def camera(rig: RigOption = "demo", seed: SeedOption = 0, force: ForceOption = False, as_json: JsonOption = False) -> None:
    """The camera's optics and where every device stands, after the camera was refocused or exchanged; projectors' optics and light stay."""
    _calibrate(rig, seed, force, as_json, lambda calibrator: calibrator.camera(load_calibration(rig)))


@app.command()
def projectors(rig: RigOption = "demo", seed: SeedOption = 0, force: ForceOption = False, as_json: JsonOption = False) -> None:
    """The projectors' optics and where every device stands; the camera's optics and the light stay."""
    _calibrate(rig, seed, force, as_json, lambda calibrator: calibrator.projectors(load_calibration(rig)))


@app.command()
def lights(
    rig: RigOption = "demo",
    source: Annotated[str, typer.Option("--from", help="What the zones are found with: mirror-sphere, matt-sphere or plate.")] = "mirror-sphere",
    seed: SeedOption = 0,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """The light zones, black level and white balance, after a lamp or an exposure changed; camera and projectors stay."""
    from api.calibrating_lights import LightArtefact

    known = [a.value for a in LightArtefact]
    if source not in known:
        raise typer.BadParameter(f"'{source}' is not one of {', '.join(known)}", param_hint="--from")
    _calibrate(rig, seed, force, as_json, lambda calibrator: calibrator.lights(load_calibration(rig), LightArtefact(source)))


@app.command()
def check(rig: RigOption = "demo", seed: SeedOption = 0, as_json: JsonOption = False) -> None:
    """Whether the calibration still holds, from one scan of the white plate; exits with 1 where it does not."""
    from structured_light.drift import LIMIT_UM

    drift = _with_calibrator(rig, seed, "Checking", lambda calibrator: calibrator.check(load_calibration(rig)))
    names = [p.name for p in load_rig(rig).projectors]
    off_um = dict(zip(names, drift.projectors_um, strict=True))
    if as_json:
        print_json({**asdict(drift), "projectors_um": off_um, "holds": drift.holds, "drifted": [names[i] for i in drift.drifted]})
    else:
        table = Table("what", "µm", title=f"{rig}: {'holds' if drift.holds else 'has drifted'} (limit {LIMIT_UM:g} µm)")
        for name, value in {**{f"{n} against the others": v for n, v in off_um.items()}, "flatness": drift.flatness_um}.items():
            table.add_row(name, f"{value:.2f}", style="" if value <= LIMIT_UM else "bold red")
        table.add_row("the plate's own height", f"{drift.plate_um:.1f}")
        stderr.print(table)
    if not drift.holds:
        who = ", ".join(names[i] for i in drift.drifted) or "the camera"
        raise CalibrationError(
            f"The calibration no longer holds: {who} disagrees by {max(*drift.projectors_um, drift.flatness_um):.1f} µm.",
            cure=f"Check that device's mount, then run: d3station calibrate all --rig {rig}",
            detail="drifted",
        )


Result = TypeVar("Result")


def _with_calibrator(rig: str, seed: int, title: str, work: Callable[[Calibrator], Result]) -> Result:
    """Open the rig, let a calibrator work with a person or the bench's hand, and close it."""
    from api.calibrating import Calibrator
    from api.composition import open_rig

    folder = rig_folder(rig)
    config = load_rig(folder)
    opened = open_rig(config, folder, seed)
    try:
        with cancellable() as cancelled:
            if opened.bench is None:
                return work(Calibrator(opened.rig, PersonGuide(), cancelled=cancelled))
            from acquisition.simulation.guide import BenchGuide

            with progress_bar(title) as progress:
                return work(Calibrator(opened.rig, BenchGuide(opened.bench, config, seed), progress, cancelled))
    finally:
        opened.rig.close()


def _calibrate(rig: str, seed: int, force: bool, as_json: bool, measure: Callable[[Calibrator], Calibration]) -> None:
    from api.reports.calibration import write_calibration_report

    folder = rig_folder(rig)
    path = folder / CALIBRATION_FILE
    # Before anything is captured: a file that cannot be compared with is told now, not after an hour's work.
    before = load_calibration(folder) if path.exists() and not force else None

    def work(calibrator: Calibrator) -> tuple[Calibration, GeometryFit | None, ZonesFit | None]:
        return measure(calibrator), calibrator.geometry, calibrator.light

    calibration, geometry, light = _with_calibrator(rig, seed, "Calibrating", work)
    if before is not None:
        _refuse_worse(calibration, before, geometry=geometry is not None, light=light is not None)
    save_calibration(calibration, folder)
    if light is not None:
        _write_flat_fields(calibration, folder)
    report = write_calibration_report(folder / "calibration.html", load_rig(folder), calibration, geometry, light)
    dropped = [pose + 1 for pose in geometry.dropped] if geometry else []
    if as_json:
        print_json(
            {
                "calibration_id": calibration.calibration_id,
                "file": str(path),
                "report": str(report),
                "dropped_poses": dropped,
                "residuals": calibration.residuals.model_dump(),
                "uncertainty": calibration.uncertainty.model_dump() if calibration.uncertainty else None,
            }
        )
        return
    table = Table("figure", "value", title=f"{calibration.calibration_id} → {path}")
    for name, value in calibration.residuals.model_dump().items():
        table.add_row(name, f"{value:.4g}")
    if calibration.uncertainty:
        table.add_row("height_median_um", f"{calibration.uncertainty.height_median_um:.4g}")
        table.add_row("height_max_um", f"{calibration.uncertainty.height_max_um:.4g}")
    stderr.print(table)
    if dropped:
        stderr.print(f"Left out: pose {', '.join(map(str, dropped))} of the board did not agree with the others.")
    stderr.print(f"Report: {report}", markup=False)


def _write_flat_fields(calibration: Calibration, folder: Path) -> None:
    """For other programs, each zone's flat field as the solver has it: float32 (H, W), DN/ms."""
    from structured_light.formats import write_tiff

    for zone in calibration.zones:
        write_tiff(folder / f"flat_field_{zone.name}.tiff", zone.flat_field_dn_per_ms(calibration.camera.width_px, calibration.camera.height_px))


def _refuse_worse(calibration: Calibration, before: Calibration, *, geometry: bool, light: bool) -> None:
    """Refuse what was measured now where it is clearly worse than what is in use. What finds the lights differs in what its residual means:
    only the flat fields compare."""
    now, was = calibration.residuals, before.residuals
    compared = [("held-out board", now.held_out_rms_um, was.held_out_rms_um, "µm")] if geometry else []
    compared += [("flat fields", now.flat_field_rms_percent, was.flat_field_rms_percent, "%")] if light else []
    for what, value, earlier, unit in compared:
        if value > 1.5 * earlier:
            raise CalibrationFailed(
                f"The new calibration is worse than the one in use: {what} {value:.2f} {unit} against {earlier:.2f} {unit}.",
                cure="Check artefacts, focus and exposure and calibrate again; --force writes it all the same.",
                detail="worse",
            )
