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


class CalibratedDevice(Schema):
    """How well a device is known, 1 sigma, from the noise of the captures."""

    name: str = Field(description="'camera', or the projector's name.")
    focal_px: float = Field(description="Focal length, pixels.")
    principal_point_px: float = Field(description="Principal point, pixels.")
    position_um: tuple[float, float, float] = Field(description="Where it stands, along x, y and z, µm.")
    pointing_mdeg: float = Field(description="Where it points, thousandths of a degree.")


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
    flat_field_rms_percent: float = Field(description="RMS residual of the zones' flat fields, per cent.")
    devices: list[CalibratedDevice] = Field(description="What the captures' noise leaves open of each device; empty for one made elsewhere.")
    made_from_sha256: str = Field(description="SHA-256 over the captures that it was made of.")
    warn_after_days: float = Field(description="Age from which it is warned of, days.")
    report_url: str | None = Field(description="Where its report with residual plots is; none where none lies beside the rig's files.")
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


class FileProblem(Schema):
    """One thing that is wrong in a file, and where."""

    line: int = Field(description="Line, from 1.")
    column: int = Field(description="Column, from 1.")
    path: str = Field(description="The setting; empty where the file as a whole is wrong.")
    message: str = Field(description="What is wrong.")


class RigConfiguration(Schema):
    """The rig's files beside what is in use."""

    file: str = Field(description="Path of rig.yaml.")
    text: str = Field(description="Its content.")
    is_valid: bool = Field(description="Whether it, and the calibration beside it, could be used.")
    reason: Reason | None = Field(description="Why not.")
    problems: list[FileProblem] = Field(description="What is wrong in rig.yaml, from top to bottom; empty where it is right.")
    differences: list[Difference] = Field(description="What a reload would change; empty where the file is not valid.")
    calibration_id: str | None = Field(description="The calibration beside it; none where it is not valid.")


class TimedStep(Schema):
    """One step of a scan; times in milliseconds from the scan's start."""

    key: str = Field(description="Name of the step's frame.")
    trigger: str = Field(description="What starts its exposure: 'command', the camera's line, or 'none' where it runs freely.")
    shines: str = Field(description="'nothing', or the name of a light zone or projector.")
    pattern: int | None = Field(description="Which of the projector's patterns; none for others.")
    starts_ms: float = Field(description="Planned: light and projectors are told.")
    exposed_ms: float = Field(description="Planned: the exposure begins.")
    exposure_us: float = Field(description="Exposure, µs.")
    arrived_ms: float = Field(description="Planned: its frame is here.")
    measured_ms: float | None = Field(description="When its frame came in the last scan; none before the first.")


class TimedPart(Schema):
    """All steps in one light, one after the other."""

    shines: str = Field(description="'nothing', or the name of a light zone or projector.")
    frames: int = Field(description="Number of frames.")
    planned_ms: float = Field(description="How long they were planned to take, ms.")
    measured_ms: float = Field(description="How long they took, ms.")


class MeasuredScan(Schema):
    """The last scan, as it was."""

    at: datetime = Field(description="When it ended (UTC).")
    duration_ms: float = Field(description="From its first command to its last frame, ms.")
    parts: list[TimedPart] = Field(description="Where the time went.")


class ScanTiming(Schema):
    """A scan, step by step: planned, and as the last one was."""

    rig: str = Field(description="Name of the rig.")
    link_mb_s: float = Field(description="What the camera's link was taken to carry, 10⁶ bytes a second.")
    trigger: str = Field(description="What starts exposures, in words.")
    duration_ms: float = Field(description="Planned duration, ms.")
    exposure_ms: float = Field(description="All exposures together, ms: what no faster device could save.")
    outruns_link: bool = Field(description="Whether frames are triggered faster than they can be sent.")
    steps: list[TimedStep] = Field(description="Every step, in order.")
    measured: MeasuredScan | None = Field(description="The last scan; none before the first, or after the configuration changed.")
