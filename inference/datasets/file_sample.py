"""A sample whose modalities are files side by side, in a layout other than that of Real-IAD D³."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inference.datasets import files, names
from inference.datasets.dataset import NORMAL, SampleId, Split
from inference.sample import D3Sample
from rig_configs.errors import NotFound, SampleError

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
SPLIT_FOLDERS = {Split.TRAIN: ("train",), Split.VALIDATION: ("validation", "val"), Split.TEST: ("test", "test_public")}


@dataclass(frozen=True, slots=True)
class FileSample:
    """One sample with the paths of its files; a path that should be there is named even where it is not."""

    sample_id: SampleId
    split: Split
    name: str
    """For messages: where it lies in the set."""
    files: Mapping[str, Path]
    """By modality: ``image``, ``ps``, ``xyz`` and what else the layout has."""
    mask: Path | None
    """Where a defect is marked; None for a normal sample."""
    reader: Callable[[FileSample], D3Sample]

    def load(self) -> D3Sample:
        """Read the three modalities. Raises SampleError, with the path of what cannot be read."""
        return self.reader(self)

    def load_mask(self) -> NDArray[np.bool_]:
        """Read where it is defective, (H, W) bool, all false for a normal sample. Raises SampleError."""
        if self.mask is None:
            return np.zeros(files.read_picture(self.files["image"]).shape[:2], np.bool_)
        return files.read_mask(self.mask)


class FileDataset:
    """A data set of folders ``<category>/<split>``, or of one category whose splits lie right in the root.

    Args:
        root: its folder.
        layout: name of the layout, for messages.
        found: lists the samples of ``<category>/<split>``, given the category's normal form; the numbers are set here.

    Raises:
        NotFound: no category is in it.
    """

    def __init__(self, root: Path, layout: str, found: Callable[[Path, str, Split], Sequence[FileSample]]) -> None:
        self.root = root
        self._found = found
        self._folders = {names.normal_form(p.name): p for p in category_folders(root)}
        if not self._folders:
            raise NotFound(
                f"There is no data set of the layout {layout} in {root}.",
                cure="Give the folder that holds <category>/train and <category>/test, or those of one category.",
                detail="dataset",
            )

    @property
    def categories(self) -> tuple[str, ...]:
        """Names of the products, in their normal form."""
        return tuple(self._folders)

    def samples(self, category: str, split: Split | None = None) -> Iterator[FileSample]:
        """Samples of a category, sorted by class and name.

        Args:
            category: a product, with ``-`` or ``_``.
            split: one split; all of them where not given.

        Raises:
            NotFound: no such category.
        """
        folder = self._folders.get(names.normal_form(category))
        if folder is None:
            raise NotFound(f"The data set has no category '{category}'.", cure=f"Choose one of: {', '.join(self.categories)}.", detail="category")
        counts: dict[str, int] = {}
        for part in Split:
            for name in SPLIT_FOLDERS[part]:
                if (folder / name).is_dir():
                    # Such sets count anew in every split; here a number is given once in a class.
                    for sample in self._found(folder / name, names.normal_form(category), part):
                        of_class = sample.sample_id.anomaly_class
                        counts[of_class] = counts.get(of_class, -1) + 1
                        if split in (None, part):
                            yield _numbered(sample, counts[of_class])


def _numbered(sample: FileSample, number: int) -> FileSample:
    one = sample.sample_id
    return FileSample(SampleId(one.category, one.anomaly_class, number), sample.split, sample.name, sample.files, sample.mask, sample.reader)


def category_folders(root: Path) -> list[Path]:
    """Folders with a split of training samples in them: the root itself, or those right below it."""
    if not root.is_dir():
        return []
    if (root / "train").is_dir():
        return [root]
    return sorted(p for p in root.iterdir() if (p / "train").is_dir())


def by_stem(folder: Path, suffixes: Sequence[str]) -> dict[str, Path]:
    """Files of a folder by what tells their sample: the number where the name follows Real-IAD D³'s rule, else the stem."""
    if not folder.is_dir():
        return {}
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.suffix.lower() in suffixes and not path.name.startswith("."):
            parsed = names.parse(path.name)
            if parsed is not None and parsed.what in names.LIGHTS[:-1]:
                continue  # the picture under all lights is the sample's
            key = path.stem if parsed is None else f"{parsed.sample_id.number:06d}"
            if key in found:
                raise SampleError(
                    f"{path} and {found[key].name} are of one sample.", cure="Keep one file of a modality for each sample.", detail="twice"
                )
            found[key] = path
    return found


def of_class_folder(
    folder: Path,
    category: str,
    split: Split,
    modalities: Mapping[str, tuple[str, tuple[str, ...]]],
    mask_folder: str,
    reader: Callable[[FileSample], D3Sample],
) -> list[FileSample]:
    """Samples of ``<split>/<class>/<modality>/``; a sample that one modality knows is listed, whether the others know it or not.

    Args:
        folder: ``<category>/<split>``.
        category: its normal form.
        split: which split it is.
        modalities: folder and suffixes of each modality, the first suffix for what is missing.
        mask_folder: where masks lie.
        reader: makes a D³ sample of the files.
    """
    samples: list[FileSample] = []
    for of_class in sorted(p for p in folder.iterdir() if p.is_dir()):
        anomaly_class = names.normal_form(of_class.name)
        found = {what: by_stem(of_class / place, suffixes) for what, (place, suffixes) in modalities.items()}
        masks = by_stem(of_class / mask_folder, PICTURES)
        for key in sorted({key for paths in found.values() for key in paths}):
            paths = {what: found[what].get(key, of_class / place / f"{key}{suffixes[0]}") for what, (place, suffixes) in modalities.items()}
            mask = None if anomaly_class == NORMAL else masks.get(key, of_class / mask_folder / f"{key}.png")
            name = f"{category}/{folder.name}/{of_class.name}/{key}"
            samples.append(FileSample(SampleId(category, anomaly_class, 0), split, name, paths, mask, reader))
    return samples
