"""Camera, lights and projectors of the simulated bench."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from acquisition.devices import DeviceInfo, RawFrame
from acquisition.simulation.bench import Bench
from rig_configs.cameras import CameraConfig
from rig_configs.errors import DeviceUnavailable, FrameFault, FrameTimeout
from rig_configs.lights import LightsConfig
from rig_configs.projectors import ProjectorConfig
from rig_configs.schema import RigConfig
from rig_configs.simulation import FaultKind


def open_simulated(rig: RigConfig, noise_seed: int = 0) -> tuple[BenchCamera, BenchLights, tuple[BenchProjector, ...], Bench]:
    """Open the devices of a simulated rig over one new bench with nothing on it.

    Raises:
        RigFileError: the rig has no ``simulation`` section.
    """
    bench = Bench(rig, noise_seed)
    projectors = tuple(BenchProjector(bench, i, config) for i, config in enumerate(rig.projectors))
    return BenchCamera(bench, rig.camera), BenchLights(bench, rig.lights), projectors, bench


def _check_plug(bench: Bench, device: str) -> None:
    if device in bench.faults.unplugged:
        raise DeviceUnavailable(f"The simulated {device} does not answer.", cure="Plug it in again on the bench.", detail="unplugged")


class BenchCamera:
    """The camera over the bench. It renders when triggered, so a frame is there as soon as ``trigger`` returns."""

    def __init__(self, bench: Bench, config: CameraConfig) -> None:
        self._bench = bench
        self._config = config
        self._frames: deque[tuple[RawFrame, FaultKind | None]] = deque()
        self._armed = False

    @property
    def info(self) -> DeviceInfo:
        """What the camera says of itself."""
        size = f"{self._config.width_px}x{self._config.height_px}"
        return DeviceInfo("camera", "camera", "d3station simulated bench", "", {"size": size, "format": str(self._config.pixel_format)})

    def arm(self, frames: int) -> None:
        """Get ready for ``frames`` triggers; what lies on the bench stays there until :meth:`disarm`."""
        if frames < 1:
            raise ValueError(f"a burst has at least one frame, not {frames}")
        self.disarm()
        self._bench.scan_started()
        self._armed = True
        try:
            _check_plug(self._bench, "camera")
        except DeviceUnavailable:
            self.disarm()
            raise

    def trigger(self, exposure_us: float) -> None:
        """Take one frame."""
        _check_plug(self._bench, "camera")
        if not self._armed:
            raise DeviceUnavailable("The simulated camera was triggered before it was armed.", cure="Arm the camera first.", detail="not_armed")
        frame, fault = self._bench.expose(exposure_us), self._bench.frame_fault()
        if fault is FaultKind.DROPPED:
            return
        if fault in (FaultKind.SATURATED, FaultKind.BLACK):
            frame.pixels.fill(self._config.pixel_format.full_scale_dn if fault is FaultKind.SATURATED else 0)
        self._frames.append((frame, fault))
        if fault is FaultKind.DUPLICATED:
            self._frames.append((RawFrame(frame.pixels.copy(), frame.frame_id, frame.timestamp_ns, frame.exposure_us), None))

    def wait_exposed(self, timeout_s: float) -> None:
        """A frame is exposed as soon as it is triggered."""

    def fetch(self, timeout_s: float) -> RawFrame:
        """The oldest frame not yet fetched. A frame that is not there now does not come in time, so no time is spent waiting for it."""
        _check_plug(self._bench, "camera")
        frame, fault = self._frames.popleft() if self._frames else (None, None)
        if frame is None or fault is FaultKind.LATE:
            if frame is not None:
                self._frames.appendleft((frame, None))  # there for whoever asks next
            raise FrameTimeout(
                f"The camera delivered no frame within {timeout_s:g} s.", cure="Check the trigger and the camera's cable, then scan again."
            )
        if fault is FaultKind.INCOMPLETE:
            raise FrameFault(
                f"Frame {frame.frame_id} arrived incomplete.", cure="Check the camera's cable and link, then scan again.", detail="incomplete"
            )
        return frame

    def disarm(self) -> None:
        """End the burst."""
        if self._armed:
            self._armed = False
            self._frames.clear()
            self._bench.scan_ended()

    def close(self) -> None:
        """Release the camera."""
        self.disarm()


class BenchLights:
    """The zone light over the bench."""

    def __init__(self, bench: Bench, config: LightsConfig) -> None:
        self._bench = bench
        self._names = [zone.name for zone in config.zones]

    @property
    def info(self) -> DeviceInfo:
        """What the light says of itself."""
        return DeviceInfo("lights", "lights", "d3station simulated bench", "", {"zones": ", ".join(self._names)})

    def on(self, zone: int) -> None:
        """One zone on, every other off."""
        _check_plug(self._bench, "lights")
        if not 0 <= zone < len(self._names):
            raise DeviceUnavailable(
                f"The simulated light has no zone {zone}.", cure=f"Name a zone from 0 to {len(self._names) - 1}.", detail="no_such_zone"
            )
        self._bench.set_zone(zone)

    def off(self) -> None:
        """Every zone off."""
        _check_plug(self._bench, "lights")
        self._bench.set_zone(None)

    def close(self) -> None:
        """Lights off, also where the plug is out: no power, no light."""
        self._bench.set_zone(None)


class BenchProjector:
    """One projector over the bench."""

    def __init__(self, bench: Bench, index: int, config: ProjectorConfig) -> None:
        self._bench = bench
        self._index = index
        self._config = config
        self._patterns: list[NDArray[np.uint8]] = []

    @property
    def info(self) -> DeviceInfo:
        """What the projector says of itself."""
        size = f"{self._config.width_px}x{self._config.height_px}"
        return DeviceInfo("projector", self._config.name, "d3station simulated bench", "", {"size": size})

    def load(self, patterns: list[NDArray[np.uint8]]) -> None:
        """Store patterns, (height, width) uint8 in projector pixels."""
        _check_plug(self._bench, f"projector{self._index}")
        size = (self._config.height_px, self._config.width_px)
        for i, pattern in enumerate(patterns):
            if pattern.shape != size or pattern.dtype != np.uint8:
                raise DeviceUnavailable(
                    f"Projector {self._config.name} refuses pattern {i}: {pattern.shape} {pattern.dtype}, it shows {size} uint8.",
                    cure="Make the patterns for this projector's size.",
                    detail="pattern_refused",
                )
        self._patterns = [pattern.copy() for pattern in patterns]

    def show(self, pattern: int) -> None:
        """Show a stored pattern."""
        _check_plug(self._bench, f"projector{self._index}")
        if not 0 <= pattern < len(self._patterns):
            raise DeviceUnavailable(
                f"Projector {self._config.name} has no pattern {pattern}: {len(self._patterns)} are loaded.",
                cure="Load the sequence's patterns first.",
                detail="no_such_pattern",
            )
        self._bench.set_pattern(self._index, self._patterns[pattern])

    def dark(self) -> None:
        """No light leaves the projector."""
        _check_plug(self._bench, f"projector{self._index}")
        self._bench.set_pattern(self._index, None)

    def close(self) -> None:
        """Dark, also where the plug is out."""
        self._bench.set_pattern(self._index, None)
