"""Light that wanders from scan to scan, as lamps age in minutes and somebody walks past the window."""

from __future__ import annotations

import numpy as np

from rig_configs.simulation import DriftConfig


class Drift:
    """How bright each lamp and the room are in any scan, from a seed and the scan's number alone.

    Between knots some scans apart, values turn from one standard normal draw to the next as cos and sin do: the spread is the same at
    every scan, and neighbouring scans are alike.
    """

    def __init__(self, config: DriftConfig) -> None:
        self._config = config

    def zone(self, zone: int, seed: int, scan: int) -> float:
        """Factor on a zone's power."""
        return self._factor(self._config.power_percent, 1 + zone, seed, scan)

    def ambient(self, seed: int, scan: int) -> float:
        """Factor on the light of the room."""
        return self._factor(self._config.ambient_percent, 0, seed, scan)

    def _factor(self, percent: float, source: int, seed: int, scan: int) -> float:
        if percent == 0 or scan == 0:
            return 1.0
        knot, past = divmod(scan, self._config.scans)
        before, after = (np.random.default_rng([seed, 22, source, knot + i]).standard_normal() for i in (0, 1))
        turn = np.pi / 2 * past / self._config.scans
        return max(0.0, 1 + percent / 100 * float(np.cos(turn) * before + np.sin(turn) * after))
