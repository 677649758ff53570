"""What a virtual camera sees, and who it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from acquisition.devices import Pixels
from rig_configs.cameras import PixelFormat


class FrameFaultKind(IntEnum):
    """What happens to a frame between sensor and station."""

    NONE = 0
    DROPPED = 1
    """Exposed and counted, never delivered."""
    INCOMPLETE = 2
    """Only its upper half arrives, and the camera says so."""
    DUPLICATED = 3
    """Delivered twice, with the same frame id."""
    MISSED = 4
    """The camera does not see the trigger; its missed-trigger counter does."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """What the sensor saw."""

    pixels: Pixels
    """The whole sensor, (H, W) or (H, W, 3), right-aligned digital numbers of the sensor's pixel format."""
    timestamp_ns: int
    """Start of exposure on the camera's clock."""
    fault: FrameFaultKind = FrameFaultKind.NONE
    late_s: float = 0.0
    """How long the frame is held back."""


class Scene(Protocol):
    """What a virtual camera looks at. Everything is called from the server's thread."""

    @property
    def is_plugged(self) -> bool:
        """Whether the camera's cable is in; looked at all the time."""
        ...

    def started(self, by_line: bool) -> None:
        """The camera was armed, for its line or for commands."""
        ...

    def stopped(self) -> None:
        """The camera was disarmed."""
        ...

    def expose(self, exposure_us: float, gain_db: float) -> Exposure:
        """Take a frame of what is lit now."""
        ...


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the virtual camera says it is."""

    serial: str
    model: str
    user_id: str
    width_px: int
    height_px: int
    pixel_format: PixelFormat
    """Of the sensor; the camera offers the wire formats of its family."""
