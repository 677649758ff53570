"""The files beside a rig: what they say, whether they could be used, and what they would change."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from api.schemas import Reason
from api.schemas_rig import Difference, FileProblem, RigConfiguration
from rig_configs.errors import ConfigurationError
from rig_configs.files import RIG_FILE, load_calibration, load_rig
from rig_configs.locating import problems_in
from rig_configs.schema import RigConfig

_REPORT = "calibration.html"
_HEAD_BYTES = 4000


def configuration_of(folder: Path, in_use: RigConfig) -> RigConfiguration:
    """What a folder's files describe, beside what is in use.

    Args:
        folder: where ``rig.yaml`` is.
        in_use: the rig as it works now.
    """
    path = folder / RIG_FILE
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    reason, differences, calibration_id = None, list[Difference](), None
    try:
        config, calibration = load_rig(folder), load_calibration(folder)
        differences = list(_differences("", in_use.model_dump(mode="json"), config.model_dump(mode="json")))
        calibration_id = calibration.calibration_id
    except ConfigurationError as error:
        reason = Reason(code=error.code, message=error.message, cure=error.cure)
    problems = [FileProblem(line=p.line, column=p.column, path=p.path, message=p.message) for p in problems_in(text, RigConfig)] if text else []
    return RigConfiguration(
        file=str(path),
        text=text,
        is_valid=reason is None,
        reason=reason,
        problems=problems,
        differences=differences,
        calibration_id=calibration_id,
    )


def report_file(folder: Path | None, calibration_id: str) -> Path | None:
    """The report that ``d3station calibrate`` wrote of a calibration; none where there is none, or one of another calibration."""
    if folder is None:
        return None
    path = folder / _REPORT
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return None
    return path if calibration_id.encode() in head else None


def _differences(path: str, in_use: Any, in_file: Any) -> Iterator[Difference]:
    if isinstance(in_use, dict) and isinstance(in_file, dict):
        names: dict[str, Any] = in_use | in_file  # pyright: ignore[reportUnknownVariableType]
        for name in names:
            yield from _differences(f"{path}.{name}".lstrip("."), in_use.get(name), in_file.get(name))  # pyright: ignore[reportUnknownMemberType]
    elif in_use != in_file:
        yield Difference(path=path, in_use=_json(in_use), in_file=_json(in_file))


def _json(value: Any) -> str:
    return "" if value is None else json.dumps(value)
