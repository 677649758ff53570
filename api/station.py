"""The station: one rig, its calibration and its recipes; captures a part, reconstructs it and judges it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from pathlib import Path
from threading import Lock, RLock

from acquisition.capture import CaptureWriter, Frame
from acquisition.rig import nobody
from acquisition.rig_process import AnyRig
from acquisition.sequence import Sequence
from api import scanned_parts
from api.captured_part import CapturedPart
from api.equipment import Equipment
from api.ignoring import judged_part
from api.outcome import Outcome
from api.outcome_of import outcome_of, provenance_of
from api.recipes import Recipes
from api.reconstruction import Reconstruction, Reconstructor
from api.scan_room import WAITS_S, rig_for
from api.scanned_parts import ScannedParts
from api.schemas import Reason, Recipe, RigState, Stage, StationState
from api.schemas_recipes import KeepFrames, RigSequence
from api.stopwatch import Stopwatch
from api.store.clock import now
from api.timed_scan import TimedScan
from inference import prediction
from inference.d3m import D3M, D3MConfig
from inference.sample import D3Sample
from rig_configs.calibration import Calibration
from rig_configs.errors import Cancelled, D3Error, DeviceError, ModelError, RigFileError, Unprocessable

Reopening = Callable[[], Equipment]
"""Opens what was read and found right."""


def unheard(*_: object) -> None:
    """Nobody listens."""


class Station:
    """One inspection station. Parts are captured from one thread at a time and judged from one other; ``state`` is told to any.

    Args:
        name: name of the station.
        equipment: the opened rig and what belongs to it; the station closes it.
        recipes: what can be inspected.
        scratch: folder for frames until it is known whether they are kept; none keeps no frames.
        reopen: reads the rig's files again and gives what opens them, to be called once the rig in use is closed.
    """

    def __init__(
        self, name: str, equipment: Equipment, recipes: Recipes, scratch: Path | None = None, reopen: Callable[[], Reopening] | None = None
    ) -> None:
        self.name = name
        self.models = recipes
        self.on_rig = RLock()
        """Held by whoever uses the rig; taken before a reconstructor is."""
        self.last_scan: TimedScan | None = None
        """The last scan that had all its frames."""
        self._reopen = reopen
        self._scratch = scratch
        self._lock = Lock()
        self._busy = 0
        self._halted = False
        self._reason: Reason | None = None
        self._fit(equipment)

    @property
    def rig(self) -> AnyRig:
        """The opened rig."""
        return self.equipment.rig

    @property
    def calibration(self) -> Calibration:
        """What is known of the rig."""
        return self.equipment.calibration

    @property
    def load_good_part(self) -> Callable[[str], None] | None:
        """On a simulated rig, the hand that puts the next good part on the plate."""
        return self.equipment.load_good_part

    def reload(self) -> None:
        """Read the rig's files again and work with what they describe from now on. What waits and what is judged goes on.

        Raises:
            ConfigurationError: the files are wrong; the station works on as before.
            DeviceError: the devices cannot be opened; the station is in Error until a reload goes well.
        """
        if self._reopen is None:
            raise Unprocessable("This station's rig comes from no files.", cure="Start the service with --rig.", detail="reload")
        with self.on_rig:
            opening = self._reopen()  # reads and checks the files
            self.rig.close()
            try:
                self._fit(opening())
            except D3Error as error:
                self._set_reason(Reason(code=error.code, message=error.message, cure=error.cure))
                raise
            self._set_reason(None)

    def _fit(self, equipment: Equipment) -> None:
        self.equipment = equipment
        self._provenance = provenance_of(equipment)

    # -------------------------------------------------------------------------------------------------- the main job

    def inspect(self, recipe: str, report: Callable[[Stage], None] = unheard, cancelled: Callable[[], bool] = nobody) -> Outcome:
        """Capture the part on the rig and judge it; a hardware or data fault gives NotDecidable with its reason."""
        captured = self.capture(recipe, report, cancelled)
        return captured if isinstance(captured, Outcome) else self.judge(captured, report, cancelled)

    def capture(self, recipe: str, report: Callable[[Stage], None] = unheard, cancelled: Callable[[], bool] = nobody) -> CapturedPart | Outcome:
        """Capture the part on the rig; it may leave the rig when this returns. A fault gives NotDecidable with its reason."""
        clock = Stopwatch()
        self._begin()
        try:
            self._take_rig(cancelled)  # a preview, a check or a teaching may have it
        except Cancelled as error:
            self._end(self._reason)
            return outcome_of(self.equipment, self._provenance, clock, Reason(code=error.code, message=error.message, cure=error.cure))
        try:
            return self._capture(recipe, report, cancelled, clock)
        finally:
            self.on_rig.release()

    def _take_rig(self, cancelled: Callable[[], bool]) -> None:
        """Take the rig as soon as nobody else has it; the taker releases it. Raises Cancelled."""
        while not self.on_rig.acquire(timeout=WAITS_S):
            _go_on(cancelled)

    def _capture(self, recipe: str, report: Callable[[Stage], None], cancelled: Callable[[], bool], clock: Stopwatch) -> CapturedPart | Outcome:
        equipment = self.equipment
        reconstructor: Reconstructor | None = None
        try:
            # Before the capture: a part need not wait to hear that nothing can judge it.
            model, definition = self.models.model(recipe), self.models.definition(recipe)
            reconstructor = equipment.room.take(definition.sequence, cancelled)
            if equipment.load_part is not None:
                equipment.load_part(recipe)
            clock.restart()
            frames = self._scratch / uuid.uuid4().hex if self._scratch and definition.policy.keep_frames is not KeepFrames.NEVER else None
            self._scan(reconstructor, report, cancelled, clock, frames)
        except D3Error as error:
            self._put_away(equipment, reconstructor)
            reason = Reason(code=error.code, message=error.message, cure=error.cure)
            # A device that failed is the station's trouble until a scan goes well again; anything else is this part's.
            self._end(reason if isinstance(error, DeviceError) else None)
            report(Stage.SAVE)
            return outcome_of(equipment, self._provenance, clock, reason)
        except BaseException:
            self._put_away(equipment, reconstructor)
            self._end()
            raise
        self._set_reason(None)
        return CapturedPart(recipe, equipment, definition, model, reconstructor, clock, frames)

    def judge(self, captured: CapturedPart, report: Callable[[Stage], None] = unheard, cancelled: Callable[[], bool] = nobody) -> Outcome:
        """Reconstruct and judge a captured part; what cannot be judged is NotDecidable with its reason."""
        result: Reconstruction | None = None
        judged: prediction.Prediction | None = None
        reason: Reason | None = None
        clock = captured.clock
        try:
            _go_on(cancelled)
            result = self._finish(captured.reconstructor, report, clock)
            _go_on(cancelled)
            report(Stage.INFERENCE)
            clock.lap("reconstruct")
            judged = captured.model.predict(judged_part(result.sample(captured.recipe), captured.definition.ignore))
            clock.lap("inference")
        except D3Error as error:
            reason = Reason(code=error.code, message=error.message, cure=error.cure)
        finally:
            captured.equipment.room.give_back(captured.reconstructor)  # only now: with one part at a time the next one comes in its place
            self._end(self._reason)
        report(Stage.SAVE)
        return outcome_of(captured.equipment, provenance_of(captured.equipment), clock, reason, captured, result, judged)

    def reconstruct(
        self,
        report: Callable[[Stage], None] = unheard,
        cancelled: Callable[[], bool] = nobody,
        clock: Stopwatch | None = None,
        keep: Path | None = None,
        sequence: RigSequence | None = None,
    ) -> Reconstruction:
        """Capture what lies on the rig and reconstruct it.

        Args:
            report: told each stage as it begins.
            cancelled: asked before every frame.
            clock: takes the times.
            keep: folder to keep the capture in; none keeps nothing.
            sequence: what is done another way than rig.yaml says.

        Raises:
            D3Error: a device failed, or the frames give no surface.
        """
        clock = clock or Stopwatch()
        with self.on_rig, self.equipment.room.lend(sequence or RigSequence()) as reconstructor:
            self._scan(reconstructor, report, cancelled, clock, keep)
            return self._finish(reconstructor, report, clock)

    def frames(self, cancelled: Callable[[], bool] = nobody, keep: Path | None = None) -> Generator[Frame]:
        """The frames of one scan, kept as a capture where a folder is given. Closing it ends the scan, and turns the lights off.

        Raises:
            DeviceError, Cancelled, CaptureError: from the scan and the writing.
        """
        with self.on_rig, self.equipment.room.lend(RigSequence()) as reconstructor:
            yield from self._frames(reconstructor.sequence, cancelled, keep)

    def _frames(self, sequence: Sequence, cancelled: Callable[[], bool], keep: Path | None) -> Generator[Frame]:
        with self.on_rig, closing(self.rig.scan(sequence, cancelled)) as scan:
            timed = self._timed(scan, sequence)
            yield from timed if keep is None else self._kept(timed, keep)

    def _timed(self, scan: Iterable[Frame], sequence: Sequence) -> Generator[Frame]:
        arrived_ms: list[float] = []
        for frame in scan:
            arrived_ms.append(frame.arrived_ms)
            yield frame
        self.last_scan = TimedScan(now(), self.rig.config, sequence.steps, tuple(arrived_ms))

    def _kept(self, scan: Iterable[Frame], keep: Path) -> Generator[Frame]:
        with CaptureWriter(keep) as writer:
            yield from writer.write(scan)
            writer.finish(
                rig=self.rig.config,
                rig_sha256=self._provenance.rig_sha256,
                calibration_id=self._provenance.calibration_id,
                calibration_sha256=self._provenance.calibration_sha256,
            )

    def _scan(
        self, reconstructor: Reconstructor, report: Callable[[Stage], None], cancelled: Callable[[], bool], clock: Stopwatch, keep: Path | None
    ) -> None:
        report(Stage.CAPTURE)
        with closing(self._frames(reconstructor.sequence, cancelled, keep)) as frames:
            for frame in frames:
                reconstructor.add(frame)
        clock.lap("capture")

    def _finish(self, reconstructor: Reconstructor, report: Callable[[Stage], None], clock: Stopwatch) -> Reconstruction:
        report(Stage.PHOTOMETRIC)
        report(Stage.STRUCTURED_LIGHT)
        result = reconstructor.finish()
        clock.seconds["photometric"] = result.photometric_s
        clock.seconds["structured_light"] = result.structured_light_s
        return result

    def teach(
        self,
        recipe: str,
        parts: int,
        next_good_part: Callable[[str], None],
        config: D3MConfig | None = None,
        progress: Callable[[float, str], None] = unheard,
        cancelled: Callable[[], bool] = nobody,
        by: str = "command line",
        note: str = "taught",
        activate: bool = True,
        resume: bool = False,
    ) -> D3M:
        """Teach a recipe from good parts scanned on this rig; they are kept until there is a model.

        Args:
            recipe: the recipe.
            parts: how many good parts.
            next_good_part: puts, or asks somebody to put, the next good part on the rig.
            config: settings of the model.
            progress: told the share that is done and what is done now.
            cancelled: asked before every frame and while fitting.
            by: who teaches.
            note: why; kept with the recipe's version.
            activate: judge by the new model at once.
            resume: begin with the parts that teaching which was stopped has kept; else they go.

        Raises:
            D3Error: a scan failed, or the samples do not make a model; the recipe's old model stays.
        """
        definition = self.models.definition(recipe)

        def scan(index: int) -> D3Sample:
            next_good_part(recipe)
            sample = self.reconstruct(cancelled=cancelled, sequence=definition.sequence).sample(f"good part {index + 1}")
            return judged_part(sample, definition.ignore)

        folder = self._scanned_folder(recipe)
        if not resume:
            scanned_parts.forget(folder)
        model = self.models.teach(recipe, ScannedParts(folder, parts, scan), config, progress, cancelled, by, note, activate)
        scanned_parts.forget(folder)
        return model

    def scanned(self, recipe: str) -> int:
        """How many scanned parts of a recipe teaching that was stopped has kept. Raises NotFound."""
        return scanned_parts.kept(self._scanned_folder(recipe))

    def _scanned_folder(self, recipe: str) -> Path:
        return scanned_parts.folder_of(self.models.teaching, recipe, self.models.definition(recipe), self.calibration.calibration_id)

    # ------------------------------------------------------------------------------------------------------- the rest

    def recipes(self) -> list[str]:
        """Names of the recipes of this station."""
        return self.models.names()

    def change_over(self, recipe: str) -> None:
        """Set the station to a recipe: its model is read and its sequence made ready. Raises NotFound, ModelError."""
        self.models.change_over(recipe)
        with self.on_rig, self.equipment.room.lend(self.models.definition(recipe).sequence):
            pass

    def check_sequence(self, sequence: RigSequence) -> None:
        """Raises Unprocessable for a sequence that the rig cannot do."""
        try:
            rig_for(self.rig.config, sequence)
        except RigFileError as error:
            raise Unprocessable(error.message, cure=error.cure, detail="sequence") from error

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
            if self._halted:
                state = StationState.HALTED
            elif self._busy:
                state = StationState.SINGLE_EXECUTION
            else:
                state = StationState.ERROR if self._reason else StationState.READY
            return RigState(
                station=self.name,
                state=state,
                reason=self._reason if state is StationState.ERROR else None,
                rig=self.rig.config.name,
                is_simulated=self.rig.config.is_simulated,
                calibration_id=self.calibration.calibration_id,
                calibrated=self.calibration.created,
                running=None,
                recipe=self.models.current(),
                queued=0,
            )

    def close(self) -> None:
        """Lights and projectors off, devices released."""
        with self._lock:
            self._halted = True
        self.rig.close()

    def _begin(self) -> None:
        with self._lock:
            self._busy += 1

    def _end(self, trouble: Reason | None = None) -> None:
        """One part fewer is looked at; ``trouble`` is what is wrong with the station now."""
        with self._lock:
            self._busy -= 1
            self._reason = trouble

    def _set_reason(self, reason: Reason | None) -> None:
        with self._lock:
            self._reason = reason

    def _put_away(self, equipment: Equipment, reconstructor: Reconstructor | None) -> None:
        if reconstructor is not None:
            equipment.room.give_back(reconstructor)


def _go_on(cancelled: Callable[[], bool]) -> None:
    if cancelled():
        raise Cancelled("The inspection was cancelled before its judgement.", cure="Start the inspection again when ready.")
