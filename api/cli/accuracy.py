"""``d3station rig accuracy``: the acceptance test of a rig."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from api.cli.common import JsonOption, RigOption, ask, cancellable, print_json, progress_bar, stderr
from rig_configs.files import load_calibration, load_rig, rig_folder


class PersonGuide:
    """Asks a person to lay the artefacts of the acceptance test."""

    def plane(self, position: int) -> None:
        """Ask for the plate."""
        ask(f"Hold the matt white plate into the field, {'level' if position == 0 else 'tilted by some degrees another way, and higher'}")

    def ball_bar(self, position: int) -> None:
        """Ask for the ball bar."""
        ask(f"Lay the ball bar on the dark plate, {'anywhere' if position == 0 else 'elsewhere and in another direction'}")

    def step(self, position: int) -> None:
        """Ask for the gauge block."""
        ask(f"Put the gauge block on the matt white plate, {'in the middle' if position == 0 else 'elsewhere'}")


def accuracy(
    rig: RigOption = "demo",
    artefact: Annotated[str, typer.Option(help="plane, sphere, step or all.")] = "all",
    calibrate: Annotated[
        bool, typer.Option("--calibrate/--as-calibrated", help="On a simulated rig, calibrate from new captures first, or take calibration.yaml.")
    ] = True,
    positions: Annotated[int | None, typer.Option(min=1, help="Positions of each artefact; VDI/VDE 2634-2's least where not given.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="On a simulated rig, how the artefacts are laid.")] = 0,
    html: Annotated[Path | None, typer.Option("--html", help="Also write a report with plots.")] = None,
    as_json: JsonOption = False,
) -> None:
    """The acceptance test, in the manner of VDI/VDE 2634-2: flatness, sphere form, size and spacing, step height, scatter."""
    from api.acceptance import POSITIONS, AcceptanceTest, Artefact, scalars
    from api.calibrating import Calibrator
    from api.composition import open_rig

    known = [a.value for a in Artefact]
    if artefact not in (*known, "all"):
        raise typer.BadParameter(f"'{artefact}' is not one of {', '.join(known)}, all", param_hint="--artefact")
    folder = rig_folder(rig)
    config = load_rig(folder)
    opened = open_rig(config, folder, seed)
    try:
        asked = tuple(Artefact) if artefact == "all" else (Artefact(artefact),)
        often = {a: positions or POSITIONS[a] for a in Artefact}
        just_made = opened.bench is not None and calibrate
        with cancellable() as cancelled:
            if opened.bench is None:
                calibration = load_calibration(folder)
                result = AcceptanceTest(opened.rig, calibration, PersonGuide(), cancelled=cancelled).run(asked, often)
            else:
                from acquisition.simulation.guide import BenchGuide

                guide = BenchGuide(opened.bench, config, seed)
                with progress_bar("Accepting") as progress:
                    begin = 0.5 if just_made else 0.0
                    calibrator = Calibrator(opened.rig, guide, lambda share, what: progress(begin * share, what), cancelled)
                    calibration = calibrator.all() if just_made else load_calibration(folder)
                    test = AcceptanceTest(opened.rig, calibration, guide, lambda share, what: progress(begin + (1 - begin) * share, what), cancelled)
                    result = test.run(asked, often)
    finally:
        opened.rig.close()
    bar = config.artefacts.ball_bar
    figures = result.figures(calibration, just_made, bar.diameter_mm, bar.spacing_mm, config.artefacts.step_mm)
    # First what took the time: a report that cannot be written must not take the figures with it.
    if as_json:
        print_json(figures)
    else:
        table = Table("figure", "worst position", title=f"{config.name}, {calibration.calibration_id}")
        for name, value in scalars(figures):
            table.add_row(name, f"{value:.3g}")
        stderr.print(table)
    if html is not None:
        from api.reports.acceptance import write_acceptance_report

        write_acceptance_report(html, config, calibration, result, figures)
