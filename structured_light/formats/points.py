"""Points without a surface: binary PLY and PCD, and plain text."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from structured_light.formats.layers import Layers, text
from structured_light.point_map import PointMap

Normals = NDArray[np.float32] | None
Colours = NDArray[np.uint8] | None
Fields = list[tuple[str, str]]

_POSITION = ("x", "y", "z")
_QUALITY: Fields = [("sigma_z", "<f4"), ("views", "u1")]


def write_ply(path: Path, cloud: PointMap, *, normals: Normals = None, rgb: Colours = None) -> int:
    """Write the known points as a little-endian binary PLY.

    Properties: x, y, z (float, mm), where given nx, ny, nz and red, green, blue, then sigma_z (float, mm) and views (uchar).

    Args:
        path: the file.
        cloud: the cloud.
        normals: (H, W, 3) unit normals in the cloud's frame.
        rgb: (H, W, 3) colours.

    Returns:
        How many points were written.
    """
    layers = Layers(cloud, normals, rgb)
    names = {"normals": ("nx", "ny", "nz"), "rgb": ("red", "green", "blue")}
    fields: Fields = [(name, "<f4") for name in _POSITION]
    fields += [(name, "<f4") for name in names["normals"]] if normals is not None else []
    fields += [(name, "u1") for name in names["rgb"]] if rgb is not None else []
    fields += _QUALITY
    header = ["ply", "format binary_little_endian 1.0", "comment d3station, mm", f"element vertex {layers.count}"]
    header += [f"property {'float' if kind == '<f4' else 'uchar'} {name}" for name, kind in fields]
    with path.open("wb") as file:
        file.write(("\n".join([*header, "end_header"]) + "\n").encode("ascii"))
        return _write_records(file, layers, fields, names)


def write_pcd(path: Path, cloud: PointMap, *, normals: Normals = None, rgb: Colours = None) -> int:
    """Write the known points as a binary PCD 0.7.

    Fields: x, y, z (mm), where given normal_x, normal_y, normal_z and rgb (0x00RRGGBB in the bits of a float, as PCL has it),
    then sigma_z (mm) and views.

    Args:
        path: the file.
        cloud: the cloud.
        normals: (H, W, 3) unit normals in the cloud's frame.
        rgb: (H, W, 3) colours.

    Returns:
        How many points were written.
    """
    layers = Layers(cloud, normals, rgb)
    names = {"normals": ("normal_x", "normal_y", "normal_z"), "rgb": ("red", "green", "blue")}
    fields: Fields = [(name, "<f4") for name in _POSITION]
    fields += [(name, "<f4") for name in names["normals"]] if normals is not None else []
    shown = [*fields, *([("rgb", "<f4")] if rgb is not None else []), *_QUALITY]
    fields += [("blue", "u1"), ("green", "u1"), ("red", "u1"), ("unused", "u1")] if rgb is not None else []
    fields += _QUALITY
    count = layers.count
    header = [
        "# .PCD v0.7 - Point Cloud Data file format",
        "VERSION 0.7",
        "FIELDS " + " ".join(name for name, _ in shown),
        "SIZE " + " ".join("4" if kind == "<f4" else "1" for _, kind in shown),
        "TYPE " + " ".join("F" if kind == "<f4" else "U" for _, kind in shown),
        "COUNT " + " ".join("1" for _ in shown),
        f"WIDTH {count}",
        "HEIGHT 1",
        "VIEWPOINT 0 0 0 1 0 0 0",
        f"POINTS {count}",
        "DATA binary",
    ]
    with path.open("wb") as file:
        file.write(("\n".join(header) + "\n").encode("ascii"))
        return _write_records(file, layers, fields, names)


def write_asc(path: Path, cloud: PointMap, *, normals: Normals = None, rgb: Colours = None) -> int:
    """Write the known points as text, a point a line: x y z (mm, to 0.01 µm), where given red green blue and nx ny nz.

    Args:
        path: the file; it has no header, for most readers want none.
        cloud: the cloud.
        normals: (H, W, 3) unit normals in the cloud's frame.
        rgb: (H, W, 3) colours.

    Returns:
        How many points were written.
    """
    layers = Layers(cloud, normals, rgb)
    row = "%.5f %.5f %.5f" + (" %d %d %d" if rgb is not None else "") + (" %.5f %.5f %.5f" if normals is not None else "") + "\n"
    written = 0
    with path.open("wb") as file:
        for band in layers.bands():
            points, facing, colours = layers.known(band)
            file.write(text(row, np.column_stack([part for part in (points, colours, facing) if part is not None])))
            written += len(points)
    return written


def _write_records(file: BinaryIO, layers: Layers, fields: Fields, names: dict[str, tuple[str, ...]]) -> int:
    written = 0
    for band in layers.bands():
        points, normals, colours = layers.known(band)
        block: Any = np.zeros(len(points), np.dtype(fields))
        for columns, values in ((_POSITION, points), (names["normals"], normals), (names["rgb"], colours)):
            if values is not None:
                for channel, name in enumerate(columns):
                    block[name] = values[:, channel]
        block["sigma_z"] = layers.sigma_z_mm(band)
        block["views"] = layers.views(band)
        file.write(block.tobytes())
        written += len(points)
    return written
