"""A scan before it is done: every step with what shines, its exposure, and when it comes.

Exposures are exact. The rest is what makes a scan slow, as far as it can be known without the devices: bytes on the light controller's line at
its baud rate, exchanges with a DLP controller of about 2 ms (docs/projectors.md), a window's latency, and a frame's bytes on the camera's link.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

import numpy as np

from acquisition.sequence import AmbientStep, FringeStep, ZoneStep, inspection_sequence
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
    trigger: str
    """What starts its exposure: ``command``, the name of the camera's line, or ``none`` where the camera runs freely."""
    shines: str
    """``nothing``, or the name of a zone or projector."""
    pattern: int | None
    """Of a projector."""
    starts_ms: float
    """Light and projectors are told, or change by themselves."""
    exposed_ms: float
    """The exposure begins."""
    exposure_us: float
    arrived_ms: float
    """The frame is here."""


@dataclass(frozen=True, slots=True)
class ScanPlan:
    """Every step of a scan, in order; a frame travels while the next step is set and exposed."""

    steps: tuple[PlannedStep, ...]

    @property
    def trigger(self) -> str:
        """What starts exposures, in words."""
        count = Counter(step.trigger for step in self.steps)
        words = {"command": "by command", "none": "by nobody (the camera runs freely)"}
        told = [f"{number} {words.get(trigger, f'by the projectors on {trigger}')}" for trigger, number in count.items()]
        return ", ".join(told) if len(told) > 1 else told[0].split(" ", 1)[1]

    @property
    def outruns_link(self) -> bool:
        """Whether frames are triggered faster than they can be sent."""
        pairs = [(a, b) for a, b in pairwise(self.steps) if a.trigger == b.trigger and a.trigger not in ("command", "none")]
        return any(b.arrived_ms - a.arrived_ms > 1.001 * (b.exposed_ms - a.exposed_ms) and a.shines == b.shines for a, b in pairs)

    @property
    def duration_ms(self) -> float:
        """From the first command to the last frame."""
        return self.steps[-1].arrived_ms

    @property
    def exposure_ms(self) -> float:
        """All exposures together: what no faster device could save."""
        return sum(step.exposure_us for step in self.steps) / 1e3


def cycle_of(plan: ScanPlan, arrived_ms: Sequence[float]) -> list[dict[str, Any]]:
    """A scan against its plan, for the dark frame, the zones and each projector: how long each took until its last frame was there, ms.

    Args:
        plan: of the scan.
        arrived_ms: when each of its frames really came, ms from the scan's start.
    """
    rows: list[dict[str, Any]] = []
    planned = measured = 0.0
    for shines, group in groupby(zip(plan.steps, arrived_ms, strict=True), lambda pair: pair[0].shines):
        pairs = list(group)
        (step, came_ms), before = pairs[-1], (planned, measured)
        planned, measured = step.arrived_ms, came_ms
        rows.append({"shines": shines, "frames": len(pairs), "planned_ms": planned - before[0], "measured_ms": measured - before[1]})
    return rows


def plan_scan(config: RigConfig, link_mb_s: float) -> ScanPlan:
    """Plan an inspection's scan.

    Args:
        config: the rig.
        link_mb_s: what the camera's link carries, 10⁶ bytes a second.
    """
    fringes = [FringePatterns(config.sequence.fringes, p.width_px, p.height_px, p.fringe_angle_deg).count for p in config.projectors]
    return plan_steps(config, inspection_sequence(config, [[np.zeros((1, 1), np.uint8)] * count for count in fringes]).steps, link_mb_s)


def plan_steps(config: RigConfig, steps: Sequence[AmbientStep | ZoneStep | FringeStep], link_mb_s: float) -> ScanPlan:
    """Plan any scan.

    Args:
        config: the rig.
        steps: what it shall do, at least one step.
        link_mb_s: what the camera's link carries, 10⁶ bytes a second.
    """
    clock = _Clock(config, _frame_bytes(config) / (link_mb_s * 1e3))
    for step in steps:
        clock.add(step)
    return ScanPlan(tuple(clock.steps))


class _Clock:
    """Walks through a scan."""

    def __init__(self, config: RigConfig, transfer_ms: float) -> None:
        camera = config.camera
        self.steps: list[PlannedStep] = []
        self._config = config
        self._transfer_ms = transfer_ms
        self._free = isinstance(camera, GenicamCamera) and camera.trigger is TriggerSource.NONE
        self._line = str(camera.trigger_line) if isinstance(camera, GenicamCamera) else ""
        self._lit = True  # at first the light is turned off, whatever it did before
        self._now = self._arrived = 0.0
        self._playing: tuple[int, float] | None = None

    def add(self, step: AmbientStep | ZoneStep | FringeStep) -> None:
        """The next step."""
        config = self._config
        projector = config.projectors[step.projector] if isinstance(step, FringeStep) else None
        playing = (step.projector, step.exposure_us) if isinstance(step, FringeStep) and config.projectors[step.projector].plays else None
        goes_on = playing is not None and playing == self._playing
        self._playing = playing
        starts = self._now
        exposed = starts if goes_on else starts + self._told_ms(step)
        over, before = exposed + step.exposure_us / 1e3, self._arrived
        self._arrived = max(over, before) + self._transfer_ms
        # While a step is exposed, the frame before it is awaited. A camera that runs freely does not tell when it has exposed; its frame does.
        self._now = self._arrived if self._free and playing is None else max(over, before)
        if playing is not None and isinstance(projector, DlpProjectorConfig):
            self._now = exposed + projector.period_us / 1e3
        trigger = self._line if playing is not None else "none" if self._free else "command"
        shines = projector.name if projector is not None else config.lights.zones[step.zone].name if isinstance(step, ZoneStep) else NOTHING
        pattern = step.pattern if isinstance(step, FringeStep) else None
        self.steps.append(PlannedStep(step.key, trigger, shines, pattern, starts, exposed, step.exposure_us, self._arrived))

    def _told_ms(self, step: AmbientStep | ZoneStep | FringeStep) -> float:
        config = self._config
        zone = step.zone if isinstance(step, ZoneStep) else None
        shining = step.projector if isinstance(step, FringeStep) else None
        told_ms = sum(_dark_ms(p) for i, p in enumerate(config.projectors) if i != shining)
        if zone is not None or self._lit:
            told_ms += _light_ms(config, zone)
        self._lit = zone is not None
        if isinstance(step, FringeStep):
            told_ms += _show_ms(config.projectors[step.projector], step.pattern)
        if self._free and self._playing is None:  # what the camera has and one more frame are thrown away
            told_ms += 2 * (step.exposure_us / 1e3 + self._transfer_ms)
        return told_ms


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
