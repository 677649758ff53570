"""``python -m tests.benchmarks.user_meshes DIR``: a copy of the demo rig with four parts of one's own, as a user brings them.

An angle bracket, a spur gear, a fluted knob and a stepped flange, each an STL file made here. None is a shape of the paper's parts, and
no setting of D³M or of the simulation was chosen on them: what a benchmark of them finds is what a new product would find.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import open3d as o3d
import yaml
from manifold3d import CrossSection, Manifold

from rig_configs.files import rig_folder

_ROUND = 96
"""Corners of what is round."""
_THROUGH_MM = 40.0

LOOKS: dict[str, dict[str, Any]] = {
    "angle_bracket": {"material": "steel"},
    "spur_gear": {"material": "nylon"},
    "fluted_knob": {"material": "glossy_plastic", "colour": [0.05, 0.12, 0.32]},
    "stepped_flange": {"material": "matt_plastic", "colour": [0.16, 0.24, 0.15]},
}
"""Material and colour of each part."""


def _box(size: tuple[float, float, float], corner: tuple[float, float, float]) -> Manifold:
    return Manifold.cube(size).translate(corner)


def _drill(diameter: float, x: float, y: float, bottom: float = -_THROUGH_MM / 2) -> Manifold:
    """A cylinder to be taken away, from ``bottom`` up."""
    return Manifold.cylinder(_THROUGH_MM, diameter / 2, circular_segments=_ROUND).translate((x, y, bottom))


def _turned(*profile: tuple[float, float]) -> Manifold:
    """A turned part from the radii and heights of its outline, against the clock."""
    return CrossSection([np.array(profile)]).revolve(_ROUND)


def _around(count: int, radius: float) -> list[tuple[float, float]]:
    angles = 2 * np.pi * np.arange(count) / count
    return [(float(radius * np.cos(a)), float(radius * np.sin(a))) for a in angles]


def angle_bracket() -> Manifold:
    """A base of 23 × 15 mm with a wall, a rib, two sunk holes and a slot."""
    base = _box((23, 15, 2.5), (-11.5, -7.5, 0))
    for y in (-4, 4):
        base -= _drill(3.4, 7.0, y) + _drill(6.4, 7.0, y, 1.3)
    base -= CrossSection([np.array([(-5, -4.9), (1, -4.9), (1, -2.9), (-5, -2.9)], float)]).offset(0.8).extrude(_THROUGH_MM).translate((0, 0, -5))
    wall = _box((2.6, 15, 8), (-11.5, -7.5, 0))
    rib = CrossSection([np.array([(-9.5, 2.0), (0.5, 2.0), (-9.5, 6.5)], float)]).extrude(2.2).rotate((90, 0, 0)).translate((0, 3.5, 0))
    return base + wall + rib


def spur_gear() -> Manifold:
    """Twenty teeth of module 1, a thinner web with five holes, a hub, a bore with a keyway."""
    root, tip, teeth = 8.75, 11.0, 20
    flank = [(-0.30, root), (-0.16, (root + tip) / 2), (-0.09, tip), (0.09, tip), (0.16, (root + tip) / 2), (0.30, root)]
    corners = [(radius, 2 * np.pi * (tooth + share) / teeth) for tooth in range(teeth) for share, radius in flank]
    ring = CrossSection([np.array([(radius * np.cos(a), radius * np.sin(a)) for radius, a in corners])]).extrude(5.0) - _drill(14.4, 0, 0, 3.4)
    for x, y in _around(5, 5.2):
        ring -= _drill(2.6, x, y)
    hub = _turned((0, 0), (3.5, 0), (3.5, 6.1), (3.1, 6.5), (0, 6.5))
    return ring + hub - _drill(4.0, 0, 0) - _box((1.3, 1.3, _THROUGH_MM), (1.4, -0.65, -5))


def fluted_knob() -> Manifold:
    """Nine flutes, a domed cap on a skirt, a groove that points."""
    angles = np.linspace(0, 2 * np.pi, 360, endpoint=False)
    radius = 8.0 - 0.7 * (0.5 - 0.5 * np.cos(9 * angles)) ** 2
    grip = CrossSection([np.column_stack([radius * np.cos(angles), radius * np.sin(angles)])]).extrude(6.0).translate((0, 0, 1))
    rise = np.linspace(0, np.pi / 2, 14)
    dome = [(float(6.9 * np.cos(t)), float(7.0 + 1.8 * np.sin(t))) for t in rise[:-1]]
    cap = _turned((0, 6.0), (6.9, 6.0), *dome, (0, 8.8))
    skirt = _turned((0, 0), (10.0, 0), (10.0, 1.2), (8.4, 2.4), (0, 2.4))
    return grip + cap + skirt - _box((9.0, 1.1, 5.0), (1.5, -0.55, 7.4))


def stepped_flange() -> Manifold:
    """Three steps with chamfers, a bore with a seat, six bolt holes."""
    body = _turned((0, 0), (11.0, 0), (11.0, 2.6), (10.6, 3.0), (7.6, 3.0), (7.6, 5.6), (7.2, 6.0), (5.2, 6.0), (5.2, 8.6), (4.8, 9.0), (0, 9.0))
    for x, y in _around(6, 9.1):
        body -= _drill(1.9, x, y)
    return body - _drill(6.0, 0, 0) - _drill(7.4, 0, 0, 8.0)


MESHES = {"angle_bracket": angle_bracket, "spur_gear": spur_gear, "fluted_knob": fluted_knob, "stepped_flange": stepped_flange}


def write_rig(folder: Path) -> None:
    """The demo rig in a new folder, with the meshes beside it and in its ``simulation.parts``."""
    shutil.copytree(rig_folder("demo"), folder)
    for name, make in MESHES.items():
        solid = make().to_mesh()
        mesh = o3d.geometry.TriangleMesh(
            o3d.utility.Vector3dVector(np.array(solid.vert_properties, np.float64)[:, :3]),
            o3d.utility.Vector3iVector(np.array(solid.tri_verts, np.int32)),
        )
        mesh.compute_triangle_normals()  # an STL file holds them
        o3d.io.write_triangle_mesh(folder / f"{name}.stl", mesh)
    path = folder / "rig.yaml"
    rig = yaml.safe_load(path.read_text(encoding="utf-8"))
    rig["simulation"]["parts"] = [{"name": name, "mesh": f"{name}.stl"} | LOOKS[name] for name in MESHES]
    path.write_text(yaml.safe_dump(rig, sort_keys=False), encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    write_rig(Path(sys.argv[1]))
