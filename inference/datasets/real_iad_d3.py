"""The layout of Real-IAD D³.

::

    realiad_d3_jsons/<category>.json     the splits: meta.prefix, and the lists train, validation, test
    realiad_d3_raw/<category>/OK/S0153/<category>_0153_OK_RGBL05_<14 digits>.jpg   (RGBL01 … 05, PS, XYZ, PCD)
    realiad_d3_raw/<category>/NG/<defect>/S0007/…    or    realiad_d3_raw/<category>/<defect>/S0007/…

The splits are those of the JSON, and paths those of its entries; nothing is matched by sorted order.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.datasets import files, grid, names
from inference.datasets.dataset import SampleId, Split
from inference.sample import D3Sample
from rig_configs.errors import NotFound, SampleError

JSON_FOLDER, RAW_FOLDER = "realiad_d3_jsons", "realiad_d3_raw"
FIELD_WIDTH_MM = 53.0
"""What the columns of the paper's camera cover; the pitch of the grid where a file's X and Y are placeholders."""


class PlaceholderXY(UserWarning):
    """A cloud's X and Y were placeholders and have been rebuilt from its grid."""


@dataclass(frozen=True, slots=True)
class RealIadD3Sample:
    """One entry of a split, with the paths of its files."""

    sample_id: SampleId
    split: Split
    image: Path
    """The picture under all lights."""
    ps: Path
    xyz: Path
    mask: Path | None
    pitch_mm: float | None = None
    """Pitch of the grid for a cloud whose X and Y are placeholders; ``FIELD_WIDTH_MM`` over its columns where not given."""

    @property
    def folder(self) -> Path:
        """Where the sample's files lie."""
        return self.image.parent

    @property
    def pcd(self) -> Path | None:
        """Its point cloud file, whatever it is called; None where there is none."""
        return next((p for p in sorted(self.folder.glob("*_PCD_*")) if p.suffix.lower() in (".pcd", ".txt")), None)

    def light(self, name: str) -> Path | None:
        """Its picture ``RGBL01`` … ``RGBL05``; None where there is none."""
        return next((p for p in sorted(self.folder.glob(f"*{name}*")) if p.suffix.lower() in (".jpg", ".jpeg")), None)

    def load(self) -> D3Sample:
        """Read the three modalities, pixel by pixel the same place.

        Warns:
            PlaceholderXY: X and Y were placeholders, which may even tell the label; they were rebuilt from grid × pitch.

        Raises:
            SampleError: a file cannot be read, or the sizes differ.
        """
        xyz = files.read_xyz(self.xyz)
        if not grid.has_real_xy(xyz):
            pitch = self.pitch_mm or FIELD_WIDTH_MM / xyz.shape[1]
            warnings.warn(f"X and Y in {self.xyz} are placeholders; rebuilt from the grid at {1e3 * pitch:.2f} µm.", PlaceholderXY, stacklevel=2)
            xyz = grid.rebuilt_xy(xyz, pitch)
        return D3Sample(files.read_picture(self.image), files.read_picture(self.ps), xyz, grid.part_of(xyz), str(self.sample_id))

    def load_mask(self) -> NDArray[np.bool_]:
        """Read where it is defective, (H, W) bool, all false for a normal sample. Raises SampleError."""
        if self.mask is None:
            return np.zeros(files.read_picture(self.image).shape[:2], np.bool_)
        return files.read_mask(self.mask)


class RealIadD3:
    """A data set in the layout of Real-IAD D³.

    Args:
        root: the folder that holds the JSON and raw folders, or one with the JSON files and categories right in it.
        pitch_mm: pitch of the grid, for clouds whose X and Y are placeholders.

    Raises:
        NotFound: no splits are there.
    """

    def __init__(self, root: Path, pitch_mm: float | None = None) -> None:
        self.root = root
        self._pitch_mm = pitch_mm
        folders = (root / JSON_FOLDER, root / "jsons" / JSON_FOLDER, root)
        self.split_files = next((found for folder in folders if (found := sorted(p for p in folder.glob("*.json") if _is_split(p)))), [])
        if not self.split_files:
            raise NotFound(
                f"There are no splits of a Real-IAD D³ data set in {root}.",
                cure=f"Give the folder that holds {JSON_FOLDER}/ and {RAW_FOLDER}/.",
                detail="dataset",
            )

    @property
    def categories(self) -> tuple[str, ...]:
        """Names of the products, in their normal form."""
        return tuple(names.normal_form(p.stem) for p in self.split_files)

    def samples(self, category: str, split: Split | None = None) -> Iterator[RealIadD3Sample]:
        """Samples of a category in the order of its lists.

        Args:
            category: a product, with ``-`` or ``_``.
            split: one list; all of them where not given.

        Raises:
            NotFound: no such category.
            SampleError: its JSON is not one of splits.
        """
        path = self.split_file(category)
        content = read_splits(path)
        base = self.base(path, content)
        for part in Split:
            if split in (None, part):
                for entry in content.get(part.value, []):
                    yield self.sample(path, base, part, entry)

    def split_file(self, category: str) -> Path:
        """The JSON of a category. Raises NotFound."""
        for path in self.split_files:
            if names.normal_form(path.stem) == names.normal_form(category):
                return path
        raise NotFound(f"The data set has no category '{category}'.", cure=f"Choose one of: {', '.join(self.categories)}.", detail="category")

    def base(self, path: Path, content: dict[str, Any]) -> Path:
        """The folder that the paths of a JSON start at: its prefix, under the raw folder or the root."""
        prefix = str((content.get("meta") or {}).get("prefix") or f"{path.stem}/").lstrip("/")
        candidates = [self.root / RAW_FOLDER / prefix, self.root / prefix, self.root / RAW_FOLDER / path.stem]
        return next((c for c in candidates if c.is_dir()), candidates[0])

    def sample(self, path: Path, base: Path, split: Split, entry: dict[str, Any]) -> RealIadD3Sample:
        """An entry of a JSON as a sample. Raises SampleError where it lacks a key."""
        try:
            image, ps, xyz = (str(entry[key]) for key in ("image_path", "ps_path", "xyz_path"))
            anomaly_class = names.normal_form(str(entry["anomaly_class"]))
        except (KeyError, TypeError) as cause:
            raise SampleError(f"{path}: an entry of '{split}' lacks {cause}.", cure="Take the splits from the data set's source.") from cause
        mask = entry.get("mask_path")
        sample_id = SampleId(names.normal_form(path.stem), anomaly_class, number_of(image))
        return RealIadD3Sample(sample_id, split, base / image, base / ps, base / xyz, base / str(mask) if mask else None, self._pitch_mm)


def number_of(path: str) -> int:
    """Number of the sample that a path belongs to, by its file's name, else by its folder; -1 where neither tells."""
    parsed = names.parse(path)
    if parsed is not None:
        return parsed.sample_id.number
    number = names.folder_number(path)
    return -1 if number is None else number


def read_splits(path: Path) -> dict[str, Any]:
    """The content of a JSON of splits.

    Raises:
        SampleError: it cannot be read, or is not one.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as cause:
        raise SampleError(f"{path} cannot be read as JSON: {cause}.", cure=files.CURE, detail="splits") from cause
    lists = [content.get(split.value, []) for split in Split] if isinstance(content, dict) else [None]
    if not all(isinstance(entries, list) and all(isinstance(e, dict) for e in entries) for entries in lists):
        raise SampleError(f"{path} does not hold the lists train, validation and test of entries.", cure=files.CURE, detail="splits")
    return content


def _is_split(path: Path) -> bool:
    if path.name.startswith("."):
        return False
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return path.parent.name == JSON_FOLDER  # a damaged one is to be named, not passed over
    return isinstance(content, dict) and any(split.value in content for split in Split)
