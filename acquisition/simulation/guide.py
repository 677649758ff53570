"""The hand that lays the calibration artefacts on the simulated bench, as a person would: never twice quite the same."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from acquisition.simulation.artefacts import ball_bar, charuco_board, flat_plate, matt_sphere, mirror_sphere, step_block, white_plate
from acquisition.simulation.bench import BenchAccess
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

    def __init__(self, bench: BenchAccess, rig: RigConfig, seed: int = 0) -> None:
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
        """Put the mirror sphere in the middle, or on a ring around it."""
        self._bench.place(mirror_sphere(self._rig, *self._sphere_place(position, 12)))

    def matt_sphere(self, position: int) -> None:
        """Put the matt sphere in the middle, or on a ring around it."""
        self._bench.place(matt_sphere(self._rig, *self._sphere_place(position, 16)))

    def _sphere_place(self, position: int, stream: int) -> tuple[float, float]:
        field = self._rig.camera.nominal.field_width_mm
        ring = 0.2 * field
        angle = position * 2 * np.pi / max(self.sphere_positions - 1, 1)
        x, y = (0.0, 0.0) if position == 0 else (1.4 * ring * float(np.cos(angle)), 0.8 * ring * float(np.sin(angle)))
        rng = np.random.default_rng([self._seed, stream, position])
        dx, dy = rng.uniform(-0.5, 0.5, 2)
        return x + float(dx), y + float(dy)

    def raised_plate(self, height_mm: float) -> None:
        """Lay the white plate on the spacers, level; where there are none hold it by hand, not quite as high nor as level as asked for."""
        if self._rig.artefacts.plate_spacers_mm:
            self._bench.place(flat_plate(height_mm, (0.0, 0.0, 0.0)))
            return
        rng = np.random.default_rng([self._seed, 17, round(1e3 * height_mm)])
        tilt = np.deg2rad(np.append(rng.uniform(-_TURN_DEG, _TURN_DEG, 2), 0))
        self._bench.place(flat_plate(height_mm + float(rng.uniform(-_SHIFT_MM, _SHIFT_MM)), _vector(tilt)))

    def plane(self, position: int) -> None:
        """Hold the white plate level in the first position, then higher and tilted."""
        rng = np.random.default_rng([self._seed, 13, position])
        tilt = np.deg2rad(6) * np.array([np.cos(2.4 * position), np.sin(2.4 * position), 0]) if position else np.zeros(3)
        self._bench.place(flat_plate(float(rng.uniform(0, 5)), _vector(tilt)))

    def ball_bar(self, position: int) -> None:
        """Lay the ball bar into another place and direction each time, as far from the middle as the field has room."""
        artefact = self._rig.artefacts.ball_bar
        rng = np.random.default_rng([self._seed, 14, position])
        angle = np.pi * position / 7 + float(rng.uniform(-0.1, 0.1))
        camera = self._rig.camera
        room = np.array([camera.width_px, camera.height_px]) * camera.pixel_pitch_mm / 2
        reach = np.abs([np.cos(angle), np.sin(angle)]) * artefact.spacing_mm / 2 + artefact.diameter_mm / 2
        x, y = rng.uniform(-1, 1, 2) * np.maximum(0.85 * room - reach, 0)
        self._bench.place(ball_bar(self._rig, float(x), float(y), angle))

    def step(self, position: int) -> None:
        """Put the gauge block elsewhere on the white plate each time."""
        rng = np.random.default_rng([self._seed, 15, position])
        x, y = rng.uniform(-0.2, 0.2, 2) * self._rig.camera.nominal.field_width_mm * np.array([1, 0.5])
        self._bench.place(step_block(self._rig, float(x), float(y), float(rng.uniform(-0.5, 0.5))))


def _vector(values: NDArray[np.float64]) -> Vector3:
    x, y, z = values.tolist()
    return x, y, z
