"""Plain folders: ``<category>/{train,validation,test}/{good|<defect>}/``, the splits of one category right in the root if wanted.

A class's folder holds pictures, or the folders ``rgb`` and, where there are any, ``normals`` (pictures) and ``depth`` (float TIFFs in
millimetres up from the plane, or 16-bit pictures in micrometres). Masks lie in ``gt`` beside them, or as in MVTec AD under
``<category>/ground_truth/<defect>/NAME_mask.png``.

A modality that is not there is blank: a surface that faces the camera, a flat cloud. What judges by it sees nothing in it.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray

from inference.datasets import files, grid, modalities, names
from inference.datasets.dataset import NORMAL, SampleId, Split
from inference.datasets.file_sample import PICTURES, FileDataset, FileSample, by_stem
from inference.sample import D3Sample
from rig_configs.errors import SampleError

LAYOUT = "folders"
_OPTIONAL = {"ps": ("normals", PICTURES), "depth": ("depth", (".tiff", ".tif", ".png"))}


class BlankModality(UserWarning):
    """A data set lacks a modality, and a blank one stands in its place."""


def open_folders(root: Path) -> FileDataset:
    """A data set in this layout. Raises NotFound."""
    return FileDataset(root, LAYOUT, _found)


def _found(folder: Path, category: str, split: Split) -> list[FileSample]:
    samples: list[FileSample] = []
    for of_class in sorted(p for p in folder.iterdir() if p.is_dir()):
        anomaly_class = names.normal_form(of_class.name)
        pictures = by_stem(of_class / "rgb" if (of_class / "rgb").is_dir() else of_class, PICTURES)
        others = {what: (of_class / place, by_stem(of_class / place, suffixes)) for what, (place, suffixes) in _OPTIONAL.items()}
        ground_truth = folder.parent / "ground_truth" / of_class.name
        masks = by_stem(of_class / "gt", PICTURES) or {k.removesuffix("_mask"): p for k, p in by_stem(ground_truth, PICTURES).items()}
        for key in sorted(pictures.keys() | {key for _, paths in others.values() for key in paths}):
            paths = {"image": pictures[key] if key in pictures else of_class / "rgb" / f"{key}.png"}
            paths |= {
                what: found[key] if key in found else place / f"{key}{_OPTIONAL[what][1][0]}" for what, (place, found) in others.items() if found
            }
            mask = None if anomaly_class == NORMAL else masks.get(key, of_class / "gt" / f"{key}.png")
            name = f"{category}/{folder.name}/{of_class.name}/{key}"
            samples.append(FileSample(SampleId(category, anomaly_class, 0), split, name, paths, mask, _read))
    return samples


def _read(sample: FileSample) -> D3Sample:
    rgb = files.read_picture(sample.files["image"])
    shape = (rgb.shape[0], rgb.shape[1])
    blank = [what for what in ("ps", "depth") if what not in sample.files]
    if blank:
        said = " and ".join({"ps": "pseudo-3D pictures", "depth": "clouds"}[what] for what in blank)
        warnings.warn(f"This data set has no {said}: blank ones are in their place, and show no defect.", BlankModality, stacklevel=3)
    xyz, part = modalities.flat_cloud(shape), np.ones(shape, np.bool_)
    if "depth" in sample.files:
        depth = _depth(sample.files["depth"])
        if depth.shape != shape:
            raise SampleError(f"{sample.files['depth']} is {depth.shape}, its picture {shape}.", cure=files.CURE, detail="shape")
        xyz[..., 2] = depth
        xyz[~np.isfinite(depth)] = np.nan
        part = grid.part_of(xyz)
    pseudo3d = files.read_picture(sample.files["ps"]) if "ps" in sample.files else modalities.normals_picture(xyz)
    return D3Sample(rgb, pseudo3d, xyz, part, sample.name)


def _depth(path: Path) -> NDArray[np.float32]:
    """Height in mm, (H, W), NaN where unknown: zero in a picture, not finite in a TIFF."""
    try:
        if path.suffix.lower() == ".png":
            stored = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
        else:
            stored = tifffile.imread(path)
    except Exception as cause:
        raise files.unreadable(path, f"cannot be read ({type(cause).__name__}: {cause})") from cause
    if stored is not None and stored.ndim == 2 and stored.dtype == np.uint16:
        return np.where(stored == 0, np.nan, stored / 1000.0).astype(np.float32)
    if stored is None or stored.ndim != 2 or not np.issubdtype(stored.dtype, np.floating):
        raise files.unreadable(path, "is neither a float TIFF nor a 16-bit picture in one channel")
    return np.where(np.isfinite(stored), stored, np.nan).astype(np.float32)
