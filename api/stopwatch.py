"""Seconds by stage of an inspection."""

from __future__ import annotations

import time

from api.schemas import Timings


class Stopwatch:
    """Seconds by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.restart()

    def restart(self) -> None:
        """Begin now."""
        self._start = self._lap = time.perf_counter()

    def lap(self, stage: str) -> None:
        """The time since the last lap was this stage's."""
        now = time.perf_counter()
        self.seconds[stage] = now - self._lap
        self._lap = now

    def timings(self) -> Timings:
        """Seconds by stage, and since the beginning."""
        stages = {name: self.seconds.get(name, 0.0) for name in ("capture", "photometric", "structured_light", "inference")}
        return Timings(**stages, total=time.perf_counter() - self._start)
