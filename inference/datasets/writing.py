"""Writing a data set in the layout of Real-IAD D³: each sample whole or not at all, the splits last."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray

from inference.datasets import names
from inference.datasets.dataset import SampleId, Split
from inference.datasets.grid import known_points
from inference.datasets.pcd import write_pcd
from inference.datasets.real_iad_d3 import JSON_FOLDER, RAW_FOLDER

JPEG_QUALITY = 95
PARTIAL_FOLDER = ".partial"


@dataclass(frozen=True, slots=True)
class SampleContent:
    """Everything that is kept of a sample, on one pixel grid."""

    lights: Mapping[str, NDArray[np.uint8]]
    """The pictures ``RGBL01`` … ``RGBL05``, each (H, W, 3) RGB."""
    pseudo3d: NDArray[np.uint8]
    """(H, W, 3) RGB."""
    xyz_mm: NDArray[np.float32]
    """(H, W, 3), NaN where unknown."""
    mask: NDArray[np.bool_] | None
    """(H, W) where it is defective; None for a normal sample."""


def sample_folder(sample_id: SampleId) -> Path:
    """Folder of a sample, relative to the category's."""
    place = Path(names.NORMAL) if sample_id.is_normal else Path("NG") / sample_id.anomaly_class
    return place / f"S{sample_id.number:04d}"


def write_sample(root: Path, sample_id: SampleId, stamp: str, content: SampleContent) -> Path:
    """Write a sample's files to a folder of another name, and rename it when it is whole.

    Args:
        root: folder of the data set.
        sample_id: the sample.
        stamp: 14 digits for the files' names.
        content: what to write.

    Returns:
        The sample's folder. Unknown points are (0, 0, 0) in the TIFF, as 3D data sets have them, and left out of the PCD.
    """
    final = root / RAW_FOLDER / sample_id.category / sample_folder(sample_id)
    partial = root / PARTIAL_FOLDER / f"{sample_id.category}-{sample_id.anomaly_class}-{sample_id.number:04d}"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)

    def path(what: str, suffix: str) -> Path:
        return partial / names.file_name(sample_id, what, stamp, suffix)

    for what, picture in {**content.lights, names.PSEUDO3D: content.pseudo3d}.items():
        _write_picture(path(what, ".jpg"), picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    known = known_points(content.xyz_mm)
    xyz = np.where(known[..., None], content.xyz_mm, np.float32(0))
    # Not compressed: noise does not get smaller, and every reader knows the plain format.
    tifffile.imwrite(path(names.XYZ, ".tiff"), xyz, photometric="rgb", metadata=None, software="")
    write_pcd(path(names.PCD, ".pcd"), content.xyz_mm[known], content.lights[names.ALL_LIGHTS][known])
    if content.mask is not None:
        _write_picture(path(names.ALL_LIGHTS, ".png"), content.mask.astype(np.uint8) * 255, [cv2.IMWRITE_PNG_COMPRESSION, 6])
    final.parent.mkdir(parents=True, exist_ok=True)
    partial.rename(final)
    return final


def is_written(root: Path, sample_id: SampleId) -> bool:
    """Whether the sample is there, whole."""
    return (root / RAW_FOLDER / sample_id.category / sample_folder(sample_id)).is_dir()


def entry(sample_id: SampleId, stamp: str) -> dict[str, Any]:
    """What the splits say of a sample that :func:`write_sample` wrote."""
    folder = sample_folder(sample_id).as_posix()

    def path(what: str, suffix: str) -> str:
        return f"{folder}/{names.file_name(sample_id, what, stamp, suffix)}"

    return {
        "category": sample_id.category,
        "anomaly_class": sample_id.anomaly_class,
        "image_path": path(names.ALL_LIGHTS, ".jpg"),
        "mask_path": None if sample_id.is_normal else path(names.ALL_LIGHTS, ".png"),
        "ps_path": path(names.PSEUDO3D, ".jpg"),
        "xyz_path": path(names.XYZ, ".tiff"),
        "pcd_path": path(names.PCD, ".pcd"),
    }


def write_splits(root: Path, category: str, splits: Mapping[Split, Sequence[Mapping[str, Any]]]) -> Path:
    """Write the JSON of a category, whole or not at all."""
    content: dict[str, Any] = {"meta": {"normal_class": names.NORMAL, "prefix": f"{category}/"}}
    content |= {split.value: list(splits.get(split, [])) for split in Split}
    path = root / JSON_FOLDER / f"{category}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    temporary.replace(path)
    return path


def _write_picture(path: Path, picture: NDArray[np.uint8], options: list[int]) -> None:
    done, data = cv2.imencode(path.suffix, picture, options)
    if not done:
        raise ValueError(f"OpenCV cannot encode a {picture.shape} {picture.dtype} picture as {path.suffix}")
    path.write_bytes(data.tobytes())
