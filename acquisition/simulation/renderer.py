"""From a scene and the true rig to the light on the sensor.

What depends on the pose alone is worked out once for it: which surface each pixel sees, and, on first use, what every light makes of
it and where in its frame each projector hits it. A frame then is a sum of such maps, see :mod:`acquisition.simulation.bench`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from acquisition.simulation import kernels
from acquisition.simulation.image_kernels import add_image
from acquisition.simulation.interreflection import Bounce
from acquisition.simulation.optics import BAYER_RESPONSE, TrueProjector, TrueRig, TrueZone
from acquisition.simulation.point_spread import defocus_px2, tap_polynomials
from acquisition.simulation.projection import BlurLevels, projected
from acquisition.simulation.scene import SceneObject, dark_plate
from acquisition.simulation.soft_shadows import PARTS, visible_parts
from acquisition.simulation.tracing import Scene, Surface
from acquisition.simulation.translucency import scattered

F32 = NDArray[np.float32]

_NONE = np.empty((0, 0), np.float32)
_STEADY = np.empty((0, 0, 0), np.float32)
_MONO, _MOSAIC, _RGB = 0, 1, 2


class Renderer:
    """The optics of one rig, ready for any scene."""

    def __init__(self, rig: TrueRig) -> None:
        self.rig = rig
        self.eye = rig.camera.lens.centre_mm.astype(np.float32)
        self.rays = rig.camera.lens.ray_directions()

    def view(self, placed: SceneObject | None) -> View:
        """Cast the camera's rays on what is placed; None is the empty dark plate."""
        return View(self, placed)


@dataclass(frozen=True, slots=True)
class ProjectorLight:
    """What a projector at full white does to a view."""

    planes: F32
    """(1 or 3, H, W) light that the surface sends to the camera, full wells a second."""
    column: F32
    """(H, W) where in the projector's frame each pixel's surface point lies; 0 where none of its light arrives."""
    row: F32
    """(H, W)."""
    softness: F32
    """(H, W) degree of the pattern's blur among ``levels``; of no size where there is but one."""
    levels: BlurLevels
    at_hits: tuple[F32, F32, F32] | None
    """With interreflection: irradiance of the bounce's hits at full white and their columns and rows, each (K, 1)."""


class View:
    """One pose of one object, seen by the camera, with its light maps."""

    def __init__(self, renderer: Renderer, placed: SceneObject | None) -> None:
        self.placed = placed
        self._renderer = renderer
        self._rig = renderer.rig
        meshes = list(placed.meshes) if placed else []
        if placed is None or placed.on_plate:
            meshes.append(dark_plate())
        self._scene = Scene(meshes)
        self.surface = self._scene.hit(renderer.eye, renderer.rays)
        self._pixel_mm = self._rig.camera.lens.t[2] / self._rig.camera.lens.K[0, 0]
        self._spread, self._polynomials = self._point_spread()
        self._layout = _RGB if self._rig.camera.pixel_format.is_rgb else _MOSAIC if self._rig.camera.pixel_format.is_bayer else _MONO
        self._bounce = Bounce(self._scene, self.surface) if self._rig.interreflection else None
        self._zones: dict[int, F32] = {}
        self._projectors: dict[int, ProjectorLight] = {}
        self._ambient: F32 | None = None

    def _point_spread(self) -> tuple[F32, F32]:
        camera = self._rig.camera
        least = camera.blur_px**2
        if camera.pupil_mm == 0:
            return _NONE, tap_polynomials(least, least)
        spread = defocus_px2(camera.lens.depth(self.surface.xyz_mm), camera.focus_mm, camera.pupil_mm, float(camera.lens.K[0, 0]))
        most = float(spread.max())
        if most < 1e-6:
            return _NONE, tap_polynomials(least, least)
        spread *= np.float32(1 / most)
        return spread, tap_polynomials(least, least + most)

    def visible_from(self, point_mm: NDArray[np.float64], inside: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
        """Which seen surface points face a point and have free sight of it, (H, W) bool; where given, only those ``inside``."""
        return self._scene.sight(self.surface, point_mm, inside)

    def visible_from_projector(self, projector: int) -> NDArray[np.bool_]:
        """Which seen surface points a projector's light reaches, (H, W) bool."""
        lens = self._rig.projectors[projector].lens
        return self.visible_from(lens.centre_mm, _inside(lens.project(self.surface.xyz_mm), lens.width_px, lens.height_px))

    def object_mask(self) -> NDArray[np.bool_]:
        """Which pixels see the object, not the dark plate or nothing, (H, W) bool."""
        objects = len(self.placed.meshes) if self.placed else 0
        return np.isfinite(self.surface.xyz_mm[..., 2]) & (self.surface.material < objects)

    def ambient(self) -> F32:
        """Light of the room on the sensor, (H, W) or (H, W, 3) float32, full wells a second."""
        if self._ambient is None:
            light = np.full((*self.surface.material.shape, 1), self._rig.ambient, np.float32)
            planes = self._planes(0)
            kernels.lambert(self.surface.albedo, light, planes)
            self._ambient = self._pictured(planes)
        return self._ambient

    def zone(self, zone: int) -> F32:
        """Light of a zone on the sensor, (H, W) or (H, W, 3) float32, full wells a second."""
        if zone not in self._zones:
            lamp = self._rig.zones[zone]
            direct = self._irradiance(self.surface, lamp, visible_parts(self._scene, self.surface, lamp, self._pixel_mm), PARTS)
            planes, _ = self._reflected(direct, lamp.position_mm, lamp.radius_mm)
            if self._bounce is not None:
                hits = self._bounce.hits
                at_hits = self._irradiance(hits, lamp, self._scene.sight(hits, lamp.position_mm))
                kernels.lambert(self.surface.albedo, self._bounce.irradiance(at_hits), planes)
            self._zones[zone] = self._pictured(planes)
        return self._zones[zone]

    def projector(self, projector: int) -> ProjectorLight:
        """What a projector at full white makes of the surface, and where its pattern lies."""
        if projector not in self._projectors:
            self._projectors[projector] = self._projector_light(self._rig.projectors[projector])
        return self._projectors[projector]

    def add_pattern(self, projector: int, pattern: NDArray[np.uint8], exposure_us: float, out: F32) -> None:
        """Add what a projector's pattern puts on the sensor to a picture of the shape of :meth:`ambient`'s."""
        device, light = self._rig.projectors[projector], self.projector(projector)
        shown = projected(device, pattern, exposure_us, light.levels)
        self._add(light.planes, out, shown, light.column, light.row, light.softness)
        if self._bounce is not None and light.at_hits is not None:
            full, column, row = light.at_hits
            at_hits = np.empty_like(full)
            kernels.patterned(full, shown[0], column, row, at_hits)
            planes = self._planes(0)
            kernels.lambert(self.surface.albedo, self._bounce.irradiance(at_hits), planes)
            self._add(planes, out)

    def _projector_light(self, device: TrueProjector) -> ProjectorLight:
        lens, surface = device.lens, self.surface
        column_row = lens.project(surface.xyz_mm)
        visible = self.visible_from(lens.centre_mm, _inside(column_row, lens.width_px, lens.height_px))
        column, row = (np.where(visible, column_row[..., c], np.float32(0)) for c in (0, 1))
        direct = self._irradiance(surface, device, visible)
        planes, diffuse = self._reflected(direct, lens.centre_mm, 0.0, shares=True)
        depth = lens.depth(surface.xyz_mm)
        focal = float(lens.K[0, 0])
        extra = defocus_px2(depth, device.focus_mm, device.pupil_mm, focal)
        free_path = self._scene.materials.free_path_mm
        if (free_path > 0).any():
            extra += diffuse * (free_path[surface.material] * np.float32(focal) / depth) ** 2
        extra[~visible] = 0
        levels = BlurLevels.over(device.blur_px**2, device.blur_px**2 + float(extra.max()))
        softness = np.minimum(extra / np.float32(levels.step_px2), np.float32(levels.count - 1)) if levels.count > 1 else _NONE
        return ProjectorLight(planes, column, row, softness, levels, self._projector_at_hits(device))

    def _projector_at_hits(self, device: TrueProjector) -> tuple[F32, F32, F32] | None:
        if self._bounce is None:
            return None
        hits, lens = self._bounce.hits, device.lens
        column_row = lens.project(hits.xyz_mm)
        visible = self._scene.sight(hits, lens.centre_mm, _inside(column_row, lens.width_px, lens.height_px))
        column, row = (np.where(visible, column_row[..., c], np.float32(0)) for c in (0, 1))
        return self._irradiance(hits, device, visible), column, row

    def _irradiance(self, surface: Surface, lamp: TrueZone | TrueProjector, seen: NDArray[np.bool_] | NDArray[np.uint8], parts: int = 1) -> F32:
        zone = lamp if isinstance(lamp, TrueZone) else None
        position, axis = (lamp.position_mm, lamp.axis) if isinstance(lamp, TrueZone) else (lamp.lens.centre_mm, lamp.lens.axis)
        out = np.empty(surface.material.shape, np.float32)
        kernels.irradiance(
            surface.xyz_mm, surface.normals, position.astype(np.float32), axis.astype(np.float32),
            (zone.skew if zone else np.zeros(3)).astype(np.float32), np.float32(zone.lobe if zone else 1.0), lamp.intensity, seen.view(np.uint8),
            parts, out,
        )  # fmt: skip
        return out

    def _reflected(self, direct: F32, position_mm: NDArray[np.float64], radius_mm: float, shares: bool = False) -> tuple[F32, F32]:
        """The planes of light that the surface sends to the camera from one lamp, and if wanted which share of it is diffuse."""
        s, m = self.surface, self._scene.materials
        planes = self._planes()
        diffuse = np.empty(direct.shape, np.float32) if shares else _NONE
        kernels.reflect(
            s.xyz_mm, s.normals, s.albedo, s.material, m.f0, m.along2, m.across2, m.grain, self._renderer.eye, position_mm.astype(np.float32),
            np.float32(radius_mm), direct, scattered(direct, s, m, self._pixel_mm), planes, diffuse,
        )  # fmt: skip
        return planes, diffuse

    def _planes(self, fill: float | None = None) -> F32:
        shape = (1 if self._layout == _MONO else 3, *self.surface.material.shape)
        return np.empty(shape, np.float32) if fill is None else np.full(shape, fill, np.float32)

    def _pictured(self, planes: F32) -> F32:
        shape = self.surface.material.shape
        out = np.zeros((*shape, 3) if self._layout == _RGB else shape, np.float32)
        self._add(planes, out)
        return out

    def _add(self, planes: F32, out: F32, pattern: F32 = _STEADY, column: F32 = _NONE, row: F32 = _NONE, softness: F32 = _NONE) -> None:
        camera = self._rig.camera
        add_image(
            planes, pattern, column, row, softness, self._spread, self._polynomials, np.array(BAYER_RESPONSE), self._layout,
            camera.lens.K[:2, 2], camera.vignetting, out.reshape(*out.shape[:2], -1),
        )  # fmt: skip


def _inside(column_row: F32, width: int, height: int) -> NDArray[np.bool_]:
    """Which places lie in a projector's frame, edge pixels to their outer rim."""
    column, row = column_row[..., 0], column_row[..., 1]
    return (column >= -0.5) & (column <= width - 0.5) & (row >= -0.5) & (row <= height - 0.5)
