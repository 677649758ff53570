"""``d3station dataset``: generate data sets on the simulated rig, check any, and write one in another layout."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.common import DATA_DIR, DataDirOption, JsonOption, RigOption, cancellable, print_json, progress_bar, stderr
from api.datasets.plan import Arguments, Fidelity
from rig_configs.errors import DataError

if TYPE_CHECKING:
    from inference.datasets.check import Report

app = typer.Typer(help="Generate data sets in the Real-IAD D³ layout; check and convert those of any layout.", no_args_is_help=True)

SHOWN_OF_A_CODE = 5
MOST_OF_A_CLASS = 100_000
LAYOUTS = "real-iad-d3, real-iad-d3-tree, mvtec-3d, eyecandies, folders or archive"
LayoutOption = Annotated[str | None, typer.Option("--layout", help=f"How the data set lies on disk: {LAYOUTS}; left out, it is found out.")]


@app.command()
def generate(
    out: Annotated[Path, typer.Option("--out", help="Folder of the data set; a run that was cut off goes on there.")],
    rig: RigOption = "demo",
    categories: Annotated[
        str | None, typer.Option(help="Parts of the simulated bench, with commas between, or 'all'; left out, all of them, or the mesh alone.")
    ] = None,
    mesh: Annotated[
        Path | None, typer.Option(help="STL, PLY, OBJ or GLB file of a part of your own, with every defect that any body can have.")
    ] = None,
    mesh_material: Annotated[str, typer.Option(help="What the mesh is made of.")] = "matt_plastic",
    mesh_scale: Annotated[float | None, typer.Option(min=1e-6, help="Millimetres a unit of the mesh file; left out, 1, and 1000 for GLB.")] = None,
    train_good: Annotated[int, typer.Option(min=0, max=MOST_OF_A_CLASS, help="Good samples to learn from, of each category.")] = 24,
    validation_good: Annotated[int, typer.Option(min=0, max=MOST_OF_A_CLASS, help="Good samples to choose settings on, of each category.")] = 0,
    test_good: Annotated[int, typer.Option(min=0, max=MOST_OF_A_CLASS, help="Good samples to be judged, of each category.")] = 12,
    per_defect: Annotated[int, typer.Option(min=0, max=MOST_OF_A_CLASS, help="Samples to be judged of each defect of each category.")] = 6,
    seed: Annotated[int, typer.Option(min=0, help="Seed of parts, poses and noise.")] = 0,
    jobs: Annotated[int, typer.Option(min=1, max=256, help="Processes that make samples; the data do not depend on it.")] = 1,
    fidelity: Annotated[
        Fidelity, typer.Option(help="'full' scans all fringes; 'geometry' puts measured noise on the true shape in place of fringes.")
    ] = Fidelity.FULL,
    as_json: JsonOption = False,
) -> None:
    """Make a data set of simulated scans: good samples, and each defect with its mask."""
    from api.datasets.generate import generate as run
    from api.datasets.parts import Source, known_kinds, mesh_kind_of, mesh_part

    source = Source(rig, mesh)
    own = mesh_part(mesh, mesh_material, mesh_scale) if mesh else None
    asked = categories or ("" if own else "all")
    names = list(known_kinds(rig)) if asked == "all" else [n.strip() for n in asked.split(",") if n.strip()]
    if own:
        names.append(mesh_kind_of(source, own).name)
    arguments = Arguments(
        categories=tuple(dict.fromkeys(names)), mesh=own, train_good=train_good, validation_good=validation_good, test_good=test_good, per_defect=per_defect, seed=seed,
        fidelity=fidelity,
    )  # fmt: skip
    with cancellable() as cancelled, progress_bar("Generating") as progress:
        done = run(out, source, arguments, jobs, progress, lambda told: stderr.print(told, markup=False), cancelled)
    if as_json:
        print_json(asdict(done) | {"noise": done.noise.model_dump(mode="json") if done.noise else None})
        return
    pace = f", {done.seconds_per_sample:.2f} s each" if done.seconds_per_sample is not None else ""
    stderr.print(f"{done.samples} samples in {out}, {done.made} made now{pace}. Contact sheet: {done.contact_sheet}", markup=False)


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(help="Folder of the data set.")],
    layout: LayoutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check files, splits and masks; of Real-IAD D³ also whether X and Y of the clouds give the label away. Errors make it fail, warnings do not."""
    from inference.datasets.check_layouts import check_layout

    with progress_bar("Checking") as progress:
        report = check_layout(folder, layout, progress)
    if as_json:
        print_json(
            {
                "categories": [asdict(c) for c in report.categories],
                "findings": [{"code": f.code, "severity": f.severity, "path": f.path, "message": f.message, "cure": f.cure} for f in report.findings],
                "errors": report.errors,
                "warnings": len(report.findings) - report.errors,
            }
        )
    else:
        _print(report)
    if report.errors:
        raise DataError(f"{folder} has {report.errors} error(s).", cure="Mend what is named above and check again.", detail="dataset")


@app.command()
def convert(
    folder: Annotated[Path, typer.Argument(help="Folder of the data set.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the new data set; a run that was cut off goes on there.")],
    to: Annotated[str, typer.Option("--to", help="Layout to write: real-iad-d3, real-iad-d3-tree or mvtec-3d.")],
    source: Annotated[str | None, typer.Option("--from", help=f"Layout to read: {LAYOUTS}; left out, it is found out.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Write a data set in another layout. Samples that cannot be read are named, counted, and make it fail at the end; the others are written."""
    from inference.datasets.convert import convert as run
    from inference.datasets.layouts import open_dataset

    with cancellable() as cancelled, progress_bar("Converting") as progress:
        done = run(open_dataset(folder, source), to, out, progress, cancelled)
    if as_json:
        print_json(asdict(done))
    else:
        for broken in done.broken:
            stderr.print(f"left out {broken['sample']}: {broken['why']}", markup=False)
        lost = f"; not kept: {', '.join(done.not_kept)}" if done.not_kept else ""
        stderr.print(f"{done.samples} samples in {out}{lost}.", markup=False)
    if done.broken:
        raise DataError(
            f"{len(done.broken)} sample(s) of {folder} could not be read.", cure=f"They are named in {out / 'converted.json'}.", detail="dataset"
        )


@app.command()
def labels(
    train: Annotated[
        int, typer.Option(min=0, help="Good inspections of each recipe, the oldest, that are to be learned; the others are to be judged.")
    ] = 20,
    trust_verdicts: Annotated[bool, typer.Option("--trust-verdicts", help="Take the station's own verdict where nobody reviewed it.")] = False,
    data_dir: DataDirOption = DATA_DIR,
    as_json: JsonOption = False,
) -> None:
    """Write what people said of inspections to labels.csv in the archive, which makes it a data set."""
    from api.datasets.labels import write_labels
    from api.settings import Settings
    from api.store.store import open_store

    store = open_store(Settings(data_dir=data_dir))
    try:
        path, counts = write_labels(store, train, trust_verdicts=trust_verdicts)
    finally:
        store.close()
    if as_json:
        print_json({"file": path, "inspections": counts})
    else:
        stderr.print(f"{path}: {', '.join(f'{count} {name}' for name, count in counts.items()) or 'no inspections'}.", markup=False)


def _print(report: Report) -> None:
    shown: Counter[str] = Counter()
    for finding in report.findings:
        shown[finding.code] += 1
        if shown[finding.code] <= SHOWN_OF_A_CODE:
            colour = "red" if finding.severity == "error" else "yellow"
            stderr.print(f"[{colour}]{finding.severity}[/] {finding.code}", end=" ")
            stderr.print(f"{finding.path}: {finding.message}", markup=False)
            if shown[finding.code] == 1:
                stderr.print(f"  {finding.cure}", markup=False)
    for code, count in shown.items():
        if count > SHOWN_OF_A_CODE:
            stderr.print(f"  and {count - SHOWN_OF_A_CODE} more of {code}", markup=False)
    for category in report.categories:
        counts = "; ".join(f"{split}: {', '.join(f'{n} {c}' for c, n in classes.items())}" for split, classes in category.samples.items() if classes)
        stderr.print(f"{category.category}: {counts or 'nothing'}; {category.unknown_share:.1%} of the clouds unknown", markup=False)
    stderr.print(f"{report.errors} error(s), {len(report.findings) - report.errors} warning(s).", markup=False)
