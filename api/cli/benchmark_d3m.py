"""``d3station benchmark``: D³M and its baselines on a data set."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer
from rich.table import Table

from api.cli.common import cancellable, progress_bar, stderr
from rig_configs.errors import SampleError

if TYPE_CHECKING:
    from inference.benchmark_results import CategoryResult
    from inference.features.registry import ImageBackboneName, PointBackboneName
    from inference.model_state import D3MConfig

Protocol = Literal["full", "first5"]


def benchmark(
    context: typer.Context,
    dataset: Annotated[Path | None, typer.Option("--dataset", help="Folder of the data set.")] = None,
    layout: Annotated[
        str | None, typer.Option("--layout", help="How it lies on disk, see 'dataset check --help'; left out, it is found out.")
    ] = None,
    methods: Annotated[
        str | None, typer.Option("--methods", help="Methods, with commas between, or 'all'; left out, those of the paper's Table 3.")
    ] = None,
    preset: Annotated[str | None, typer.Option("--preset", help="table2, table3, table4 or table5 of the paper, in place of --methods.")] = None,
    categories: Annotated[str | None, typer.Option("--categories", help="Products, with commas between; left out, all.")] = None,
    protocol: Annotated[
        Protocol, typer.Option("--protocol", help="'full': all test samples; 'first5': each defect against the first five good ones.")
    ] = "full",
    image: Annotated[str | None, typer.Option("--image", help="Image backbone; 'd3station weights list' shows them.")] = None,
    points: Annotated[str | None, typer.Option("--points", help="Point backbone.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="A setting of the model, such as swap=hard or alpha=0; may be repeated.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="File to write the numbers to; - is standard output.")] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder that keeps finished categories, table.csv, table.md and table.png, and of each defect which bank saw it."),
    ] = None,
    pictures: Annotated[
        Path | None,
        typer.Option("--pictures", help="Folder for a heat map of each defect and of each that was missed; heat-maps.jpg and missed.jpg of all."),
    ] = None,
    picture_method: Annotated[str, typer.Option("--picture-method", help="Whose heat maps, and whose view of each defect.")] = "d3m",
) -> None:
    """Teach and judge D³M and its baselines on a data set: I-AUROC, P-AUROC, AUPRO, seconds and memory.

    A run that was stopped goes on when the same command is given again with the same --out.
    """
    if context.invoked_subcommand is not None:
        return
    if dataset is None:
        typer.echo(context.get_help())
        raise typer.Exit(2)
    from tempfile import TemporaryDirectory

    from inference import benchmark_defects
    from inference.benchmark_folder import run
    from inference.benchmark_markdown import markdown
    from inference.benchmark_pictures import HeatMaps, chart, chart_defects
    from inference.benchmark_plan import preset as preset_of
    from inference.benchmark_plan import variants_of
    from inference.benchmark_results import document, table
    from inference.datasets.layouts import open_dataset
    from inference.methods import METHODS

    config = _config(set_ or [], image, points)
    if preset is not None:
        variants = preset_of(preset, config)
    elif methods == "all":
        variants = variants_of(METHODS, config)
    else:
        variants = variants_of(_names(methods), config) if methods else preset_of("table3", config)
    opened = open_dataset(dataset, layout)
    chosen = _names(categories) if categories else list(opened.categories)
    looking = HeatMaps(pictures, picture_method) if pictures else None
    with TemporaryDirectory() as temporary, cancellable() as cancelled, progress_bar("Benchmark") as progress:
        results = run(opened, chosen, variants, (out or Path(temporary)) / "categories", progress, cancelled, looking)
    settings = {"dataset": str(dataset), "methods": [v.label for v in variants], "config": config.model_dump(mode="json")}
    found = document(results, protocol, settings)
    benchmark_defects.add_to(found, results)
    if json_file is not None:
        _save(found, json_file)
    if out is not None:
        (out / "table.csv").write_text(table(results, protocol), encoding="utf-8")
        chart(results, protocol, [v.label for v in variants], out / "table.png")
        kinds = benchmark_defects.by_defect(results, picture_method)
        (out / "table.md").write_text(markdown(results, [v.label for v in variants], kinds), encoding="utf-8")
        if kinds:
            (out / "defects.csv").write_text(benchmark_defects.table(kinds), encoding="utf-8")
            chart_defects(kinds, out / "defects.png")
    if looking is not None:
        sheets = ", ".join(str(path) for path in looking.sheets())
        stderr.print(
            f"Heat maps: {sheets}" if sheets else "No defective sample was judged now; finished categories are not drawn again.", markup=False
        )
    stderr.print(_table(found, results))


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _config(changes: list[str], image: str | None, points: str | None) -> D3MConfig:
    """The defaults with what was asked for. Raises SampleError."""
    from pydantic import ValidationError

    from inference.model_state import D3MConfig

    values: dict[str, Any] = {}
    for change in changes:
        name, equals, value = change.partition("=")
        if not equals or name not in D3MConfig.model_fields:
            raise SampleError(
                f"'{change}' sets nothing.", cure=f"Write name=value with one of: {', '.join(D3MConfig.model_fields)}.", detail="setting"
            )
        values[name] = value
    if image:
        values["image_backbone"] = cast("ImageBackboneName", image)
    if points:
        values["point_backbone"] = cast("PointBackboneName", points)
    try:
        return D3MConfig(**values)
    except ValidationError as fault:
        first = fault.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise SampleError(f"{name} cannot be '{values.get(name)}': {first['msg']}.", cure="Give it another value.", detail="setting") from fault


def _save(found: Mapping[str, Any], file: Path) -> None:
    text = json.dumps(found, indent=2) + "\n"
    if str(file) == "-":
        typer.echo(text, nl=False)
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def _table(found: Mapping[str, Any], results: Mapping[str, CategoryResult]) -> Table:
    made = Table(
        "method", "I-AUROC", "P-AUROC", "AUPRO", "s a sample", "model MB", title=f"Means over {len(results)} categories, {found['protocol']}"
    )
    for label, method in found["methods"].items():
        mean = method["mean"]
        numbers = ["no answer" if mean[key] is None else f"{mean[key]:.3f}" for key in ("i_auroc", "p_auroc", "aupro")]
        made.add_row(label, *numbers, f"{method['seconds_per_sample']:.2f}", f"{method['model_mb']:.1f}")
    for name, why in found["broken"].items():
        stderr.print(f"not used: {name}: {why}", markup=False)
    return made
