"""Reading the files of a sample; what cannot be read is said with its path."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray

from rig_configs.errors import SampleError

CURE = "Copy the file again from the data set's source, or generate the sample again; 'd3station dataset check' lists all that is wrong."


def unreadable(path: Path, why: str) -> SampleError:
    """The error for a file that cannot be used."""
    return SampleError(f"{path} {why}.", cure=CURE, detail="file_missing" if not path.is_file() else "file_unreadable")


def read_picture(path: Path) -> NDArray[np.uint8]:
    """A picture as (H, W, 3) uint8 RGB.

    Raises:
        SampleError: not there, or not a picture.
    """
    return np.ascontiguousarray(_decode(path, cv2.IMREAD_COLOR)[..., ::-1])


def read_mask(path: Path) -> NDArray[np.bool_]:
    """A mask as (H, W) bool: true where its picture is brighter than half.

    Raises:
        SampleError: not there, or not a picture.
    """
    return _decode(path, cv2.IMREAD_GRAYSCALE) > 127


def read_xyz(path: Path) -> NDArray[np.float32]:
    """An organised cloud as (H, W, 3) float32; NaN where the file holds NaN or (0, 0, 0).

    Raises:
        SampleError: not there, not a TIFF, or not three channels on a grid.
    """
    try:
        stored = tifffile.imread(path)
    except Exception as cause:
        raise unreadable(path, f"cannot be read as a TIFF ({type(cause).__name__}: {cause})") from cause
    if stored.ndim != 3 or stored.shape[2] != 3 or not np.issubdtype(stored.dtype, np.floating):
        raise SampleError(f"{path} holds {stored.dtype} {stored.shape}, not floats of (H, W, 3).", cure=CURE, detail="xyz_shape")
    xyz = stored.astype(np.float32)
    xyz[~np.isfinite(xyz).all(-1) | (xyz == 0).all(-1)] = np.nan
    return xyz


def _decode(path: Path, flags: int) -> NDArray[np.uint8]:
    try:
        data = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as cause:
        raise unreadable(path, f"cannot be read ({cause.strerror})") from cause
    picture = cv2.imdecode(data, flags) if data.size else None
    if picture is None:
        raise unreadable(path, "is not a picture")
    return np.asarray(picture, np.uint8)
