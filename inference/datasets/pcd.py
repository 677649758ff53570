"""Point clouds in the PCD format of the Point Cloud Library, version 0.7, ASCII or binary.

The real set has both kinds, and calls some of them ``.txt``; a ``.txt`` may also be bare columns of numbers.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inference.datasets.files import CURE, unreadable
from rig_configs.errors import SampleError

_KINDS = {"F": "f", "I": "i", "U": "u"}
_MAX_HEADER = 4096


def write_pcd(path: Path, points_mm: NDArray[np.float32], rgb: NDArray[np.uint8]) -> None:
    """Write a cloud as binary PCD.

    Args:
        path: the file.
        points_mm: (N, 3) points, mm.
        rgb: (N, 3) colours.
    """
    count = len(points_mm)
    record = np.empty(count, np.dtype([("xyz", "<f4", 3), ("rgb", "<u4")]))
    record["xyz"] = points_mm
    red, green, blue = (rgb[:, i].astype(np.uint32) for i in range(3))
    record["rgb"] = red << 16 | green << 8 | blue
    header = [
        "# .PCD v0.7 - Point Cloud Data file format", "VERSION 0.7", "FIELDS x y z rgb", "SIZE 4 4 4 4", "TYPE F F F F", "COUNT 1 1 1 1",
        f"WIDTH {count}", "HEIGHT 1", "VIEWPOINT 0 0 0 1 0 0 0", f"POINTS {count}", "DATA binary",
    ]  # fmt: skip
    with path.open("wb") as file:
        file.write(("\n".join(header) + "\n").encode("ascii"))
        record.tofile(file)


def read_pcd(path: Path) -> NDArray[np.float32]:
    """The points of a cloud, (N, 3) float32 in the file's unit; NaN where the file says so.

    Raises:
        SampleError: not there, damaged, or compressed.
    """
    try:
        content = path.read_bytes()
    except OSError as cause:
        raise unreadable(path, f"cannot be read ({cause.strerror})") from cause
    try:
        return _points(content)
    except _Compressed as cause:
        raise SampleError(
            f"{path} is a compressed PCD.", cure="Save it as binary or ASCII PCD, for example with Open3D.", detail="pcd_compressed"
        ) from cause
    except (ValueError, KeyError, IndexError, UnicodeDecodeError) as cause:
        raise SampleError(f"{path} is not a point cloud ({cause}).", cure=CURE, detail="file_unreadable") from cause


class _Compressed(Exception):
    pass


def _points(content: bytes) -> NDArray[np.float32]:
    start = content.find(b"\nDATA", 0, _MAX_HEADER)
    if start < 0:
        return _columns(content, (0, 1, 2))
    end = content.index(b"\n", start + 1)
    header = {words[0]: words[1:] for line in content[:end].decode("ascii").splitlines() if (words := line.split()) and words[0] != "#"}
    fields, encoding = header["FIELDS"], header["DATA"][0]
    count = int(header["POINTS"][0])
    if encoding == "binary_compressed":
        raise _Compressed
    counts = [int(n) for n in header.get("COUNT", ["1"] * len(fields))]
    if encoding == "ascii":
        offsets = np.cumsum([0, *counts])
        found = _columns(content[end + 1 :], tuple(int(offsets[fields.index(axis)]) for axis in "xyz"))
        if len(found) != count:
            raise ValueError(f"{len(found)} of {count} points")
        return found
    formats = [f"<{_KINDS[kind]}{size}" for kind, size in zip(header["TYPE"], header["SIZE"], strict=True)]
    # Padding fields all bear the name "_", so records are told apart by their place.
    record = np.dtype([(f"{i}", f, n) if n > 1 else (f"{i}", f) for i, (f, n) in enumerate(zip(formats, counts, strict=True))])
    if len(content) - end - 1 < count * record.itemsize:
        raise ValueError(f"cut short: {(len(content) - end - 1) // record.itemsize} of {count} points")
    records = np.frombuffer(content, record, count, end + 1)
    return np.stack([records[str(fields.index(axis))].astype(np.float32) for axis in "xyz"], -1)


def _columns(text: bytes, columns: tuple[int, ...]) -> NDArray[np.float32]:
    lines = text.decode("ascii").replace(",", " ").split("\n")
    rows = [line.split() for line in lines if line.strip()]
    if not rows:
        raise ValueError("no points in it")
    return np.array([[float(row[c]) for c in columns] for row in rows], np.float32)
