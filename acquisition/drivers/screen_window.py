"""The window of one screen projector, in a process of its own: ``python -m acquisition.drivers.screen_window DISPLAY WIDTH HEIGHT MEMORY``.

SDL wants a process's main thread, and a process that dies takes its light with it. It reads lines from standard input and answers
each by one line: ``load COUNT`` (patterns lie in the inherited file descriptor MEMORY, one after the other, height x width bytes
each), ``show INDEX``, ``dark``. The answer comes when the window has changed: ``ok``, or ``error`` and why. When the other end of
standard input closes, the window closes: dark.
"""

from __future__ import annotations

import mmap
import os
import select
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pygame

_PUMP_S = 0.05  # a window that never looks at its events is greyed out by some desktops


class Window:
    """A full-screen window without border, exactly as large as its display."""

    def __init__(self, display: int, width: int, height: int, memory: int) -> None:
        import pygame

        self._pygame = pygame
        self._size = (width, height)
        self._memory = memory
        self._patterns: list[pygame.Surface] = []
        pygame.display.init()
        if (driver := pygame.display.get_driver()) in ("dummy", "offscreen"):
            raise ValueError(f"no display can be reached, only SDL's '{driver}' driver")
        sizes = pygame.display.get_desktop_sizes()
        if display >= len(sizes):
            raise ValueError(f"there are {len(sizes)} displays, none has the number {display}")
        if sizes[display] != self._size:
            found = f"{sizes[display][0]} x {sizes[display][1]}"
            raise ValueError(f"display {display} has {found} pixels, not {width} x {height}, and scaled patterns are of no use")
        flags = pygame.FULLSCREEN | pygame.NOFRAME
        self._screen = pygame.display.set_mode(self._size, flags, depth=32, display=display, vsync=0)
        pygame.mouse.set_visible(False)
        self.dark()

    def do(self, line: str) -> None:
        """Obey one line. Raises ValueError for one that makes no sense."""
        command, *arguments = line.split()
        match command, arguments:
            case "load", [count]:
                self.load(int(count))
            case "show", [index]:
                self._put(self._patterns[int(index)])
            case "dark", []:
                self.dark()
            case _:
                raise ValueError(f"'{line}' is not understood")

    def load(self, count: int) -> None:
        """Take the patterns out of the shared memory."""
        width, height = self._size
        size = width * height
        grey = [(level, level, level) for level in range(256)]
        self._patterns = []
        with mmap.mmap(self._memory, count * size, access=mmap.ACCESS_READ) as memory:
            for i in range(count):
                surface = self._pygame.image.frombuffer(memory[i * size : (i + 1) * size], self._size, "P")
                surface.set_palette(grey)
                self._patterns.append(surface)  # a byte a pixel; the palette makes it grey on its way to the screen

    def dark(self) -> None:
        """All black."""
        self._screen.fill((0, 0, 0))
        self._flip()

    def pump(self) -> None:
        """Look at the window's events."""
        self._pygame.event.pump()

    def close(self) -> None:
        """Close the window, black first: an X server need not paint over what a window leaves."""
        self.dark()
        self._pygame.quit()

    def _put(self, pattern: pygame.Surface) -> None:
        self._screen.blit(pattern, (0, 0))
        self._flip()

    def _flip(self) -> None:
        self._pygame.display.flip()
        self._pygame.event.pump()


def main() -> None:
    """Serve until standard input closes."""
    display, width, height, memory = (int(argument) for argument in sys.argv[1:])
    try:
        window = Window(display, width, height, memory)
    except Exception as problem:  # noqa: BLE001 - whatever SDL has against it is for the other end to tell
        _say(f"error {problem}")
        return
    _say("ok")
    pending = b""
    while True:
        if not select.select([0], [], [], _PUMP_S)[0]:
            window.pump()
            continue
        received = os.read(0, 4096)
        if not received:
            break
        *lines, pending = (pending + received).split(b"\n")
        for line in lines:
            try:
                window.do(line.decode())
            except Exception as problem:  # noqa: BLE001 - a command that failed must be answered, and the window must live to go dark
                _say(f"error {problem}")
            else:
                _say("ok")
    window.close()


def _say(line: str) -> None:
    os.write(1, line.replace("\n", " ").encode() + b"\n")


if __name__ == "__main__":
    main()
