"""The rig as it crosses the REST boundary: calibration, self-test, captures, configuration."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from api.schemas import Reason, Schema


class DriftReport(Schema):
    """What a scan of the white plate said of the calibration."""

    at: datetime = Field(description="When it was scanned (UTC).")
    calibration_id: str = Field(description="Which calibration was checked.")
    holds: bool = Field(description="Whether the calibration may go on being used.")
    limit_um: float = Field(description="Disagreement from which on it may not, µm.")
    projectors_um: dict[str, float] = Field(description="By how much each projector disagrees with the others, µm.")
    drifted: list[str] = Field(description="Projectors without which the others agree.")
    flatness_um: float = Field(description="Range of the plate's blocks from its plane, µm.")


class CalibrationStatus(Schema):
    """What is known of the rig, how old that is, and whether it still holds."""

    calibration_id: str = Field(description="Identity of the calibration in use.")
    created: datetime = Field(description="When it was made (UTC).")
    age_days: float = Field(description="Its age, days.")
    is_simulated: bool = Field(description="Whether it was made of simulated captures.")
    camera_rms_px: float = Field(description="RMS reprojection error in the camera, pixels.")
    projector_rms_px: float = Field(description="RMS reprojection error in the projectors, projector pixels.")
    held_out_rms_um: float = Field(description="RMS distance of a board pose that the fit did not see from its plane, µm.")
    light_rms_deg: float = Field(description="RMS error of the light directions, degrees.")
    height_median_um: float | None = Field(description="Uncertainty of heights by the calibration alone, median over the field, 1 sigma, µm.")
    last_check: DriftReport | None = Field(description="The last check of this calibration; none where there was none.")
    warnings: list[Reason] = Field(description="What speaks against using it; empty where nothing does.")


class CheckedDevice(Schema):
    """What a device said of itself."""

    kind: str = Field(description="camera, lights or projector.")
    name: str = Field(description="Name within the rig.")
    model: str = Field(description="Maker and model.")
    serial: str = Field(description="Serial number, where it has one.")
    details: dict[str, str] = Field(description="What else it says.")


class CheckedStep(Schema):
    """One step of a self-test."""

    name: str = Field(description="What was tried.")
    is_ok: bool = Field(description="Whether it went well.")
    reason: Reason | None = Field(description="Why not.")


class SelfTest(Schema):
    """Whether every device answers, every zone shines, and all goes dark."""

    is_ok: bool = Field(description="Whether all went well.")
    devices: list[CheckedDevice] = Field(description="What the devices said; empty where one did not answer.")
    steps: list[CheckedStep] = Field(description="What was tried, in order.")


class NewCapture(Schema):
    """Capture what lies on the rig."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,79}$", description="Name of the capture.")


class CaptureInfo(Schema):
    """A capture that is kept."""

    name: str = Field(description="Name of the capture.")
    created: datetime = Field(description="When it was captured (UTC).")
    frames: int = Field(description="Number of frames.")
    size_bytes: int = Field(description="What it takes, bytes.")
    url: str = Field(description="Where to get it.")


class Difference(Schema):
    """A setting that is another one in the file than in use."""

    path: str = Field(description="Where in rig.yaml.")
    in_use: str = Field(description="Its value in use, as JSON; empty where there is none.")
    in_file: str = Field(description="Its value in the file, as JSON; empty where there is none.")


class RigConfiguration(Schema):
    """The rig's files beside what is in use."""

    file: str = Field(description="Path of rig.yaml.")
    text: str = Field(description="Its content.")
    is_valid: bool = Field(description="Whether it, and the calibration beside it, could be used.")
    reason: Reason | None = Field(description="Why not.")
    differences: list[Difference] = Field(description="What a reload would change; empty where the file is not valid.")
    calibration_id: str | None = Field(description="The calibration beside it; none where it is not valid.")
