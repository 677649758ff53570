"""Parts of the paper's list, each of them a little different from the next: Real-IAD D³, Table A1 gives their sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from acquisition.simulation import damage
from acquisition.simulation.defects import differing
from acquisition.simulation.kinds import components, connectors, controls, crimped
from acquisition.simulation.scene import DefectMap, Mesh, SceneObject, grid_mesh
from acquisition.simulation.shapes import FLOOR_MM, STEP_MM, Body
from rig_configs.errors import NotFound


@dataclass(frozen=True, slots=True)
class Pose:
    """How a part lies on the plate."""

    x_mm: float = 0.0
    y_mm: float = 0.0
    angle_deg: float = 0.0
    tilt_deg: tuple[float, float] = (0.0, 0.0)
    """About x and y."""

    @property
    def R(self) -> NDArray[np.float64]:  # noqa: N802 - the field's own name
        """Rotation part → rig, (3, 3)."""
        turn, _ = cv2.Rodrigues(np.radians([0, 0, self.angle_deg]))
        tilt, _ = cv2.Rodrigues(np.radians([*self.tilt_deg, 0]))
        return np.asarray(turn @ tilt, np.float64)

    @property
    def t(self) -> NDArray[np.float64]:
        """Translation part → rig, (3,) mm."""
        return np.array([self.x_mm, self.y_mm, 0.0])


def random_pose(rng: np.random.Generator) -> Pose:
    """As a hand lays a part into a nest: within 0.8 mm, 5°, and not quite flat."""
    x, y = rng.uniform(-0.8, 0.8, 2)
    tilt = rng.normal(0, 0.1, 2).clip(-0.25, 0.25)
    return Pose(float(x), float(y), float(rng.uniform(-5, 5)), (float(tilt[0]), float(tilt[1])))


@dataclass(frozen=True, slots=True)
class Part:
    """One part, good or with one defect."""

    kind: str
    seed: int
    defect: str | None
    body: Body
    defects: DefectMap
    """Where it differs from the good part of the same seed."""

    @property
    def defect_share(self) -> float:
        """Share of the part's area that is defective."""
        return float(self.defects.mask.sum() / (self.body.height_mm > 0).sum())

    def placed(self, pose: Pose | None = None) -> SceneObject:
        """The part on the dark plate."""
        pose, body = pose or Pose(), self.body
        mesh = grid_mesh(body.height_mm.astype(np.float32), body.albedo.astype(np.float32), body.origin_mm, STEP_MM, FLOOR_MM, body.material)
        meshes = tuple(piece.moved(pose.R, pose.t) for piece in _by_material(mesh, body))
        return SceneObject(self.kind, meshes, True, pose.R, pose.t, self.defects)


def _by_material(mesh: Mesh, body: Body) -> tuple[Mesh, ...]:
    """The body's mesh, or where it has an inlay, the mesh of either material."""
    if body.inlay is None or body.inlaid is None:
        return (mesh,)
    column, row = (np.rint((mesh.vertices_mm[:, i] - body.origin_mm[i]) / STEP_MM).astype(np.intp) for i in (0, 1))
    inlaid = body.inlaid[row, column][mesh.triangles].sum(1) >= 2
    return replace(mesh, triangles=mesh.triangles[~inlaid]), replace(mesh, triangles=mesh.triangles[inlaid], material=body.inlay)


@dataclass(frozen=True, slots=True)
class PartKind:
    """A product: how a good part is made, and what can be wrong with one."""

    name: str
    _form: Callable[[np.random.Generator], Body]
    _defects: Mapping[str, Callable[[Body, np.random.Generator], Body]]

    @property
    def defects(self) -> tuple[str, ...]:
        """Names of the defects it can have."""
        return tuple(self._defects)

    def make(self, seed: int, defect: str | None = None) -> Part:
        """Make the part of a seed; with a defect, the same part spoilt.

        Raises:
            NotFound: it has no such defect.
        """
        good = self._form(np.random.default_rng([seed, 1]))
        if defect is None:
            return Part(self.name, seed, None, good, DefectMap(np.zeros(good.height_mm.shape, np.bool_), good.origin_mm, STEP_MM))
        if defect not in self._defects:
            raise NotFound(f"A {self.name} has no defect '{defect}'.", cure=f"Choose one of: {', '.join(self.defects)}.", detail="defect")
        body = self._defects[defect](good, np.random.default_rng([seed, 2]))
        mask = differing(good, body)
        return Part(self.name, seed, defect, body, DefectMap(mask, good.origin_mm, STEP_MM))


def part_kind(name: str) -> PartKind:
    """A product by its name.

    Raises:
        NotFound: the simulated bench has no such part.
    """
    if name not in PART_KINDS:
        raise NotFound(f"The simulated bench has no part '{name}'.", cure=f"Choose one of: {', '.join(PART_KINDS)}.", detail="part")
    return PART_KINDS[name]


DAMAGE: Mapping[str, Callable[[Body, np.random.Generator], Body]] = {
    "scratch": damage.scratch,
    "dent": damage.dent,
    "shallow_dent": damage.shallow_dent,
    "pit": damage.pit,
    "hole": damage.hole,
    "crack": damage.crack,
    "missing_part": damage.missing_part,
    "deformation": damage.deformation,
    "impact_damage": damage.impact_damage,
    "burr": damage.burr,
    "contamination": damage.contamination,
    "stain": damage.stain,
    "wrong_height": damage.wrong_height,
}


def _damaged(*names: str) -> dict[str, Callable[[Body, np.random.Generator], Body]]:
    return {name: DAMAGE[name] for name in names}


PART_KINDS: dict[str, PartKind] = {
    kind.name: kind
    for kind in (
        PartKind("fork_crimp_terminal", crimped.fork_crimp_terminal, _damaged("scratch", "deformation")),
        PartKind("connector_housing_female", crimped.connector_housing_female, _damaged("stain", "missing_part")),
        PartKind("humidity_sensor", components.humidity_sensor, _damaged("contamination", "missing_part", "crack", "stain")),
        PartKind("fuse_holder", components.fuse_holder, _damaged("crack", "deformation", "scratch")),
        PartKind("ferrite_bead", components.ferrite_bead, _damaged("crack", "impact_damage", "scratch")),
        PartKind("lego_pin_connector_plate", controls.lego_pin_connector_plate, _damaged("burr", "shallow_dent", "contamination")),
        PartKind("purple_clay_pot", controls.purple_clay_pot, _damaged("crack", "impact_damage", "pit", "shallow_dent")),
        PartKind("ethernet_connector", connectors.ethernet_connector, _damaged("deformation", "missing_part", "stain")),
        PartKind("miniature_lifting_motor", components.miniature_lifting_motor, _damaged("deformation", "scratch", "contamination", "shallow_dent")),
        PartKind("dc_power_connector", connectors.dc_power_connector, _damaged("scratch", "wrong_height", "burr", "crack")),
        PartKind("lego_propeller", controls.lego_propeller, _damaged("missing_part", "deformation", "hole", "scratch")),
        PartKind("limit_switch", controls.limit_switch, _damaged("deformation", "missing_part", "scratch", "hole")),
        PartKind("headphone_jack_socket", connectors.headphone_jack_socket, _damaged("missing_part", "crack", "scratch", "contamination")),
        PartKind("audio_jack_socket", connectors.audio_jack_socket, _damaged("impact_damage", "deformation", "dent", "stain")),
        PartKind("common_mode_filter", components.common_mode_filter, _damaged("missing_part", "wrong_height", "contamination")),
        PartKind("lattice_block_plug", connectors.lattice_block_plug, _damaged("wrong_height", "missing_part", "crack", "stain")),
        PartKind("knob_cap", controls.knob_cap, _damaged("burr", "pit", "scratch")),
        PartKind("telephone_spring_switch", controls.telephone_spring_switch, _damaged("deformation", "missing_part", "contamination", "crack")),
        PartKind("power_jack", connectors.power_jack, _damaged("deformation", "impact_damage", "pit")),
        PartKind("crimp_st_cable_mount_box", connectors.crimp_st_cable_mount_box, _damaged("missing_part", "pit", "burr", "stain")),
    )
}
"""The products that the simulated bench can hold."""
