"""What refuses a frame that cannot be the step's: lost, doubled, wrongly exposed, overexposed, dark where something should shine."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from acquisition.devices import RawFrame
from acquisition.sequence import AmbientStep, FringeStep, ZoneStep
from rig_configs.errors import FrameFault
from rig_configs.schema import RigConfig

AnyStep = AmbientStep | ZoneStep | FringeStep

# A lit frame must be brighter than the ambient one by this share of full scale, or nothing shone.
DARK_SHARE = 0.005
# More clipped pixels than this, and it is the exposure that is wrong, not a highlight.
SATURATED_SHARE = 0.25
# Another step's picture differs from the one before by at least this share of its light, averaged over small blocks; what differs
# less is the same picture again: the light or the projector has not moved on.
UNCHANGED_SHARE = 0.02
# A block's side as a share of the image's height: averages noise away, and resolves every fringe.
BLOCK_SHARE = 1 / 114
# Clipping is judged on every eighth pixel of every eighth row, odd strides so that a Bayer mosaic shows all its colours.
SAMPLING = slice(None, None, 7)


class FrameCheck:
    """Holds every frame of one scan against its step and the frames before.

    Args:
        config: the rig.
        dark_patterns: (projector, pattern) that may leave the field dark.
    """

    def __init__(self, config: RigConfig, dark_patterns: frozenset[tuple[int, int]]) -> None:
        self._config = config
        self._dark_patterns = dark_patterns
        self._before: _Seen | None = None
        self._ambient_mean: float | None = None
        self._zones: list[_Seen] = []
        self._counts_anew = True

    def burst_begins(self) -> None:
        """The camera was armed anew, and may count its frames from the start."""
        self._counts_anew = True

    def accept(self, raw: RawFrame, step: AnyStep) -> None:
        """Raises FrameFault."""
        shape = self._config.camera.frame_shape
        if raw.pixels.shape != shape:
            raise _fault(step, f"arrived as {raw.pixels.shape}, the rig's camera gives {shape}", "shape", "Check the camera's region of interest.")
        self._check_count(raw, step)
        if abs(raw.exposure_us - step.exposure_us) > 0.05 * step.exposure_us:
            raise _fault(
                step, f"was exposed {raw.exposure_us:.0f} µs instead of {step.exposure_us:.0f} µs", "exposure", "Check the camera's exposure limits."
            )
        full = self._config.camera.pixel_format.full_scale_dn
        if float(np.mean(raw.pixels[SAMPLING, SAMPLING] >= full)) > SATURATED_SHARE:
            raise _fault(step, "is overexposed", "saturated", f"Shorten the exposure in rig.yaml (now {step.exposure_us:.0f} µs) or dim the light.")
        seen = _Seen.of(raw, step)
        self._check_light(seen, full)
        self._before, self._counts_anew = seen, False
        if isinstance(step, AmbientStep):
            self._ambient_mean = seen.mean
        if isinstance(step, ZoneStep):
            self._zones.append(seen)

    def _check_count(self, raw: RawFrame, step: AnyStep) -> None:
        before = self._before
        if before is None:
            return
        ahead = 1 if self._counts_anew else (raw.frame_id - before.frame_id) & 0xFFFF  # GigE Vision's frame ids wrap at 16 bits
        if ahead == 0 or raw.timestamp_ns <= before.timestamp_ns:
            raise _fault(step, f"is frame {raw.frame_id} again", "duplicate", "Inspect again; if it returns, check the camera's trigger line.")
        if ahead > 1:
            raise _fault(step, f"comes after {ahead - 1} lost frame(s)", "gap", "Inspect again; if it returns, check the camera's link and buffers.")

    def _check_light(self, seen: _Seen, full: int) -> None:
        step, ambient_mean = seen.step, self._ambient_mean
        if isinstance(step, AmbientStep) and seen.is_blank and self._config.camera.pixel_format.bits > 8:
            raise _fault(step, "is blank: every pixel is the same", "blank", "Check the camera's link and test patterns, then inspect again.")
        if ambient_mean is None:
            return
        meant_dark = isinstance(step, FringeStep) and (step.projector, step.pattern) in self._dark_patterns
        if not meant_dark and seen.mean - ambient_mean < DARK_SHARE * full:
            raise _fault(
                step, f"is dark: {self._source(step)} did not shine", "dark", "Check that light's plug, controller and LED, then inspect again."
            )
        if self._before is not None and seen.shows_again(self._before, ambient_mean):
            raise _fault(
                step,
                f"shows the step before, {self._before.step.key}, again: {self._source(step)} did not move on",
                "unchanged",
                "Check the trigger line and the timing of that device, then inspect again.",
            )
        for other in self._zones if isinstance(step, ZoneStep) else ():
            if seen.shows_again(other, ambient_mean):
                raise _fault(
                    step,
                    f"shows {self._source(other.step)} again in place of {self._source(step)}",
                    "wrong_zone",
                    "Check the light controller's channels and their wires, then inspect again.",
                )

    def _source(self, step: AnyStep) -> str:
        if isinstance(step, ZoneStep):
            return f"light zone {self._config.lights.zones[step.zone].name}"
        if isinstance(step, FringeStep):
            return f"projector {self._config.projectors[step.projector].name}"
        return "nothing"


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the next frame of a scan is held against."""

    step: AnyStep
    frame_id: int
    timestamp_ns: int
    blocks: NDArray[np.float32]
    """Means of small blocks of the frame, DN."""
    mean: float
    is_blank: bool
    """Whether every pixel has one value, as a sensor's noise never leaves more than eight bits."""

    @classmethod
    def of(cls, raw: RawFrame, step: AnyStep) -> _Seen:
        side = max(1, round(raw.pixels.shape[0] * BLOCK_SHARE))
        height, width = raw.pixels.shape[0] // side, raw.pixels.shape[1] // side
        blocks = cv2.resize(raw.pixels[: height * side, : width * side], (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)
        sample = raw.pixels[SAMPLING, SAMPLING]
        return cls(step, raw.frame_id, raw.timestamp_ns, blocks, float(blocks.mean()), bool(sample.min() == sample.max()))

    def shows_again(self, before: _Seen, ambient_mean: float) -> bool:
        """Whether the frame is the picture of the step before, although other light was asked for."""
        if isinstance(before.step, AmbientStep) or self.step.key == before.step.key:
            return False
        return float(np.abs(self.blocks - before.blocks).mean()) < UNCHANGED_SHARE * (self.mean - ambient_mean)


def _fault(step: AnyStep, what: str, detail: str, cure: str) -> FrameFault:
    return FrameFault(f"The frame of step {step.key} {what}.", cure=cure, detail=detail)
