"""Any projector that a computer sees as a display: a full-screen window shows the patterns.

The window lives in a process of its own (screen_window.py), one for each projector. Its patterns are given to it once, in shared
memory; a step is then one line to it and one back. A window's change is seen on the wall only some frames later, so every change
is followed by a wait of ``latency_s``.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from acquisition.devices import DeviceInfo
from rig_configs.errors import DeviceUnavailable
from rig_configs.projectors import ScreenProjectorConfig

_START_TIMEOUT_S = 10.0  # a new interpreter, SDL, and a display that changes its mode
_LOAD_TIMEOUT_S = 10.0
_EXIT_TIMEOUT_S = 1.0


class ScreenProjector:
    """The Projector over a window. The window opens when it is first needed, and again after it was lost; patterns are then loaded again."""

    def __init__(self, config: ScreenProjectorConfig) -> None:
        self.latency_s = config.latency_s
        """Wait after each change of the window, seconds."""
        self._config = config
        self._window: subprocess.Popen[bytes] | None = None
        self._memory = -1
        self._patterns = 0
        self._is_dark = False

    @property
    def info(self) -> DeviceInfo:
        """What the display is. Raises DeviceUnavailable."""
        config = self._config
        self._opened()
        details = {
            "size": f"{config.width_px}x{config.height_px}",
            "display": f"{config.x_display or os.environ.get('DISPLAY', '')} {config.display}".strip(),
            "latency": f"{self.latency_s * 1000:g} ms",
            "patterns": str(self._patterns),
        }
        return DeviceInfo("projector", config.name, "full-screen window", "", details)

    def load(self, patterns: list[NDArray[np.uint8]]) -> None:
        """Give the window its patterns; it goes dark meanwhile.

        Args:
            patterns: each (height, width) uint8.

        Raises:
            DeviceUnavailable: ``pattern_refused``, or the window does not answer.
        """
        size = (self._config.height_px, self._config.width_px)
        for i, pattern in enumerate(patterns):
            if pattern.shape != size or pattern.dtype != np.uint8:
                raise DeviceUnavailable(
                    f"Projector {self._config.name} refuses pattern {i}: {pattern.shape} {pattern.dtype}, it shows {size} uint8.",
                    cure="Make the patterns for this projector's size.",
                    detail="pattern_refused",
                )
        self.dark()
        self._patterns = 0
        os.ftruncate(self._memory, 0)
        for i, pattern in enumerate(patterns):
            _write_all(self._memory, np.ascontiguousarray(pattern).tobytes(), i * pattern.size)
        if patterns:
            self._tell(f"load {len(patterns)}", _LOAD_TIMEOUT_S)
        self._patterns = len(patterns)

    def show(self, pattern: int) -> None:
        """Show a loaded pattern; returns when it is surely seen. Raises DeviceUnavailable."""
        if self._window is None or not 0 <= pattern < self._patterns:
            raise DeviceUnavailable(
                f"Projector {self._config.name} has no pattern {pattern}: {self._patterns} are loaded.",
                cure="Load the sequence's patterns first.",
                detail="no_such_pattern",
            )
        self._is_dark = False
        self._change(f"show {pattern}")

    def dark(self) -> None:
        """All black; returns when it surely is. Raises DeviceUnavailable."""
        self._opened()
        if not self._is_dark:
            self._change("dark")
            self._is_dark = True

    def close(self) -> None:
        """Close the window. Safe to call twice."""
        window, self._window, self._patterns = self._window, None, 0
        if window is not None:
            _end(window)
        if self._memory >= 0:
            os.close(self._memory)
            self._memory = -1

    def _opened(self) -> subprocess.Popen[bytes]:
        if self._window is not None and self._window.poll() is not None:
            self._lost("closed", "unplugged")
        if self._window is None:
            config = self._config
            self._memory = os.memfd_create(f"patterns of {config.name}")
            environment = os.environ | {"PYGAME_HIDE_SUPPORT_PROMPT": "1", "SDL_VIDEO_MINIMIZE_ON_FOCUS_LOSS": "0"}
            if config.x_display is not None:
                environment |= {"DISPLAY": config.x_display, "SDL_VIDEODRIVER": "x11"}
            arguments = [str(number) for number in (config.display, config.width_px, config.height_px, self._memory)]
            self._window = subprocess.Popen(  # noqa: S603 - this interpreter, and numbers
                [sys.executable, "-W", "ignore", "-m", "acquisition.drivers.screen_window", *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=environment,
                pass_fds=[self._memory],
                start_new_session=True,  # Ctrl-C in a terminal is for the station, which then closes its windows
            )
            self._answer(self._window, "opening the window", _START_TIMEOUT_S)
            self._is_dark = True
        return self._window

    def _change(self, line: str) -> None:
        self._tell(line, self._config.answer_timeout_s)
        seen = time.monotonic() + self.latency_s
        while (left := seen - time.monotonic()) > 0:
            time.sleep(left)

    def _tell(self, line: str, timeout_s: float) -> None:
        window = self._opened()
        assert window.stdin is not None
        try:
            window.stdin.write(line.encode() + b"\n")
            window.stdin.flush()
        except OSError as cause:
            self._lost("closed", "unplugged", cause)
        self._answer(window, f"'{line}'", timeout_s)

    def _answer(self, window: subprocess.Popen[bytes], what: str, timeout_s: float) -> None:
        assert window.stdout is not None
        deadline = time.monotonic() + timeout_s
        answer = b""
        while not answer.endswith(b"\n"):
            if not select.select([window.stdout], [], [], max(0.0, deadline - time.monotonic()))[0]:
                self._lost(f"does not answer {what} within {timeout_s:g} s", "no_answer")
            received = os.read(window.stdout.fileno(), 4096)
            if not received:
                self._lost(f"closed while {what} was asked of it", "unplugged")
            answer += received
        if (text := answer.decode().strip()) != "ok":
            self._lost(f"refuses {what}: {text.removeprefix('error ')}", "refused")

    def _lost(self, what: str, detail: str, cause: Exception | None = None) -> NoReturn:
        """Whatever went wrong, the window is ended: without it the projector is dark."""
        self.close()
        raise DeviceUnavailable(
            f"The window of projector {self._config.name} {what}.",
            cure="Check the projector's cable, and display, x_display and size in rig.yaml.",
            detail=detail,
        ) from cause


def _end(window: subprocess.Popen[bytes]) -> None:
    assert window.stdin is not None
    assert window.stdout is not None
    try:
        window.stdin.close()
    except OSError:
        window.kill()
    try:
        window.wait(_EXIT_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        window.kill()
        window.wait()
    window.stdout.close()


def _write_all(file: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(file, view, offset)
        view, offset = view[written:], offset + written
