"""A virtual GenTL camera over painted pictures, and the driver that looks for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from acquisition.devices import Pixels
from acquisition.simulation.gentl.scene_server import SceneServer
from acquisition.simulation.gentl.seen import Exposure, Identity
from rig_configs.cameras import GenicamCamera, PixelFormat

WIDTH, HEIGHT = 78, 66


class PaintedScene:
    """Shows another picture at each exposure, and remembers what it was asked."""

    def __init__(self, pixel_format: PixelFormat, width: int = WIDTH, height: int = HEIGHT) -> None:
        rng = np.random.default_rng(5)
        shape = (height, width, 3) if pixel_format.is_rgb else (height, width)
        dtype = np.uint8 if pixel_format.bits == 8 else np.uint16
        self.pictures: list[Pixels] = [rng.integers(0, pixel_format.full_scale_dn + 1, shape, dtype) for _ in range(5)]
        self.is_plugged = True
        self.exposures: list[tuple[float, float]] = []
        self.bursts = 0
        self.running = False
        self.on_expose: Callable[[int], None] = lambda _: None

    def picture(self, exposure: int) -> Pixels:
        """The picture of the n-th exposure, from 0."""
        return self.pictures[exposure % len(self.pictures)]

    def started(self, by_line: bool) -> None:
        self.bursts += 1
        self.running = True

    def stopped(self) -> None:
        self.running = False

    def expose(self, exposure_us: float, gain_db: float) -> Exposure:
        number = len(self.exposures)
        self.exposures.append((exposure_us, gain_db))
        self.on_expose(number)
        return Exposure(self.picture(number), 1000 * number + 7)


def identity(serial: str = "A1", model: str = "Virtual", user_id: str = "left", pixel_format: PixelFormat = PixelFormat.MONO12) -> Identity:
    return Identity(serial, model, user_id, WIDTH, HEIGHT, pixel_format)


def configuration(server: SceneServer, **changes: Any) -> GenicamCamera:
    """The camera of ``server``, by its serial unless it is to be looked for otherwise."""
    fields: dict[str, Any] = {
        "driver": "genicam", "producer": server.producer, "width_px": WIDTH, "height_px": HEIGHT, "pixel_format": "Mono12",
        "nominal": {"working_distance_mm": 100, "field_width_mm": 40},
    }  # fmt: skip
    chosen = {} if changes.keys() & {"serial", "user_id", "model"} else {"serial": "A1"}
    return GenicamCamera.model_validate(fields | chosen | changes)
