"""Weights that were imported: a folder of ``<backbone>.safetensors``, each with a ``<backbone>.json`` that tells where it came from.

The folder is that of ``D3STATION_WEIGHTS_DIR``; else ``weights`` in the station's data folder.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from rig_configs.errors import ModelError

VARIABLE = "D3STATION_WEIGHTS_DIR"
FORMAT = "d3station-weights/1"
_DATA_VARIABLE, _DATA_DIR = "D3STATION_DATA_DIR", "var/d3station"
_chosen: list[Path] = []


@dataclass(frozen=True, slots=True)
class Origin:
    """What is kept of where weights came from."""

    backbone: str
    sha256: str
    """Of the ``.safetensors`` file; it holds tensors alone, so the same tensors have the same."""
    source: str
    """Name of the file that was imported, or what made the weights."""
    source_sha256: str
    """Of that file; empty where there was none."""
    format: str = FORMAT


def use_weights_folder(folder: Path) -> None:
    """Take this folder in this process, unless the environment names one."""
    _chosen[:] = [folder]


def weights_folder() -> Path:
    """Where imported weights lie."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named)
    return _chosen[0] if _chosen else Path(os.environ.get(_DATA_VARIABLE) or _DATA_DIR) / "weights"


def weights_file(backbone: str, folder: Path | None = None) -> Path:
    """Where a backbone's tensors lie, or would."""
    return (folder or weights_folder()) / f"{backbone}.safetensors"


def store(backbone: str, tensors: dict[str, torch.Tensor], source: str, source_sha256: str, folder: Path | None = None) -> Origin:
    """Keep a backbone's tensors: each file whole or not at all, the tensors before what is said of them."""
    data = save_tensors({name: tensor.contiguous() for name, tensor in sorted(tensors.items())})
    origin = Origin(backbone, hashlib.sha256(data).hexdigest(), source, source_sha256)
    path = weights_file(backbone, folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(path, data)
    _write(path.with_suffix(".json"), (json.dumps(asdict(origin), indent=1) + "\n").encode())
    return origin


def origin_of(backbone: str, folder: Path | None = None) -> Origin | None:
    """What is kept of a backbone's weights; None where there are none.

    Raises:
        ModelError: there are, but it cannot be read (``model.invalid.backbone``).
    """
    path = weights_file(backbone, folder)
    if not path.is_file():
        return None
    try:
        content = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        origin = Origin(**content)
    except (OSError, ValueError, TypeError) as cause:
        raise _damaged(path, f"{path.with_suffix('.json').name} cannot be read ({cause})") from cause
    if origin.format != FORMAT or origin.backbone != backbone:
        raise _damaged(path, f"{path.with_suffix('.json').name} tells of {origin.backbone} in the format {origin.format}")
    return origin


def stored_tensors(backbone: str, folder: Path | None = None) -> tuple[dict[str, torch.Tensor], Origin]:
    """A backbone's tensors, and where they came from.

    Raises:
        ModelError: none are imported, or the file is not what it was (``model.invalid.backbone``).
    """
    origin, path = origin_of(backbone, folder), weights_file(backbone, folder)
    if origin is None:
        raise ModelError(
            f"There are no weights of the backbone {backbone} in {path.parent}.",
            cure=f"Import the official file: d3station weights import FILE --as {backbone}; docs/weights.md tells which.",
            detail="backbone",
        )
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != origin.sha256:
        raise _damaged(path, "its SHA-256 is not the one it was stored with")
    try:
        return load_tensors(data), origin
    except (SafetensorError, ValueError) as cause:
        raise _damaged(path, str(cause)) from cause


def _damaged(path: Path, why: str) -> ModelError:
    return ModelError(f"The weights in {path} are damaged: {why}.", cure="Import the official file again.", detail="backbone")


def _write(path: Path, data: bytes) -> None:
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
