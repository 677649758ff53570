"""The hand that lays the calibration artefacts on the simulated bench, as a person would: never twice quite the same."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from acquisition.simulation.artefacts import charuco_board, mirror_sphere, white_plate
from acquisition.simulation.bench import Bench
from rig_configs.calibration import Vector3
from rig_configs.schema import RigConfig

_SHIFT_MM = 0.5
_TURN_DEG = 1.0


class BenchGuide:
    """Lays board, plate and sphere.

    Args:
        bench: where.
        rig: whose artefacts.
        seed: the same seed lays them the same way.
    """

    sphere_positions = 7

    def __init__(self, bench: Bench, rig: RigConfig, seed: int = 0) -> None:
        self._bench = bench
        self._rig = rig
        self._seed = seed

    def board(self, pose: int, of: int, centre_mm: Vector3, rotation_rad: Vector3) -> None:
        """Hold the board as asked for, as well as a hand can; pose 0 lies flat on the reference plane, but not quite where it was asked for."""
        del of
        rng = np.random.default_rng([self._seed, 11, pose])
        shift = rng.uniform(-_SHIFT_MM, _SHIFT_MM, 3)
        turn = np.deg2rad(rng.uniform(-_TURN_DEG, _TURN_DEG, 3))
        if pose == 0:
            shift[2] = 0
            turn[:2] = 0
        centre, rotation = np.add(centre_mm, shift), np.add(rotation_rad, turn)
        self._bench.place(charuco_board(self._rig, _vector(centre), _vector(rotation)))

    def plate(self) -> None:
        """Lay the matt white plate."""
        self._bench.place(white_plate())

    def sphere(self, position: int) -> None:
        """Put the sphere in the middle, or on a ring around it."""
        field = self._rig.camera.nominal.field_width_mm
        ring = 0.2 * field
        angle = position * 2 * np.pi / (self.sphere_positions - 1)
        x, y = (0.0, 0.0) if position == 0 else (1.4 * ring * float(np.cos(angle)), 0.8 * ring * float(np.sin(angle)))
        rng = np.random.default_rng([self._seed, 12, position])
        dx, dy = rng.uniform(-0.5, 0.5, 2)
        self._bench.place(mirror_sphere(self._rig, x + float(dx), y + float(dy)))


def _vector(values: NDArray[np.float64]) -> Vector3:
    x, y, z = values.tolist()
    return x, y, z
