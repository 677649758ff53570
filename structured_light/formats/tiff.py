"""Float32 arrays of the camera's grid as TIFF: what other programs of ours read back."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from rig_configs.errors import ReconstructionError


def write_tiff(path: Path, values: NDArray[np.float32]) -> None:
    """Write a float32 array of the camera's grid, (H, W) or (H, W, 3), losslessly; NaN stays NaN."""
    tifffile.imwrite(path, np.asarray(values, np.float32), photometric="minisblack", planarconfig="contig" if values.ndim == 3 else None)


def write_tiff_bands(path: Path, shape: tuple[int, ...], bands: Iterable[tuple[slice, NDArray[np.float32]]]) -> None:
    """Write what :func:`write_tiff` writes, (H, W, 3), some rows at a time."""
    file = tifffile.memmap(path, shape=shape, dtype=np.float32, photometric="minisblack", planarconfig="contig")
    for rows, values in bands:
        file[rows] = values
    file.flush()


def read_tiff(path: Path) -> NDArray[np.float32]:
    """Read what :func:`write_tiff` wrote.

    Raises:
        ReconstructionError: not there, not a TIFF, or not float32 on a grid.
    """
    try:
        values = tifffile.imread(path)
    except (OSError, ValueError, tifffile.TiffFileError) as cause:
        raise ReconstructionError(f"{path} cannot be read: {cause}.", cure="Reconstruct the capture again.", detail="file") from cause
    if values.dtype != np.float32 or values.ndim not in (2, 3) or values.shape[2:] not in ((), (3,)):
        raise ReconstructionError(
            f"{path} holds {values.dtype} {values.shape}, not float32 of (H, W) or (H, W, 3).", cure="Give an organised float32 TIFF.", detail="file"
        )
    return values
