"""A rig for a process of its own: what shines there is written into a file, where it can be seen after a kill.

As real devices, lights and projectors can be open in one process only; the camera can be told to fail.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from acquisition.devices import DeviceInfo, RawFrame
from acquisition.opener import Opener
from acquisition.rig import Rig
from acquisition.rig_process import Limits, RigProcess
from acquisition.sequence import Sequence, inspection_sequence
from rig_configs.errors import DeviceUnavailable, FrameFault, RigFileError
from rig_configs.files import load_rig
from rig_configs.schema import RigConfig

WIDTH, HEIGHT = 96, 64
LIMITS = Limits(start_s=60.0, describe_s=20.0, load_s=20.0, step_s=20.0, dark_s=20.0)

BOUND_S = 5.0


class Trouble(IntEnum):
    """What the camera does at the frame it was told."""

    NONE = 0
    FAULT = 1
    GONE = 2
    BUG = 3
    HANG = 4
    KILLED = 5


class Cell:
    """The file: what shines, what the camera is to do, and what was done."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.exists():
            path.write_bytes(bytes(4 * 16))
        self._words = np.memmap(path, np.int32, "r+")

    def word(self, index: int) -> int:
        return int(self._words[index])

    def put(self, index: int, value: int) -> None:
        self._words[index] = value

    def shine(self, source: int, what: int | None) -> None:
        """Source 0 is the lights, 1 the first projector and so on."""
        self.put(source, 0 if what is None else what + 1)

    @property
    def shining(self) -> dict[int, int]:
        return {source: self.word(source) - 1 for source in range(8) if self.word(source)}

    def tell_camera(self, trouble: Trouble, at: int = 0) -> None:
        self.put(9, at)
        self.put(8, trouble)

    @property
    def scanned(self) -> int:
        """Frames that the camera took."""
        return self.word(10)

    @property
    def loads(self) -> int:
        return self.word(11)

    @property
    def guarded(self) -> int:
        """How often somebody else than the rig turned a device off."""
        return self.word(12)

    @property
    def hangs(self) -> int:
        """How often the camera began to hang."""
        return self.word(13)


class Plug:
    """What can be open in one process only."""

    def __init__(self, cell: Cell, name: str) -> None:
        self._file = os.open(cell.path.with_name(f"{cell.path.name}.{name}"), os.O_CREAT | os.O_RDWR)
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def pull(self) -> None:
        os.close(self._file)


class Camera:
    info = DeviceInfo("camera", "camera", "test", "7", {"size": f"{WIDTH}x{HEIGHT}"})

    def __init__(self, cell: Cell, config: RigConfig) -> None:
        self._cell = cell
        self._config = config.camera
        self._rng = np.random.default_rng(3)
        self._noise = self._rng.integers(0, 20, self._config.frame_shape, np.uint16)
        self._frames = 0
        self._armed_at = 0
        self._exposure_us = 0.0

    def arm(self, frames: int) -> None:
        self._armed_at = self._frames

    def trigger(self, exposure_us: float) -> None:
        self._exposure_us = exposure_us

    def fetch(self, timeout_s: float) -> RawFrame:
        return self._exposed

    def wait_exposed(self, timeout_s: float) -> None:
        trouble = Trouble(self._cell.word(8)) if self._frames - self._armed_at == self._cell.word(9) else Trouble.NONE
        if trouble is Trouble.FAULT:
            raise FrameFault("The frame is incomplete.", cure="Check the cable.", detail="incomplete")
        if trouble is Trouble.GONE:
            raise DeviceUnavailable("The camera is gone.", cure="Plug it in.", detail="gone")
        if trouble is Trouble.BUG:
            raise ZeroDivisionError("of a driver")
        if trouble is Trouble.HANG:
            self._cell.put(13, self._cell.hangs + 1)
            threading.Event().wait()
        if trouble is Trouble.KILLED:
            os.kill(os.getpid(), signal.SIGKILL)
        shining = self._cell.shining
        level = 100 if not shining else 1000 + 200 * sum((1 + what) * (1 + source) for source, what in shining.items())
        self._frames += 1
        self._cell.put(10, self._cell.scanned + 1)
        pixels = self._noise + np.uint16(level + self._frames % 7)
        self._exposed = RawFrame(pixels, self._frames & 0xFFFF, self._frames * 1000, self._exposure_us)

    def disarm(self) -> None: ...

    def close(self) -> None: ...


class Source:
    """The lights, and each projector."""

    def __init__(self, cell: Cell, index: int) -> None:
        self._cell = cell
        self._index = index
        self._plug = Plug(cell, f"source{index}")
        kind = "projector" if index else "lights"
        self.info = DeviceInfo(kind, f"{kind}{index or ''}", "test", "", {})

    def on(self, zone: int) -> None:
        self._cell.shine(self._index, zone)

    def load(self, patterns: list[NDArray[np.uint8]]) -> None:
        assert all(int(pattern[0, 0]) == 255 for pattern in patterns)
        self._cell.put(11, self._cell.loads + 1)

    show = on

    def off(self) -> None:
        self._cell.shine(self._index, None)

    dark = off

    def close(self) -> None:
        self.off()
        self._plug.pull()


class EmergencySource:
    """The same seen by who opens it only to turn it off: when it is first used."""

    def __init__(self, cell: Cell, index: int) -> None:
        self._cell = cell
        self._index = index

    def off(self) -> None:
        source = Source(self._cell, self._index)  # refused as long as somebody else has it open
        source.close()
        self._cell.put(12, self._cell.guarded + 1)

    def close(self) -> None: ...


def configuration(width_px: int = WIDTH, height_px: int = HEIGHT) -> RigConfig:
    rig = load_rig("demo")
    camera = rig.camera.model_copy(update={"width_px": width_px, "height_px": height_px})
    return rig.model_copy(update={"camera": camera, "timing": rig.timing.model_copy(update={"frame_timeout_s": 0.5})})


def open_rig(path: str, width_px: int = WIDTH, height_px: int = HEIGHT) -> Rig:
    cell, config = Cell(Path(path)), configuration(width_px, height_px)
    return Rig(config, Camera(cell, config), Source(cell, 0), tuple(Source(cell, 1 + i) for i in range(len(config.projectors))))


def open_dark(path: str) -> list[EmergencySource]:
    return [EmergencySource(Cell(Path(path)), index) for index in range(5)]


def refuse(path: str) -> Rig:
    raise RigFileError(f"{path} is no rig.", cure="Write one.")


def crash(path: str) -> Rig:
    os._exit(3)


def rig_process(cell: Cell, opener: str = "open_rig", dark_opener: str = "open_dark", limits: Limits = LIMITS) -> RigProcess:
    openers = (Opener(f"tests.acquisition.process_rig:{name}", (str(cell.path),)) for name in (opener, dark_opener))
    return RigProcess(*openers, limits=limits, slots=3)


def full_sequence(config: RigConfig) -> Sequence:
    pattern = np.full((8, 8), 255, np.uint8)
    return inspection_sequence(config, [[pattern, pattern, pattern] for _ in config.projectors])


def station(path: str, frames: int) -> None:
    """A station that scans so many frames, tells its processes' numbers, and then waits to be killed."""
    process = rig_process(Cell(Path(path)))
    scan = process.scan(full_sequence(process.config))
    for _ in range(frames):
        next(scan)
    print(*(process.process_ids or ()), flush=True)
    sys.stdin.read()


def wait_until(is_so: Callable[[], bool], what: str) -> float:
    """Seconds until it is so."""
    start = time.monotonic()
    while not is_so():
        assert time.monotonic() - start < BOUND_S, what
        threading.Event().wait(0.002)
    return time.monotonic() - start
