"""The other tree of Real-IAD D³: ``<category>/{train,validation,test}/{GOOD|<defect>}/{rgb,xyz,ps,gt}/``.

Files are matched by their sample's number where their names tell it, else by their stems.
"""

from __future__ import annotations

import warnings
from functools import partial
from pathlib import Path

from inference.datasets import files, grid
from inference.datasets.file_sample import PICTURES, FileDataset, FileSample, of_class_folder
from inference.datasets.real_iad_d3 import FIELD_WIDTH_MM, PlaceholderXY
from inference.sample import D3Sample

LAYOUT = "real-iad-d3-tree"
_MODALITIES = {"image": ("rgb", PICTURES), "ps": ("ps", PICTURES), "xyz": ("xyz", (".tiff", ".tif"))}


def open_real_iad_d3_tree(root: Path) -> FileDataset:
    """A data set in this layout; X and Y that are placeholders are rebuilt as in the other one. Raises NotFound."""
    return FileDataset(root, LAYOUT, partial(of_class_folder, modalities=_MODALITIES, mask_folder="gt", reader=_read))


def _read(sample: FileSample) -> D3Sample:
    path = sample.files["xyz"]
    xyz = files.read_xyz(path)
    if not grid.has_real_xy(xyz):
        pitch = FIELD_WIDTH_MM / xyz.shape[1]
        warnings.warn(f"X and Y in {path} are placeholders; rebuilt from the grid at {1e3 * pitch:.2f} µm.", PlaceholderXY, stacklevel=3)
        xyz = grid.rebuilt_xy(xyz, pitch)
    rgb, pseudo3d = files.read_picture(sample.files["image"]), files.read_picture(sample.files["ps"])
    return D3Sample(rgb, pseudo3d, xyz, grid.part_of(xyz), sample.name)
