"""Files of organised clouds: TIFF for our own grid, PLY, PCD, ASC, OBJ, STL and IGES for other people's programs.

Writers take the path they write to; writing beside the goal and renaming is the caller's. All of them write a band of rows at a
time, so that a cloud of any size needs no memory beside itself.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rig_configs.errors import ReconstructionError
from structured_light.formats.downsampling import downsample, every
from structured_light.formats.iges import write_iges
from structured_light.formats.layers import Layers
from structured_light.formats.meshes import write_obj, write_stl
from structured_light.formats.normals import cloud_normals
from structured_light.formats.points import write_asc, write_pcd, write_ply
from structured_light.formats.tiff import read_tiff, write_tiff, write_tiff_bands
from structured_light.point_map import PointMap

__all__ = [
    "CLOUD_FORMATS",
    "Layers",
    "check_format",
    "cloud_normals",
    "downsample",
    "every",
    "read_tiff",
    "write_asc",
    "write_cloud",
    "write_iges",
    "write_obj",
    "write_pcd",
    "write_ply",
    "write_stl",
    "write_tiff",
    "write_tiff_bands",
]


def _organised(path: Path, cloud: PointMap, *, normals: NDArray[np.float32] | None = None, rgb: NDArray[np.uint8] | None = None) -> int:
    del normals, rgb
    layers = Layers(cloud)
    write_tiff_bands(path, cloud.xyz_mm.shape, ((band, layers.organised(band)) for band in layers.bands()))
    return layers.count


CLOUD_FORMATS: dict[str, Callable[..., int]] = {
    "tiff": _organised,
    "ply": write_ply,
    "pcd": write_pcd,
    "asc": write_asc,
    "obj": write_obj,
    "stl": write_stl,
    "iges": write_iges,
}
"""Writer of each format by its name, which is the file's suffix, too; each returns how many points or triangles it wrote."""


def check_format(name: str) -> str:
    """The name of a format in lower case.

    Raises:
        ReconstructionError: there is no such format.
    """
    if name.lower() not in CLOUD_FORMATS:
        raise ReconstructionError(f"There is no cloud format '{name}'.", cure=f"Name some of {', '.join(CLOUD_FORMATS)}.", detail="format")
    return name.lower()


def write_cloud(path: Path, cloud: PointMap, *, normals: NDArray[np.float32] | None = None, rgb: NDArray[np.uint8] | None = None) -> int:
    """Write the known points in the format of the path's suffix; what the format cannot hold is left out.

    Args:
        path: the file.
        cloud: the cloud.
        normals: (H, W, 3) unit normals in the cloud's frame.
        rgb: (H, W, 3) colours.

    Returns:
        How many points were written, of a mesh of triangles alone (STL) how many triangles.

    Raises:
        ReconstructionError: no such format, or the format cannot hold so many points.
    """
    return CLOUD_FORMATS[check_format(path.suffix.removeprefix("."))](path, cloud, normals=normals, rgb=rgb)
