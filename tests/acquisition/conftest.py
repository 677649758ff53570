"""Test doubles: devices that do what the trigger contract says, and nothing else."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray

from acquisition.devices import DeviceInfo, RawFrame
from acquisition.rig import Rig
from acquisition.sequence import Sequence, inspection_sequence
from rig_configs.errors import DeviceUnavailable, FrameTimeout
from rig_configs.files import load_rig
from rig_configs.schema import RigConfig

WIDTH, HEIGHT = 96, 64


@dataclass
class Cell:
    """What shines in the cell, and what was asked of it."""

    zone: int | None = None
    shown: dict[int, int] = field(default_factory=dict)
    loads: int = 0
    log: list[tuple[int | None, dict[int, int]]] = field(default_factory=list)
    mangle: Callable[[int, RawFrame], RawFrame | None] = lambda _, frame: frame
    gone: set[str] = field(default_factory=set)

    @property
    def dark(self) -> bool:
        return self.zone is None and not self.shown

    def touch(self, device: str) -> None:
        if device in self.gone:
            raise DeviceUnavailable(f"{device} does not answer.", cure="Plug it in.")


class FakeCamera:
    def __init__(self, cell: Cell) -> None:
        self.cell, self.frames, self.armed = cell, 0, False
        self.pending: deque[RawFrame | None] = deque()

    info = DeviceInfo("camera", "camera", "fake", "", {})

    def arm(self, frames: int) -> None:
        self.cell.touch("camera")
        self.armed = True
        self.pending.clear()

    def trigger(self, exposure_us: float) -> None:
        self.cell.touch("camera")
        self.cell.log.append((self.cell.zone, dict(self.cell.shown)))
        level = 100 if self.cell.dark else 1000 + 100 * (self.cell.zone or 0) + sum(50 * (1 + pattern) for pattern in self.cell.shown.values())
        pixels = np.full((HEIGHT, WIDTH), level, np.uint16)
        pixels[0, 0] += 1  # no sensor gives the same value everywhere
        self.frames += 1
        self.pending.append(self.cell.mangle(len(self.cell.log) - 1, RawFrame(pixels, self.frames & 0xFFFF, self.frames * 1000, exposure_us)))

    def wait_exposed(self, timeout_s: float) -> None: ...

    def fetch(self, timeout_s: float) -> RawFrame:
        self.cell.touch("camera")
        frame = self.pending.popleft()
        if frame is None:
            raise FrameTimeout("No frame came.", cure="Check the trigger line.")
        return frame

    def disarm(self) -> None:
        self.armed = False

    def close(self) -> None: ...


class FakeLights:
    def __init__(self, cell: Cell) -> None:
        self.cell = cell

    info = DeviceInfo("lights", "lights", "fake", "", {})

    def on(self, zone: int) -> None:
        self.cell.touch("lights")
        self.cell.zone = zone

    def off(self) -> None:
        self.cell.touch("lights")
        self.cell.zone = None

    def close(self) -> None:
        self.cell.zone = None


class FakeProjector:
    def __init__(self, cell: Cell, index: int) -> None:
        self.cell, self.index = cell, index

    @property
    def info(self) -> DeviceInfo:
        return DeviceInfo("projector", f"projector{self.index}", "fake", "", {})

    def load(self, patterns: list[NDArray[np.uint8]]) -> None:
        self.cell.touch(f"projector{self.index}")
        self.cell.loads += 1

    def show(self, pattern: int) -> None:
        self.cell.touch(f"projector{self.index}")
        self.cell.shown = {self.index: pattern}

    def dark(self) -> None:
        self.cell.touch(f"projector{self.index}")
        self.cell.shown.pop(self.index, None)

    def close(self) -> None:
        self.cell.shown.pop(self.index, None)


@pytest.fixture(scope="session")
def small_rig() -> RigConfig:
    rig = load_rig("demo")
    return rig.model_copy(update={"camera": rig.camera.model_copy(update={"width_px": WIDTH, "height_px": HEIGHT})})


@pytest.fixture
def cell() -> Cell:
    return Cell()


@pytest.fixture
def camera(cell: Cell) -> FakeCamera:
    return FakeCamera(cell)


@pytest.fixture
def rig(small_rig: RigConfig, cell: Cell, camera: FakeCamera) -> Rig:
    return Rig(small_rig, camera, FakeLights(cell), tuple(FakeProjector(cell, i) for i in range(len(small_rig.projectors))))


@pytest.fixture(scope="session")
def sequence(small_rig: RigConfig) -> Sequence:
    pattern = np.full((8, 8), 255, np.uint8)
    return inspection_sequence(small_rig, [[pattern, pattern, pattern] for _ in small_rig.projectors])
