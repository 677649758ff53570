"""What lies under the camera: triangle meshes in the rig frame."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from acquisition.simulation.materials import MATT_PLATE, Material

F32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Mesh:
    """A surface of one material, whose albedo may vary."""

    vertices_mm: F32
    """(V, 3)."""
    normals: F32
    """(V, 3), interpolated over the triangles."""
    triangles: NDArray[np.uint32]
    """(T, 3)."""
    material: Material
    albedo: F32
    """(V, 3)."""
    texture: F32 | None = None
    """(h, w) factor on the albedo, read bilinearly at ``texture_uv``."""
    texture_uv: F32 | None = None
    """(V, 2) texels from the texture's upper left rim: texel centres at halves."""
    turn: NDArray[np.float64] = field(default_factory=lambda: np.eye(3))
    """(3, 3) rotation from the frame that the material's grain is given in."""

    def moved(self, R: NDArray[np.float64], t: NDArray[np.float64]) -> Mesh:
        """The mesh at ``R x + t``."""
        vertices = (self.vertices_mm @ R.T + t).astype(np.float32)
        return replace(self, vertices_mm=vertices, normals=(self.normals @ R.T).astype(np.float32), turn=R @ self.turn)


@dataclass(frozen=True, slots=True)
class DefectMap:
    """Where an object differs from what it should be, on a grid in the object's own x and y."""

    mask: NDArray[np.bool_]
    """(h, w), row 0 at the least y."""
    origin_mm: tuple[float, float]
    """x, y of the first grid point."""
    step_mm: float

    def at(self, x_mm: F32, y_mm: F32) -> NDArray[np.bool_]:
        """Whether places of the object lie in the defect; False outside the grid and where not finite."""
        column = np.nan_to_num((x_mm - self.origin_mm[0]) / self.step_mm, nan=-1e3)
        row = np.nan_to_num((y_mm - self.origin_mm[1]) / self.step_mm, nan=-1e3)
        found = cv2.remap(self.mask.astype(np.float32), column.astype(np.float32), row.astype(np.float32), cv2.INTER_LINEAR, borderValue=0)
        return found > 0.5


@dataclass(frozen=True, slots=True)
class SceneObject:
    """A thing on the bench, posed."""

    name: str
    meshes: tuple[Mesh, ...]
    """In the rig frame."""
    on_plate: bool = True
    """Whether it lies on the dark plate at z = 0."""
    R: NDArray[np.float64] = field(default_factory=lambda: np.eye(3))
    """Rotation object → rig."""
    t: NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))
    """Translation object → rig, mm."""
    defects: DefectMap | None = None


def rectangle(corners_mm: NDArray[np.float64], material: Material, texture: F32 | None = None) -> Mesh:
    """A flat rectangle from its corners (4, 3) in turn; a texture's first texel lies at corner 0, its columns run towards corner 1."""
    a, b, _, d = corners_mm
    normal = np.cross(b - a, d - a)
    normal /= np.linalg.norm(normal)
    uv = None
    if texture is not None:
        h, w = texture.shape
        uv = np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float32)
    return Mesh(
        corners_mm.astype(np.float32),
        np.tile(normal, (4, 1)).astype(np.float32),
        np.array([[0, 1, 2], [0, 2, 3]], np.uint32),
        material,
        np.tile(np.array(material.albedo, np.float32), (4, 1)),
        texture,
        uv,
    )


def dark_plate() -> Mesh:
    """The plate that parts lie on, at z = 0."""
    return rectangle(np.array([[-80, -80, 0], [80, -80, 0], [80, 80, 0], [-80, 80, 0]], np.float64), MATT_PLATE)


def grid_mesh(height_mm: F32, albedo: F32, origin_mm: tuple[float, float], step_mm: float, floor_mm: float, material: Material) -> Mesh:
    """A height field as a mesh: every cell of which a corner stands above the floor, with smooth normals.

    Args:
        height_mm: (h, w) z of the grid points, mm; ``floor_mm`` where there is nothing.
        albedo: (h, w, 3).
        origin_mm: x, y of grid point (0, 0).
        step_mm: grid step.
        floor_mm: z of the skirt's lower edge.
        material: what it is made of.
    """
    h, w = height_mm.shape
    dz_dy, dz_dx = np.gradient(height_mm, step_mm)
    normals = np.stack([-dz_dx, -dz_dy, np.ones_like(dz_dx)], -1)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    x, y = np.meshgrid(origin_mm[0] + step_mm * np.arange(w), origin_mm[1] + step_mm * np.arange(h))
    vertices = np.stack([x, y, height_mm], -1).reshape(-1, 3)
    above = height_mm > floor_mm + 1e-3
    cells = above[:-1, :-1] | above[:-1, 1:] | above[1:, :-1] | above[1:, 1:]
    index = np.arange(h * w).reshape(h, w)
    a, b, c, d = index[:-1, :-1][cells], index[:-1, 1:][cells], index[1:, 1:][cells], index[1:, :-1][cells]
    triangles = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    used = np.zeros(h * w, bool)
    used[triangles] = True
    renumber = np.cumsum(used) - 1
    return Mesh(
        vertices[used].astype(np.float32),
        normals.reshape(-1, 3)[used].astype(np.float32),
        renumber[triangles].astype(np.uint32),
        material,
        albedo.reshape(-1, 3)[used].astype(np.float32),
    )
