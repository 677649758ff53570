"""From one layout to another, where the other can hold what there is."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray

from inference.datasets import mvtec_3d, real_iad_d3_tree
from inference.datasets.dataset import Dataset, DatasetSample, SampleId, Split
from inference.datasets.file_sample import FileSample
from inference.datasets.files import read_picture
from inference.datasets.grid import known_points
from inference.datasets.layouts import REAL_IAD_D3
from inference.datasets.names import ALL_LIGHTS, LIGHTS
from inference.datasets.real_iad_d3 import RealIadD3Sample
from inference.datasets.writing import SampleContent, entry, is_written, write_sample, write_splits
from inference.sample import D3Sample
from rig_configs.errors import Cancelled, SampleError

TARGETS = (REAL_IAD_D3, real_iad_d3_tree.LAYOUT, mvtec_3d.LAYOUT)
STAMP = "00000000000000"
"""The time in the names of converted files: it is not known when they were taken."""
RECORD = "converted.json"


@dataclass(slots=True)
class Conversion:
    """What became of a data set."""

    layout: str
    samples: int = 0
    broken: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    """Samples that could not be read, each with its name and why; they are not in the new set."""
    not_kept: list[str] = field(default_factory=list[str])
    """What the new layout has no place for."""


def convert(
    source: Dataset,
    target: str,
    root: Path,
    progress: Callable[[float, str], None] = lambda _share, _what: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Conversion:
    """Write a data set in another layout; a run that was cut off goes on.

    Args:
        source: the data set.
        target: one of ``TARGETS``.
        root: folder of the new set; ``converted.json`` there tells which sample came from where, and which could not be read.
        progress: told the share done and the sample at work.
        cancelled: asked before each sample.

    Raises:
        SampleError: the target cannot hold this data set (``sample.invalid.layout``).
        Cancelled: ``cancelled`` said so.
    """
    if target not in TARGETS:
        raise SampleError(f"Nothing is converted to the layout '{target}'.", cure=f"Choose one of: {', '.join(TARGETS)}.", detail="layout")
    done = Conversion(target)
    record: dict[str, str] = {}
    for category in source.categories:
        samples = list(source.samples(category))
        lists: dict[Split, list[dict[str, Any]]] = {split: [] for split in Split}
        for index, sample in enumerate(samples):
            if cancelled():
                raise Cancelled("The conversion was stopped.", cure="Give the same command again to go on.")
            name = sample.name if isinstance(sample, FileSample) else str(sample.sample_id)
            progress(index / len(samples), f"{category} {index + 1} of {len(samples)}")
            try:
                place = _write(sample, target, root, done, lists)
            except SampleError as error:
                if error.code.endswith(".layout"):
                    raise
                done.broken.append({"sample": name, "why": error.message})
                continue
            record[place] = name
            done.samples += 1
        if target == REAL_IAD_D3:
            write_splits(root, category, lists)
    root.mkdir(parents=True, exist_ok=True)
    content = {"layout": target, "from": record, "broken": done.broken, "not_kept": done.not_kept}
    (root / RECORD).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    progress(1.0, "done")
    return done


def _write(sample: DatasetSample, target: str, root: Path, done: Conversion, lists: dict[Split, list[dict[str, Any]]]) -> str:
    if isinstance(sample, FileSample) and not ({"xyz", "depth"} & sample.files.keys()):
        raise SampleError(
            f"{sample.name} has no cloud, and the layout {target} is one of clouds.",
            cure="Convert sets with depth; pictures alone stay in plain folders.",
            detail="layout",
        )
    one = sample.sample_id
    if target == REAL_IAD_D3:
        if not is_written(root, one):
            write_sample(root, one, STAMP, _content(sample))
        lists[sample.split].append(entry(one, STAMP))
        return str(one)
    place = Path(one.category) / sample.split.value / _class_folder(one, target)
    folders = ("rgb", "xyz", "gt") if target == mvtec_3d.LAYOUT else ("rgb", "xyz", "gt", "ps")
    file = f"{one.number:04d}"
    if not all((root / place / folder / f"{file}{'.tiff' if folder == 'xyz' else '.png'}").is_file() for folder in folders):
        _write_tree(root / place, file, sample.load(), sample.load_mask(), folders)
    if target == mvtec_3d.LAYOUT and "pseudo-3D pictures" not in done.not_kept:
        done.not_kept.append("pseudo-3D pictures")
    return f"{place.as_posix()}/{file}"


def _class_folder(sample_id: SampleId, target: str) -> str:
    if not sample_id.is_normal:
        return sample_id.anomaly_class
    return "good" if target == mvtec_3d.LAYOUT else "GOOD"


def _content(sample: DatasetSample) -> SampleContent:
    loaded = sample.load()
    lights = {ALL_LIGHTS: loaded.rgb}
    if isinstance(sample, RealIadD3Sample):
        lights |= {light: read_picture(path) for light in LIGHTS if (path := sample.light(light)) is not None}
    return SampleContent(lights, loaded.pseudo3d, loaded.xyz_mm, None if sample.sample_id.is_normal else sample.load_mask())


def _write_tree(folder: Path, name: str, loaded: D3Sample, mask: NDArray[np.bool_], folders: tuple[str, ...]) -> None:
    """Pictures first; the last file is written last, and a sample without it is written again."""
    known = known_points(loaded.xyz_mm)
    xyz = np.where(known[..., None], loaded.xyz_mm, np.float32(0))
    pictures = {"rgb": loaded.rgb[..., ::-1], "ps": loaded.pseudo3d[..., ::-1], "gt": mask.astype(np.uint8) * 255}
    for what in folders:
        path = folder / what / f"{name}{'.tiff' if what == 'xyz' else '.png'}"
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}")
        if what == "xyz":
            tifffile.imwrite(partial, xyz, photometric="rgb", metadata=None, software="")
        else:
            partial.write_bytes(cv2.imencode(".png", pictures[what])[1].tobytes())
        partial.replace(path)
