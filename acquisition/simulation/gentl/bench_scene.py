"""The simulated bench as what a virtual GenTL camera sees."""

from __future__ import annotations

from acquisition.simulation.bench import Bench
from acquisition.simulation.gentl.seen import Exposure, FrameFaultKind, Identity
from rig_configs.cameras import SIMULATED_FORMATS, GenicamCamera
from rig_configs.errors import RigFileError
from rig_configs.schema import RigConfig
from rig_configs.simulation import FaultKind

# A late frame arrives this much after the station has stopped waiting.
_TOO_LATE_S = 0.2
# The camera was switched on before the bench's clock began: a stamp of 0 is what cameras without a clock send.
SWITCHED_ON_NS = 1_000_000_000
_FAULTS = {
    FaultKind.DROPPED: FrameFaultKind.DROPPED,
    FaultKind.INCOMPLETE: FrameFaultKind.INCOMPLETE,
    FaultKind.DUPLICATED: FrameFaultKind.DUPLICATED,
}


class BenchScene:
    """The bench, with the faults that its rig schedules.

    Args:
        bench: the bench of ``rig``, whose own gain is that of the configuration: what the camera is told later changes nothing.
        rig: the rig.
    """

    def __init__(self, bench: Bench, rig: RigConfig) -> None:
        self._bench = bench
        self._rig = rig

    @property
    def is_plugged(self) -> bool:
        """Whether the bench's camera has its plug in."""
        return "camera" not in self._bench.faults.unplugged

    def started(self, by_line: bool) -> None:
        """What lies on the bench stays there. A scan begins with steps that are commanded: a burst that the line triggers belongs to it."""
        self._bench.scan_started(continued=by_line)

    def stopped(self) -> None:
        """The scan has ended."""
        self._bench.scan_ended()

    def expose(self, exposure_us: float, gain_db: float) -> Exposure:
        """Take a frame of what is lit now."""
        frame, fault = self._bench.expose(exposure_us), self._bench.frame_fault()
        if fault in (FaultKind.SATURATED, FaultKind.BLACK):
            frame.pixels.fill(self._rig.camera.pixel_format.full_scale_dn if fault is FaultKind.SATURATED else 0)
        late_s = self._rig.timing.frame_timeout_s + _TOO_LATE_S if fault is FaultKind.LATE else 0.0
        wire_fault = _FAULTS.get(fault, FrameFaultKind.NONE) if fault else FrameFaultKind.NONE
        return Exposure(frame.pixels, frame.timestamp_ns + SWITCHED_ON_NS, wire_fault, late_s)


def virtual_identity(camera: GenicamCamera) -> Identity:
    """A camera as the rig's configuration looks for it, with the sensor that it has drawn.

    Raises:
        RigFileError: the bench has no such sensor.
    """
    if camera.pixel_format not in SIMULATED_FORMATS:
        raise RigFileError(
            f"The simulated sensor does not give {camera.pixel_format}.",
            cure=f"Choose one of {', '.join(SIMULATED_FORMATS)}, or take 'simulation' out.",
        )
    return Identity(
        camera.serial or "D3-0001", camera.model or "Virtual", camera.user_id or "", camera.width_px, camera.height_px, camera.pixel_format
    )
