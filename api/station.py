"""The station: one rig, its calibration and its recipes; captures a part, reconstructs it and judges it."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Lock

from acquisition.capture import CaptureWriter, Frame
from acquisition.rig import nobody
from acquisition.rig_process import AnyRig
from api.outcome import ArtifactFile, Outcome
from api.pictures import anomaly_files, reconstruction_files
from api.recipes import Recipes
from api.reconstruction import Reconstruction, Reconstructor
from api.schemas import BankScore, Evaluation, Provenance, Reason, Recipe, Region, RigState, Stage, StationState, Timings
from inference import prediction
from inference.d3m import D3MConfig
from inference.sample import D3Sample
from rig_configs.calibration import Calibration
from rig_configs.errors import D3Error, DeviceError, ModelError
from rig_configs.files import sha256_of


def unheard(*_: object) -> None:
    """Nobody listens."""


class Station:
    """One inspection station. Its methods are called from one thread at a time; ``state`` from any.

    Args:
        name: name of the station.
        rig: the opened rig; the station closes it.
        calibration: what is known of the rig.
        recipes: what can be inspected.
        load_part: on a simulated rig, the hand that puts the next part of a recipe on the plate; called before a scan.
    """

    def __init__(self, name: str, rig: AnyRig, calibration: Calibration, recipes: Recipes, load_part: Callable[[str], None] | None = None) -> None:
        self.name = name
        self.rig = rig
        self.calibration = calibration
        self.models = recipes
        self._load_part = load_part
        self._reconstructor = Reconstructor(rig.config, calibration)
        self._provenance = Provenance(
            rig=rig.config.name,
            rig_sha256=sha256_of(rig.config),
            calibration_id=calibration.calibration_id,
            calibration_sha256=sha256_of(calibration),
            model_id=None,
            model_sha256=None,
        )
        self._lock = Lock()
        self._state = StationState.READY
        self._reason: Reason | None = None

    # -------------------------------------------------------------------------------------------------- the main job

    def inspect(self, recipe: str, report: Callable[[Stage], None] = unheard, cancelled: Callable[[], bool] = nobody) -> Outcome:
        """Capture the part on the rig and judge it; a hardware or data fault gives NotDecidable with its reason."""
        clock = _Clock()
        result: Reconstruction | None = None
        judged: prediction.Prediction | None = None
        reason: Reason | None = None
        self._become(StationState.SINGLE_EXECUTION)
        try:
            model = self.models.model(recipe)  # before the capture: a part need not wait to hear that nothing can judge it
            if self._load_part is not None:
                self._load_part(recipe)
            clock.restart()
            result = self.reconstruct(report, cancelled, clock)
            report(Stage.INFERENCE)
            clock.lap("reconstruct")
            judged = model.predict(result.sample(recipe))
            clock.lap("inference")
            self._become(StationState.READY)
        except D3Error as error:
            reason = Reason(code=error.code, message=error.message, cure=error.cure)
            # A device that failed is the station's trouble until a scan goes well again; anything else is this part's.
            self._become(StationState.ERROR if isinstance(error, DeviceError) else StationState.READY, reason)
        except BaseException:
            self._become(StationState.READY)
            raise
        report(Stage.SAVE)
        return self._outcome(result, judged, reason, clock)

    def reconstruct(
        self, report: Callable[[Stage], None] = unheard, cancelled: Callable[[], bool] = nobody, clock: _Clock | None = None, keep: Path | None = None
    ) -> Reconstruction:
        """Capture what lies on the rig and reconstruct it.

        Args:
            report: told each stage as it begins.
            cancelled: asked before every frame.
            clock: takes the times.
            keep: folder to keep the capture in; none keeps nothing.

        Raises:
            D3Error: a device failed, or the frames give no surface.
        """
        clock = clock or _Clock()
        self._reconstructor.reset()
        report(Stage.CAPTURE)
        with closing(self.frames(cancelled, keep)) as frames:
            for frame in frames:
                self._reconstructor.add(frame)
        clock.lap("capture")
        report(Stage.PHOTOMETRIC)
        report(Stage.STRUCTURED_LIGHT)
        result = self._reconstructor.finish()
        clock.seconds["photometric"] = result.photometric_s
        clock.seconds["structured_light"] = result.structured_light_s
        return result

    def frames(self, cancelled: Callable[[], bool] = nobody, keep: Path | None = None) -> Generator[Frame]:
        """The frames of one scan, kept as a capture where a folder is given. Closing it ends the scan, and turns the lights off.

        Raises:
            DeviceError, Cancelled, CaptureError: from the scan and the writing.
        """
        with closing(self.rig.scan(self._reconstructor.sequence, cancelled)) as scan:
            if keep is None:
                yield from scan
                return
            yield from self._kept(scan, keep)

    def _kept(self, scan: Iterable[Frame], keep: Path) -> Generator[Frame]:
        with CaptureWriter(keep) as writer:
            yield from writer.write(scan)
            writer.finish(
                rig=self.rig.config,
                rig_sha256=self._provenance.rig_sha256,
                calibration_id=self._provenance.calibration_id,
                calibration_sha256=self._provenance.calibration_sha256,
            )

    def teach(
        self,
        recipe: str,
        parts: int,
        next_good_part: Callable[[str], None],
        config: D3MConfig | None = None,
        progress: Callable[[float, str], None] = unheard,
        cancelled: Callable[[], bool] = nobody,
    ) -> None:
        """Teach a recipe from good parts scanned on this rig.

        Args:
            recipe: the recipe.
            parts: how many good parts.
            next_good_part: puts, or asks somebody to put, the next good part on the rig.
            config: settings of the model.
            progress: told the share that is done and what is done now.
            cancelled: asked before every frame and while fitting.

        Raises:
            D3Error: a scan failed, or the samples do not make a model; the recipe's old model stays.
        """

        def scan(index: int) -> D3Sample:
            next_good_part(recipe)
            return self.reconstruct(cancelled=cancelled).sample(f"good part {index + 1}")

        self.models.teach(recipe, _Sized(parts, scan), config, progress, cancelled)

    # ------------------------------------------------------------------------------------------------------- the rest

    def recipes(self) -> list[str]:
        """Names of the recipes of this station."""
        return self.models.names()

    def describe(self, recipe: str) -> Recipe:
        """A recipe with the model it judges by; no model where it was never taught, or where the model cannot be read."""
        try:
            model = self.models.model(recipe)
        except ModelError:
            return Recipe(name=recipe, model_id=None, threshold=None, taught_from=None)
        return Recipe(name=recipe, model_id=model.model_id, threshold=model.threshold, taught_from=len(model.report.samples))

    def state(self) -> RigState:
        """What the station is and does now."""
        with self._lock:
            return RigState(
                station=self.name,
                state=self._state,
                reason=self._reason,
                rig=self.rig.config.name,
                is_simulated=self.rig.config.is_simulated,
                calibration_id=self.calibration.calibration_id,
                calibrated=self.calibration.created,
                running=None,
                queued=0,
            )

    def close(self) -> None:
        """Lights and projectors off, devices released."""
        self._become(StationState.HALTED)
        self.rig.close()

    def _become(self, state: StationState, reason: Reason | None = None) -> None:
        with self._lock:
            self._state = state
            if state is not StationState.SINGLE_EXECUTION:
                self._reason = reason if state is StationState.ERROR else None

    def _outcome(self, result: Reconstruction | None, judged: prediction.Prediction | None, reason: Reason | None, clock: _Clock) -> Outcome:
        camera = self.rig.config.camera
        files: list[ArtifactFile] = []
        if result is not None:
            files += reconstruction_files(result)
        if judged is not None:
            files += anomaly_files(judged.anomaly_map)
        provenance = self._provenance
        evaluation = Evaluation.NOT_DECIDABLE
        if judged is not None:
            provenance = provenance.model_copy(update={"model_id": judged.model_id, "model_sha256": judged.model_sha256})
            if reason is None:
                evaluation = Evaluation.NOT_OK if judged.is_anomalous else Evaluation.OK
        return Outcome(
            evaluation=evaluation,
            reason=reason,
            score=judged.score if judged else None,
            threshold=judged.threshold if judged else None,
            banks=[BankScore(name=b.name, score=b.score, limit=b.limit) for b in judged.banks] if judged else [],
            regions=[_region(r) for r in judged.regions] if judged else [],
            timings=clock.timings(),
            provenance=provenance,
            is_simulated=self.rig.config.is_simulated,
            width_px=camera.width_px,
            height_px=camera.height_px,
            pixel_pitch_mm=camera.pixel_pitch_mm,
            artifacts=files,
        )


class _Clock:
    """Seconds by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.restart()

    def restart(self) -> None:
        self._start = self._lap = time.perf_counter()

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.seconds[stage] = now - self._lap
        self._lap = now

    def timings(self) -> Timings:
        stages = {name: self.seconds.get(name, 0.0) for name in ("capture", "photometric", "structured_light", "inference")}
        return Timings(**stages, total=time.perf_counter() - self._start)


class _Sized(Iterable[D3Sample]):
    """Samples that are scanned when asked for, of a known number, so that progress can tell how many are left."""

    def __init__(self, count: int, scan: Callable[[int], D3Sample]) -> None:
        self._count = count
        self._scan = scan

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[D3Sample]:
        return map(self._scan, range(self._count))


def _region(region: prediction.Region) -> Region:
    return Region(
        x_px=region.x,
        y_px=region.y,
        width_px=region.width,
        height_px=region.height,
        area_mm2=region.area_mm2,
        peak=region.peak,
        modality=region.modality,
    )
