"""The hand that lays the calibration artefacts on the simulated bench, as a person would: never twice quite the same."""

from __future__ import annotations

import numpy as np

from acquisition.simulation.artefacts import charuco_board, mirror_sphere, white_plate
from acquisition.simulation.bench import Bench
from rig_configs.schema import RigConfig

_TILTS_DEG = (12.0, 20.0)
_HEIGHTS_MM = (-2.0, 10.0)
_SHIFT_MM = 1.5
_ROLL_DEG = 8.0


class BenchGuide:
    """Lays board, plate and sphere.

    Args:
        bench: where.
        rig: whose artefacts.
        seed: the same seed lays them the same way.
        board_poses: how many poses of the board.
    """

    def __init__(self, bench: Bench, rig: RigConfig, seed: int = 0, board_poses: int = 18) -> None:
        self._bench = bench
        self._rig = rig
        self._seed = seed
        self.board_poses = board_poses
        self.sphere_positions = 7

    def board(self, pose: int) -> None:
        """Lay the board; pose 0 flat on the reference plane and upright, the others tilted every way at several heights."""
        if pose == 0:
            self._bench.place(charuco_board(self._rig))
            return
        rng = np.random.default_rng([self._seed, 11, pose])
        # Around the compass in golden-angle steps: every direction of tilt is met, whatever the number of poses.
        towards = pose * np.pi * (3 - np.sqrt(5))
        tilt = np.deg2rad(rng.uniform(*_TILTS_DEG))
        roll = np.deg2rad(rng.uniform(-_ROLL_DEG, _ROLL_DEG))
        x, y = rng.uniform(-_SHIFT_MM, _SHIFT_MM, 2)
        centre = (float(x), float(y), float(rng.uniform(*_HEIGHTS_MM)))
        self._bench.place(charuco_board(self._rig, centre, (float(tilt * np.cos(towards)), float(tilt * np.sin(towards)), float(roll))))

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
