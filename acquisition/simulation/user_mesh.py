"""A part of the user's own, from a mesh file: what the camera sees of it from above, as a body like those of the other parts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import open3d as o3d
from numpy.typing import NDArray

from acquisition.simulation import materials
from acquisition.simulation.materials import Colour, Material
from acquisition.simulation.mesh_file import ColouredMesh, read_mesh
from acquisition.simulation.modelling import Model
from acquisition.simulation.parts import DAMAGE, PART_KINDS, PartKind
from acquisition.simulation.shapes import FLOOR_MM, Body
from rig_configs.errors import ConfigurationError, NotFound
from rig_configs.schema import RigConfig
from rig_configs.simulation import UpAxis

F64 = NDArray[np.float64]

REFERENCE_FIELD_MM = (53.0, 35.3)
"""Field of the paper's rig, 5472 × 3648 pixels."""
_TALLEST_MM = 25.0
_SMALLEST_MM = 2.0
_LEAST_HEIGHT_MM = 0.03
_LEAST_MM2 = 1.0
_TURNED_BY_HAND = 0.09
"""A hand lays a part down to 5°, whose sine this is."""
_ROOM_MM = 2.0
_UNITS_MM = {1.0: "millimetres", 10.0: "centimetres", 25.4: "inches", 1000.0: "metres", 0.001: "micrometres"}
# Rows are the rig's axes in the file's: each a turn, so that no part is mirrored.
_TURNS: dict[UpAxis, list[list[int]]] = {
    "+x": [[0, 0, -1], [0, 1, 0], [1, 0, 0]],
    "-x": [[0, 0, 1], [0, 1, 0], [-1, 0, 0]],
    "+y": [[1, 0, 0], [0, 0, -1], [0, 1, 0]],
    "-y": [[1, 0, 0], [0, 0, 1], [0, -1, 0]],
    "+z": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "-z": [[1, 0, 0], [0, -1, 0], [0, 0, -1]],
}
MATERIALS: Mapping[str, Material] = {name.lower(): value for name, value in vars(materials).items() if isinstance(value, Material)}
"""Every material of the simulation by its name."""


def material(name: str) -> Material:
    """A material by its name, such as ``nylon``. Raises NotFound; it lists those there are."""
    if name not in MATERIALS:
        raise NotFound(f"There is no material '{name}'.", cure=f"Choose one of: {', '.join(MATERIALS)}.", detail="material")
    return MATERIALS[name]


def mesh_kind(
    path: str | Path,
    *,
    name: str | None = None,
    material: str = "matt_plastic",
    scale_to_mm: float | None = None,
    up: UpAxis | None = None,
    colour: Colour | None = None,
    tolerance_mm: float = 0.02,
    field_mm: tuple[float, float] = REFERENCE_FIELD_MM,
) -> PartKind:
    """A product whose good part is a mesh, with all the defects that any body can have.

    The mesh is laid on its lowest point, centred, its longer side along x. What stands under something else cannot be seen from above
    and is not there. It need not be watertight, nor its triangles share vertices.

    Args:
        path: an ``.stl``, ``.ply``, ``.obj`` or ``.glb`` file.
        name: of the product; None is the file's.
        material: what it is made of; the mesh's own colours, where it has some, are this material's colour.
        scale_to_mm: millimetres a unit of the file; None is 1, and 1000 for ``.glb``, which is in metres.
        up: axis of the file that shall face the camera; None is ``+z``, and ``+y`` for ``.glb``.
        colour: linear diffuse reflectance in place of the mesh's and the material's.
        tolerance_mm: standard deviation of each dimension from part to part.
        field_mm: what the camera sees, along x and y; the part must fit.

    Raises:
        NotFound: no such material.
        ConfigurationError: the file is missing, damaged, empty, of an unknown format, or its size does not suit the rig; says what would.
    """
    path = Path(path)
    is_glb = path.suffix.lower() == ".glb"
    stuff = _material(material)
    mesh = read_mesh(path)
    mesh.turn(np.array(_TURNS[up or ("+y" if is_glb else "+z")], np.float64))
    if mesh.size[1] > mesh.size[0]:
        mesh.turn(np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]], np.float64))
    scale = scale_to_mm if scale_to_mm is not None else 1000.0 if is_glb else 1.0
    _check_size(path, mesh.size, scale, field_mm)
    mesh.lay_down(scale)
    form = MeshForm(mesh, stuff, colour, tolerance_mm)
    width, depth = mesh.size[:2]
    sampled, _ = form.seen(*np.meshgrid(np.linspace(-width / 2, width / 2, 200), np.linspace(-depth / 2, depth / 2, 200)))
    if float((sampled > 0).mean()) * width * depth < _LEAST_MM2:
        raise ConfigurationError(
            f"{path} has next to no surface that can be seen from above.",
            cure="Choose another 'up' axis, or export a solid.",
            detail="mesh_invisible",
        )
    return PartKind(name or re.sub(r"[^a-z0-9]+", "_", path.stem.lower()).strip("_") or "part", form, DAMAGE)


_material = material  # inside mesh_kind the name is the argument's


def known_parts(rig: RigConfig, folder: Path) -> dict[str, PartKind]:
    """The products that a simulated rig can hold: the paper's, and those of its own ``simulation.parts``.

    Args:
        rig: the rig.
        folder: where its file is; mesh files are named relative to it.

    Raises:
        NotFound, ConfigurationError: a part's material or mesh is wrong, see :func:`mesh_kind`; or two parts have one name.
    """
    kinds = dict(PART_KINDS)
    width = rig.camera.nominal.field_width_mm
    field_mm = width, width * rig.camera.height_px / rig.camera.width_px
    for part in rig.simulation.parts if rig.simulation else ():
        if part.name in kinds:
            raise ConfigurationError(
                f"Rig '{rig.name}' names a part '{part.name}', and there is one already.", cure="Give it another name.", detail="part_twice"
            )
        kinds[part.name] = mesh_kind(
            folder / part.mesh, name=part.name, material=part.material, scale_to_mm=part.scale_to_mm, up=part.up, colour=part.colour,
            tolerance_mm=part.tolerance_mm, field_mm=field_mm,
        )  # fmt: skip
    return kinds


@dataclass(frozen=True, slots=True)
class MeshForm:
    """Makes bodies from a mesh, each a little different."""

    mesh: ColouredMesh
    """On the plate, mm."""
    material: Material
    colour: Colour | None
    tolerance_mm: float

    def __call__(self, rng: np.random.Generator) -> Body:
        """The body of a good part."""
        width, depth, height = self.mesh.size
        model = Model(rng, width, depth, (1.0, 1.0, 1.0), self.tolerance_mm)
        grown = [model.near(side) / side for side in (width, depth)]
        z, colour = self.seen(model.x / grown[0], model.y / grown[1])
        model.height = np.where(z > 0, z + (model.near(height) - height) * np.clip(z / height, 0, 1), FLOOR_MM)
        model.albedo = model.albedo * colour
        return model.body(self.material)

    def seen(self, x_mm: F64, y_mm: F64) -> tuple[F64, F64]:
        """Height, mm, FLOOR_MM where there is nothing, and colour of what a ray from above meets, (h, w) and (h, w, 3)."""
        core: Any = o3d.core
        scene = o3d.t.geometry.RaycastingScene()
        scene.add_triangles(core.Tensor(self.mesh.vertices.astype(np.float32)), core.Tensor(self.mesh.triangles.astype(np.uint32)))
        start = self.mesh.size[2] + 1.0
        rays = np.zeros((*x_mm.shape, 6), np.float32)
        # A little aside, as rays that run along an edge between two triangles may meet neither.
        rays[..., 0], rays[..., 1], rays[..., 2], rays[..., 5] = x_mm + 3.1e-4, y_mm + 1.7e-4, start, -1
        hits = scene.cast_rays(core.Tensor(rays))
        z = start - hits["t_hit"].numpy().astype(np.float64)
        hit = np.isfinite(z)
        z = np.where(hit, np.maximum(z, _LEAST_HEIGHT_MM), FLOOR_MM)
        colour = np.empty((*z.shape, 3))
        colour[:] = self.colour or self.material.albedo
        if self.colour is None:
            corners = hits["primitive_uvs"].numpy()[hit]
            of_mesh = self.mesh.colour_at(hits["primitive_ids"].numpy()[hit], corners)
            colour[hit] = np.where(np.isfinite(of_mesh), of_mesh, colour[hit])
        # Triangles that do not quite meet leave no gap narrower than the grid.
        closed = cv2.morphologyEx(hit.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)) > 0
        return np.where(closed & ~hit, cv2.dilate(z, np.ones((3, 3))), z), colour


def _check_size(path: Path, size: F64, scale: float, field_mm: tuple[float, float]) -> None:
    if _fits(size * scale, field_mm):
        return
    is_small = max(size[:2]) * scale < _SMALLEST_MM or size[2] * scale <= _LEAST_HEIGHT_MM
    units = [factor for factor in _UNITS_MM if factor != scale and _fits(size * factor, field_mm) and max(size) * factor > 5]
    if units:
        ways = (f"{unit:g} millimetres a unit (a file in {_UNITS_MM[unit]}), that makes it {_told(size * unit)}" for unit in units)
        cure = f"Set the scale to {'; or '.join(ways)}."
    elif min(size) > 0:
        wide = size[0] + _TURNED_BY_HAND * size[1], size[1] + _TURNED_BY_HAND * size[0]
        largest = min((field_mm[0] - _ROOM_MM) / wide[0], (field_mm[1] - _ROOM_MM) / wide[1], _TALLEST_MM / size[2])
        fitting = float(f"{0.8 * largest:.2g}")
        cure = f"Set the scale to at most {largest:.3g} millimetres a unit; {fitting:g} makes it {_told(size * fitting)}."
    else:
        cure = "Export a solid, not a flat surface, or choose another 'up' axis."
    raise ConfigurationError(
        f"{path} is {_told(size * scale)} at a scale of {scale:g}: too {'small' if is_small else 'large'} for a rig that sees "
        f"{field_mm[0]:.0f} × {field_mm[1]:.0f} mm, {_TALLEST_MM:.0f} mm high.",
        cure=cure,
        detail="mesh_size",
    )


def _fits(size_mm: F64, field_mm: tuple[float, float]) -> bool:
    wide = size_mm[0] + _TURNED_BY_HAND * size_mm[1], size_mm[1] + _TURNED_BY_HAND * size_mm[0]
    inside = wide[0] + _ROOM_MM <= field_mm[0] and wide[1] + _ROOM_MM <= field_mm[1]
    return bool(inside and max(size_mm[:2]) >= _SMALLEST_MM and _LEAST_HEIGHT_MM < size_mm[2] <= _TALLEST_MM)


def _told(size_mm: F64) -> str:
    return " × ".join(f"{side:.3g}" if side < 1000 else f"{side:.0f}" for side in size_mm) + " mm"
