"""``d3station calibrate``: guided calibration of a rig."""

from __future__ import annotations

import math
from typing import Annotated

import typer
from rich.table import Table

from api.cli.common import JsonOption, RigOption, ask, cancellable, print_json, progress_bar, stderr
from rig_configs.calibration import Calibration, Vector3
from rig_configs.errors import CalibrationFailed
from rig_configs.files import CALIBRATION_FILE, load_rig, rig_folder, save_calibration

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


@app.command("all")
def calibrate_all(
    rig: RigOption = "demo",
    seed: Annotated[int, typer.Option(min=0, help="On a simulated rig, how the artefacts are laid.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Replace a calibration that is better.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Camera, projectors and light zones: captures, solves, and writes calibration.yaml beside rig.yaml."""
    from api.calibrating import Calibrator
    from api.composition import open_rig

    folder = rig_folder(rig)
    config = load_rig(folder)
    opened = open_rig(config, folder, seed)
    try:
        with cancellable() as cancelled:
            if opened.bench is None:
                calibration = Calibrator(opened.rig, PersonGuide(), cancelled=cancelled).all()
            else:
                from acquisition.simulation.guide import BenchGuide

                guide = BenchGuide(opened.bench, config, seed)
                with progress_bar("Calibrating") as progress:
                    calibration = Calibrator(opened.rig, guide, progress, cancelled).all()
    finally:
        opened.rig.close()
    path = folder / CALIBRATION_FILE
    if path.exists() and not force:
        _refuse_worse(calibration, rig)
    save_calibration(calibration, folder)
    if as_json:
        print_json({"calibration_id": calibration.calibration_id, "file": str(path), "residuals": calibration.residuals.model_dump()})
        return
    table = Table("residual", "value", title=f"{calibration.calibration_id} → {path}")
    for name, value in calibration.residuals.model_dump().items():
        table.add_row(name, f"{value:.4g}")
    stderr.print(table)


def _refuse_worse(calibration: Calibration, rig: str) -> None:
    from rig_configs.files import load_calibration

    before = load_calibration(rig).residuals.held_out_rms_um
    now = calibration.residuals.held_out_rms_um
    if now > 1.5 * before:
        raise CalibrationFailed(
            f"The new calibration is worse than the one in use: held-out board {now:.2f} µm against {before:.2f} µm.",
            cure="Check board, focus and exposure and calibrate again; --force writes it all the same.",
            detail="worse",
        )
