"""From a scene and the true rig to the light on the sensor.

What depends on the pose alone is worked out once for it: which surface each pixel sees, and, on first use, what every light makes of
it and where in its frame each projector hits it. A frame then is a sum of such maps, see :mod:`acquisition.simulation.bench`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import open3d as o3d
from numpy.typing import NDArray

from acquisition.simulation import kernels
from acquisition.simulation.optics import BAYER_RESPONSE, TrueRig
from acquisition.simulation.scene import Mesh, SceneObject, dark_plate

F32 = NDArray[np.float32]

_ROWS_AT_ONCE = 512  # bounds the memory that ray casting needs beside its results


@dataclass(frozen=True, slots=True)
class Surface:
    """What the camera's pixels see."""

    xyz_mm: F32
    """(H, W, 3) in the rig frame; NaN where a pixel sees nothing."""
    normals: F32
    """(H, W, 3) unit vectors, smooth."""
    albedo: F32
    """(H, W, 3)."""
    material: NDArray[np.uint8]
    """(H, W) row of the view's table of materials."""


class Renderer:
    """The optics of one rig, ready for any scene."""

    def __init__(self, rig: TrueRig) -> None:
        self.rig = rig
        self.eye = rig.camera.lens.centre_mm.astype(np.float32)
        self.rays = rig.camera.lens.ray_directions()

    def view(self, placed: SceneObject | None) -> View:
        """Cast the camera's rays on what is placed; None is the empty dark plate."""
        return View(self, placed)


class View:
    """One pose of one object, seen by the camera, with its light maps."""

    def __init__(self, renderer: Renderer, placed: SceneObject | None) -> None:
        self.placed = placed
        self._renderer = renderer
        self._rig = renderer.rig
        meshes = list(placed.meshes) if placed else []
        if placed is None or placed.on_plate:
            meshes.append(dark_plate())
        self._f0 = np.array([m.material.f0 for m in meshes], np.float32)
        self._roughness = np.array([m.material.roughness for m in meshes], np.float32)
        self._cast = _scene(meshes)
        self.surface = self._see(meshes)
        self._zones: dict[int, F32] = {}
        self._projectors: dict[int, tuple[F32, F32]] = {}
        self._ambient: F32 | None = None

    def _see(self, meshes: list[Mesh]) -> Surface:
        core: Any = o3d.core
        rays, shape = self._renderer.rays, self._renderer.rays.shape[:2]
        xyz, normal, colour = (np.empty((*shape, 3), np.float32) for _ in range(3))
        surface = Surface(xyz, normal, colour, np.empty(shape, np.uint8))
        starts = np.cumsum([0] + [len(m.vertices_mm) for m in meshes[:-1]])
        triangles = np.concatenate([m.triangles + np.uint32(s) for m, s in zip(meshes, starts, strict=True)])
        materials = np.repeat(np.arange(len(meshes), dtype=np.uint8), [len(m.triangles) for m in meshes])
        vertices, normals, albedo = (np.concatenate([getattr(m, a) for m in meshes]) for a in ("vertices_mm", "normals", "albedo"))
        texture = next((m.texture for m in meshes if m.texture is not None), np.ones((2, 2), np.float32))
        texture_uv = np.concatenate([m.texture_uv if m.texture_uv is not None else np.full((len(m.vertices_mm), 2), -1, np.float32) for m in meshes])
        for top in range(0, shape[0], _ROWS_AT_ONCE):
            rows = slice(top, top + _ROWS_AT_ONCE)
            block = np.empty((*rays[rows].shape[:2], 6), np.float32)
            block[..., :3] = self._renderer.eye
            block[..., 3:] = rays[rows]
            hits = self._cast.cast_rays(core.Tensor(block))
            kernels.surface(
                hits["primitive_ids"].numpy(), hits["primitive_uvs"].numpy(), triangles, vertices, normals, albedo, materials, texture, texture_uv,
                rays[rows], surface.xyz_mm[rows], surface.normals[rows], surface.albedo[rows], surface.material[rows],
            )  # fmt: skip
        return surface

    def visible_from(self, point_mm: NDArray[np.float64], inside: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
        """Which seen surface points face a point and have free sight of it, (H, W) bool; where given, only those ``inside``."""
        core: Any = o3d.core
        visible = np.isfinite(self.surface.xyz_mm[..., 2])
        if inside is not None:
            visible &= inside
        point = point_mm.astype(np.float32)
        for top in range(0, visible.shape[0], _ROWS_AT_ONCE):
            rows = slice(top, top + _ROWS_AT_ONCE)
            block = np.empty((*visible[rows].shape, 6), np.float32)
            kernels.shadow_rays(self.surface.xyz_mm[rows], self.surface.normals[rows], point, visible[rows], block)
            visible[rows] &= ~self._cast.test_occlusions(core.Tensor(block), tnear=0.0, tfar=1.0).numpy()
        return visible

    def visible_from_projector(self, projector: int) -> NDArray[np.bool_]:
        """Which seen surface points a projector's light reaches, (H, W) bool."""
        lens = self._rig.projectors[projector].lens
        return self.visible_from(lens.centre_mm, _inside(lens.project(self.surface.xyz_mm), lens.width_px, lens.height_px))

    def object_mask(self) -> NDArray[np.bool_]:
        """Which pixels see the object, not the dark plate or nothing, (H, W) bool."""
        objects = len(self.placed.meshes) if self.placed else 0
        return np.isfinite(self.surface.xyz_mm[..., 2]) & (self.surface.material < objects)

    def ambient(self) -> F32:
        """Light of the room on the sensor, (H, W) float32, full wells a second."""
        if self._ambient is None:
            self._ambient = self._on_sensor(self.surface.albedo * np.float32(self._rig.ambient))
        return self._ambient

    def zone(self, zone: int) -> F32:
        """Light of a zone on the sensor, (H, W) float32, full wells a second."""
        if zone not in self._zones:
            lamp = self._rig.zones[zone]
            visible = self.visible_from(lamp.position_mm)
            self._zones[zone] = self._shade(lamp.position_mm, lamp.axis, lamp.lobe, lamp.radius_mm, lamp.intensity, visible)
        return self._zones[zone]

    def projector(self, projector: int) -> tuple[F32, F32]:
        """Light of a projector at full white on the sensor, (H, W) float32, full wells a second, and the projector's column and row that
        each pixel's surface point lies in, (H, W, 2) float32."""
        if projector not in self._projectors:
            device = self._rig.projectors[projector]
            column_row = device.lens.project(self.surface.xyz_mm)
            visible = self.visible_from(device.lens.centre_mm, _inside(column_row, device.lens.width_px, device.lens.height_px))
            light = self._shade(device.lens.centre_mm, device.lens.axis, 1.0, 0.0, device.intensity, visible, blur=False)
            self._projectors[projector] = light, column_row
        return self._projectors[projector]

    def _shade(self, position: NDArray, axis: NDArray, lobe: float, radius: float, intensity: float, visible: NDArray, blur: bool = True) -> F32:
        s = self.surface
        rgb = np.empty_like(s.albedo)
        kernels.shade(
            s.xyz_mm, s.normals, s.albedo, s.material, self._f0, self._roughness, self._renderer.eye, position.astype(np.float32),
            axis.astype(np.float32), np.float32(lobe), np.float32(radius), np.float32(intensity), visible, rgb,
        )  # fmt: skip
        return self._on_sensor(rgb, blur)

    def _on_sensor(self, rgb: F32, blur: bool = True) -> F32:
        camera = self._rig.camera
        if blur:
            rgb = np.asarray(cv2.GaussianBlur(rgb, (0, 0), camera.blur_px), np.float32)
        out = np.empty(rgb.shape[:2], np.float32)
        centre = camera.lens.K[:2, 2]
        corner2 = float(centre @ centre)
        kernels.mosaic(rgb, np.array(BAYER_RESPONSE), camera.pixel_format.is_bayer, centre, corner2, camera.vignetting, out)
        return out


def _inside(column_row: F32, width: int, height: int) -> NDArray[np.bool_]:
    """Which places lie in a projector's frame, edge pixels to their outer rim."""
    column, row = column_row[..., 0], column_row[..., 1]
    return (column >= -0.5) & (column <= width - 0.5) & (row >= -0.5) & (row <= height - 0.5)


def _scene(meshes: list[Mesh]) -> Any:
    core: Any = o3d.core  # its stubs know only some of the arrays it takes
    scene = o3d.t.geometry.RaycastingScene()
    starts = np.cumsum([0] + [len(m.vertices_mm) for m in meshes[:-1]])
    vertices = np.concatenate([m.vertices_mm for m in meshes])
    triangles = np.concatenate([m.triangles + np.uint32(s) for m, s in zip(meshes, starts, strict=True)])
    scene.add_triangles(core.Tensor(vertices), core.Tensor(triangles))
    return scene
