"""A scan before it is done: every step with what shines, its exposure, and when it comes.

Exposures are exact. The rest is what makes a scan slow, as far as it can be known without the devices: bytes on the light controller's line at
its baud rate, exchanges with a DLP controller of about 2 ms (docs/projectors.md), a window's latency, and a frame's bytes on the camera's link.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from acquisition.sequence import FringeStep, ZoneStep, inspection_sequence
from rig_configs.cameras import GenicamCamera, TriggerSource
from rig_configs.lights import SerialLightsConfig
from rig_configs.projectors import DlpController, DlpProjectorConfig, DlpTrigger, ProjectorConfig, ScreenProjectorConfig
from rig_configs.schema import RigConfig
from structured_light.patterns import FringePatterns

_EXCHANGE_MS = 2.0
_EXCHANGES = {DlpController.DLPC350: 17, DlpController.DLPC900: 7}
# From a light controller's understanding of a command to its answer.
_ANSWER_MS = 1.0
_BITS_PER_BYTE = 10
NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One step; times in milliseconds from the start of the scan."""

    key: str
    shines: str
    """``nothing``, or the name of a zone or projector."""
    pattern: int | None
    """Of a projector."""
    starts_ms: float
    """Light and projectors are told."""
    exposed_ms: float
    """The camera is triggered."""
    exposure_us: float
    arrived_ms: float
    """The frame is here."""


@dataclass(frozen=True, slots=True)
class ScanPlan:
    """Every step of a scan, one after the other."""

    steps: tuple[PlannedStep, ...]
    trigger: str
    """What starts an exposure."""

    @property
    def duration_ms(self) -> float:
        """From the first command to the last frame."""
        return self.steps[-1].arrived_ms

    @property
    def exposure_ms(self) -> float:
        """All exposures together: what no faster device could save."""
        return sum(step.exposure_us for step in self.steps) / 1e3


def plan_scan(config: RigConfig, link_mb_s: float) -> ScanPlan:
    """Plan an inspection's scan.

    Args:
        config: the rig.
        link_mb_s: what the camera's link carries, 10⁶ bytes a second.
    """
    fringes = [FringePatterns(config.sequence.fringes, p.width_px, p.height_px, p.fringe_angle_deg).count for p in config.projectors]
    sequence = inspection_sequence(config, [[np.zeros((1, 1), np.uint8)] * count for count in fringes])
    transfer_ms = _frame_bytes(config) / (link_mb_s * 1e3)
    free = isinstance(config.camera, GenicamCamera) and config.camera.trigger is TriggerSource.NONE
    steps: list[PlannedStep] = []
    now, lit = 0.0, True  # at first the light is turned off, whatever it did before
    for step in sequence.steps:
        zone = step.zone if isinstance(step, ZoneStep) else None
        projector, pattern = (step.projector, step.pattern) if isinstance(step, FringeStep) else (None, None)
        told_ms = sum(_dark_ms(p) for i, p in enumerate(config.projectors) if i != projector)
        if zone is not None or lit:
            told_ms += _light_ms(config, zone)
        lit = zone is not None
        shines = NOTHING if zone is None else config.lights.zones[zone].name
        if projector is not None and pattern is not None:
            shines = config.projectors[projector].name
            told_ms += _show_ms(config.projectors[projector], pattern)
        if free:  # what the camera has and one more frame are thrown away
            told_ms += 2 * (step.exposure_us / 1e3 + transfer_ms)
        exposed = now + told_ms
        arrived = exposed + step.exposure_us / 1e3 + transfer_ms
        steps.append(PlannedStep(step.key, shines, pattern, now, exposed, step.exposure_us, arrived))
        now = arrived
    return ScanPlan(tuple(steps), "by nobody (the camera runs freely)" if free else "by command")


def _frame_bytes(config: RigConfig) -> float:
    camera = config.camera
    seen = camera.pixel_format
    bits = camera.on_wire.bits_per_pixel if isinstance(camera, GenicamCamera) else 24 if seen.is_rgb else 8 if seen.bits == 8 else 16
    return camera.width_px * camera.height_px * bits / 8


def _light_ms(config: RigConfig, zone: int | None) -> float:
    lights = config.lights
    if not isinstance(lights, SerialLightsConfig):
        return 0.0
    from acquisition.drivers.light_protocols import protocol_for

    protocol = protocol_for(lights)
    commands = [command for i, channel in enumerate(lights.channels) if i != zone for command in protocol.off(channel)]
    commands += protocol.on(lights.channels[zone]) if zone is not None else []
    # An answer is about as long as its command.
    sent = 2 * sum(len(command.data) for command in commands)
    return sent * _BITS_PER_BYTE * 1e3 / lights.baud_rate + len(commands) * (_ANSWER_MS + 1e3 * protocol.gap_s)


def _dark_ms(projector: ProjectorConfig) -> float:
    """A projector that is dark already is asked whether it is."""
    return _EXCHANGE_MS if isinstance(projector, DlpProjectorConfig) else 0.0


def _show_ms(projector: ProjectorConfig, pattern: int) -> float:
    if isinstance(projector, DlpProjectorConfig):
        if projector.trigger is DlpTrigger.TRIG_IN and pattern > 0:
            return 0.0  # comes with the camera's exposure
        return _EXCHANGES[projector.controller] * _EXCHANGE_MS
    return projector.latency_s * 1e3 if isinstance(projector, ScreenProjectorConfig) else 0.0
