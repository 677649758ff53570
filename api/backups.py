"""The backups that lie in the data folder: what they are, and whether they could be put back."""

from __future__ import annotations

import hashlib
import re
import shlex
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from api.schemas_storage import Backup, BackupCheck
from api.store.backup import FOLDER, problems_of, revision_of
from api.store.database import known_revisions
from rig_configs.errors import D3Error, NotFound

NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,150}\.(sqlite3|dump)$")
_URL = "/api/v1/backups"
_LIST_TIMEOUT_S = 60


def backups(data_dir: Path) -> list[Backup]:
    """The backups of a data folder, newest first."""
    folder = data_dir / FOLDER
    found = [_told(path, data_dir) for path in folder.iterdir() if path.is_file() and NAME.match(path.name)] if folder.is_dir() else []
    return sorted(found, key=lambda one: one.created, reverse=True)


def backup_file(data_dir: Path, name: str) -> Path:
    """Where a backup is. Raises NotFound."""
    path = data_dir / FOLDER / name
    if not NAME.match(name) or not path.is_file():
        raise NotFound("There is no backup of this name.", cure="GET /api/v1/backups lists them.", detail="backup")
    return path


def look_into(path: Path) -> BackupCheck:
    """Whether a backup is whole and of a schema that this version knows."""
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    problems = _problems_of_dump(path) if path.suffix == ".dump" else _problems_of_sqlite(path)
    return BackupCheck(name=path.name, is_sound=not problems, problems=problems, sha256=sha256)


def _problems_of_sqlite(path: Path) -> list[str]:
    if problems := problems_of(path):
        return problems
    try:
        revision = revision_of(path)
    except D3Error as error:
        return [error.message]
    return [] if revision in known_revisions() else [f"It has schema '{revision}', which this version does not know."]


def _problems_of_dump(path: Path) -> list[str]:
    program = shutil.which("pg_restore")
    if program is None:
        return ["pg_restore is not installed here, so it could not be looked into."]
    done = subprocess.run([program, "--list", str(path)], capture_output=True, text=True, timeout=_LIST_TIMEOUT_S, check=False)  # noqa: S603 - a name of our own, no shell
    return [] if done.returncode == 0 else [done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "pg_restore cannot read it."]


def _told(path: Path, data_dir: Path) -> Backup:
    about = path.stat()
    return Backup(
        name=path.name,
        created=datetime.fromtimestamp(about.st_mtime, UTC),
        size_bytes=about.st_size,
        url=f"{_URL}/{path.name}",
        restore_command=f"d3station db restore {shlex.quote(str(path))} --data-dir {shlex.quote(str(data_dir))}",
    )
