"""What crosses the REST boundary. The OpenAPI document, and so the panel's client, is made from these."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Evaluation(StrEnum):
    """Verdict of an inspection. A hardware or data fault is NotDecidable, never OK and never NotOK."""

    UNDEFINED = "Undefined"
    OK = "OK"
    NOT_OK = "NotOK"
    NOT_DECIDABLE = "NotDecidable"


class InspectionState(StrEnum):
    """Where an inspection is."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"


class Stage(StrEnum):
    """What the station is doing to a part, in this order; capture overlaps the next two."""

    CAPTURE = "capture"
    PHOTOMETRIC = "photometric"
    STRUCTURED_LIGHT = "structured_light"
    INFERENCE = "inference"
    SAVE = "save"


class StationState(StrEnum):
    """State of the station, after OPC 40100-1."""

    PREOPERATIONAL = "Preoperational"
    INITIALIZED = "Initialized"
    READY = "Ready"
    SINGLE_EXECUTION = "SingleExecution"
    HALTED = "Halted"
    ERROR = "Error"


class Role(StrEnum):
    """What a caller may do. Each role may also do what the ones before it may, except ``mes``, which only triggers and reads."""

    OPERATOR = "operator"
    ENGINEER = "engineer"
    ADMIN = "admin"
    MES = "mes"


class Schema(BaseModel):
    """Base of every schema: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid")


# ---------------------------------------------------------------------------------------------------------- requests


PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
"""Text without control characters: they have no place in an identity, and PostgreSQL takes no NUL."""


class InspectionRequest(Schema):
    """Ask for the part on the rig to be inspected."""

    recipe: str | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        pattern=PRINTABLE,
        description="Recipe to inspect by; the one the station was changed over to if left out.",
    )
    serial: str | None = Field(default=None, min_length=1, max_length=100, pattern=PRINTABLE, description="Serial number of the part.")
    lot: str | None = Field(default=None, min_length=1, max_length=100, pattern=PRINTABLE, description="Lot the part belongs to.")
    order: str | None = Field(default=None, min_length=1, max_length=100, pattern=PRINTABLE, description="Production order.")
    operator: str | None = Field(
        default=None, min_length=1, max_length=100, pattern=PRINTABLE, description="Who stands at the line; the signed-in person if left out."
    )
    deadline_s: float | None = Field(
        default=None,
        gt=0,
        le=86_400,
        description="End it NotDecidable, code job.deadline, when there is no verdict after so long, s; the station's own limit if left out.",
    )


class SignIn(Schema):
    """Exchange a one-time sign-in token for a session."""

    token: str = Field(min_length=16, max_length=200, description="The token of a one-time sign-in link.")


# ----------------------------------------------------------------------------------------------------------- answers


class Reason(Schema):
    """Why an inspection could not be decided."""

    code: str = Field(description="Stable error code.")
    message: str = Field(description="What happened and where.")
    cure: str = Field(description="What to do now.")


class BankScore(Schema):
    """How far from good one memory bank found the part."""

    name: Literal["rgb", "pseudo3d", "fused"] = Field(description="The bank: colour, pseudo-3D, or colour fused with the point cloud.")
    score: float = Field(description="Score of this bank alone.")
    limit: float = Field(description="What good parts stay below in this bank.")


class Region(Schema):
    """One place that differs from good parts."""

    x_px: int = Field(description="Left column of the box.")
    y_px: int = Field(description="Top row of the box.")
    width_px: int = Field(description="Width of the box.")
    height_px: int = Field(description="Height of the box.")
    area_mm2: float = Field(description="Area above the limit, mm².")
    peak: float = Field(description="Largest value of the anomaly map in the region; 1 is the limit.")
    modality: Literal["rgb", "pseudo3d", "fused"] = Field(description="The bank that contributed most.")


class Timings(Schema):
    """Seconds spent by stage. Stages overlap, so the total is less than the sum."""

    capture: float = Field(description="First trigger to last frame, s.")
    photometric: float = Field(description="Solving normals, albedo and height, s.")
    structured_light: float = Field(description="Decoding, triangulating and fusing, s.")
    inference: float = Field(description="Features, memory banks and decision, s.")
    total: float = Field(description="Trigger to verdict, s.")


class NearestGood(Schema):
    """The good part that the model was taught from and that the inspected one was most like."""

    part: int = Field(description="Its place among the good parts of the model.")
    name: str = Field(description="What it was called when it was taught.")
    x_px: int = Field(description="Left column of what its pictures show, in pixels of the camera.")
    y_px: int = Field(description="Top row of what its pictures show.")
    width_px: int = Field(description="Columns of the camera that its pictures show, whatever their own size.")
    height_px: int = Field(description="Rows of the camera that its pictures show.")
    shift_x_px: int = Field(description="How far right of the good part the inspected one lies, middle to middle.")
    shift_y_px: int = Field(description="How far below the good part the inspected one lies, middle to middle.")


class Provenance(Schema):
    """What the verdict was made with."""

    rig: str = Field(description="Name of the rig.")
    rig_sha256: str = Field(description="SHA-256 of the rig's configuration.")
    calibration_id: str = Field(description="Identity of the calibration.")
    calibration_sha256: str = Field(description="SHA-256 of the calibration.")
    model_id: str | None = Field(description="Identity of the D³M model; none where it never got that far.")
    model_sha256: str | None = Field(description="SHA-256 of the model's contents.")
    recipe_version: int | None = Field(default=None, description="Version of the recipe; none where the recipe was never taught.")
    software: str | None = Field(default=None, description="Version of d3station.")
    nearest_good: NearestGood | None = Field(
        default=None, description="The good part to compare with; none where the model keeps no pictures of its good parts."
    )


class Artifact(Schema):
    """A file kept with an inspection."""

    name: str = Field(description="File name, such as rgb.png.")
    media_type: str = Field(description="Media type.")
    size_bytes: int = Field(description="Size, bytes.")
    sha256: str = Field(description="SHA-256 of the content.")
    url: str = Field(description="Where to get it.")


class Review(Schema):
    """What a person says of a verdict."""

    evaluation: Evaluation = Field(description="What the part is: OK or NotOK.")
    confirms: bool = Field(description="Whether that is what the station said.")
    reason: str | None = Field(description="Why the verdict was overruled; a note where it was confirmed.")
    by: str = Field(description="Who reviewed.")
    at: datetime = Field(description="When (UTC).")


class InspectionSummary(Schema):
    """One line of the history."""

    id: str = Field(description="Identity of the inspection.")
    state: InspectionState = Field(description="Where it is.")
    stage: Stage | None = Field(description="What is being done now; none unless running.")
    evaluation: Evaluation = Field(description="The verdict; Undefined until finished.")
    reason: Reason | None = Field(description="Why it is NotDecidable; none otherwise.")
    recipe: str = Field(description="Recipe it was inspected by.")
    serial: str | None = Field(description="Serial number of the part.")
    lot: str | None = Field(description="Lot of the part.")
    order: str | None = Field(description="Production order.")
    operator: str | None = Field(default=None, description="Who stood at the line.")
    station: str = Field(description="Name of the station.")
    created: datetime = Field(description="When it was asked for (UTC).")
    started: datetime | None = Field(description="When work began (UTC).")
    finished: datetime | None = Field(description="When the verdict was stored (UTC).")
    score: float | None = Field(description="Anomaly score of the part.")
    threshold: float | None = Field(description="Score from which a part is NotOK.")
    reviewed_as: Evaluation | None = Field(default=None, description="What the last review says the part is; none until reviewed.")
    is_pinned: bool = Field(default=False, description="Whether its files are kept for good.")
    is_simulated: bool = Field(description="Whether the frames came from a simulated rig.")
    thumbnail_url: str | None = Field(description="A small picture of the part; none until finished.")


class Inspection(InspectionSummary):
    """The whole record of an inspection."""

    deadline: datetime | None = Field(default=None, description="When it ends NotDecidable if there is no verdict (UTC).")
    reviews: list[Review] = Field(default=[], description="What people said of the verdict, oldest first; the verdict itself stays.")
    files_removed: datetime | None = Field(default=None, description="When its files were removed to free space (UTC); none while they are kept.")
    banks: list[BankScore] = Field(description="Scores of the three memory banks.")
    regions: list[Region] = Field(description="Places that differ from good parts, strongest first.")
    timings: Timings | None = Field(description="Seconds by stage; none until finished.")
    provenance: Provenance | None = Field(description="What the verdict was made with; none until finished.")
    artifacts: list[Artifact] = Field(description="Files kept with the inspection.")
    width_px: int | None = Field(description="Columns of the images.")
    height_px: int | None = Field(description="Rows of the images.")
    pixel_pitch_mm: float | None = Field(description="Size of a pixel on the reference plane, mm.")


class InspectionPage(Schema):
    """A page of the history, newest first."""

    items: list[InspectionSummary] = Field(description="The inspections.")
    next_cursor: str | None = Field(description="Give it back as 'cursor' for the next page; none at the end.")


class Recipe(Schema):
    """A recipe that parts can be inspected by."""

    name: str = Field(description="Name of the recipe.")
    model_id: str | None = Field(description="Identity of the model in use; none until taught.")
    threshold: float | None = Field(description="Score from which a part is NotOK.")
    taught_from: int | None = Field(description="Number of good parts the model has seen.")


class RigState(Schema):
    """What the station is and does now."""

    station: str = Field(description="Name of the station.")
    state: StationState = Field(description="State after OPC 40100-1.")
    reason: Reason | None = Field(description="Why the station is in Error; none otherwise.")
    rig: str = Field(description="Name of the rig.")
    is_simulated: bool = Field(description="Whether the rig is simulated.")
    calibration_id: str = Field(description="Identity of the calibration in use.")
    calibrated: datetime = Field(description="When the rig was calibrated (UTC).")
    running: str | None = Field(description="Identity of the running inspection: the one whose part is on the rig, else the one that is judged.")
    judging: str | None = Field(default=None, description="Identity of the inspection whose part is judged; it may leave the rig.")
    recipe: str | None = Field(default=None, description="Recipe that the station was changed over to.")
    queued: int = Field(description="Inspections that wait.")
    armed_for: list[Literal["button", "machine"]] = Field(
        default=["button"],
        description="What may start an inspection now: the panel's button, and machines where a key that may trigger is valid.",
    )


class Me(Schema):
    """Who is signed in."""

    name: str = Field(description="Name of the session or key.")
    role: Role = Field(description="What it may do.")


class Counts(Schema):
    """Verdicts since a time."""

    since: datetime = Field(description="Start of the count (UTC).")
    total: int = Field(description="Inspections finished.")
    ok: int = Field(description="Of those OK.")
    not_ok: int = Field(description="Of those NotOK.")
    not_decidable: int = Field(description="Of those NotDecidable.")


class Health(Schema):
    """Whether the process lives, or the station can work."""

    status: Literal["ok", "unavailable"] = Field(description="'ok' or 'unavailable'.")
    problems: list[Reason] = Field(description="What is missing; empty when ok.")


class Problem(Schema):
    """RFC 9457 problem details."""

    model_config = ConfigDict(extra="allow")
    type: str = Field(description="URI of the problem type.")
    title: str = Field(description="What kind of problem.")
    status: int = Field(description="HTTP status.")
    detail: str = Field(description="What happened.")
    code: str = Field(description="Stable error code.")
    cure: str = Field(description="What to do now.")
