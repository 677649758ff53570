"""What the tests of DLP projectors share: a screen that remembers, patterns, a configuration."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rig_configs.projectors import DlpProjectorConfig

Pattern = NDArray[np.uint8]
NOMINAL = {"azimuth_deg": 0, "tilt_deg": 30, "distance_mm": 220, "field_width_mm": 60}
SIZES = {"dlpc350": (1140, 912), "dlpc900": (1080, 1920), "dlpc900 dual": (1600, 2560)}


class Screen:
    """What the projector throws, and when it changed."""

    def __init__(self) -> None:
        self.lit: Pattern | None = None
        self.seen: list[Pattern | None] = []
        self.changed = threading.Condition()

    def show(self, pattern: Pattern | None) -> None:
        with self.changed:
            self.lit = pattern
            self.seen.append(pattern)
            self.changed.notify_all()

    def wait_for(self, count: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.seen) >= count, 5)


def fringe(size: tuple[int, int], phase: float) -> Pattern:
    row = np.round(127.5 + 127.5 * np.cos(2 * np.pi * np.arange(size[1]) / 36 + phase)).astype(np.uint8)
    return np.tile(row, (size[0], 1))


def some_patterns(size: tuple[int, int]) -> list[Pattern]:
    """Grey, black-and-white, grey, black-and-white; the third grey one needs a second image."""
    gray_code = np.tile((np.arange(size[1]) // 64 % 2 * 255).astype(np.uint8), (size[0], 1))
    return [fringe(size, 0), gray_code, fringe(size, 2), 255 - gray_code, fringe(size, 4)]


def config_of(kind: str, link: str, manifest: Path | None = None, **changes: Any) -> DlpProjectorConfig:
    height, width = SIZES[kind]
    values = {
        "driver": "dlp",
        "controller": kind.split()[0],
        "name": "north",
        "link": link,
        "width_px": width,
        "height_px": height,
        "nominal": NOMINAL,
        "exposure_us": 8500,
        "period_us": 9000,
        "manifest": manifest,
        "answer_timeout_s": 1.0,
    }
    return DlpProjectorConfig.model_validate(values | changes)
