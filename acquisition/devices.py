"""The three devices of a rig, as small Protocols, and the trigger contract they share.

The trigger contract: for every step of a sequence the rig first puts lights and projectors into the step's state, then
starts the exposure with :meth:`Camera.trigger`, and leaves everything as it is until :meth:`Camera.wait_exposed` returns. The
frame is taken with :meth:`Camera.fetch`, which may be while the next step is already exposed. Patterns of a projector that keeps
the time itself come without commands: the camera is armed for its trigger line, then the projector plays them.

A device that cannot do what it was told raises; it never returns as if it had. After any error the rig calls ``off`` and ``dark``.
"""

from __future__ import annotations

from collections.abc import Sequence
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

    def wait_exposed(self, timeout_s: float) -> None:
        """Come back when the exposure that was triggered last is over, and lights may change. Its frame may still be on its way.

        Raises:
            DeviceError: it is not over within ``timeout_s``, or whatever :meth:`fetch` raises.
        """
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


class LineCamera(Camera, Protocol):
    """A camera with an input that starts exposures."""

    def arm_line(self, frames: int, exposure_us: float) -> None:
        """Get ready for a burst of ``frames`` exposures, each started by an edge on the trigger line; fetch them in turn.

        Raises:
            DeviceUnavailable: the camera does not answer.
        """
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


class PlayingProjector(Projector, Protocol):
    """A projector that shows a series of patterns by itself and triggers the camera for each."""

    def play(self, patterns: Sequence[int]) -> None:
        """Start a series of stored patterns, each shown once, with an edge on the camera's trigger line as it begins; dark after the last.

        Raises:
            DeviceUnavailable: the projector does not answer, or a pattern is not stored.
        """
        ...
