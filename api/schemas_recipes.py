"""Recipes, their models, and the long work of teaching, as they cross the REST boundary and lie on the disk."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from api.schemas import PRINTABLE, Evaluation, Reason, Schema
from api.schemas_rig import CaptureInfo, DriftReport, SelfTest

Note = Annotated[str, Field(min_length=1, max_length=400, pattern=PRINTABLE)]
RecipeName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,99}$")]


class IgnoredBox(Schema):
    """A place in the image that is not judged. Parts must lie in a fixture for it to mean the same place on each."""

    name: Note = Field(description="What is there, such as 'laser mark'.")
    x_px: int = Field(ge=0, le=100_000, description="Left column of the box.")
    y_px: int = Field(ge=0, le=100_000, description="Top row of the box.")
    width_px: int = Field(ge=1, le=100_000, description="Width of the box.")
    height_px: int = Field(ge=1, le=100_000, description="Height of the box.")


class RigSequence(Schema):
    """What of the rig's sequence a recipe does its own way; what is left out is done as rig.yaml says."""

    projectors: list[Annotated[str, Field(max_length=100)]] | None = Field(
        default=None, min_length=1, max_length=8, description="Projectors that take part."
    )
    light_exposure_us: float | None = Field(default=None, gt=0, le=10_000_000, description="Exposure of each light zone's frame, µs.")
    fringe_exposure_us: float | None = Field(default=None, gt=0, le=10_000_000, description="Exposure of each fringe frame, µs.")


class KeepFrames(StrEnum):
    """Of which inspections the camera's frames are kept."""

    NEVER = "never"
    NOT_OK = "not_ok"
    ALWAYS = "always"


class Policy(Schema):
    """What is kept of a recipe's inspections, and how long they may take."""

    keep_sample: bool = Field(
        default=True, description="Keep the point map and the cloud beside the pictures; without them a part cannot be judged again or taught from."
    )
    keep_frames: KeepFrames = Field(
        default=KeepFrames.NEVER, description="Keep the camera's frames, from which all can be computed again: never, of what is not OK, or always."
    )


class RecipeContent(Schema):
    """What a recipe consists of."""

    product: str = Field(default="", max_length=200, pattern=PRINTABLE, description="What is inspected, for people: name, drawing, revision.")
    sequence: RigSequence = Field(default=RigSequence(), description="How the rig captures it.")
    ignore: list[IgnoredBox] = Field(default=[], max_length=50, description="Places that are not judged.")
    policy: Policy = Field(default=Policy(), description="What is kept, and how long an inspection may take.")


class RecipeVersion(RecipeContent):
    """A recipe as it was from one change to the next; versions are never changed."""

    version: int = Field(ge=0, description="Counts up with each change; 0 before the first.")
    created: datetime | None = Field(description="When the change was made (UTC).")
    by: str = Field(description="Who made it.")
    note: str = Field(description="What was changed, and why.")
    model_id: str | None = Field(default=None, description="Model it is judged by; none until taught.")
    threshold: float | None = Field(default=None, description="Score from which a part is NotOK, where it is not the model's own.")


class ModelInfo(Schema):
    """A taught model."""

    model_id: str = Field(description="Identity of the model.")
    model_sha256: str = Field(description="SHA-256 of its contents.")
    created: datetime = Field(description="When it was taught (UTC).")
    taught_from: int = Field(description="Number of good parts it has seen.")
    threshold: float = Field(description="Its own threshold.")
    size_bytes: int = Field(description="What its files take, bytes.")
    is_active: bool = Field(description="Whether the recipe judges by it.")


class PartOutlier(Schema):
    """Why a taught part is worth a second look."""

    bank: str = Field(description="The bank that saw it: rgb, pseudo3d or fused.")
    score: float = Field(description="Its score in that bank, held out.")
    limit: float = Field(description="The limit that the other parts alone would have given.")


class TaughtPart(Schema):
    """A good part that a model was taught from."""

    index: int = Field(description="Its place in the order of teaching, from 0.")
    name: str = Field(description="Its name: the inspection's identity, or which of the scanned parts it was.")
    inspection: str | None = Field(description="The inspection it comes from; none where it was scanned for teaching alone.")
    serial: str | None = Field(description="Its serial number, where that inspection had one.")
    thumbnail_url: str | None = Field(description="Where a small picture is; none where none is kept.")
    score: float = Field(description="Its score against banks without it; the limit is at 1.")
    banks: dict[str, float] = Field(description="The same by bank.")
    outlier: PartOutlier | None = Field(description="Why it does not fit the others; none where it does.")


class ModelReport(Schema):
    """What teaching learned."""

    model_id: str = Field(description="Identity of the model.")
    created: datetime = Field(description="When it was taught (UTC).")
    seconds: float = Field(description="How long teaching took, s.")
    parts: list[TaughtPart] = Field(description="Its good parts, the one least like the others first.")


class RecipeDetails(RecipeVersion):
    """A recipe as it is now, with all its models."""

    name: str = Field(description="Name of the recipe.")
    is_current: bool = Field(description="Whether the station was changed over to it.")
    judged_at: float | None = Field(description="Score from which a part is NotOK; none until taught.")
    models: list[ModelInfo] = Field(description="Its models, newest first.")
    scanned: int = Field(description="Parts that were scanned for teaching which was stopped; it can go on after them.")


class RecipeChange(RecipeContent):
    """A recipe as it shall be from now on."""

    note: Note = Field(description="What is changed, and why.")
    expected_version: int | None = Field(default=None, ge=0, description="Refuse the change when the recipe is not at this version any more.")


class NewRecipe(RecipeChange):
    """A new recipe."""

    name: RecipeName = Field(description="Name: lower case, digits, hyphens and underscores.")


class Because(Schema):
    """Why something is changed."""

    note: Note = Field(description="Why; kept with the recipe's version.")


class RollBack(Because):
    """Go back to how a recipe was."""

    version: int = Field(ge=1, description="The version whose content comes back, as a new version.")


class ThresholdChange(Because):
    """A new threshold."""

    threshold: float | None = Field(gt=0, le=1000, description="Score from which a part is NotOK; none for the model's own.")
    expected_version: int | None = Field(default=None, ge=0, description="Refuse the change when the recipe is not at this version any more.")


class Bin(Schema):
    """One bar of a histogram."""

    low: float = Field(description="Least score, included.")
    high: float = Field(description="Largest score, excluded.")
    taught: int = Field(description="Good parts that the model was taught from, each scored by a model that had not seen it.")
    good: int = Field(description="Inspections that a person found OK.")
    bad: int = Field(description="Inspections that a person found NotOK.")
    unreviewed: int = Field(description="Inspections nobody has reviewed.")


class ThresholdPreview(Schema):
    """What another threshold would have changed over the last inspections."""

    recipe: str = Field(description="Name of the recipe.")
    model_id: str = Field(description="Model whose scores are counted.")
    present: float = Field(description="The threshold in use.")
    wanted: float = Field(description="The threshold asked about.")
    histogram: list[Bin] = Field(description="Scores.")
    inspections: int = Field(description="Inspections that are counted: the last ones judged by this model.")
    becomes_not_ok: int = Field(description="Of those: OK now, NotOK then.")
    becomes_ok: int = Field(description="Of those: NotOK now, OK then.")
    missed: int = Field(description="Of those that a person found NotOK: OK then.")
    false_alarms: int = Field(description="Of those that a person found OK: NotOK then.")
    proposed: float | None = Field(
        description="The threshold drawn anew between good parts and those that a person found NotOK; none while there is none of these."
    )
    examples: list[str] = Field(description="Identities of inspections that would change, newest first, at most 50.")


class TeachFrom(StrEnum):
    """Where good parts come from."""

    INSPECTIONS = "inspections"
    RIG = "rig"


class TeachRequest(Schema):
    """Teach a recipe a new model."""

    source: TeachFrom = Field(description="From the stored samples of inspections, or from parts scanned now.")
    inspections: list[Annotated[str, Field(max_length=100)]] | None = Field(
        default=None, min_length=5, max_length=500, description="Inspections of good parts, by identity; the last good ones if left out."
    )
    parts: int = Field(default=24, ge=5, le=500, description="How many good parts: to scan, or of the last good inspections.")
    reviewed_only: bool = Field(default=False, description="Of the last inspections, take only what a person found OK.")
    resume: bool = Field(
        default=False, description="Begin with the parts that teaching which was stopped has scanned (the recipe's 'scanned'); else they are removed."
    )
    activate: bool = Field(default=True, description="Judge by the new model when it is ready.")
    note: Note = Field(default="taught", description="Why; kept with the recipe's version.")


class RejudgeRequest(Schema):
    """Judge stored samples again, by another model or threshold. What is stored stays as it is."""

    inspections: list[Annotated[str, Field(max_length=100)]] | None = Field(
        default=None, min_length=1, max_length=1000, description="Inspections, by identity; the last ones of the recipe if left out."
    )
    last: int = Field(default=100, ge=1, le=5000, description="How many of the last inspections.")
    model_id: str | None = Field(default=None, max_length=100, description="Model to judge by; the recipe's own if left out.")
    threshold: float | None = Field(default=None, gt=0, le=1000, description="Threshold to judge at; the recipe's own if left out.")


class Rejudged(Schema):
    """An inspection's stored verdict beside what another model or threshold says."""

    id: str = Field(description="Identity of the inspection.")
    was: Evaluation = Field(description="The stored verdict.")
    reviewed_as: Evaluation | None = Field(description="What a person said.")
    was_score: float | None = Field(description="The stored score.")
    evaluation: Evaluation = Field(description="The verdict now.")
    score: float | None = Field(description="The score now; none where the sample cannot be judged.")
    reason: Reason | None = Field(description="Why it cannot be judged.")


class TaskKind(StrEnum):
    """Kinds of long work."""

    TEACH = "teach"
    REJUDGE = "rejudge"
    CALIBRATION_CHECK = "calibration_check"
    SELF_TEST = "self_test"
    CAPTURE = "capture"
    BACKUP = "backup"
    RETENTION = "retention"


class TaskState(StrEnum):
    """Where long work is."""

    RUNNING = "running"
    WAITING = "waiting"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


class TaskResult(Schema):
    """What came of long work."""

    model_id: str | None = Field(default=None, description="The model that was taught.")
    threshold: float | None = Field(default=None, description="Threshold of that model, or that was judged at.")
    rejudged: list[Rejudged] = Field(default=[], description="Inspections that were judged again.")
    drift: DriftReport | None = Field(default=None, description="What a check of the calibration found.")
    changed: int = Field(default=0, description="Of those how many have another verdict.")
    self_test: SelfTest | None = Field(default=None, description="What a self-test found.")
    capture: CaptureInfo | None = Field(default=None, description="The capture that was made.")
    backup: str | None = Field(default=None, description="Name of the backup that was made.")
    removed: int | None = Field(default=None, description="Of how many inspections the files were removed.")


class Task(Schema):
    """Long work that somebody asked for."""

    id: str = Field(description="Identity of the task.")
    kind: TaskKind = Field(description="What is done.")
    recipe: str = Field(description="For which recipe; empty where it is for none.")
    state: TaskState = Field(description="Where it is; waiting until somebody puts the next part on the rig and continues.")
    share: float = Field(description="Share that is done, 0 to 1.")
    message: str = Field(description="What is done now.")
    requested_by: str = Field(description="Who asked for it.")
    created: datetime = Field(description="When (UTC).")
    finished: datetime | None = Field(description="When it ended (UTC).")
    reason: Reason | None = Field(description="Why it failed.")


class TaskDetails(Task):
    """Long work with what came of it."""

    result: TaskResult | None = Field(description="What came of it; none until finished.")


class RecipeSelection(Schema):
    """Which recipe the station is set to."""

    recipe: RecipeName = Field(description="Name of the recipe.")


class ImportedRecipe(Schema):
    """What came out of an archive."""

    recipe: str = Field(description="Name of the recipe.")
    version: int = Field(description="Its new version here.")
    model_id: str | None = Field(description="Its model.")
    signed_by: str = Field(description="Fingerprint of the key that signed it.")
    origin: Literal["own", "trusted"] = Field(description="Whether this station signed it, or one it trusts.")
