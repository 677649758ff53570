"""The layout of Eyecandies: ``<Category>/{train,val,test_public}/data/NN_{image_0…5.png, depth.png, info_depth.yaml, normals.png, mask.png}``.

Depth is u16 between the two limits of ``info_depth.yaml``, seen by a pinhole camera of 711.11 px focal length at 512 px. The
picture is ``image_4``, under all lights of the camera; the set's own normals are the pseudo-3D picture. What is defective is told by
``NN_metadata.yaml`` where it is there, else by the mask.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml

from inference.datasets import files, modalities
from inference.datasets.dataset import NORMAL, SampleId, Split
from inference.datasets.file_sample import FileDataset, FileSample
from inference.sample import D3Sample
from rig_configs.errors import SampleError

LAYOUT = "eyecandies"
_FOCAL_PX, _FOCAL_AT_PX = 711.11, 512
_NAME = re.compile(r"^(\d+)_(image_4|depth|normals)\.png$")
_DEFECTS = ("bumps", "colors", "color", "dents", "normals")


def open_eyecandies(root: Path) -> FileDataset:
    """A data set in this layout. Raises NotFound."""
    return FileDataset(root, LAYOUT, _found)


def _found(folder: Path, category: str, split: Split) -> list[FileSample]:
    data = folder / "data"
    keys = {match[1] for path in data.iterdir() if (match := _NAME.match(path.name))} if data.is_dir() else set[str]()
    samples: list[FileSample] = []
    for key in sorted(keys, key=lambda text: (int(text), text)):
        paths = {what: data / f"{key}_{file}" for what, file in (("image", "image_4.png"), ("ps", "normals.png"), ("depth", "depth.png"))}
        paths["info"] = data / f"{key}_info_depth.yaml"
        mask = data / f"{key}_mask.png"
        anomaly_class = NORMAL if split is Split.TRAIN else _class_of(data / f"{key}_metadata.yaml", mask)
        of_defect = None if anomaly_class == NORMAL else mask
        samples.append(FileSample(SampleId(category, anomaly_class, 0), split, f"{category}/{folder.name}/{key}", paths, of_defect, _read))
    return samples


def _class_of(metadata: Path, mask: Path) -> str:
    if metadata.is_file():
        said = _yaml(metadata)
        kinds = [kind for kind in _DEFECTS if said.get(kind)]
        return "_".join(kinds) or ("defect" if said.get("anomalous") else NORMAL)
    return "defect" if mask.is_file() and files.read_mask(mask).any() else NORMAL


def _yaml(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as cause:
        raise files.unreadable(path, f"cannot be read as YAML ({type(cause).__name__})") from cause
    if not isinstance(content, dict):
        raise files.unreadable(path, "holds no keys")
    return content


def _limits(path: Path) -> tuple[float, float]:
    """The depths that 0 and 65535 stand for."""
    content = _yaml(path)
    inner = content.get("normalization", content)
    try:
        return float(inner["min"]), float(inner["max"])
    except (KeyError, TypeError, ValueError) as cause:
        raise SampleError(f"{path} does not tell the depth's min and max.", cure=files.CURE, detail="depth") from cause


def _read(sample: FileSample) -> D3Sample:
    path = sample.files["depth"]
    low, high = _limits(sample.files["info"])
    try:
        stored = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
    except (OSError, cv2.error) as cause:
        raise files.unreadable(path, "cannot be read as a picture") from cause
    if stored is None or stored.ndim != 2 or stored.dtype != np.uint16:
        raise files.unreadable(path, "is not a picture of 16 bits in one channel")
    depth = (stored.astype(np.float32) / 65535 * (high - low) + low).astype(np.float32)
    cloud = modalities.cloud_of_depth(depth, _FOCAL_PX * depth.shape[1] / _FOCAL_AT_PX)
    xyz, part = modalities.standing_on_plane(cloud)
    return D3Sample(files.read_picture(sample.files["image"]), files.read_picture(sample.files["ps"]), xyz, part, sample.name)
