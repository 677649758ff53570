"""``d3station benchmark``: the station's methods on data by others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import cv2
import numpy as np
import typer
from cv2.typing import MatLike
from numpy.typing import NDArray
from rich.table import Table

from api.cli.common import progress_bar, stderr
from rig_configs.errors import SampleError

if TYPE_CHECKING:
    from photometric.benchmark import BenchmarkResult

app = typer.Typer()

ERROR_SCALE_DEG = 45.0
"""The error map's colours end here, so that pictures of different objects compare."""


@app.command()
def photometric(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of an object, or of folders of objects; docs/data.md says what is in it.")],
    lights: Annotated[str | None, typer.Option("--lights", help="Which lights to use, from 0, such as 0,12,24,36; all by default.")] = None,
    flip: Annotated[
        list[str] | None,
        typer.Option("--flip", help="lights-y, truth-y and so on: change a component's sign, where the data's frame is not x right, y up, z to us."),
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="File to write the errors to; - is standard output.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for error maps, normals and integrated heights.")] = None,
    keep_steps: Annotated[bool, typer.Option("--keep-steps", help="Integrate heights so that they stop at steps: slower.")] = False,
) -> None:
    """Normals from images under known lights, and their angle to the true ones: mean, median and 95th percentile, degrees."""
    from photometric.benchmark import metrics_of, run
    from photometric.datasets import find_objects, load_object

    chosen = None if lights is None else _numbers(lights)
    folders = find_objects(folder)
    report: dict[str, dict[str, Any]] = {}
    all_errors: list[NDArray[np.float32]] = []
    with progress_bar("Benchmark") as progress:
        for i, path in enumerate(folders):
            progress(i / len(folders), path.name)
            thing = load_object(path, flip or ())
            if chosen is not None:
                thing = thing.under(chosen)
            result = run(thing, keep_steps=keep_steps)
            name = path.relative_to(folder).as_posix() if len(folders) > 1 else thing.name
            report[name] = {**result.metrics, "lights": len(thing.images), "method": result.method}
            if result.error_deg is not None:
                all_errors.append(result.error_deg[np.isfinite(result.error_deg)])
            if out is not None:
                _write(result, out / name if len(folders) > 1 else out)
        progress(1.0, "done")
    if len(report) == 1:
        (document,) = report.values()
    else:
        document = metrics_of(np.concatenate(all_errors)) if all_errors else {}
        means = [entry["mean_deg"] for entry in report.values() if "mean_deg" in entry]
        document |= {"mean_of_objects_deg": float(np.mean(means)) if means else None, "objects": report}
    if json_file is not None:
        _save(document, json_file)
    stderr.print(_table(report, document))


def _numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise SampleError(f"'{text}' are no lights.", cure="Name lights by number, such as 0,12,24,36.", detail="lights") from None


def _save(document: dict[str, Any], file: Path) -> None:
    text = json.dumps(document, indent=2) + "\n"
    if str(file) == "-":
        typer.echo(text, nl=False)
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def _table(report: dict[str, dict[str, Any]], document: dict[str, Any]) -> Table:
    table = Table("object", "lights", "mean °", "median °", "95 % °", "pixels")
    rows = list(report.items())
    for name, entry in [*rows, ("all pixels", document)] if len(rows) > 1 else rows:
        numbers = [f"{entry[key]:.2f}" if key in entry else "no truth" for key in ("mean_deg", "median_deg", "p95_deg")]
        table.add_row(name, str(entry.get("lights", "")), *numbers, str(entry.get("pixels", "")))
    return table


def _write(result: BenchmarkResult, folder: Path) -> None:
    """Pictures for people and arrays for programs."""
    from api.pictures import depth_picture, encode
    from photometric.pseudo3d import pseudo3d_image
    from structured_light.formats import write_tiff

    known = np.isfinite(result.height_px)
    normals = pseudo3d_image(result.normals)
    normals[~known] = 0
    pictures = {"normals.png": normals, "height.png": depth_picture(result.height_px, known)}
    if result.error_deg is not None:
        pictures["error.png"] = error_picture(result.error_deg)
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in pictures.items():
        (folder / name).write_bytes(encode(".png", picture))
    write_tiff(folder / "normals.tiff", result.normals)
    write_tiff(folder / "height.tiff", result.height_px)


def error_picture(error_deg: NDArray[np.float32], scale_deg: float = ERROR_SCALE_DEG) -> NDArray[np.uint8]:
    """Angular error in colours from 0 to a full scale, with its scale below, (H + 40, W, 3) RGB; black where there is no truth."""
    height, width = error_deg.shape
    known = np.isfinite(error_deg)
    turbo = cv2.applyColorMap(np.arange(256, dtype=np.uint8), cv2.COLORMAP_TURBO).reshape(256, 3)[:, ::-1]
    picture = np.zeros((height + 40, width, 3), np.uint8)
    level = (np.clip(np.nan_to_num(error_deg) / scale_deg, 0, 1) * 255).astype(np.uint8)
    picture[:height][known] = turbo[level[known]]
    picture[height + 4 : height + 16] = turbo[np.linspace(0, 255, width).astype(np.uint8)]
    canvas: MatLike = picture
    for share in (0.0, 0.5, 1.0):
        text = f"{share * scale_deg:g} deg" + (" +" if share == 1 else "")
        (long, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.4, 1)
        at = (round(share * (width - long)), height + 32)
        cv2.putText(canvas, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255, 255, 255), 1, cv2.LINE_AA)
    return picture
