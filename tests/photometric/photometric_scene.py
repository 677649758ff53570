"""A Lambertian scene of the tests' own: numpy only, straight from the model's definition."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from rig_configs.calibration import Calibration, Pinhole, Residuals, ZoneCalibration

WIDTH, HEIGHT, PITCH, DISTANCE = 342, 228, 40.0 / 342, 200.0
BLACK, SATURATION, EXPOSURE_US = 64.0, 4095, 8000.0
ZONES = {"east": (113.0, 2.0, 112.0), "north": (-3.0, 115.0, 111.0), "west": (-112.0, 1.0, 115.0), "south": (4.0, -114.0, 113.0)}


def pinhole(width=WIDTH, height=HEIGHT, field_mm=40.0, distortion=(0.0, 0.0, 0.0, 0.0, 0.0)) -> Pinhole:
    f = DISTANCE * width / field_mm
    return Pinhole(
        width_px=width, height_px=height, fx_px=f, fy_px=f, cx_px=(width - 1) / 2, cy_px=(height - 1) / 2, distortion=distortion,
        rotation=((1, 0, 0), (0, -1, 0), (0, 0, -1)), translation_mm=(0, 0, DISTANCE),
    )  # fmt: skip


def ground(camera: Pinhole):
    """x and y of the plane points that an undistorted, upright camera sees."""
    columns, rows = np.meshgrid(np.arange(camera.width_px), np.arange(camera.height_px))
    return (columns - camera.cx_px) * DISTANCE / camera.fx_px, -(rows - camera.cy_px) * DISTANCE / camera.fy_px


def directions(points, positions):
    to = np.asarray(positions)[:, None, None, :] - points
    r = np.linalg.norm(to, axis=-1, keepdims=True)
    return to / r, r[..., 0]


def irradiance(points, positions, power):
    """c·E_k in DN/ms, (K, H, W): inverse square, scaled to `power` at 160 mm."""
    _, r = directions(points, positions)
    return np.asarray(power)[:, None, None] * (160.0 / r) ** 2


def calibration(zones=ZONES, power=(300.0, 320.0, 290.0, 310.0), camera=None) -> Calibration:
    camera = camera or pinhole()
    x, y = ground(camera)
    plane = np.stack([x, y, np.zeros_like(x)], -1)
    positions = list(zones.values())
    power = (list(power) * 4)[: len(zones)]
    L, _ = directions(plane, positions)
    flat = irradiance(plane, positions, power) * L[..., 2]
    v, u = np.meshgrid(np.linspace(-1, 1, camera.height_px), np.linspace(-1, 1, camera.width_px), indexing="ij")
    terms = np.stack([u**i * v**j for j in range(5) for i in range(5 - j)], -1).reshape(-1, 15)
    fits = [np.linalg.lstsq(terms, f.ravel(), rcond=None)[0] for f in flat]
    return Calibration(
        rig="test", calibration_id="t", created=datetime.now(UTC), is_simulated=True, camera=camera, projectors=(),
        zones=tuple(ZoneCalibration(name=n, position_mm=p, flat_field=tuple(c)) for (n, p), c in zip(zones.items(), fits, strict=True)),
        black_level_dn=BLACK, white_balance=(1, 1, 1), inputs_sha256="0" * 64,
        residuals=Residuals(camera_rms_px=0, projector_rms_px=0, held_out_rms_um=0, light_rms_deg=0, flat_field_rms_percent=0),
    )  # fmt: skip


@dataclass
class Scene:
    points: np.ndarray
    normals: np.ndarray
    albedo: np.ndarray
    part: np.ndarray

    def render(self, zones=ZONES, power=(300.0, 320.0, 290.0, 310.0), exposure_us=EXPOSURE_US, ambient=0.0, noise=None):
        """K images of (H, W) float64 DN; `ambient` in DN/ms on white; `noise` a Generator for 12-bit shot and read noise."""
        positions = list(zones.values())
        power = (list(power) * 4)[: len(zones)]
        L, _ = directions(self.points, positions)
        shading = np.maximum((L * self.normals).sum(-1), 0) * irradiance(self.points, positions, power)
        images = self.albedo * (shading + ambient) * exposure_us / 1000
        return sense(images, noise)

    def ambient(self, ambient, exposure_us=EXPOSURE_US, noise=None):
        return sense(self.albedo * ambient * exposure_us / 1000 * np.ones_like(self.albedo), noise)


def sense(dn, noise=None):
    if noise is not None:
        e = dn * 12000 / 4095
        dn = (e + noise.normal(size=e.shape) * np.sqrt(e + 36)) * 4095 / 12000
        return np.clip(np.rint(dn + BLACK), 0, SATURATION).astype(np.uint16)
    return (dn + BLACK).astype(np.float32)


def flat_scene(normal=(0.0, 0.0, 1.0), albedo=0.8, camera=None) -> Scene:
    """Every pixel at the height of the plate with one given normal: not a real surface, but a pure test of the algebra."""
    x, y = ground(camera or pinhole())
    n = np.broadcast_to(np.asarray(normal) / np.linalg.norm(normal), (*x.shape, 3))
    return Scene(np.stack([x, y, np.zeros_like(x)], -1), n, np.full(x.shape, albedo), np.ones(x.shape, bool))


def sphere_scene(radius=10.0, albedo=0.8, limit_deg=40.0) -> Scene:
    """A matt sphere's cap up to `limit_deg` of slope, seen orthographically at plane height, on the plate."""
    scene = flat_scene(albedo=albedo)
    x, y = scene.points[..., 0], scene.points[..., 1]
    part = np.hypot(x, y) < radius * np.sin(np.radians(limit_deg))
    n = np.stack([x / radius, y / radius, np.sqrt(np.maximum(1 - (x**2 + y**2) / radius**2, 0))], -1)
    return Scene(scene.points, np.where(part[..., None], n, scene.normals), scene.albedo, part)


def angle_deg(a, b):
    return np.degrees(2 * np.arcsin(np.clip(np.linalg.norm(np.asarray(a, np.float64) - b, axis=-1) / 2, 0, 1)))
