"""A rig scans with DLP projectors as with any other: one pattern of one projector at a time, and dark after."""

from __future__ import annotations

from collections import deque
from pathlib import Path

import cv2
import numpy as np
from dlp_cell import SIZES, Screen, config_of, some_patterns

from acquisition.devices import DeviceInfo, RawFrame
from acquisition.drivers.dlp_projector import DlpProjector
from acquisition.rig import Rig
from acquisition.sequence import fringe_sequence
from acquisition.simulation.dlp_controllers import EmulatedDlpc350, EmulatedDlpc900
from rig_configs.files import load_rig


class Camera:
    """Sees what the projectors throw."""

    info = DeviceInfo("camera", "camera", "test", "", {})

    def __init__(self, screens: list[Screen], shape: tuple[int, ...]) -> None:
        self.screens, self.shape = screens, shape
        self.frames: deque[RawFrame] = deque()
        self.lit: list[list[int]] = []
        self.count = 0

    def arm(self, frames: int) -> None: ...

    def trigger(self, exposure_us: float) -> None:
        self.count += 1
        self.lit.append([i for i, screen in enumerate(self.screens) if screen.lit is not None])
        pixels = np.zeros(self.shape, np.uint16)
        pixels[0, 0] = not self.lit[-1]  # no sensor gives the same value everywhere
        for screen in self.screens:
            if screen.lit is not None:
                pixels += cv2.resize(screen.lit, self.shape[::-1]).astype(np.uint16) * 8
        self.frames.append(RawFrame(pixels, self.count, self.count * 1000, exposure_us))

    def wait_exposed(self, timeout_s: float) -> None: ...

    def fetch(self, timeout_s: float) -> RawFrame:
        return self.frames.popleft()

    def disarm(self) -> None: ...

    def close(self) -> None: ...


class Lights:
    info = DeviceInfo("lights", "lights", "test", "", {})

    def on(self, zone: int) -> None: ...

    def off(self) -> None: ...

    def close(self) -> None: ...


def test_a_rig_scans_pattern_by_pattern_and_ends_dark(flash: Path, flash_waits: list[float]) -> None:
    screens = [Screen(), Screen()]
    patterns = [some_patterns(SIZES["dlpc350"]), some_patterns(SIZES["dlpc900"])]
    with EmulatedDlpc350.of_folder(flash, screens[0].show) as first, EmulatedDlpc900(1920, 1080, screens[1].show) as second:
        configs = (
            config_of("dlpc350", first.address, flash / "manifest.json"),
            config_of("dlpc900", second.address, name="south"),
        )
        config = load_rig("demo").model_copy(update={"projectors": configs})
        camera = Camera(screens, config.camera.frame_shape)
        rig = Rig(config, camera, Lights(), tuple(DlpProjector(c) for c in configs))
        frames = list(rig.scan(fringe_sequence(config, patterns)))
        assert camera.lit == [[], *[[0]] * 5, *[[1]] * 5]
        shown = [pattern for own in patterns for pattern in own]
        for frame, pattern in zip(frames[1:], shown, strict=True):
            np.testing.assert_array_equal(frame.pixels, cv2.resize(pattern, camera.shape[::-1]).astype(np.uint16) * 8)
        assert [screen.lit for screen in screens] == [None, None]
        rig.close()
