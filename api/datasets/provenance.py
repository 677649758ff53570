"""What a generated data set was made from: written before the first sample, and what a run that goes on must agree with."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from pydantic import Field, ValidationError

from api.datasets.noise import NoiseTable
from api.datasets.plan import Arguments
from rig_configs.calibration import Calibration
from rig_configs.errors import Conflict
from rig_configs.files import sha256_of
from rig_configs.schema import RigConfig
from rig_configs.strict import Strict

PROVENANCE_FILE = "provenance.json"


class Provenance(Strict):
    """The content of ``provenance.json``."""

    made_by: str = Field(default_factory=lambda: f"d3station {version('d3station')}", description="Program and version.")
    is_simulated: bool = Field(default=True, description="Whether the samples are simulated; always, here.")
    rig: str = Field(description="Name of the rig.")
    rig_sha256: str = Field(description="SHA-256 of the rig's configuration.")
    calibration_id: str = Field(description="Calibration that the solvers used.")
    calibration_sha256: str = Field(description="SHA-256 of that calibration.")
    arguments: Arguments = Field(description="What was asked for.")
    noise: NoiseTable | None = Field(default=None, description="Noise of the clouds, where they were made without fringes.")


def provenance_of(config: RigConfig, calibration: Calibration, arguments: Arguments) -> Provenance:
    """The provenance of a set that is to be made."""
    return Provenance(
        rig=config.name,
        rig_sha256=sha256_of(config),
        calibration_id=calibration.calibration_id,
        calibration_sha256=sha256_of(calibration),
        arguments=arguments,
    )


def check_same(out: Path, wanted: Provenance) -> Provenance | None:
    """What an unfinished or finished set in a folder was made from; None where the folder is new.

    Raises:
        Conflict: the folder holds something else, or a set made from other arguments, rig, calibration or version.
    """
    path = out / PROVENANCE_FILE
    if not path.is_file():
        if out.is_dir() and any(out.iterdir()):
            raise Conflict(f"{out} is not empty and holds no data set of d3station.", cure="Choose a new folder with --out.", detail="not_empty")
        return None
    try:
        found = Provenance.model_validate_json(path.read_text(encoding="utf-8"))
    except (ValidationError, ValueError) as cause:
        raise Conflict(f"{path} cannot be read.", cure="Choose a new folder with --out.", detail="provenance") from cause
    old, new = _flat(found), _flat(wanted)
    differences = [f"{key} is {old[key]} there, {new[key]} now" for key in new if old[key] != new[key]]
    if differences:
        raise Conflict(
            f"{out} holds a data set made otherwise: {'; '.join(differences)}.",
            cure="Use the same arguments to go on with it, or choose a new folder with --out.",
            detail="other_arguments",
        )
    return found


def _flat(provenance: Provenance) -> dict[str, object]:
    content = provenance.model_dump(mode="json", exclude={"noise", "arguments"})
    return content | provenance.arguments.model_dump(mode="json")


def write_provenance(out: Path, provenance: Provenance) -> None:
    """Write it, whole or not at all."""
    path = out / PROVENANCE_FILE
    temporary = path.with_suffix(".tmp")
    temporary.write_text(provenance.model_dump_json(indent=1) + "\n", encoding="utf-8")
    temporary.replace(path)
