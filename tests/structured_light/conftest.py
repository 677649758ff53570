"""A synthetic rig for the structured-light tests: projection by cv2.projectPoints only, no code shared with the solver."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from rig_configs.calibration import Calibration, Pinhole, ProjectorCalibration, Residuals
from structured_light.patterns import FringePatterns

Surface = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]
WIDTH, HEIGHT = 342, 228


def project(device: Pinhole, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rig points (..., 3) → pixels (..., 2)."""
    rvec, _ = cv2.Rodrigues(device.R)
    pixels, _ = cv2.projectPoints(points.reshape(-1, 1, 3), rvec, device.t, device.K, device.d)
    return np.asarray(pixels).reshape(*points.shape[:-1], 2)


def look_at(centre: tuple[float, float, float], columns: tuple[float, float, float]) -> dict[str, tuple]:
    """Pose of a device at ``centre`` that looks at the origin, its columns advancing along ``columns`` as far as they can."""
    c = np.array(centre, np.float64)
    z = -c / np.linalg.norm(c)
    x = np.array(columns, np.float64) - z * np.dot(z, columns)
    x /= np.linalg.norm(x)
    R = np.stack([x, np.cross(z, x), z])
    return {"rotation": tuple(map(tuple, R.tolist())), "translation_mm": tuple((-R @ c).tolist())}


@dataclass(frozen=True)
class Scene:
    """What camera and projectors truly see of a surface z(x, y)."""

    xyz: NDArray[np.float64]
    columns: list[NDArray[np.float64]]
    rows: list[NDArray[np.float64]]


class SyntheticRig:
    """A camera and four projectors, all with distortion."""

    def __init__(self) -> None:
        pitch = 40 / WIDTH
        self.camera = Pinhole(
            width_px=WIDTH, height_px=HEIGHT, fx_px=200 / pitch, fy_px=200.4 / pitch, cx_px=172.3, cy_px=111.2,
            distortion=(0.15, -0.4, 2e-3, -1e-3, 0.5), **look_at((0.7, -0.4, 199.0), (1, 0.01, 0)),
        )  # fmt: skip
        self.projectors = tuple(
            ProjectorCalibration(
                name=f"p{azimuth}", width_px=1280, height_px=800, fx_px=4690 + azimuth / 50, fy_px=4700, cx_px=637.0, cy_px=402.0,
                distortion=(-0.12, 0.3, -1e-3, 2e-3, 0.2),
                **look_at((110 * np.cos(np.radians(azimuth)), 110 * np.sin(np.radians(azimuth)), 190.5),
                          (np.cos(np.radians(azimuth)), np.sin(np.radians(azimuth)), 0.0)),
            )
            for azimuth in (45, 135, 225, 315)
        )  # fmt: skip

    @property
    def calibration(self) -> Calibration:
        nothing = Residuals(camera_rms_px=0, projector_rms_px=0, held_out_rms_um=0, light_rms_deg=0, flat_field_rms_percent=0)
        return Calibration(
            rig="synthetic", calibration_id="truth", created=datetime.now(UTC), is_simulated=True, camera=self.camera, projectors=self.projectors,
            zones=(), black_level_dn=64, white_balance=(1, 1, 1), residuals=nothing, inputs_sha256="0" * 64,
        )  # fmt: skip

    def see(self, surface: Surface) -> Scene:
        """Truth at every camera pixel: ray casting by cv2.undistortPoints and bisection on z."""
        u, v = np.meshgrid(np.arange(WIDTH, dtype=float), np.arange(HEIGHT, dtype=float))
        pixels = np.stack([u, v], -1).reshape(-1, 1, 2)
        criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 200, 1e-14)
        normalised = np.asarray(cv2.undistortPoints(pixels, self.camera.K, self.camera.d, criteria=criteria)).reshape(-1, 2)
        direction = np.column_stack([normalised, np.ones(len(normalised))]) @ self.camera.R
        centre = self.camera.centre_mm
        low, high = np.full(len(direction), -20.0), np.full(len(direction), 20.0)

        def at(z: NDArray[np.float64]) -> NDArray[np.float64]:
            return centre + ((z - centre[2]) / direction[:, 2])[:, None] * direction

        for _ in range(60):
            z = (low + high) / 2
            above = z > surface(at(z)[:, 0], at(z)[:, 1])
            low, high = np.where(above, low, z), np.where(above, z, high)
        xyz = at((low + high) / 2).reshape(HEIGHT, WIDTH, 3)
        seen = [project(p, xyz) for p in self.projectors]
        return Scene(xyz, [s[..., 0] for s in seen], [s[..., 1] for s in seen])


def fringe_frames(
    patterns: FringePatterns,
    position: NDArray[np.float64],
    rng: np.random.Generator,
    *,
    amplitude: float = 3000,
    blur_px: float = 0.8,
    gamma: float = 1.0,
    noise: bool = True,
) -> list[NDArray[np.uint16]]:
    """12-bit frames of pixels that see the patterns at ``position``: projector gamma and blur, shot and read noise."""
    frames = []
    for profile in patterns.profiles:
        shown = gaussian_filter1d((profile / 255.0) ** gamma, blur_px, mode="nearest")
        signal = 30 + amplitude * np.interp(position, np.arange(len(shown)), shown)
        if noise:
            signal = signal + rng.normal(size=signal.shape) * np.sqrt(4 + 0.336 * signal)
        frames.append(np.clip(np.rint(64 + signal), 0, 4095).astype(np.uint16))
    return frames


@pytest.fixture(scope="session")
def rig() -> SyntheticRig:
    return SyntheticRig()


@pytest.fixture(scope="session")
def bumpy(rig: SyntheticRig) -> Scene:
    """A smooth surface within ± 4 mm."""
    return rig.see(lambda x, y: 2.5 * np.sin(x / 7) * np.cos(y / 5) + 0.05 * x)


@pytest.fixture(scope="session")
def frames_of() -> Callable[..., list[NDArray[np.uint16]]]:
    return fringe_frames
