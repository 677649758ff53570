"""A window shows patterns bit for bit on a real (virtual) X screen, and leaves nothing lit behind it."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from acquisition.drivers import screen_projector
from acquisition.drivers.screen_projector import ScreenProjector
from rig_configs.errors import DeviceUnavailable
from rig_configs.projectors import ScreenProjectorConfig

WIDTH, HEIGHT = 640, 400
Opener = Callable[[ScreenProjectorConfig], ScreenProjector]


@dataclass
class XScreen:
    """One screen of the virtual X server, which keeps its pixels in a file of X's own window dump format."""

    name: str
    dump: Path

    def pixels(self) -> NDArray[np.uint8]:
        """(H, W, 3) uint8 RGB of what the screen shows now."""
        content = self.dump.read_bytes()
        header = np.frombuffer(content, ">u4", 25)
        start, width, height, stride = header[0] + 12 * header[19], header[4], header[5], header[12]
        rows = np.frombuffer(content, np.uint8, stride * height, start).reshape(height, stride)
        return rows.reshape(height, -1, 4)[:, :width, 2::-1]


@contextmanager
def x_server(folder: Path) -> Iterator[XScreen]:
    reader, writer = os.pipe()
    size = f"{WIDTH}x{HEIGHT}x24"
    command = ["Xvfb", "-displayfd", str(writer), "-screen", "0", size, "-fbdir", str(folder), "-nolisten", "tcp", "-noreset"]
    server = subprocess.Popen(command, pass_fds=[writer], stderr=subprocess.DEVNULL)
    os.close(writer)
    try:
        with os.fdopen(reader) as told:
            assert select.select([reader], [], [], 20)[0], "Xvfb did not start"
            name = f":{told.readline().strip()}"  # to the end of the line, or Xvfb dies of a closed pipe
        yield XScreen(name, folder / "Xvfb_screen0")
    finally:
        server.terminate()
        server.wait()


@pytest.fixture(scope="session")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[XScreen]:
    with x_server(tmp_path_factory.mktemp("xvfb")) as x_screen:
        yield x_screen


def config_of(x_screen: XScreen, **changes: Any) -> ScreenProjectorConfig:
    values = {
        "driver": "screen",
        "name": "north",
        "width_px": WIDTH,
        "height_px": HEIGHT,
        "nominal": {"azimuth_deg": 0, "tilt_deg": 30, "distance_mm": 220, "field_width_mm": 60},
        "x_display": x_screen.name,
        "latency_s": 0.0,
        "answer_timeout_s": 1.5,
    }
    return ScreenProjectorConfig.model_validate(values | changes)


def some_patterns(seed: int = 0) -> list[NDArray[np.uint8]]:
    """Every grey level, and noise."""
    ramp = np.add.outer(np.arange(HEIGHT), np.arange(WIDTH)).astype(np.uint8)
    return [ramp, np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH), dtype=np.uint8), 255 - ramp]


@pytest.fixture
def opened() -> Iterator[Opener]:
    with ExitStack() as stack:

        def open_projector(config: ScreenProjectorConfig) -> ScreenProjector:
            return stack.enter_context(closing(ScreenProjector(config)))

        yield open_projector


@pytest.fixture
def projector(screen: XScreen, opened: Opener) -> ScreenProjector:
    return opened(config_of(screen))


def assert_shows(screen: XScreen, pattern: NDArray[np.uint8] | int) -> None:
    pixels = screen.pixels()
    np.testing.assert_array_equal(pixels, np.broadcast_to(np.asarray(pattern)[..., None], pixels.shape))


def assert_bare(screen: XScreen) -> None:
    """Black, but for the X server's own pointer, which shows again where no window hides it."""
    assert np.count_nonzero(screen.pixels().any(axis=-1)) <= 20 * 20


def test_every_pattern_is_on_the_screen_bit_for_bit(projector: ScreenProjector, screen: XScreen) -> None:
    patterns = some_patterns()
    projector.load(patterns)
    assert_shows(screen, 0)
    for i in (1, 0, 2, 1):
        projector.show(i)
        assert_shows(screen, patterns[i])
    projector.dark()
    assert_shows(screen, 0)


def test_each_projector_has_a_window_of_its_own(screen: XScreen, opened: Opener, tmp_path: Path) -> None:
    with x_server(tmp_path) as other:
        drivers = [opened(config_of(screen)), opened(config_of(other))]
        patterns = [some_patterns(seed) for seed in (1, 2)]
        for driver, own in zip(drivers, patterns, strict=True):
            driver.load(own)
            driver.show(1)
        assert_shows(screen, patterns[0][1])
        assert_shows(other, patterns[1][1])
        drivers[1].dark()
        assert_shows(screen, patterns[0][1])
        assert_shows(other, 0)


def test_a_projector_whose_x_server_ends_is_told(opened: Opener, tmp_path: Path) -> None:
    with x_server(tmp_path) as other:
        projector = opened(config_of(other))
        projector.load(some_patterns())
    with pytest.raises(DeviceUnavailable) as caught:
        projector.show(0)
    assert caught.value.code == "device.unavailable.unplugged"


def test_new_patterns_take_the_place_of_the_old_ones(projector: ScreenProjector, screen: XScreen) -> None:
    projector.load(some_patterns())
    fewer = some_patterns(seed=5)[1:2]
    projector.load(fewer)
    projector.show(0)
    assert_shows(screen, fewer[0])
    with pytest.raises(DeviceUnavailable, match="no pattern 1: 1 are loaded") as caught:
        projector.show(1)
    assert caught.value.code == "device.unavailable.no_such_pattern"


def test_a_change_is_waited_for_until_it_is_surely_seen_and_dark_twice_only_once(
    screen: XScreen, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    now = [100.0]

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        now[0] += min(seconds, 0.03)  # a sleep that ends early is gone on with

    projector = opened(config_of(screen, latency_s=0.04))
    projector.load(some_patterns())
    monkeypatch.setattr(screen_projector.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(screen_projector.time, "sleep", sleep)
    projector.show(0)
    assert waits == pytest.approx([0.04, 0.01])
    assert now[0] == pytest.approx(100.04)
    projector.dark()
    assert now[0] == pytest.approx(100.08)
    projector.dark()
    assert now[0] == pytest.approx(100.08)
    monkeypatch.undo()


def test_it_tells_what_it_is(projector: ScreenProjector, screen: XScreen) -> None:
    info = projector.info
    assert (info.kind, info.name, info.model) == ("projector", "north", "full-screen window")
    assert info.details["size"] == "640x400"
    assert info.details["display"] == f"{screen.name} 0"


def test_closing_leaves_the_screen_dark_and_may_be_done_twice(projector: ScreenProjector, screen: XScreen) -> None:
    projector.load(some_patterns())
    projector.show(1)
    projector.close()
    projector.close()
    assert_bare(screen)


def test_patterns_of_another_size_are_refused(projector: ScreenProjector) -> None:
    with pytest.raises(DeviceUnavailable, match="refuses pattern 0") as caught:
        projector.load([np.zeros((8, 8), np.uint8)])
    assert caught.value.code == "device.unavailable.pattern_refused"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"width_px": 800}, "display 0 has 640 x 400 pixels, not 800 x 400"),
        ({"display": 7}, "there are 1 displays, none has the number 7"),
        ({"x_display": ":31999"}, "refuses opening the window"),
    ],
)
def test_a_display_that_cannot_show_patterns_unscaled_is_refused(screen: XScreen, opened: Opener, changes: dict[str, Any], words: str) -> None:
    projector = opened(config_of(screen, **changes))
    with pytest.raises(DeviceUnavailable, match=words) as caught:
        projector.dark()
    assert caught.value.code == "device.unavailable.refused"


def window_of(projector: ScreenProjector) -> subprocess.Popen[bytes]:
    window = projector._window
    assert window is not None
    return window


@pytest.mark.parametrize(("how", "detail"), [(signal.SIGKILL, "unplugged"), (signal.SIGSTOP, "no_answer")])
def test_a_window_that_dies_or_hangs_is_told_ends_dark_and_opens_again(screen: XScreen, opened: Opener, how: signal.Signals, detail: str) -> None:
    projector = opened(config_of(screen))
    patterns = some_patterns()
    projector.load(patterns)
    projector.show(1)
    window = window_of(projector)
    window.send_signal(how)
    if how is signal.SIGKILL:
        window.wait()
    projector._config = config_of(screen, answer_timeout_s=0.1)  # no need to wait long for what cannot come
    with pytest.raises(DeviceUnavailable) as caught:
        projector.show(0)
    assert caught.value.code == f"device.unavailable.{detail}"
    projector._config = config_of(screen)
    with pytest.raises(DeviceUnavailable, match="0 are loaded"):
        projector.show(0)
    projector.dark()
    assert_shows(screen, 0)
    projector.load(patterns)
    projector.show(0)
    assert_shows(screen, patterns[0])


PARENT = """
import os, signal, sys
import numpy as np
from acquisition.drivers.screen_projector import ScreenProjector
from rig_configs.projectors import ScreenProjectorConfig
projector = ScreenProjector(ScreenProjectorConfig.model_validate_json(sys.argv[1]))
projector.load([np.full((400, 640), 255, np.uint8)])
projector.show(0)
print(projector._window.pid, flush=True)
sys.stdin.read()
"""


def test_the_window_closes_when_its_station_is_killed(screen: XScreen) -> None:
    command = [sys.executable, "-c", PARENT, config_of(screen).model_dump_json()]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as station:
        assert station.stdout is not None
        window = os.pidfd_open(int(station.stdout.readline()))
        assert_shows(screen, 255)
        station.kill()
        assert select.select([window], [], [], 5)[0], "the window outlived its station"
        os.close(window)
    assert_bare(screen)


@pytest.mark.parametrize("changes", [{"latency_s": -0.1}, {"latency_s": 2}, {"display": -1}, {"answer_timeout_s": 5}])
def test_impossible_settings_are_refused(screen: XScreen, changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        config_of(screen, **changes)
