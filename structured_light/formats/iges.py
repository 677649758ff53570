"""IGES 5.3: points (entity 116) for CAD programs.

Limited: positions only, without colours, normals or σ, and 4,999,999 points at most, for the format numbers its directory lines with
seven digits and needs two lines a point; a point takes 243 bytes. A finer cloud has to be down-sampled.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rig_configs.errors import ReconstructionError
from structured_light.formats.layers import Layers, text
from structured_light.point_map import PointMap

MOST_POINTS = 4_999_999

_ENTRY = "     116%8d" + "       0" * 6 + "00000000D%7d\n" + "     116" + "       0" * 2 + "       1       0" + " " * 16 + "   POINT       0D%7d\n"


def write_iges(path: Path, cloud: PointMap, *, normals: NDArray[np.float32] | None = None, rgb: NDArray[np.uint8] | None = None) -> int:
    """Write the known points as IGES point entities, mm.

    Args:
        path: the file.
        cloud: the cloud.
        normals: not used.
        rgb: not used.

    Returns:
        How many points were written.

    Raises:
        ReconstructionError: more points than the format can number.
    """
    del normals, rgb
    layers = Layers(cloud)
    count = layers.count
    if count > MOST_POINTS:
        raise ReconstructionError(
            f"IGES cannot number {count} points, only {MOST_POINTS}.",
            cure="Down-sample the cloud, for example by 4, or choose another format.",
            detail="too_many_points",
        )
    with path.open("wb") as file:
        file.write(_section(["d3station point cloud, one entity 116 a point, mm"], "S"))
        fields = _global_lines(path.name)
        file.write(_section(fields, "G"))
        for first in range(1, count + 1, 10_000):  # the directory of all points stands before the first position
            number = np.arange(first, min(first + 10_000, count + 1))
            file.write(text(_ENTRY, np.column_stack([number, 2 * number - 1, 2 * number])))
        done = 0
        for band in layers.bands():
            points, _, _ = layers.known(band)
            file.write(_positions(points, done))
            done += len(points)
        file.write(f"{f'S{1:7d}G{len(fields):7d}D{2 * count:7d}P{count:7d}':<72}T{1:7d}\n".encode("ascii"))
    return count


def _positions(points: NDArray[np.float32], before: int) -> bytes:
    lines = [
        f"{f'116,{x:.5f},{y:.5f},{z:.5f},0;':<64}{2 * number - 1:8d}P{number:7d}\n" for number, (x, y, z) in enumerate(points.tolist(), before + 1)
    ]
    return "".join(lines).encode("ascii")


def _global_lines(name: str) -> list[str]:
    def string(value: str) -> str:
        return f"{len(value)}H{value}"

    ascii_name = name.encode("ascii", "replace").decode("ascii")[-60:]
    now = string(datetime.now(UTC).strftime("%Y%m%d.%H%M%S"))
    fields = [string(","), string(";"), string("d3station"), string(ascii_name), string("d3station"), string("d3station")]
    fields += ["32", "38", "6", "308", "15", string("d3station"), "1.0", "2", string("MM"), "1", "0.01", now, "1E-5", "0.0"]
    fields += ["", "", "11", "0", now]
    lines, line = [], ""
    for field in [*(f"{field}," for field in fields[:-1]), f"{fields[-1]};"]:
        if len(line) + len(field) > 72:
            lines.append(line)
            line = ""
        line += field
    return [*lines, line]


def _section(lines: list[str], letter: str) -> bytes:
    return "".join(f"{line:<72}{letter}{number:7d}\n" for number, line in enumerate(lines, 1)).encode("ascii")
