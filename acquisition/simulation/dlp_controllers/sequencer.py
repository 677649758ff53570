"""What both controllers do once a sequence is defined: run it, and let light out only while the LEDs may shine."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Pattern = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Slot:
    """One pattern of a running sequence."""

    pattern: Pattern
    exposure_us: int
    dark_us: int
    waits: bool
    """For TRIG_IN_1."""


class Sequencer:
    """Runs sequences.

    One pattern that repeats is steady light, as a camera that exposes for whole periods sees it. A sequence on triggers holds each
    pattern until the next trigger; a sequence of its own keeps the true times.

    Args:
        show: told the pattern that is lit, (H, W) uint8, or None for dark, on every change.
        trigger_out: called as each pattern of a sequence begins, as TRIG_OUT_1 does.
    """

    def __init__(self, show: Callable[[Pattern | None], None], trigger_out: Callable[[], None] | None) -> None:
        self._show = show
        self._trigger_out = trigger_out
        self._lock = threading.RLock()
        self._lit: Pattern | None = None
        self._wanted: Pattern | None = None
        self._leds = 0
        self._slots: list[Slot] = []
        self._next = 0
        self._halt = threading.Event()
        self._player: threading.Thread | None = None
        self.running = False

    @property
    def leds(self) -> int:
        """LED enable: bits 0 to 2 by hand, bit 3 by the sequencer."""
        return self._leds

    @leds.setter
    def leds(self, enable: int) -> None:
        with self._lock:
            self._leds = enable
            self._update()

    def start(self, slots: list[Slot], repeat: bool) -> None:
        """Run a sequence."""
        self.stop()
        with self._lock:
            self._slots, self._next, self.running = slots, 0, True
            if any(slot.waits for slot in slots):
                return
            if repeat and len(slots) == 1:
                self._want(slots[0].pattern)
                return
        self._halt = threading.Event()
        self._player = threading.Thread(target=self._play, args=(slots, repeat, self._halt), name="emulated DLP sequence", daemon=True)
        self._player.start()

    def stop(self) -> None:
        """Stop; dark."""
        self._halt.set()
        if self._player is not None:
            self._player.join()
            self._player = None
        with self._lock:
            self.running = False
            self._want(None)

    def trigger_in(self) -> None:
        """An edge on TRIG_IN_1."""
        with self._lock:
            if self.running and self._next < len(self._slots) and self._slots[self._next].waits:
                self._want(self._slots[self._next].pattern)
                self._next += 1

    def _play(self, slots: list[Slot], repeat: bool, halt: threading.Event) -> None:
        while not halt.is_set():
            for slot in slots:
                self._want(slot.pattern)
                if self._trigger_out is not None:
                    self._trigger_out()
                if halt.wait(slot.exposure_us / 1e6):
                    return
                if slot.dark_us:
                    self._want(None)
                    if halt.wait(slot.dark_us / 1e6):
                        return
            if not repeat:
                self.running = False
                self._want(None)
                return

    def _want(self, pattern: Pattern | None) -> None:
        with self._lock:
            self._wanted = pattern
            self._update()

    def _update(self) -> None:
        lit = self._wanted if self._leds & 8 else None
        if lit is not self._lit:
            self._lit = lit
            self._show(lit)
