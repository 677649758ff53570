"""The bench: the true rig, what lies on it, and what its lights and projectors do now. A frame is a picture of that."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from acquisition.devices import RawFrame
from acquisition.simulation.drift import Drift
from acquisition.simulation.faults import Faults, FaultSchedule
from acquisition.simulation.image_kernels import add
from acquisition.simulation.optics import TrueRig, build_rig
from acquisition.simulation.renderer import Renderer, View
from acquisition.simulation.scene import SceneObject
from acquisition.simulation.sensor import Sensor
from rig_configs.errors import Conflict
from rig_configs.schema import RigConfig
from rig_configs.simulation import FaultKind

_READOUT_NS = 12_000_000


class BenchAccess(Protocol):
    """What hands and scorers want of a bench, whether it is in this process or not."""

    @property
    def truth(self) -> TrueRig:
        """The true rig."""
        ...

    @property
    def placed(self) -> SceneObject | None:
        """What lies on the bench."""
        ...

    @property
    def view(self) -> View:
        """What the camera's pixels see of what lies on the bench."""
        ...

    @property
    def is_dark(self) -> bool:
        """Whether every zone and projector is off."""
        ...

    def place(self, what: SceneObject | None, timeout_s: float = 30.0) -> None:
        """Lay something under the camera in place of what was there; None clears the bench. Raises Conflict while a scan runs on and on."""
        ...

    def reseed(self, noise_seed: int) -> None:
        """Start the camera's counter and clock and the count of scans anew, with the sensor noise and the drift of another seed."""
        ...


class Bench:
    """The simulated world of one rig. Every device of the rig shares it; all methods may be called from any thread.

    Args:
        rig: a rig with a ``simulation`` section.
        noise_seed: frames of the same bench, seed and counter have the same noise, whatever the number of threads.

    Raises:
        RigFileError: the rig has no ``simulation`` section.
    """

    def __init__(self, rig: RigConfig, noise_seed: int = 0) -> None:
        self.truth: TrueRig = build_rig(rig)
        self.faults = Faults()
        self._schedule = FaultSchedule(rig, self.faults)
        assert rig.simulation is not None
        self._sensor = Sensor(rig.simulation.noise, rig.camera.pixel_format, rig.camera.gain_db, rig.simulation.seed)
        self._drift = Drift(rig.simulation.drift)
        self._seed = noise_seed
        self._renderer = Renderer(self.truth)
        self._state = threading.Condition(threading.RLock())
        self._view: View | None = None
        self._object: SceneObject | None = None
        self._scanning = False
        self._zones: dict[int, float] = {}
        self._shown: dict[int, NDArray[np.uint8]] = {}
        self._before: tuple[dict[int, float], dict[int, NDArray[np.uint8]]] = {}, {}
        """Zones and patterns at the exposure before, for what lags."""
        self._scans = 0
        self._frames = 0
        self._clock_ns = 0

    def reseed(self, noise_seed: int) -> None:
        """Start the camera's counter and clock and the count of scans anew, with the sensor noise and the drift of another seed."""
        with self._state:
            self._seed, self._scans, self._frames, self._clock_ns = noise_seed, 0, 0, 0

    # ------------------------------------------------------------------------------------------------------- placing

    @property
    def placed(self) -> SceneObject | None:
        """What lies on the bench."""
        return self._object

    def place(self, what: SceneObject | None, timeout_s: float = 30.0) -> None:
        """Lay something under the camera in place of what was there; None clears the bench. Waits for a running scan to end.

        Raises:
            Conflict: a scan was still running after ``timeout_s``.
        """
        with self._state:
            if not self._state.wait_for(lambda: not self._scanning, timeout_s):
                raise Conflict(
                    f"A scan has been running for {timeout_s:g} s: nothing can be placed under the camera.",
                    cure="Wait for the scan to end, or end it, then place the part again.",
                    detail="scan_running",
                )
            self._object, self._view = what, None

    def scan_started(self, *, continued: bool = False) -> None:
        """The camera is armed: what lies on the bench stays there.

        Args:
            continued: for a further burst of the scan before.
        """
        with self._state:
            self._scanning = True
            if continued:
                self._schedule.scan_continued()
                return
            self._scans += 1
            self._before = {}, {}  # between scans there is time enough for whatever lags to catch up
            self._schedule.scan_started()

    def scan_ended(self) -> None:
        """The camera is disarmed."""
        with self._state:
            self._scanning = False
            self._schedule.scan_ended()
            self._state.notify_all()

    @property
    def view(self) -> View:
        """What the camera's pixels see of what lies on the bench."""
        with self._state:
            if self._view is None:
                self._view = self._renderer.view(self._object)
            return self._view

    # -------------------------------------------------------------------------------------------------------- lights

    @property
    def is_dark(self) -> bool:
        """Whether every zone and projector is off."""
        with self._state:
            return not self._zones and not self._shown

    def set_zone(self, zone: int | None) -> None:
        """One zone on and every other off; None is all off."""
        self.set_zones({} if zone is None else {zone: 1.0})

    def set_zones(self, levels: Mapping[int, float]) -> None:
        """The zones that are on, as many as there may be, each with its light as a share of what it is meant to give; every other is off."""
        with self._state:
            self._zones = {zone: level for zone, level in levels.items() if level > 0}

    def set_pattern(self, projector: int, pattern: NDArray[np.uint8] | None) -> None:
        """What a projector shows, (height, width) uint8; None sends no light at all."""
        with self._state:
            if pattern is None:
                self._shown.pop(projector, None)
            else:
                self._shown[projector] = pattern

    # -------------------------------------------------------------------------------------------------------- camera

    def expose(self, exposure_us: float) -> RawFrame:
        """Take a frame of what is lit now.

        Returns:
            the frame, with the camera's counter from 1 and its own clock.
        """
        with self._state:
            self._frames += 1
            started = self._clock_ns
            self._clock_ns += round(exposure_us * 1000) + _READOUT_NS
            pixels = self._sensor.digitise(self._light(exposure_us), exposure_us, self._seed, self._frames)
            self._before = dict(self._zones), dict(self._shown)
            return RawFrame(pixels, self._frames, started, exposure_us)

    def frame_fault(self) -> FaultKind | None:
        """What happens to the frame just exposed on its way to the station; to be asked once a frame."""
        with self._state:
            return self._schedule.frame_exposed()

    def _light(self, exposure_us: float) -> NDArray[np.float32]:
        """Light on the sensor now, (H, W) or (H, W, 3) float32, full wells a second."""
        view = self.view
        light = view.ambient() * np.float32(self._drift.ambient(self._seed, self._scans))
        zones, patterns = self._shining()
        for zone, level in zones.items():
            add(view.zone(zone).reshape(-1), np.float32(level * self._drift.zone(zone, self._seed, self._scans)), light.reshape(-1))
        for projector, pattern in patterns.items():
            view.add_pattern(projector, pattern, exposure_us, light)
        return light

    def _shining(self) -> tuple[dict[int, float], dict[int, NDArray[np.uint8]]]:
        """The zones, with their levels, and the projectors' patterns that really send light now: as told, but for what is dark or lags."""
        dark, lagging = self.faults.dark, self.faults.lagging
        told = {z: self._before[0] if f"zone{z}" in lagging else self._zones for z in range(len(self.truth.zones))}
        zones = {self.faults.crossed.get(z, z): levels[z] for z, levels in told.items() if z in levels and f"zone{z}" not in dark}
        shown = {p: self._before[1] if f"projector{p}" in lagging else self._shown for p in range(len(self.truth.projectors))}
        return zones, {p: patterns[p] for p, patterns in shown.items() if p in patterns and f"projector{p}" not in dark}
