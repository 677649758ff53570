"""Reading and writing rig folders: ``rig.yaml`` beside ``calibration.yaml``."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from rig_configs.calibration import Calibration
from rig_configs.errors import CalibrationError, ConfigurationError, RigFileError
from rig_configs.schema import RigConfig

SHIPPED = Path(__file__).parent
RIG_FILE = "rig.yaml"
CALIBRATION_FILE = "calibration.yaml"

Model = TypeVar("Model", bound=BaseModel)


def rig_folder(rig: str | Path) -> Path:
    """The folder of a rig: a shipped one by name (``demo``), or any folder or ``rig.yaml`` by path.

    Raises:
        RigFileError: there is no such rig.
    """
    shipped = SHIPPED / str(rig)
    if str(rig).isidentifier() and (shipped / RIG_FILE).is_file():
        return shipped
    path = Path(rig)
    folder = path.parent if path.is_file() else path
    if (folder / RIG_FILE).is_file():
        return folder
    known = ", ".join(sorted(p.parent.name for p in SHIPPED.glob(f"*/{RIG_FILE}")))
    raise RigFileError(
        f"There is no rig '{rig}'.", cure=f"Name a folder that holds a {RIG_FILE}, or one of the shipped rigs: {known}.", detail="missing"
    )


def load_rig(rig: str | Path) -> RigConfig:
    """Read and check a rig's ``rig.yaml``.

    Raises:
        RigFileError: missing, not YAML, or not a rig; names file, path and cure.
    """
    return _load(rig_folder(rig) / RIG_FILE, RigConfig, RigFileError)


def load_calibration(rig: str | Path) -> Calibration:
    """Read a rig's ``calibration.yaml`` and check that it belongs to the rig.

    Raises:
        CalibrationError: missing, broken, or made for another rig or other devices.
    """
    folder = rig_folder(rig)
    path = folder / CALIBRATION_FILE
    config = load_rig(folder)
    if not path.is_file():
        raise CalibrationError(
            f"{path} does not exist: the rig has not been calibrated.", cure=f"Run: d3station calibrate all --rig {rig}", detail="missing"
        )
    calibration = _load(path, Calibration, CalibrationError)
    check_belongs(calibration, config, path)
    return calibration


def check_belongs(calibration: Calibration, config: RigConfig, path: Path) -> None:
    """Check that a calibration was made for these devices.

    Raises:
        CalibrationError: it was not; says which device differs.
    """
    wanted = {
        "rig": config.name,
        "camera size": (config.camera.width_px, config.camera.height_px),
        "zones": [z.name for z in config.lights.zones],
        "projectors": [(p.name, p.width_px, p.height_px) for p in config.projectors],
    }
    found = {
        "rig": calibration.rig,
        "camera size": (calibration.camera.width_px, calibration.camera.height_px),
        "zones": [z.name for z in calibration.zones],
        "projectors": [(p.name, p.width_px, p.height_px) for p in calibration.projectors],
    }
    for what, value in wanted.items():
        if found[what] != value:
            raise CalibrationError(
                f"{path} was made for other devices: {what} is {found[what]}, the rig has {value}.",
                cure="Calibrate this rig again: d3station calibrate all",
                detail="other_rig",
            )


def save_calibration(calibration: Calibration, folder: Path) -> Path:
    """Write ``calibration.yaml`` whole or not at all; returns its path."""
    path = folder / CALIBRATION_FILE
    text = yaml.safe_dump(calibration.model_dump(mode="json"), sort_keys=False, width=140, default_flow_style=None)
    temporary = path.with_suffix(".tmp")
    with temporary.open("w", encoding="utf-8") as file:
        file.write("# Written by d3station calibrate. Do not edit by hand: every inspection names this file's content.\n" + text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    return path


def sha256_of(model: BaseModel) -> str:
    """SHA-256 of a configuration's content, whatever its file looks like."""
    return hashlib.sha256(model.model_dump_json().encode()).hexdigest()


def _load(path: Path, model: type[Model], error: type[ConfigurationError]) -> Model:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as cause:
        raise error(f"{path} cannot be read: {cause}.", cure="Check that the file is there, is text, and may be read.") from cause
    except yaml.YAMLError as cause:
        where = getattr(cause, "problem_mark", None)
        line = f" at line {where.line + 1}" if where else ""
        raise error(f"{path} is not YAML{line}: {getattr(cause, 'problem', cause)}.", cure="Mend the line named here.", detail="yaml") from cause
    try:
        return model.model_validate(content)
    except ValidationError as cause:
        problems = "; ".join(f"{'.'.join(str(p) for p in e['loc']) or 'file'}: {in_words(e['type'], e['msg'])}" for e in cause.errors())
        raise error(f"{path} is not valid. {problems}.", cure="Correct the keys named here; docs/rig-engineer.md describes each.") from cause


def in_words(kind: str, message: str) -> str:
    """What pydantic found wrong, for whoever wrote the file."""
    if kind == "extra_forbidden":
        return "no such key; remove it or correct its spelling"
    if kind == "missing":
        return "this key is missing; add it"
    return message.removeprefix("Value error, ")
