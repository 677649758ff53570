"""Official checkpoints by path: read once without running anything in them, verified tensor by tensor, kept as safetensors."""

from __future__ import annotations

import hashlib
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from inference.features.networks import NETWORKS, misfits
from inference.weights_folder import Origin, store
from rig_configs.errors import ModelError, NotFound

_WRAPPERS = ("base_model", "teacher", "state_dict", "model")
"""Keys under which checkpoints keep the tensors, beside optimisers, epochs and the like."""
_SHOWN = 5
_AGAIN = "Take the file from its source again; docs/weights.md tells which file and its size."


def import_weights(file: Path, backbone: str | None = None, folder: Path | None = None) -> Origin:
    """Verify a checkpoint and keep the tensors that its backbone needs.

    Args:
        file: ``.pth`` or ``.pt`` of torch, or ``.safetensors``.
        backbone: which one it is of; found out by its tensors where not given.
        folder: where to keep it; that of ``weights_folder`` where not given.

    Raises:
        NotFound: no such file or backbone.
        ModelError: not a checkpoint, truncated, or holding code (``model.invalid.weights``); of another network (``model.invalid.backbone``).
    """
    if not file.is_file():
        raise NotFound(f"There is no file {file}.", cure="Give the path of the checkpoint.", detail="file")
    if backbone is not None and backbone not in NETWORKS:
        raise NotFound(f"No weights are imported as '{backbone}'.", cure=f"Choose one of: {', '.join(NETWORKS)}.", detail="backbone")
    checkpoint = _read(file)
    wrong: dict[str, list[str]] = {}
    for name in (backbone,) if backbone else NETWORKS:
        tensors = NETWORKS[name].tensors(checkpoint)
        wrong[name] = misfits(tensors, NETWORKS[name])
        if not wrong[name]:
            needed = {key: tensors[key] for key in NETWORKS[name].shapes()}
            return store(name, needed, file.name, _sha256(file), folder)
    name = min(wrong, key=lambda each: len(wrong[each]))
    shown = "; ".join(wrong[name][:_SHOWN]) + (f"; and {len(wrong[name]) - _SHOWN} more" if len(wrong[name]) > _SHOWN else "")
    raise ModelError(f"{file} holds no weights of {' or '.join(wrong)}. Nearest is {name}: {shown}.", cure=_AGAIN, detail="backbone")


def _read(file: Path) -> dict[str, torch.Tensor]:
    """The tensors of a checkpoint by name."""
    if file.suffix == ".safetensors":
        try:
            return load_file(file)
        except (SafetensorError, OSError, ValueError) as cause:
            raise ModelError(f"{file} cannot be read as safetensors: {cause}.", cure=_AGAIN, detail="weights") from cause
    with file.open("rb") as opened:
        start = opened.read(4)
    if start[:2] == b"PK" and not zipfile.is_zipfile(file):
        raise ModelError(f"{file} is cut short: the end of the archive is missing.", cure=_AGAIN, detail="weights")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch wonders about what is refused below
            content: Any = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as cause:
        raise _load_fault(file, start, cause) from cause
    for _ in _WRAPPERS:  # a wrapper may lie in a wrapper
        inner = next((content[key] for key in _WRAPPERS if isinstance(content, Mapping) and isinstance(content.get(key), Mapping)), None)
        content = content if inner is None else inner
    tensors = {str(key): value for key, value in content.items() if isinstance(value, torch.Tensor)} if isinstance(content, Mapping) else {}
    if not tensors:
        raise ModelError(f"{file} holds no tensors by name.", cure=_AGAIN, detail="weights")
    return tensors


def _load_fault(file: Path, start: bytes, cause: Exception) -> ModelError:
    """Why torch did not read a file, by the kind of its error and the first bytes of the file."""
    if type(cause).__name__ != "UnpicklingError":
        return ModelError(f"{file} is damaged or cut short ({type(cause).__name__}).", cure=_AGAIN, detail="weights")
    if start[:1] != b"\x80" and start[:2] != b"PK":
        return ModelError(f"{file} is not a checkpoint of torch.", cure=_AGAIN, detail="weights")
    if "truncated" in str(cause) or "Ran out of input" in str(cause):
        return ModelError(f"{file} is cut short.", cure=_AGAIN, detail="weights")
    return ModelError(
        f"{file} holds more than tensors, which could run as code; nothing of it was run.",
        cure="Take the official file. If this is one, save its tensors alone, with torch.save(state_dict), where you trust it.",
        detail="weights",
    )


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
