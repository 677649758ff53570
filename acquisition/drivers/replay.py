"""The replay driver: a saved capture in place of the devices.

The three devices share which light is on, as they share the part on a real rig, and the camera gives back the frame that
was captured in that state; so a wrong order of steps shows in replay as it would on the rig.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from acquisition.capture import Capture
from acquisition.devices import DeviceInfo, RawFrame
from acquisition.sequence import AmbientStep, FringeStep, ZoneStep
from rig_configs.errors import DeviceUnavailable, FrameTimeout
from rig_configs.schema import RigConfig


@dataclass
class _State:
    capture: Capture
    zone: int | None = None
    shown: dict[int, int] = field(default_factory=dict)

    def key(self) -> str:
        exposure = 1.0  # only the name of the step is wanted
        if self.zone is not None:
            return ZoneStep(zone=self.zone, exposure_us=exposure).key
        if self.shown:
            projector, pattern = next(iter(self.shown.items()))
            return FringeStep(projector=projector, pattern=pattern, exposure_us=exposure).key
        return AmbientStep(exposure_us=exposure).key


class ReplayCamera:
    """Gives back the captured frame of the state that lights and projectors are in."""

    def __init__(self, state: _State) -> None:
        self._state = state
        self._pending: deque[str] = deque()

    @property
    def info(self) -> DeviceInfo:
        """What is replayed."""
        record = self._state.capture.record
        return DeviceInfo("camera", "camera", "replay", "", {"capture": str(self._state.capture.folder), "created": record.created.isoformat()})

    def arm(self, frames: int) -> None:
        """Forget triggers of an earlier burst."""
        self._pending.clear()

    def trigger(self, exposure_us: float) -> None:
        """Choose the frame of the present state."""
        self._pending.append(self._state.key())

    def wait_exposed(self, timeout_s: float) -> None:
        """A frame is chosen as soon as it is triggered."""

    def fetch(self, timeout_s: float) -> RawFrame:
        """The chosen frame. Raises FrameTimeout without a trigger, CaptureError for a frame that is damaged or was never captured."""
        if not self._pending:
            raise FrameTimeout("No frame was triggered.", cure="Trigger before fetching.")
        frame = self._state.capture.frame(self._pending.popleft())
        return RawFrame(frame.pixels, frame.frame_id, frame.timestamp_ns, frame.exposure_us)

    def disarm(self) -> None:
        """End the burst."""
        self._pending.clear()

    def close(self) -> None:
        """Nothing to release."""


class ReplayLights:
    """Remembers which zone would be on."""

    def __init__(self, state: _State) -> None:
        self._state = state

    @property
    def info(self) -> DeviceInfo:
        """What is replayed."""
        return DeviceInfo("lights", "lights", "replay", "", {})

    def on(self, zone: int) -> None:
        """One zone on, every other off."""
        self._state.zone = zone

    def off(self) -> None:
        """Every zone off."""
        self._state.zone = None

    def close(self) -> None:
        """Every zone off."""
        self.off()


class ReplayProjector:
    """Remembers which pattern would be shown."""

    def __init__(self, state: _State, index: int, name: str) -> None:
        self._state = state
        self._index = index
        self._name = name
        self._patterns = 0

    @property
    def info(self) -> DeviceInfo:
        """What is replayed."""
        return DeviceInfo("projector", self._name, "replay", "", {"patterns": str(self._patterns)})

    def load(self, patterns: list[NDArray[np.uint8]]) -> None:
        """Remember how many patterns there are."""
        self._patterns = len(patterns)

    def show(self, pattern: int) -> None:
        """Show a pattern. Raises DeviceUnavailable for one that was not loaded."""
        if not 0 <= pattern < self._patterns:
            raise DeviceUnavailable(f"Projector {self._name} has no pattern {pattern}.", cure="Load the patterns first.", detail="pattern")
        self._state.shown = {self._index: pattern}

    def dark(self) -> None:
        """Show nothing."""
        self._state.shown.pop(self._index, None)

    def close(self) -> None:
        """Show nothing."""
        self.dark()


def open_replay_devices(folder: Path) -> tuple[RigConfig, ReplayCamera, ReplayLights, tuple[ReplayProjector, ...]]:
    """The rig's configuration as captured, and devices that replay the capture. Raises CaptureError."""
    capture = Capture(folder)
    state = _State(capture)
    config = capture.record.rig
    projectors = tuple(ReplayProjector(state, i, p.name) for i, p in enumerate(config.projectors))
    return config, ReplayCamera(state), ReplayLights(state), projectors
