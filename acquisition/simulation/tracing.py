"""Rays on the scene: what they hit, and what stands in their way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import open3d as o3d
from numpy.typing import NDArray

from acquisition.simulation import kernels
from acquisition.simulation.scene import Mesh

F32 = NDArray[np.float32]

# A shadow ray looks for obstacles from this share of its way on, 4 µm of 160 mm: not to meet the surface that it starts from. To start
# above the surface would move every shadow by that height.
_OFF_THE_SURFACE = 2.5e-5
_RAYS_AT_ONCE = 3_000_000  # bounds the memory that ray casting needs beside its results


@dataclass(frozen=True, slots=True)
class Surface:
    """What rays hit: the camera's, one a pixel, or others."""

    xyz_mm: F32
    """(H, W, 3) in the rig frame; NaN where a ray hits nothing."""
    normals: F32
    """(H, W, 3) unit vectors, smooth."""
    albedo: F32
    """(H, W, 3)."""
    material: NDArray[np.uint8]
    """(H, W) row of the scene's table of materials."""

    def __getitem__(self, at: tuple[slice | NDArray[np.intp], ...]) -> Surface:
        """Some of the points: a picture of fewer pixels by slices, or a column of points by indices."""
        xyz, normals, albedo = (np.ascontiguousarray(a[at], np.float32) for a in (self.xyz_mm, self.normals, self.albedo))
        material = np.ascontiguousarray(self.material[at], np.uint8)
        if material.ndim == 1:
            return Surface(xyz[:, None], normals[:, None], albedo[:, None], material[:, None])
        return Surface(xyz, normals, albedo, material)


@dataclass(frozen=True, slots=True)
class Materials:
    """How each mesh of a scene answers to light, one row a mesh."""

    f0: F32
    """(M, 3)."""
    along2: F32
    """(M,) square of GGX's alpha along the grain."""
    across2: F32
    """(M,) and across it."""
    grain: F32
    """(M, 3) unit vectors in the rig frame."""
    free_path_mm: F32
    """(M,)."""


class Scene:
    """Meshes that rays can be cast on."""

    def __init__(self, meshes: list[Mesh]) -> None:
        starts = np.cumsum([0] + [len(m.vertices_mm) for m in meshes[:-1]])
        self._triangles = np.concatenate([m.triangles + np.uint32(s) for m, s in zip(meshes, starts, strict=True)])
        self._mesh = np.repeat(np.arange(len(meshes), dtype=np.uint8), [len(m.triangles) for m in meshes])
        self._vertices, self._normals, self._albedo = (np.concatenate([getattr(m, a) for m in meshes]) for a in ("vertices_mm", "normals", "albedo"))
        self._texture = next((m.texture for m in meshes if m.texture is not None), np.ones((2, 2), np.float32))
        none = [np.full((len(m.vertices_mm), 2), -1, np.float32) for m in meshes]
        self._texture_uv = np.concatenate([u if m.texture_uv is None else m.texture_uv for m, u in zip(meshes, none, strict=True)])
        self.materials = _materials(meshes)
        self.top_mm = float(self._vertices[:, 2].max())
        """Height of the highest point."""
        core: Any = o3d.core  # its stubs know only some of the arrays it takes
        self._cast: Any = o3d.t.geometry.RaycastingScene()
        self._cast.add_triangles(core.Tensor(self._vertices), core.Tensor(self._triangles))

    def hit(self, starts_mm: F32, directions: F32) -> Surface:
        """What rays hit first.

        Args:
            starts_mm: (3,) or (H, W, 3) float32.
            directions: (H, W, 3) float32 unit vectors.
        """
        core: Any = o3d.core
        shape = directions.shape[:2]
        starts = np.broadcast_to(starts_mm, directions.shape)
        xyz, normals, albedo = (np.empty((*shape, 3), np.float32) for _ in range(3))
        surface = Surface(xyz, normals, albedo, np.empty(shape, np.uint8))
        for rows in blocks(shape):
            rays = np.concatenate([starts[rows], directions[rows]], -1)
            hits = self._cast.cast_rays(core.Tensor(rays))
            kernels.surface(
                hits["primitive_ids"].numpy(), hits["primitive_uvs"].numpy(), self._triangles, self._vertices, self._normals, self._albedo,
                self._mesh, self._texture, self._texture_uv, directions[rows], xyz[rows], normals[rows], albedo[rows], surface.material[rows],
            )  # fmt: skip
        return surface

    def sight(self, surface: Surface, point_mm: NDArray[np.float64], wanted: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
        """Which surface points face a point and have free sight of it, (H, W) bool; where given, only those ``wanted``."""
        core: Any = o3d.core
        visible = np.isfinite(surface.xyz_mm[..., 2])
        if wanted is not None:
            visible &= wanted
        point = point_mm.astype(np.float32)
        for rows in blocks(visible.shape):
            rays = np.empty((*visible[rows].shape, 6), np.float32)
            kernels.shadow_rays(surface.xyz_mm[rows], surface.normals[rows], point, visible[rows], rays)
            visible[rows] &= ~self._cast.test_occlusions(core.Tensor(rays), tnear=_OFF_THE_SURFACE, tfar=1.0).numpy()
        return visible


def blocks(shape: tuple[int, ...]) -> list[slice]:
    """Rows of a picture, in blocks of so many rays as are cast at once."""
    step = max(1, _RAYS_AT_ONCE // max(1, shape[1]))
    return [slice(top, top + step) for top in range(0, shape[0], step)]


def _materials(meshes: list[Mesh]) -> Materials:
    along = np.array([m.material.roughness for m in meshes], np.float32)
    across = np.array([m.material.roughness if m.material.across is None else m.material.across for m in meshes], np.float32)
    grain = np.stack([m.turn @ np.array(m.material.grain, np.float64) for m in meshes])
    return Materials(
        np.array([m.material.f0 for m in meshes], np.float32),
        along**4,
        across**4,
        (grain / np.linalg.norm(grain, axis=1, keepdims=True)).astype(np.float32),
        np.array([m.material.free_path_mm for m in meshes], np.float32),
    )
