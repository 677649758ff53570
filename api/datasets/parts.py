"""The products a data set is made of, by name."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from api.datasets.plan import Arguments, MeshPart
from rig_configs.errors import NotFound, RigFileError, Unprocessable
from rig_configs.files import load_rig, rig_folder

if TYPE_CHECKING:
    from acquisition.simulation.parts import PartKind


@dataclass(frozen=True, slots=True)
class Source:
    """Where samples come from."""

    rig: str
    """Name of a shipped rig, or path of a folder."""
    mesh: Path | None = None
    """The mesh file of the arguments' mesh part."""


def mesh_part(path: Path, material: str, scale_to_mm: float | None) -> MeshPart:
    """A user's mesh as the arguments name it.

    Raises:
        RigFileError: it cannot be read.
    """
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as cause:
        raise RigFileError(f"{path} cannot be read: {cause.strerror}.", cure="Name an STL, PLY, OBJ or GLB file.", detail="mesh") from cause
    return MeshPart(file=path.name, sha256=digest, material=material, scale_to_mm=scale_to_mm)


def mesh_kind_of(source: Source, mesh: MeshPart) -> PartKind:
    """The product of a user's mesh. Raises NotFound, ConfigurationError."""
    from acquisition.simulation.user_mesh import mesh_kind

    assert source.mesh is not None
    camera = load_rig(source.rig).camera
    width = camera.nominal.field_width_mm
    field = (width, width * camera.height_px / camera.width_px)
    return mesh_kind(source.mesh, material=mesh.material, scale_to_mm=mesh.scale_to_mm, field_mm=field)


def known_kinds(rig: str) -> dict[str, PartKind]:
    """Every part that a simulated rig's bench can hold: its own, and those the rig names. Raises ConfigurationError, NotFound."""
    from acquisition.simulation.user_mesh import known_parts

    folder = rig_folder(rig)
    return dict(known_parts(load_rig(folder), folder))


def kinds_of(source: Source, arguments: Arguments) -> dict[str, PartKind]:
    """The products that the arguments name.

    Raises:
        NotFound: the simulated bench has no such part, or there is no such material.
        Unprocessable: the mesh has the name of another part.
        ConfigurationError: the rig or a mesh is wrong.
    """
    known = known_kinds(source.rig)
    if arguments.mesh is not None:
        kind = mesh_kind_of(source, arguments.mesh)
        if kind.name in known:
            raise Unprocessable(f"There is a part '{kind.name}' already.", cure="Give the mesh file another name.", detail="part_twice")
        known[kind.name] = kind
    unknown = [name for name in arguments.categories if name not in known]
    if unknown:
        raise NotFound(f"The simulated bench has no part '{unknown[0]}'.", cure=f"Choose of: {', '.join(known)}.", detail="part")
    return {name: known[name] for name in arguments.categories}
