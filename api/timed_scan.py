"""A scan that was done, as its timing is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from acquisition.sequence import AmbientStep, FringeStep, ZoneStep
from rig_configs.schema import RigConfig


@dataclass(frozen=True, slots=True)
class TimedScan:
    """When the frames of a scan came."""

    at: datetime
    """When it ended (UTC)."""
    rig: RigConfig
    steps: tuple[AmbientStep | ZoneStep | FringeStep, ...]
    arrived_ms: tuple[float, ...]
    """For each step, from the scan's first command to its frame's arrival, ms."""
