"""A model on disk: a folder of ``model.safetensors``, ``model.json`` and ``sha256sums`` (as ``sha256sum -c`` reads it).

Written beside its final name, flushed to disk and renamed: a model is there whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from inference.d3m import D3M
from inference.good_parts import picture_name
from inference.model_state import FORMAT, ModelState
from rig_configs.errors import ModelError, NotFound

_TENSORS, _DESCRIPTION, _SUMS = "model.safetensors", "model.json", "sha256sums"


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def save(model: D3M, folder: Path, recipe: str = "") -> Path:
    """Write a model to a folder that must not exist yet.

    Args:
        model: fitted model.
        folder: final name; its parent is made if missing.
        recipe: name of the product that the model is for, kept for people.

    Returns:
        The folder.

    Raises:
        ModelError: the folder exists (``model.invalid.exists``).
    """
    if folder.exists():
        raise ModelError(f"{folder} exists already.", cure="Save under another name; models are never overwritten.", detail="exists")
    folder.parent.mkdir(parents=True, exist_ok=True)
    description = model.state.description() | {"recipe": recipe, "model_id": model.model_id, "model_sha256": model.sha256}
    files = {
        _TENSORS: save_tensors({name: np.ascontiguousarray(array) for name, array in model.state.arrays().items()}),
        _DESCRIPTION: json.dumps(description, indent=2, sort_keys=True).encode(),
    }
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in files.items())
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        for name, data in (files | {_SUMS: sums.encode()}).items():
            _write(temporary / name, data)
        temporary.chmod(0o755)
        _sync_folder(temporary)
        temporary.rename(folder)
        _sync_folder(folder.parent)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return folder


def _read_verified(folder: Path) -> dict[str, bytes]:
    """Both files' contents, each with the checksum it was written with."""
    files: dict[str, bytes] = {}
    try:
        lines = [line.split(maxsplit=1) for line in (folder / _SUMS).read_text().splitlines()]
        sums = {name: digest for digest, name in lines}
        for name in (_TENSORS, _DESCRIPTION):
            files[name] = (folder / name).read_bytes()
    except FileNotFoundError as fault:
        raise ModelError(
            f"No model at {folder}: {Path(fault.filename).name} is missing.",
            cure="Teach the recipe, or restore the folder from a backup.",
            detail="missing",
        ) from fault
    except (OSError, ValueError) as fault:
        raise ModelError(
            f"The model at {folder} cannot be read: {fault}", cure="Restore the folder from a backup, or teach the recipe again.", detail="damaged"
        ) from fault
    for name, data in files.items():
        if sums.get(name) != hashlib.sha256(data).hexdigest():
            raise ModelError(
                f"{folder / name} is not what was saved: its sha256 differs.",
                cure="Restore the folder from a backup, or teach the recipe again.",
                detail="damaged",
            )
    return files


def good_part_picture(folder: Path, part: int, picture: str) -> bytes:
    """A picture of a part that the model was taught from, a JPEG file's bytes, without reading the rest of the model.

    Args:
        folder: of the model.
        part: its place among the good parts.
        picture: one of ``good_parts.PICTURES``.

    Raises:
        NotFound: the model keeps no such picture; one that was taught by an earlier version keeps none.
        ModelError: the file is missing or damaged.
    """
    name = picture_name(part, picture)
    try:
        with safe_open(folder / _TENSORS, framework="numpy") as tensors:
            if name in tensors.keys():  # noqa: SIM118 (no dict)
                return np.asarray(tensors.get_tensor(name), np.uint8).tobytes()
    except (OSError, SafetensorError) as fault:
        raise ModelError(
            f"{folder / _TENSORS} cannot be read: {fault}", cure="Restore the folder from a backup, or teach the recipe again.", detail="damaged"
        ) from fault
    raise NotFound("This model keeps no such picture of a good part.", cure="Teach the recipe again to have them.", detail="good_part")


def load(folder: Path) -> D3M:
    """Read a model and verify it.

    Raises:
        ModelError: missing, damaged, of another format, or made with another backbone (``.missing``, ``.damaged``, ``.format``, ``.backbone``).
    """
    files = _read_verified(folder)
    try:
        description = json.loads(files[_DESCRIPTION])
        if description.get("format") != FORMAT:
            raise ModelError(
                f"The model at {folder} has the format {description.get('format')!r}, this version reads {FORMAT!r}.",
                cure="Teach the recipe again with this version.",
                detail="format",
            )
        state = ModelState.from_contents(description, load_tensors(files[_TENSORS]))
    except (KeyError, TypeError, ValueError, ValidationError, SafetensorError, RuntimeError) as fault:
        raise ModelError(
            f"The model at {folder} is incomplete: {fault}", cure="Teach the recipe again with this version.", detail="damaged"
        ) from fault
    installed = state.config.backbones.weights_sha256()
    if installed != state.backbones:
        others = " and ".join(name for name, sha256 in installed.items() if state.backbones.get(name) != sha256)
        raise ModelError(
            f"The model at {folder} was taught with other weights of {others} than are installed.",
            cure="Install the weights it was taught with, or teach the recipe again.",
            detail="backbone",
        )
    return D3M(state)
