"""Files of organised clouds: binary PLY for other people's programs, float32 TIFF for our own grid.

Writers take the path they write to; writing beside the goal and renaming is the caller's.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from rig_configs.errors import ReconstructionError
from structured_light.point_map import PointMap

ROWS_AT_ONCE = 256


def write_ply(
    path: Path,
    cloud: PointMap,
    *,
    normals: NDArray[np.float32] | None = None,
    rgb: NDArray[np.uint8] | None = None,
) -> int:
    """Write the known points as a little-endian binary PLY, a band of rows at a time.

    Properties: x, y, z (float, mm), where given nx, ny, nz and red, green, blue, then sigma_z (float, mm) and views (uchar).

    Args:
        path: the file.
        cloud: the cloud.
        normals: (H, W, 3) unit normals, rig frame.
        rgb: (H, W, 3) colours.

    Returns:
        How many points were written.
    """
    fields = [(name, "<f4") for name in ("x", "y", "z")]
    fields += [(name, "<f4") for name in ("nx", "ny", "nz")] if normals is not None else []
    fields += [(name, "u1") for name in ("red", "green", "blue")] if rgb is not None else []
    fields += [("sigma_z", "<f4"), ("views", "u1")]
    valid = cloud.valid
    count = int(np.count_nonzero(valid))
    header = ["ply", "format binary_little_endian 1.0", "comment d3station, rig frame, mm", f"element vertex {count}"]
    header += [f"property {'float' if kind == '<f4' else 'uchar'} {name}" for name, kind in fields]
    with path.open("wb") as file:
        file.write(("\n".join([*header, "end_header"]) + "\n").encode("ascii"))
        for start in range(0, len(valid), ROWS_AT_ONCE):
            band = np.s_[start : start + ROWS_AT_ONCE]
            known = valid[band]
            block = np.empty(int(np.count_nonzero(known)), np.dtype(fields))
            layers = [(("x", "y", "z"), cloud.xyz_mm), (("nx", "ny", "nz"), normals), (("red", "green", "blue"), rgb)]
            for names, values in layers:
                if values is not None:
                    picked = values[band][known]
                    for channel, name in enumerate(names):
                        block[name] = picked[:, channel]
            block["sigma_z"] = cloud.sigma_z_mm[band][known]
            block["views"] = cloud.views[band][known]
            block.tofile(file)
    return count


def write_tiff(path: Path, values: NDArray[np.float32]) -> None:
    """Write a float32 array of the camera's grid, (H, W) or (H, W, 3), losslessly; NaN stays NaN."""
    tifffile.imwrite(path, np.asarray(values, np.float32), photometric="minisblack", planarconfig="contig" if values.ndim == 3 else None)


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
