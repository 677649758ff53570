"""The rig: one camera, one zone light and the projectors, doing a sequence together and failing dark."""

from __future__ import annotations

from collections.abc import Callable, Generator
from itertools import groupby
from pathlib import Path
from time import monotonic
from typing import cast

from acquisition.capture import Frame
from acquisition.devices import Camera, DeviceInfo, Lights, LineCamera, PlayingProjector, Projector
from acquisition.frame_check import AnyStep, FrameCheck
from acquisition.sequence import FringeStep, Sequence, ZoneStep
from rig_configs.errors import Cancelled, D3Error, DeviceError, DeviceUnavailable, FrameFault, FrameTimeout
from rig_configs.schema import RigConfig

# A pattern darker than this on the whole may leave the field dark, as the first bit of a Gray code does that is white at one side only.
LIT_PATTERN_SHARE = 0.3


def nobody() -> bool:
    """Nobody asks to cancel."""
    return False


class Rig:
    """The devices of one rig.

    Every scan ends with lights and projectors off, whether it went well, failed, was cancelled or was abandoned.
    """

    def __init__(self, config: RigConfig, camera: Camera, lights: Lights, projectors: tuple[Projector, ...]) -> None:
        self.config = config
        self._camera = camera
        self._lights = lights
        self._projectors = projectors
        self._loaded: tuple[object, ...] | None = None
        self._dark_patterns: frozenset[tuple[int, int]] = frozenset()
        self._begun: float | None = None
        """When the devices of a scan were ready for its first command."""

    def describe(self) -> list[DeviceInfo]:
        """Ask every device what it is. Raises DeviceUnavailable."""
        return [self._camera.info, self._lights.info, *(p.info for p in self._projectors)]

    def scan(self, sequence: Sequence, cancelled: Callable[[], bool] = nobody) -> Generator[Frame]:
        """Do a sequence, yielding each frame as it arrives; whoever may stop before the end closes it, and all is dark at once.

        Args:
            sequence: the steps and the patterns they need; patterns already loaded are not loaded again.
            cancelled: asked before every step.

        Raises:
            DeviceError: a device failed; it names the device and the step.
            Cancelled: ``cancelled`` said so.
        """
        try:
            self._load(sequence)
            self._begun = None
            check = FrameCheck(self.config, self._dark_patterns)
            for player, steps in groupby(sequence.steps, self._player):
                check.burst_begins()
                if player is None:
                    yield from self._commanded(tuple(steps), check, cancelled)
                else:
                    yield from self._played(player[0], tuple(steps), check, cancelled)
        except DeviceUnavailable:
            self._loaded = None
            raise
        finally:
            self._camera.disarm()
            self.safe()

    def safe(self) -> list[D3Error]:
        """Turn lights and projectors off; a device that cannot be reached does not keep the others on.

        Returns:
            What went wrong, empty when everything is known to be dark.
        """
        problems: list[D3Error] = []
        for switch_off in (self._lights.off, *(p.dark for p in self._projectors)):
            try:
                switch_off()
            except DeviceError as problem:
                problems.append(problem)
        return problems

    def close(self) -> None:
        """Lights and projectors off, devices released."""
        self.safe()
        for device in (self._lights, *self._projectors, self._camera):
            device.close()

    def _load(self, sequence: Sequence) -> None:
        # By identity: the station builds its patterns once and scans with the same objects for ever.
        wanted = tuple(sequence.patterns)
        if self._loaded is not None and len(self._loaded) == len(wanted) and all(a is b for a, b in zip(self._loaded, wanted, strict=True)):
            return
        self._loaded = None
        for projector, patterns in zip(self._projectors, wanted, strict=True):
            if patterns:
                projector.load(list(patterns))
        self._dark_patterns = frozenset(
            (p, i) for p, patterns in enumerate(wanted) for i, pattern in enumerate(patterns) if float(pattern.mean()) < LIT_PATTERN_SHARE * 255
        )
        self._loaded = wanted

    def _player(self, step: AnyStep) -> tuple[int, float] | None:
        """The projector that shows a step by itself, and the exposure, which is the same for all steps of such a burst."""
        if isinstance(step, FringeStep) and self.config.projectors[step.projector].plays:
            return step.projector, step.exposure_us
        return None

    def _commanded(self, burst: tuple[AnyStep, ...], check: FrameCheck, cancelled: Callable[[], bool]) -> Generator[Frame]:
        """Steps told one by one. A frame is read out, checked and taken while the next step is exposed; but the first before all else, so that
        its number tells whether one of the others is lost."""
        self._camera.arm(len(burst))
        self._begun = self._begun or monotonic()
        exposed: AnyStep | None = None
        for index, step in enumerate(burst):
            _go_on(step, cancelled)
            self._set(step)
            self._camera.trigger(step.exposure_us)
            if exposed is not None:
                yield self._taken(exposed, check)
            self._camera.wait_exposed(self.config.timing.frame_timeout_s + step.exposure_us * 1e-6)
            if index:
                exposed = step
            else:
                yield self._taken(step, check)
        if exposed is not None:
            yield self._taken(exposed, check)

    def _played(self, projector: int, burst: tuple[AnyStep, ...], check: FrameCheck, cancelled: Callable[[], bool]) -> Generator[Frame]:
        """Patterns that a projector shows by itself, triggering the camera for each."""
        self._darken()
        # Both can do it, or the configuration would not have been taken.
        cast("LineCamera", self._camera).arm_line(len(burst), burst[0].exposure_us)
        self._begun = self._begun or monotonic()
        _go_on(burst[0], cancelled)
        cast("PlayingProjector", self._projectors[projector]).play([step.pattern for step in burst if isinstance(step, FringeStep)])
        for step in burst:
            _go_on(step, cancelled)
            try:
                frame = self._taken(step, check)
            except (FrameFault, FrameTimeout):
                self._projectors[projector].dark()  # one that cannot do even that is the reason, and says so
                raise
            yield frame

    def _taken(self, step: AnyStep, check: FrameCheck) -> Frame:
        raw = self._camera.fetch(self.config.timing.frame_timeout_s)
        arrived_s = monotonic() - (self._begun or 0.0)
        check.accept(raw, step)
        return Frame(step, raw.pixels, raw.frame_id, raw.timestamp_ns, raw.exposure_us, 1e3 * arrived_s)

    def _set(self, step: AnyStep) -> None:
        zone = step.zone if isinstance(step, ZoneStep) else None
        shining = step.projector if isinstance(step, FringeStep) else None
        self._darken(zone, shining)
        if isinstance(step, FringeStep):
            self._projectors[step.projector].show(step.pattern)

    def _darken(self, zone: int | None = None, shining: int | None = None) -> None:
        """Everything but a zone or a projector."""
        for index, projector in enumerate(self._projectors):
            if index != shining:
                projector.dark()
        if zone is None:
            self._lights.off()
        else:
            self._lights.on(zone)


def _go_on(step: AnyStep, cancelled: Callable[[], bool]) -> None:
    if cancelled():
        raise Cancelled(f"The scan was cancelled before step {step.key}.", cure="Start the inspection again when ready.")


def open_replay(folder: Path) -> Rig:
    """A rig that gives back a saved capture. Raises CaptureError."""
    from acquisition.drivers.replay import open_replay_devices

    config, camera, lights, projectors = open_replay_devices(folder)
    return Rig(config, camera, lights, projectors)
