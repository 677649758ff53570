"""The rig: one camera, one zone light and the projectors, doing a sequence together and failing dark."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from acquisition.capture import Frame
from acquisition.devices import Camera, DeviceInfo, Lights, Projector, RawFrame
from acquisition.sequence import AmbientStep, FringeStep, Sequence, ZoneStep
from rig_configs.errors import Cancelled, D3Error, DeviceError, DeviceUnavailable, FrameFault
from rig_configs.schema import RigConfig

# A lit frame must be brighter than the ambient one by this share of full scale, or nothing shone.
DARK_SHARE = 0.005
# A pattern darker than this on the whole may leave the field dark, as the first bit of a Gray code does that is white at one side only.
LIT_PATTERN_SHARE = 0.3
# More clipped pixels than this, and it is the exposure that is wrong, not a highlight.
SATURATED_SHARE = 0.25
# Another step's picture differs from the one before by at least this share of its light, averaged over small blocks; what differs
# less is the same picture again: the light or the projector has not moved on.
UNCHANGED_SHARE = 0.02
# A block's side as a share of the image's height: averages noise away, and resolves every fringe.
BLOCK_SHARE = 1 / 114
# Clipping is judged on every eighth pixel of every eighth row, odd strides so that a Bayer mosaic shows all its colours.
SAMPLING = slice(None, None, 7)


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
            self._camera.arm(len(sequence))
            before: _Seen | None = None
            ambient_mean: float | None = None
            for step in sequence.steps:
                if cancelled():
                    raise Cancelled(f"The scan was cancelled before step {step.key}.", cure="Start the inspection again when ready.")
                self._set(step)
                self._camera.trigger(step.exposure_us)
                raw = self._camera.fetch(self.config.timing.frame_timeout_s)
                before = self._check(raw, step, before, ambient_mean)
                if isinstance(step, AmbientStep):
                    ambient_mean = before.mean
                yield Frame(step, raw.pixels, raw.frame_id, raw.timestamp_ns, raw.exposure_us)
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

    def _set(self, step: AmbientStep | ZoneStep | FringeStep) -> None:
        shining = step.projector if isinstance(step, FringeStep) else None
        for index, projector in enumerate(self._projectors):
            if index != shining:
                projector.dark()
        if isinstance(step, ZoneStep):
            self._lights.on(step.zone)
        else:
            self._lights.off()
        if isinstance(step, FringeStep):
            self._projectors[step.projector].show(step.pattern)

    def _check(self, raw: RawFrame, step: AmbientStep | ZoneStep | FringeStep, before: _Seen | None, ambient_mean: float | None) -> _Seen:
        """Refuse a frame that cannot be the step's; returns what to hold the next one against."""
        camera = self.config.camera
        shape = camera.frame_shape
        if raw.pixels.shape != shape:
            raise _fault(step, f"arrived as {raw.pixels.shape}, the rig's camera gives {shape}", "shape", "Check the camera's region of interest.")
        if before is not None:
            ahead = (raw.frame_id - before.frame_id) & 0xFFFF  # GigE Vision's frame ids wrap at 16 bits
            if ahead == 0 or raw.timestamp_ns <= before.timestamp_ns:
                raise _fault(step, f"is frame {raw.frame_id} again", "duplicate", "Inspect again; if it returns, check the camera's trigger line.")
            if ahead > 1:
                raise _fault(
                    step, f"comes after {ahead - 1} lost frame(s)", "gap", "Inspect again; if it returns, check the camera's link and buffers."
                )
        if abs(raw.exposure_us - step.exposure_us) > 0.05 * step.exposure_us:
            raise _fault(
                step, f"was exposed {raw.exposure_us:.0f} µs instead of {step.exposure_us:.0f} µs", "exposure", "Check the camera's exposure limits."
            )
        full = camera.pixel_format.full_scale_dn
        if float(np.mean(raw.pixels[SAMPLING, SAMPLING] >= full)) > SATURATED_SHARE:
            raise _fault(step, "is overexposed", "saturated", f"Shorten the exposure in rig.yaml (now {step.exposure_us:.0f} µs) or dim the light.")
        seen = _Seen.of(raw, step)
        meant_dark = isinstance(step, FringeStep) and (step.projector, step.pattern) in self._dark_patterns
        if ambient_mean is not None and not meant_dark and seen.mean - ambient_mean < DARK_SHARE * full:
            raise _fault(
                step, f"is dark: {self._source(step)} did not shine", "dark", "Check that light's plug, controller and LED, then inspect again."
            )
        if ambient_mean is not None and before is not None and seen.shows_again(before, ambient_mean):
            raise _fault(
                step,
                f"shows the step before, {before.step.key}, again: {self._source(step)} did not move on",
                "unchanged",
                "Check the trigger line and the timing of that device, then inspect again.",
            )
        return seen

    def _source(self, step: AmbientStep | ZoneStep | FringeStep) -> str:
        if isinstance(step, ZoneStep):
            return f"light zone {self.config.lights.zones[step.zone].name}"
        if isinstance(step, FringeStep):
            return f"projector {self.config.projectors[step.projector].name}"
        return "nothing"


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the next frame of a scan is held against."""

    step: AmbientStep | ZoneStep | FringeStep
    frame_id: int
    timestamp_ns: int
    blocks: NDArray[np.float32]
    """Means of small blocks of the frame, DN."""
    mean: float

    @classmethod
    def of(cls, raw: RawFrame, step: AmbientStep | ZoneStep | FringeStep) -> _Seen:
        side = max(1, round(raw.pixels.shape[0] * BLOCK_SHARE))
        height, width = raw.pixels.shape[0] // side, raw.pixels.shape[1] // side
        blocks = cv2.resize(raw.pixels[: height * side, : width * side], (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)
        return cls(step, raw.frame_id, raw.timestamp_ns, blocks, float(blocks.mean()))

    def shows_again(self, before: _Seen, ambient_mean: float) -> bool:
        """Whether the frame is the picture of the step before, although other light was asked for."""
        if isinstance(before.step, AmbientStep) or self.step.key == before.step.key:
            return False
        return float(np.abs(self.blocks - before.blocks).mean()) < UNCHANGED_SHARE * (self.mean - ambient_mean)


def _fault(step: AmbientStep | ZoneStep | FringeStep, what: str, detail: str, cure: str) -> FrameFault:
    return FrameFault(f"The frame of step {step.key} {what}.", cure=cure, detail=detail)


def open_replay(folder: Path) -> Rig:
    """A rig that gives back a saved capture. Raises CaptureError."""
    from acquisition.drivers.replay import open_replay_devices

    config, camera, lights, projectors = open_replay_devices(folder)
    return Rig(config, camera, lights, projectors)
