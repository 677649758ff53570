"""Mesh files: what is in them, of one kind whatever the format, and what makes one unusable."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import open3d as o3d
from numpy.typing import NDArray

from rig_configs.errors import ConfigurationError

F64 = NDArray[np.float64]
_io: Any = o3d.io  # its stubs have its arguments wrong

FORMATS = (".stl", ".ply", ".obj", ".glb")
_WITH_MATERIALS = (".obj", ".glb")
_NO_COLOURS = ((0.6, 0.6, 0.6), (1.0, 1.0, 1.0))
"""What the reader, and the programs that export, say of a mesh that nobody gave a colour."""
_DARKEST, _BRIGHTEST = 0.02, 0.85
"""No surface reflects nothing or everything, whatever its picture says."""


@dataclass(slots=True)
class ColouredMesh:
    """Triangles, with colours where the file has some."""

    vertices: F64
    """(V, 3)."""
    triangles: NDArray[np.int64]
    """(T, 3)."""
    colours: F64
    """(T, 3, 3) linear reflectance at each triangle's corners; NaN where the file has none."""
    uv: F64
    """(T, 3, 2) place in the triangle's picture, 0 to 1, v upward."""
    picture: NDArray[np.int64]
    """(T,) which picture is on the triangle; -1 is none."""
    pictures: tuple[F64, ...] = ()
    """Each (h, w, 3) linear factor on the colour."""

    @property
    def size(self) -> F64:
        """Extent along each axis, (3,)."""
        return np.ptp(self.vertices, axis=0)

    def turn(self, rotation: F64) -> None:
        """Turn it by a rotation (3, 3)."""
        self.vertices = self.vertices @ rotation.T

    def lay_down(self, scale: float) -> None:
        """Scale it, centre it on x and y, and rest its lowest point on z = 0."""
        low, high = self.vertices.min(0), self.vertices.max(0)
        middle = (low + high) / 2
        self.vertices = scale * (self.vertices - [middle[0], middle[1], low[2]])

    def colour_at(self, triangle: NDArray[np.uint32], corners: NDArray[np.float32]) -> F64:
        """Colour of places on triangles, (N, 3), NaN where the file has none; ``corners`` (N, 2) weigh their second and third corner."""
        weights = np.stack([1 - corners.sum(1), corners[:, 0], corners[:, 1]], 1).astype(np.float64)
        colour = np.einsum("nc,nck->nk", weights, self.colours[triangle])
        place = np.einsum("nc,nck->nk", weights, self.uv[triangle])
        for k, picture in enumerate(self.pictures):
            here = self.picture[triangle] == k
            h, w = picture.shape[:2]
            # Pictures repeat outside 0-1.
            column, up = (np.floor((place[here, i] % 1.0) * n).astype(np.intp).clip(0, n - 1) for i, n in ((0, w), (1, h)))
            colour[here] *= picture[h - 1 - up, column]
        return np.clip(colour, _DARKEST, _BRIGHTEST)


def read_mesh(path: Path) -> ColouredMesh:
    """Read every mesh of a file as one.

    Raises:
        ConfigurationError: no such file, a format that cannot be read, a damaged or an empty one, or vertices that are no numbers.
    """
    suffix = path.suffix.lower()
    if not path.is_file():
        raise ConfigurationError(
            f"There is no mesh file {path}.", cure="Correct its path; a rig's meshes are named from its folder.", detail="mesh_missing"
        )
    if suffix not in FORMATS:
        raise ConfigurationError(
            f"{path} is not a mesh file that can be read.", cure=f"Save it in one of the formats {', '.join(FORMATS)}.", detail="mesh_format"
        )
    try:
        with o3d.utility.VerbosityContextManager(o3d.utility.VerbosityLevel.Error):
            pieces = _pieces(path) if suffix in _WITH_MATERIALS else [_piece(_io.read_triangle_mesh(str(path)))]
    except RuntimeError as cause:
        raise ConfigurationError(f"{path} cannot be read: {cause}.", cure="Export it again.", detail="mesh_damaged") from cause
    pieces = [piece for piece in pieces if len(piece.triangles)]
    if not pieces:
        raise ConfigurationError(
            f"{path} holds no triangles, or is damaged.",
            cure="Export it again, as a triangle mesh; points alone are no surface.",
            detail="mesh_empty",
        )
    mesh = _joined(pieces)
    broken = int((~np.isfinite(mesh.vertices)).any(1).sum())
    if broken:
        raise ConfigurationError(
            f"{broken} of the {len(mesh.vertices)} vertices of {path} are not numbers.",
            cure="Mend the mesh, and export it again.",
            detail="mesh_damaged",
        )
    return mesh


def _pieces(path: Path) -> list[ColouredMesh]:
    model = _io.read_triangle_model(str(path))
    return [_piece(piece.mesh, model.materials[piece.material_idx] if model.materials else None) for piece in model.meshes]


def _piece(mesh: Any, material: Any = None) -> ColouredMesh:
    vertices, triangles = np.asarray(mesh.vertices, np.float64), np.asarray(mesh.triangles, np.int64)
    count = len(triangles)
    colours = np.full((count, 3, 3), np.nan)
    uv, picture, pictures = np.zeros((count, 3, 2)), np.full(count, -1, np.int64), ()
    base = np.asarray(material.base_color, np.float64)[:3] if material is not None else np.ones(3)
    image = np.asarray(material.albedo_img) if material is not None and material.albedo_img is not None else np.empty(0)
    own = image.size > 0 or not any(np.allclose(base, colour, atol=1e-3) for colour in _NO_COLOURS)
    base = base if own else np.ones(3)
    if mesh.has_vertex_colors():
        colours = base * _linear(np.asarray(mesh.vertex_colors))[triangles]
    elif own:
        colours[:] = base
    if image.size and mesh.has_triangle_uvs():
        uv = np.asarray(mesh.triangle_uvs, np.float64).reshape(count, 3, 2)
        rgb = image[..., :3] if image.ndim == 3 else np.repeat(image[..., None], 3, -1)
        picture, pictures = np.zeros(count, np.int64), (_linear(rgb / (255.0 if rgb.dtype == np.uint8 else 65535.0)),)
    return ColouredMesh(vertices, triangles, colours, uv, picture, pictures)


def _joined(pieces: list[ColouredMesh]) -> ColouredMesh:
    first_vertex = np.cumsum([0] + [len(p.vertices) for p in pieces[:-1]])
    first_picture = np.cumsum([0] + [len(p.pictures) for p in pieces[:-1]])
    return ColouredMesh(
        np.concatenate([p.vertices for p in pieces]),
        np.concatenate([p.triangles + first for p, first in zip(pieces, first_vertex, strict=True)]),
        np.concatenate([p.colours for p in pieces]),
        np.concatenate([p.uv for p in pieces]),
        np.concatenate([np.where(p.picture >= 0, p.picture + first, -1) for p, first in zip(pieces, first_picture, strict=True)]),
        tuple(picture for p in pieces for picture in p.pictures),
    )


def _linear(srgb: F64) -> F64:
    """Linear light of sRGB values 0 to 1 (IEC 61966-2-1)."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
