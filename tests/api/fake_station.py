"""A test double of the station: real artifacts, and a hand on when and how an inspection ends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp

import cv2
import numpy as np

from api.outcome import ArtifactFile, Outcome
from api.recipes import Recipes
from api.schemas import BankScore, Evaluation, Provenance, Reason, Recipe, Region, RigState, Stage, StationState, Timings
from api.schemas_recipes import RigSequence
from inference.d3m import D3M, D3MConfig
from inference.sample import D3Sample

QUICK = D3MConfig(working_px=160, margin_px=8, fusion_steps=2, fusion_batch=16, folds=2, coreset_share=0.5)
PICTURE = np.arange(12 * 16 * 3, dtype=np.uint8).reshape(12, 16, 3)
PNG = cv2.imencode(".png", PICTURE)[1].tobytes()
JPEG = cv2.imencode(".jpg", PICTURE)[1].tobytes()

GOOD = Outcome(
    evaluation=Evaluation.OK,
    reason=None,
    score=0.4,
    threshold=1.0,
    banks=[
        BankScore(name="rgb", score=0.3, limit=1.0),
        BankScore(name="pseudo3d", score=0.4, limit=1.0),
        BankScore(name="fused", score=0.2, limit=1.0),
    ],
    regions=[],
    timings=Timings(capture=0.5, photometric=0.1, structured_light=0.2, inference=0.3, total=0.9),
    provenance=Provenance(
        rig="fake", rig_sha256="a" * 64, calibration_id="cal-1", calibration_sha256="b" * 64, model_id="bolt-1", model_sha256="c" * 64
    ),
    is_simulated=True,
    width_px=16,
    height_px=12,
    pixel_pitch_mm=0.03,
    artifacts=[ArtifactFile("rgb.png", "image/png", PNG), ArtifactFile("thumbnail.jpg", "image/jpeg", JPEG)],
)
BAD = replace(
    GOOD,
    evaluation=Evaluation.NOT_OK,
    score=2.5,
    regions=[Region(x_px=2, y_px=3, width_px=4, height_px=5, area_mm2=0.02, peak=2.5, modality="pseudo3d")],
)
CANCELLED = replace(
    GOOD,
    evaluation=Evaluation.NOT_DECIDABLE,
    reason=Reason(code="job.cancelled", message="Cancelled.", cure="Again."),
    score=None,
    threshold=None,
    banks=[],
    artifacts=[],
)


@dataclass
class FakeCapture:
    recipe: str
    outcome: Outcome

    @property
    def frames(self) -> Path | None:
        return self.outcome.frames


class FakeStation:
    """Implements ``Inspects``. ``gate`` closed holds an inspection in its capture, ``judgement`` closed in its judgement; ``next`` is what
    comes of it."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Semaphore(0)
        self.judgement = threading.Event()
        self.judgement.set()
        self.judged: list[str] = []
        self.next: Outcome | BaseException = GOOD
        self.inspected: list[str] = []
        self.rig_state = StationState.READY
        self.closed = False
        self.models = Recipes(Path(mkdtemp(prefix="fake-station-")), ("bolt", "ring"))
        self.load_good_part: Callable[[str], None] | None = None
        self.samples: Iterable[D3Sample] = ()

    def capture(self, recipe: str, report: Callable[[Stage], None], cancelled: Callable[[], bool]) -> FakeCapture | Outcome:
        self.inspected.append(recipe)
        report(Stage.CAPTURE)
        self.entered.release()
        while not self.gate.wait(0.02):
            if cancelled():
                return CANCELLED
        if isinstance(self.next, BaseException):
            raise self.next
        return FakeCapture(recipe, self.next)

    def judge(self, captured: FakeCapture, report: Callable[[Stage], None], cancelled: Callable[[], bool]) -> Outcome:
        self.judged.append(captured.recipe)
        for stage in (Stage.PHOTOMETRIC, Stage.STRUCTURED_LIGHT, Stage.INFERENCE):
            report(stage)
        while not self.judgement.wait(0.02):
            if cancelled():
                return replace(CANCELLED, frames=captured.outcome.frames)  # as the station does: they go with the part
        return captured.outcome

    def scanned(self, recipe: str) -> int:
        return 0

    def teach(self, recipe, parts, next_good_part, config, progress, cancelled, by, note, activate, resume) -> D3M:
        def scans() -> Iterator[D3Sample]:
            for sample in self.samples:
                next_good_part(recipe)
                yield sample

        return self.models.teach(recipe, scans(), config or QUICK, progress, cancelled, by, note, activate)

    def change_over(self, recipe: str) -> None:
        self.models.change_over(recipe)

    def check_sequence(self, sequence: RigSequence) -> None:
        pass

    def recipes(self) -> list[str]:
        return self.models.names()

    def describe(self, recipe: str) -> Recipe:
        return Recipe(name=recipe, model_id=None, threshold=None, taught_from=None)

    def state(self) -> RigState:
        return RigState(
            station="fake",
            state=self.rig_state,
            reason=None,
            rig="fake",
            is_simulated=True,
            calibration_id="cal-1",
            calibrated=datetime(2025, 1, 1, tzinfo=UTC),
            running=None,
            recipe=self.models.current(),
            queued=0,
        )

    def close(self) -> None:
        self.closed = True
