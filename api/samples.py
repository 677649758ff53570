"""The D³ sample of an inspection, read back from its stored files: what teaching and judging again need."""

from __future__ import annotations

import hashlib
from pathlib import Path

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray

from api.ignoring import judged_part
from api.schemas import Inspection
from api.schemas_recipes import RecipeVersion
from api.store.artifacts import ArtifactFolders
from inference.foreground import foreground_of
from inference.sample import D3Sample
from rig_configs.errors import NotFound, SampleError

NEEDED = ("rgb.png", "pseudo3d.png", "xyz.tiff")


def stored_sample(artifacts: ArtifactFolders, inspection: Inspection, definition: RecipeVersion) -> D3Sample:
    """The sample that an inspection was judged by, bit by bit, less what its recipe does not judge.

    Raises:
        SampleError: its files are not kept, or damaged.
    """
    try:
        rgb, pseudo3d, xyz = (artifacts.path(inspection.created, inspection.id, name) for name in NEEDED)
    except NotFound as cause:
        raise SampleError(
            f"The sample of inspection {inspection.id} is not kept.",
            cure="Choose one whose pictures and point map are kept: see the recipe's policy, and retention.",
            detail="not_kept",
        ) from cause
    sums = {artifact.name: artifact.sha256 for artifact in inspection.artifacts}
    for path in (rgb, pseudo3d, xyz):
        if hashlib.sha256(path.read_bytes()).hexdigest() != sums.get(path.name):
            raise _damaged(path)  # a picture that can be read may be another one all the same
    try:
        xyz_mm = np.asarray(tifffile.imread(xyz), np.float32)
    except (OSError, ValueError, tifffile.TiffFileError) as cause:
        raise _damaged(xyz) from cause
    sample = D3Sample(picture(rgb), picture(pseudo3d), xyz_mm, foreground_of(xyz_mm), inspection.serial or inspection.id)
    return judged_part(sample, definition.ignore)


def picture(path: Path) -> NDArray[np.uint8]:
    """A stored colour picture, (H, W, 3) RGB. Raises SampleError."""
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if pixels is None:
        raise _damaged(path)
    return np.ascontiguousarray(pixels[..., ::-1], np.uint8)


def _damaged(path: Path) -> SampleError:
    return SampleError(f"{path} cannot be read.", cure="Restore it from a backup, or choose another inspection.", detail="damaged")
