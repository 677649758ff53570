"""The three devices of a rig, as small Protocols, and the trigger contract they share.

The trigger contract: for every step of a sequence the rig first puts lights and projectors into the step's state, then
arms the camera's exposure with :meth:`Camera.trigger`, then takes the one frame with :meth:`Camera.fetch`. A device that
cannot do what it was told raises; it never returns as if it had. After any error the rig calls ``off`` and ``dark``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8 | np.uint16]


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """What a device says of itself."""

    kind: str
    """``camera``, ``lights`` or ``projector``."""
    name: str
    """Name within the rig."""
    model: str
    """Maker and model."""
    serial: str
    """Serial number, empty where the device has none."""
    details: dict[str, str]
    """What else is worth reading: format, zones, resolution."""


@dataclass(frozen=True, slots=True)
class RawFrame:
    """One exposure as the camera delivered it."""

    pixels: Pixels
    """(H, W) uint8 or uint16, digital numbers, right-aligned; a Bayer mosaic where the format is one, (H, W, 3) where it is RGB.
    Owned, not a view."""
    frame_id: int
    """The camera's own counter; a gap means a lost frame."""
    timestamp_ns: int
    """The camera's own clock at the start of exposure, nanoseconds."""
    exposure_us: float
    """Exposure that was used, microseconds."""


@runtime_checkable
class Camera(Protocol):
    """A triggered area camera."""

    @property
    def info(self) -> DeviceInfo:
        """What the device says of itself. Raises DeviceUnavailable."""
        ...

    def arm(self, frames: int) -> None:
        """Get ready for a burst of ``frames`` triggers: settings written and read back, old buffers drained.

        Raises:
            DeviceUnavailable: the camera does not answer.
        """
        ...

    def trigger(self, exposure_us: float) -> None:
        """Start one exposure. Raises DeviceUnavailable."""
        ...

    def fetch(self, timeout_s: float) -> RawFrame:
        """Wait for the oldest triggered frame not yet fetched.

        Raises:
            FrameTimeout: it did not arrive within ``timeout_s``.
            FrameFault: it arrived incomplete.
            DeviceUnavailable: the camera is gone.
        """
        ...

    def disarm(self) -> None:
        """End the burst. Never raises for a camera that is already gone."""
        ...

    def close(self) -> None:
        """Release the device. Safe to call twice."""
        ...


@runtime_checkable
class Lights(Protocol):
    """A light of several zones, of which at most one is on."""

    @property
    def info(self) -> DeviceInfo:
        """What the device says of itself. Raises DeviceUnavailable."""
        ...

    def on(self, zone: int) -> None:
        """Turn one zone on and every other off. Raises DeviceUnavailable."""
        ...

    def off(self) -> None:
        """Turn every zone off. Raises DeviceUnavailable."""
        ...

    def close(self) -> None:
        """Lights off, then release the device. Safe to call twice."""
        ...


@runtime_checkable
class Projector(Protocol):
    """A pattern projector."""

    @property
    def info(self) -> DeviceInfo:
        """What the device says of itself. Raises DeviceUnavailable."""
        ...

    def load(self, patterns: list[NDArray[np.uint8]]) -> None:
        """Store the patterns that :meth:`show` can show.

        Args:
            patterns: each (height, width) uint8, 0 dark to 255 full, in projector pixels.

        Raises:
            DeviceUnavailable: the projector does not answer or refuses the patterns.
        """
        ...

    def show(self, pattern: int) -> None:
        """Show a stored pattern, by index. Raises DeviceUnavailable."""
        ...

    def dark(self) -> None:
        """Show nothing: no light leaves the projector. Raises DeviceUnavailable."""
        ...

    def close(self) -> None:
        """Dark, then release the device. Safe to call twice."""
        ...
