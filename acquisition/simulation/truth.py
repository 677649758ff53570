"""What was really there: for scoring in tests, never for the station."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from acquisition.simulation.bench import BenchAccess
from acquisition.simulation.optics import TrueRig


@dataclass(frozen=True, slots=True)
class Truth:
    """The scene on the camera's pixel grid, in the rig frame, and the rig that sees it."""

    rig: TrueRig
    xyz_mm: NDArray[np.float32]
    """(H, W, 3); NaN where a pixel sees nothing."""
    normals: NDArray[np.float32]
    """(H, W, 3) unit vectors."""
    albedo: NDArray[np.float32]
    """(H, W, 3) diffuse reflectance of red, green and blue."""
    object_mask: NDArray[np.bool_]
    """(H, W) what is not the dark plate."""
    defect_mask: NDArray[np.bool_]
    """(H, W) where the part is defective."""
    visible_from_zone: tuple[NDArray[np.bool_], ...]
    """For each zone (H, W): faces it and has free sight of it."""
    visible_from_projector: tuple[NDArray[np.bool_], ...]
    """For each projector (H, W): the same, and within its frame."""


def truth_of(bench: BenchAccess) -> Truth:
    """The truth of what lies on a bench now."""
    view, rig = bench.view, bench.truth
    surface = view.surface
    return Truth(
        rig=rig,
        xyz_mm=surface.xyz_mm,
        normals=surface.normals,
        albedo=surface.albedo,
        object_mask=view.object_mask(),
        defect_mask=defect_mask(bench),
        visible_from_zone=tuple(view.visible_from(z.position_mm) for z in rig.zones),
        visible_from_projector=tuple(view.visible_from_projector(p) for p in range(len(rig.projectors))),
    )


def defect_mask(bench: BenchAccess) -> NDArray[np.bool_]:
    """Where what lies on a bench now is defective, (H, W) bool: :attr:`Truth.defect_mask` without the cost of the rest."""
    view = bench.view
    placed, xyz = view.placed, view.surface.xyz_mm
    if placed is None or placed.defects is None:
        return np.zeros(xyz.shape[:2], np.bool_)
    own = ((xyz - placed.t) @ placed.R).astype(np.float32)
    return placed.defects.at(own[..., 0], own[..., 1])
