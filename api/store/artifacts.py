"""Files kept with inspections: ``<root>/<yyyy-mm-dd>/<inspection id>/<name>``.

A folder is written beside its place, synced, then renamed into it: it is there whole or not at all, and it is there before the
row that names its files is committed.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from api.outcome import ArtifactFile
from rig_configs.errors import NotFound

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_PARTIAL = ".partial"
FRAMES = "frames"
"""Folder, beside an inspection's files, of the camera's frames."""
_SWEEP_CHUNK = 500

_log = structlog.get_logger(__name__)


class ArtifactFolders:
    """Writes, finds and sweeps the files of inspections.

    Args:
        root: the folder that holds all of them.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def write(self, created: datetime, inspection_id: str, files: Sequence[ArtifactFile], frames: Path | None = None) -> list[dict[str, Any]]:
        """Write all files of an inspection durably.

        Args:
            created: when the inspection was asked for (UTC); gives the day's folder.
            inspection_id: the inspection.
            files: what to keep, in memory.
            frames: folder of the camera's frames on the same disk, already written; it is moved.

        Returns:
            ``name``, ``media_type``, ``size_bytes`` and ``sha256`` of each file, to be stored in the inspection's row.

        Raises:
            OSError: the disk is full or fails; nothing is left behind.
            ValueError: a name is not a plain file name, or is there twice.
        """
        if not files and frames is None:
            return []
        names = [_checked(file.name) for file in files]
        if len(set(names)) != len(names):
            raise ValueError(f"two files of inspection {inspection_id} have the same name")
        folder = self.folder(created, inspection_id)
        partial = folder.with_name(folder.name + _PARTIAL)
        _make_durably(folder.parent, self._root.parent)
        try:
            partial.mkdir()
            for file in files:
                with (partial / file.name).open("xb") as handle:
                    handle.write(file.content)
                    handle.flush()
                    os.fsync(handle.fileno())
            if frames is not None:
                for frame in frames.iterdir():
                    sync_file(frame)
                frames.rename(partial / FRAMES)
                _sync_folder(partial / FRAMES)
            _sync_folder(partial)
            partial.rename(folder)
            _sync_folder(folder.parent)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        return [
            {"name": f.name, "media_type": f.media_type, "size_bytes": len(f.content), "sha256": hashlib.sha256(f.content).hexdigest()} for f in files
        ]

    def frames(self, created: datetime, inspection_id: str) -> Path:
        """Folder of the camera's frames of an inspection.

        Raises:
            NotFound: none were kept.
        """
        folder = self.frames_folder(created, inspection_id)
        if not folder.is_dir():
            raise NotFound(
                "No frames of this inspection are kept.",
                cure="Let the recipe's policy keep frames, and inspect again.",
                detail="frames",
            )
        return folder

    def frames_folder(self, created: datetime, inspection_id: str) -> Path:
        """Where an inspection's frames are, if they are kept."""
        return self.folder(created, inspection_id) / FRAMES

    def size_bytes(self, created: datetime, inspection_id: str) -> int:
        """What an inspection's files take, bytes."""
        return sum(path.stat().st_size for path in self.folder(created, inspection_id).rglob("*") if path.is_file())

    def path(self, created: datetime, inspection_id: str, name: str) -> Path:
        """Where a file of an inspection is.

        Raises:
            NotFound: not a file name, or no such file.
        """
        try:
            path = self.folder(created, inspection_id) / _checked(name)
        except ValueError:
            path = None
        if path is None or not path.is_file():
            raise NotFound(
                f"Inspection {inspection_id} has no file of this name.", cure="GET the inspection: it lists its artifacts.", detail="artifact"
            )
        return path

    def remove(self, created: datetime, inspection_id: str) -> None:
        """Remove what an inspection left behind, if anything."""
        folder = self.folder(created, inspection_id)
        if folder.exists():
            _log.warning("files of an unfinished inspection removed", inspection=inspection_id, folder=str(folder))
            shutil.rmtree(folder)

    def discard(self, created: datetime, inspection_id: str) -> None:
        """Remove an inspection's files, which are not kept any longer: gone at once, also where the service dies while they are deleted."""
        folder = self.folder(created, inspection_id)
        if folder.is_dir():
            leaving = folder.with_name(folder.name + _PARTIAL)
            folder.rename(leaving)
            shutil.rmtree(leaving)

    def sweep(self, known: Callable[[list[str]], set[str]]) -> list[Path]:
        """Clear up after a crash.

        Half-written folders are removed. Folders of inspections that the database does not know are only reported: they mean that
        the database was exchanged or restored, and may be the only copy.

        Args:
            known: which of these inspections the database knows.

        Returns:
            The folders that belong to no inspection.
        """
        strangers: list[Path] = []
        for chunk in self._folders_in_chunks():
            found = known([folder.name for folder in chunk])
            strangers += [folder for folder in chunk if folder.name not in found]
        for folder in strangers:
            _log.warning("folder belongs to no inspection in this database; left alone", folder=str(folder))
        return strangers

    def _folders_in_chunks(self) -> Iterator[list[Path]]:
        for day in sorted(self._root.glob("????-??-??")):
            chunk: list[Path] = []
            for folder in day.iterdir():
                if folder.name.endswith(_PARTIAL):
                    _log.warning("half-written folder removed", folder=str(folder))
                    shutil.rmtree(folder)
                    continue
                chunk.append(folder)
                if len(chunk) == _SWEEP_CHUNK:
                    yield chunk
                    chunk = []
            if chunk:
                yield chunk

    def folder(self, created: datetime, inspection_id: str) -> Path:
        """Where an inspection's files are, if any are kept."""
        return self._root / f"{created:%Y-%m-%d}" / _checked(inspection_id)


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name) or name.endswith(_PARTIAL):
        raise ValueError(f"{name!r} is not a plain file name")
    return name


def _make_durably(folder: Path, known: Path) -> None:
    """Make ``folder``; a new folder is only durable once the folder it is in is synced."""
    if folder.is_dir():
        return
    folder.mkdir(parents=True, exist_ok=True)
    for parent in folder.parents:
        _sync_folder(parent)
        if parent == known:
            break


def sync_file(path: Path) -> None:
    """Make a file's content durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
