"""The station's own archive: ``<yyyy-mm-dd>/<inspection>/{rgb.png, pseudo3d.png, xyz.tiff, …}``, and what people say of it.

The files alone do not tell what a part was. That stands in ``labels.csv`` in the archive's folder, with a header and the columns
``inspection``, ``category`` (the recipe), ``class`` (``OK`` or the defect) and, if wanted, ``split`` (``test`` where empty) and ``mask``
(a picture's path from the archive's folder). Inspections that it does not name are not in the set.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from inference.datasets import files, grid, names
from inference.datasets.dataset import NORMAL, SampleId, Split
from inference.datasets.file_sample import FileSample
from inference.foreground import foreground_of
from inference.sample import D3Sample
from rig_configs.errors import NotFound, SampleError

LAYOUT = "archive"
LABELS = "labels.csv"
COLUMNS = ("inspection", "category", "class", "split", "mask")
DAYS = "????-??-??"
_FILES = {"image": "rgb.png", "ps": "pseudo3d.png", "xyz": "xyz.tiff"}


class Archive:
    """The labelled inspections of a station.

    Args:
        root: the folder of the days, with ``labels.csv`` in it.

    Raises:
        NotFound: no labels.
        SampleError: the labels cannot be read, or name an inspection twice.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        path = root / LABELS
        if not path.is_file():
            raise NotFound(
                f"There is no {LABELS} in {root}: the files of inspections do not tell which parts were good.",
                cure="Write it with 'd3station dataset labels', or by hand with the columns " + ", ".join(COLUMNS) + ".",
                detail="labels",
            )
        self._samples = _read_labels(path)

    @property
    def categories(self) -> tuple[str, ...]:
        """Recipes that labels name, in their normal form."""
        return tuple(sorted({sample.sample_id.category for sample in self._samples}))

    def samples(self, category: str, split: Split | None = None) -> Iterator[FileSample]:
        """Samples of a recipe in the order of the labels. Raises NotFound."""
        if names.normal_form(category) not in self.categories:
            raise NotFound(f"The archive has no recipe '{category}'.", cure=f"Choose one of: {', '.join(self.categories)}.", detail="category")
        for sample in self._samples:
            if sample.sample_id.category == names.normal_form(category) and split in (None, sample.split):
                yield sample


def _read_labels(path: Path) -> list[FileSample]:
    def wrong(why: str) -> SampleError:
        return SampleError(f"{path} {why}.", cure=f"Give a header and the columns {', '.join(COLUMNS)}.", detail="labels")

    try:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, ValueError, csv.Error) as cause:
        raise wrong(f"cannot be read ({cause})") from cause
    folders = {folder.name: folder for day in sorted(path.parent.glob(DAYS)) for folder in day.iterdir() if folder.is_dir()}
    samples: list[FileSample] = []
    counts: dict[tuple[str, str], int] = {}
    seen: set[str] = set()
    for line, row in enumerate(rows, 2):
        inspection, category, anomaly_class = ((row.get(key) or "").strip() for key in COLUMNS[:3])
        if not (inspection and category and anomaly_class):
            raise wrong(f"lacks inspection, category or class in line {line}")
        if inspection in seen:
            raise wrong(f"names inspection {inspection} twice")
        seen.add(inspection)
        said = (row.get("split") or "").strip() or Split.TEST.value
        if said not in [split.value for split in Split]:
            raise wrong(f"has no known split in line {line}: '{said}'")
        category, anomaly_class = names.normal_form(category), names.normal_form(anomaly_class)
        number = counts[category, anomaly_class] = counts.get((category, anomaly_class), -1) + 1
        # An inspection whose folder is gone stays in the set: reading it names the file that is missing.
        folder = folders.get(inspection, path.parent / inspection)
        mask = (row.get("mask") or "").strip()
        marked = path.parent / mask if mask else folder / "mask.png"
        samples.append(
            FileSample(
                SampleId(category, anomaly_class, number), Split(said), inspection, {what: folder / file for what, file in _FILES.items()},
                None if anomaly_class == NORMAL else marked, _read,
            )
        )  # fmt: skip
    return samples


def _read(sample: FileSample) -> D3Sample:
    xyz = files.read_xyz(sample.files["xyz"])
    part = foreground_of(xyz)  # the archive is in the rig's frame: the plane is z = 0
    if not part.any():
        part = grid.part_of(xyz)
    return D3Sample(files.read_picture(sample.files["image"]), files.read_picture(sample.files["ps"]), xyz, part, sample.name)
