"""Whether the files of the archive are what the rows say: each is addressed by the SHA-256 of its content, which its row holds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from api.store.artifacts import ArtifactFolders
from api.store.tables import InspectionRow

MOST_TOLD = 100
"""Of how many files it is told one by one what is wrong."""
_CAPTURE = "capture.json"
_PAGE = 100


class FilesReport(BaseModel):
    """What checking the files of inspections found."""

    inspections: int = Field(description="Inspections that have files.")
    files: int = Field(description="Files that were read.")
    size_bytes: int = Field(description="What they hold, bytes.")
    problems: list[str] = Field(description="Files that are missing or not what was stored, the first hundred.")
    wrong: int = Field(description="How many are.")


def check_files(engine: Engine, artifacts: ArtifactFolders, progress: Callable[[float, str], None]) -> FilesReport:
    """Read every file that is kept and compare it with its row; a service may go on working meanwhile.

    Args:
        engine: the database.
        artifacts: the archive.
        progress: told the share that is done and what is done now.
    """
    report = FilesReport(inspections=0, files=0, size_bytes=0, problems=[], wrong=0)
    with Session(engine) as session:
        expected = session.scalar(select(func.count()).select_from(InspectionRow).where(InspectionRow.kept_bytes > 0)) or 0
    for row in _rows(engine):
        found = [*_of_row(row, artifacts, report), *_of_frames(row, artifacts, report)]
        if found and not _kept_still(engine, row):  # retention has taken them while they were read
            continue
        report.inspections += 1
        report.wrong += len(found)
        report.problems += found[: MOST_TOLD - len(report.problems)]
        progress(min(1.0, report.inspections / max(expected, 1)), f"{report.files} files, {report.wrong} of them wrong")
    return report


def _of_row(row: InspectionRow, artifacts: ArtifactFolders, report: FilesReport) -> Iterator[str]:
    folder = artifacts.folder(row.created, row.id)
    for artifact in row.artifacts:
        if wrong := _wrong(folder / artifact["name"], artifact["sha256"], report):
            yield f"Inspection {row.id}: {artifact['name']} {wrong}."


def _of_frames(row: InspectionRow, artifacts: ArtifactFolders, report: FilesReport) -> Iterator[str]:
    """The camera's frames, which their own record names with their sums."""
    folder = artifacts.frames_folder(row.created, row.id)
    if not folder.is_dir():
        return
    try:
        content: dict[str, Any] = json.loads((folder / _CAPTURE).read_bytes())
        frames = [(str(frame["file"]), str(frame["sha256"])) for frame in content["frames"]]
    except (OSError, ValueError, KeyError, TypeError):
        yield f"Inspection {row.id}: the record of its frames cannot be read."
        return
    for name, sha256 in frames:
        if wrong := _wrong(folder / Path(name).name, sha256, report):
            yield f"Inspection {row.id}: frame {name} {wrong}."


def _wrong(path: Path, sha256: str, report: FilesReport) -> str | None:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
            report.size_bytes += file.tell()
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    report.files += 1
    return None if found == sha256 else "is not what was stored"


def _kept_still(engine: Engine, row: InspectionRow) -> bool:
    with Session(engine) as session:
        return session.scalar(select(InspectionRow.kept_bytes).where(InspectionRow.sequence == row.sequence)) not in (None, 0)


def _rows(engine: Engine) -> Iterator[InspectionRow]:
    after = 0
    while True:
        query = select(InspectionRow).where(InspectionRow.kept_bytes > 0, InspectionRow.sequence > after)
        with Session(engine, expire_on_commit=False) as session:
            rows = list(session.scalars(query.order_by(InspectionRow.sequence).limit(_PAGE)))
        yield from rows
        if len(rows) < _PAGE:
            return
        after = rows[-1].sequence
