"""The layout of MVTec 3D-AD: ``<category>/{train,validation,test}/{good|<defect>}/{rgb/000.png, xyz/000.tiff, gt/000.png}``.

The clouds are float32 (H, W, 3) with zeros where unknown, z away from the sensor. The set has no photometric stereo: the pseudo-3D
picture is that of the cloud's normals.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from inference.datasets import files, modalities
from inference.datasets.file_sample import PICTURES, FileDataset, FileSample, of_class_folder
from inference.sample import D3Sample

LAYOUT = "mvtec-3d"
_MODALITIES = {"image": ("rgb", PICTURES), "xyz": ("xyz", (".tiff", ".tif"))}


def open_mvtec_3d(root: Path) -> FileDataset:
    """A data set in this layout. Raises NotFound."""
    return FileDataset(root, LAYOUT, partial(of_class_folder, modalities=_MODALITIES, mask_folder="gt", reader=_read))


def _read(sample: FileSample) -> D3Sample:
    xyz, part = modalities.standing_on_plane(files.read_xyz(sample.files["xyz"]))
    return D3Sample(files.read_picture(sample.files["image"]), modalities.normals_picture(xyz), xyz, part, sample.name)
