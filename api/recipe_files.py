"""Recipes on the disk: ``<recipe>/versions/000001.json`` and ``<recipe>/<model id>/``.

A version is written once and never changed; the newest is the recipe. A recipe is there whole or not at all, needs no database, and
can be read with any editor.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from pydantic import ValidationError

from api.schemas_recipes import RecipeVersion
from rig_configs.errors import Conflict, ModelError

VERSIONS = "versions"


def versions(folder: Path) -> list[int]:
    """Numbers of a recipe's versions, oldest first; none where it was never changed."""
    files = (folder / VERSIONS).glob("??????.json")
    return sorted(int(file.stem) for file in files if file.stem.isdigit())


def read(folder: Path, version: int) -> RecipeVersion:
    """One version of a recipe.

    Raises:
        ModelError: it is not there or damaged.
    """
    path = _path(folder, version)
    try:
        return RecipeVersion.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as cause:
        raise ModelError(
            f"{path} is not a version of a recipe.", cure="Restore the folder from a backup, or remove this file.", detail="recipe"
        ) from cause


def write(folder: Path, content: RecipeVersion) -> None:
    """Write a version durably.

    Raises:
        Conflict: somebody else has written it meanwhile.
    """
    target = _path(folder, content.version)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=".tmp")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content.model_dump_json(indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        os.link(temporary, target)  # unlike a rename it never overwrites
    except FileExistsError as cause:
        raise Conflict(
            f"Recipe '{folder.name}' was changed by somebody else meanwhile.", cure="GET it, and change what is there now.", detail="version"
        ) from cause
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(target.parent)


def remove(folder: Path, version: int) -> None:
    """Take a version away, durably."""
    path = _path(folder, version)
    path.unlink()
    sync_folder(path.parent)


def write_text(path: Path, text: str) -> None:
    """Write a small file whole or not at all, durably."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a folder's entries durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _path(folder: Path, version: int) -> Path:
    return folder / VERSIONS / f"{version:06d}.json"
