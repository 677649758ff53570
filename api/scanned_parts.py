"""Good parts that were scanned for teaching, kept until there is a model: teaching that was stopped goes on after the last of them."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import structlog

from api.schemas_recipes import RecipeVersion
from inference.sample import D3Sample

_LEFT_FREE_BYTES = 2 * 2**30
"""Of the disk: a part that can be scanned again must not take the room of results."""
_log = structlog.get_logger(__name__)


class ScannedParts(Iterable[D3Sample]):
    """The parts of one teaching, those kept first, then scanned ones; each is kept before the next is asked for.

    Args:
        folder: where they are kept; made when there is something to keep.
        count: how many there shall be.
        scan: scans the part of an index.
    """

    def __init__(self, folder: Path, count: int, scan: Callable[[int], D3Sample]) -> None:
        self._folder = folder
        self._count = count
        self._scan = scan

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[D3Sample]:
        for index in range(self._count):
            sample = _read(self._folder / _name(index))
            if sample is None:
                sample = self._scan(index)
                self._keep(sample, index)
            yield sample

    def _keep(self, sample: D3Sample, index: int) -> None:
        path = self._folder / _name(index)
        arrays: dict[str, Any] = {"rgb": sample.rgb, "pseudo3d": sample.pseudo3d, "xyz_mm": sample.xyz_mm, "foreground": sample.foreground}
        if sample.ignored is not None:
            arrays["ignored"] = sample.ignored
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if shutil.disk_usage(self._folder).free - sum(array.nbytes for array in arrays.values()) < _LEFT_FREE_BYTES:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            with path.with_suffix(".new").open("wb") as file:
                np.savez(file, name=np.array(sample.name), **arrays)
            path.with_suffix(".new").replace(path)
        except OSError as fault:  # teaching goes on; only that it can be gone on with is lost
            _log.warning("a scanned part is not kept", part=sample.name, fault=str(fault))
            with contextlib.suppress(OSError):
                path.with_suffix(".new").unlink()


def folder_of(root: Path, recipe: str, definition: RecipeVersion, calibration_id: str) -> Path:
    """Where the parts of a recipe are kept that were scanned under this sequence, calibration and regions to ignore: others are of no use."""
    made_by = definition.model_dump_json(include={"sequence", "ignore"}) + calibration_id
    return root / recipe / hashlib.sha256(made_by.encode()).hexdigest()[:16]


def kept(folder: Path) -> int:
    """How many parts, from the first on without a gap, teaching would go on after."""
    number = 0
    while (folder / _name(number)).is_file():
        number += 1
    return number


def forget(folder: Path) -> None:
    """Remove what is kept of the folder's recipe, whatever it was scanned under."""
    shutil.rmtree(folder.parent, ignore_errors=True)


def _name(index: int) -> str:
    return f"part{index + 1:03}.npz"


def _read(path: Path) -> D3Sample | None:
    """A kept part; none where there is none, or it cannot be read, as after a cut of power: it is then scanned anew."""
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            return D3Sample(file["rgb"], file["pseudo3d"], file["xyz_mm"], file["foreground"], str(file["name"]), file.get("ignored"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as fault:
        _log.warning("a kept part cannot be read", path=str(path), fault=str(fault))
        return None
