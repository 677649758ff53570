"""The demo rig built exactly to its drawing, without noise or room light, so that what it sees can be worked out by hand."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from acquisition.simulation.materials import MATT_WHITE, Material
from acquisition.simulation.optics import Lens
from acquisition.simulation.scene import Mesh, SceneObject, rectangle
from rig_configs.cameras import PixelFormat
from rig_configs.files import load_rig
from rig_configs.schema import RigConfig
from rig_configs.simulation import CameraOptics, OpticsConfig, ProjectorOptics, SensorNoise, SimulationConfig, Tolerances, ZoneOptics

FULL_WELL_E = 12000.0
BLACK_DN = 64.0


def ideal_rig(
    width: int = 342,
    field_mm: float = 40.0,
    *,
    pixel_format: PixelFormat = PixelFormat.MONO12,
    gain_db: float = 0.0,
    camera: dict[str, Any] | None = None,
    zones: dict[str, Any] | None = None,
    projectors: dict[str, Any] | None = None,
    tolerances: dict[str, float] | None = None,
    noise: dict[str, float] | None = None,
    **simulation: Any,
) -> RigConfig:
    """The demo rig with other pixels, and what is named not ideal."""
    rig = load_rig("demo")
    seen = rig.camera.model_copy(
        update={
            "width_px": width,
            "height_px": width * 2 // 3,
            "pixel_format": pixel_format,
            "gain_db": gain_db,
            "nominal": rig.camera.nominal.model_copy(update={"field_width_mm": field_mm}),
        }
    )
    optics = OpticsConfig(
        camera=CameraOptics(**({"vignetting": 0.0} | (camera or {}))),
        zones=ZoneOptics(**(zones or {})),
        projectors=ProjectorOptics(**(projectors or {})),
    )
    world: dict[str, Any] = {
        "seed": 7,
        "ambient": 0.0,
        "optics": optics,
        "noise": SensorNoise(**({"full_well_e": FULL_WELL_E, "read_noise_e": 0.0, "black_level_dn": BLACK_DN} | (noise or {}))),
        "tolerances": Tolerances(**(dict.fromkeys(Tolerances.model_fields, 0.0) | (tolerances or {}))),
    }
    return rig.model_copy(update={"camera": seen, "simulation": SimulationConfig(**(world | simulation))})


def pixels_of(lens: Lens, points_mm: Any) -> np.ndarray:
    """Where points lie in a device's image, by OpenCV, (N, 2)."""
    points = np.asarray(points_mm, np.float64).reshape(-1, 1, 3)
    found, _ = cv2.projectPoints(points, cv2.Rodrigues(lens.R)[0], lens.t, lens.K, lens.d)
    return found.reshape(-1, 2)


def on_plane(lens: Lens, z_mm: float = 0.0) -> np.ndarray:
    """Where an undistorted camera's pixels see a level plane, (H, W, 3) mm."""
    rows, columns = np.mgrid[0 : lens.height_px, 0 : lens.width_px]
    rays = np.stack([(columns - lens.K[0, 2]) / lens.K[0, 0], (rows - lens.K[1, 2]) / lens.K[1, 1], np.ones(rows.shape)], -1) @ lens.R
    return lens.centre_mm + rays * ((z_mm - lens.centre_mm[2]) / rays[..., 2:])


def level(x0: float, x1: float, y0: float, y1: float, z: float, material: Material = MATT_WHITE) -> Mesh:
    """A level rectangle, seen from above."""
    return rectangle(np.array([[x0, y0, z], [x1, y0, z], [x1, y1, z], [x0, y1, z]], np.float64), material)


def upright(x: float, y0: float, y1: float, z0: float, z1: float, material: Material = MATT_WHITE) -> Mesh:
    """A wall at x, facing +x."""
    return rectangle(np.array([[x, y0, z0], [x, y1, z0], [x, y1, z1], [x, y0, z1]], np.float64), material)


def scene(*meshes: Mesh) -> SceneObject:
    """Meshes and nothing else in sight."""
    return SceneObject("scene", meshes, on_plate=False)
