"""A part of the user's own: any mesh lies on the bench as it is, in its size and colours, and can have every defect."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import open3d as o3d
import pytest

from acquisition.simulation.bench import Bench
from acquisition.simulation.materials import NYLON
from acquisition.simulation.parts import DAMAGE, Pose
from acquisition.simulation.truth import truth_of
from acquisition.simulation.user_mesh import MATERIALS, known_parts, material, mesh_kind
from rig_configs.errors import ConfigurationError, NotFound
from rig_configs.files import load_rig
from rig_configs.simulation import SimulatedPart, SimulationConfig, UpAxis


def box(size, corner) -> Any:
    return o3d.geometry.TriangleMesh.create_box(*size).translate(corner)


def stepped_block() -> Any:
    """20 × 10 × 4 mm, somewhere in space, with a peg of 6 × 4 × 3 mm on its left, upper part."""
    return box((20, 10, 4), (100, -50, 7)) + box((6, 4, 3), (102, -45, 11))


def written(path: Path, mesh: Any) -> Path:
    mesh.compute_triangle_normals()
    io: Any = o3d.io  # its stubs have its arguments wrong
    assert io.write_triangle_mesh(str(path), mesh)
    return path


@pytest.fixture
def block(tmp_path) -> Path:
    return written(tmp_path / "Stepped Block.stl", stepped_block())


def height_at(body, x_mm: float, y_mm: float) -> float:
    return body.height_mm[round((y_mm - body.origin_mm[1]) / 0.04), round((x_mm - body.origin_mm[0]) / 0.04)]


def colour_at(body, x_mm: float, y_mm: float) -> np.ndarray:
    row, column = round((y_mm - body.origin_mm[1]) / 0.04), round((x_mm - body.origin_mm[0]) / 0.04)
    return body.albedo[row - 5 : row + 6, column - 5 : column + 6].mean((0, 1))


def size_of(body) -> tuple[float, float, float]:
    rows, columns = np.nonzero(body.height_mm > 0)
    return (np.ptp(columns) + 1) * 0.04, (np.ptp(rows) + 1) * 0.04, body.height_mm.max()


@pytest.mark.parametrize("suffix", [".stl", ".ply", ".obj"])
def test_a_mesh_of_any_format_lies_centred_on_its_lowest_point(tmp_path, suffix):
    kind = mesh_kind(written(tmp_path / f"Stepped Block{suffix}", stepped_block()), material="nylon")
    assert kind.name == "stepped_block"
    body = kind.make(1).body
    np.testing.assert_allclose(size_of(body), (20, 10, 7), atol=0.12)
    assert height_at(body, 5, 0) == pytest.approx(4, abs=0.1)
    assert height_at(body, -5, 2) == pytest.approx(7, abs=0.1)
    np.testing.assert_allclose(colour_at(body, 5, 0), NYLON.albedo, rtol=0.15)


def test_the_side_that_is_up_in_the_file_faces_the_camera_unmirrored(block, tmp_path):
    upright = np.asarray(mesh_kind(block).make(1).body.height_mm)
    turns: dict[UpAxis, tuple] = {
        "+y": (-np.pi / 2, 0, 0),
        "-y": (np.pi / 2, 0, 0),
        "-z": (np.pi, 0, 0),
        "+x": (0, np.pi / 2, 0),
        "-x": (0, -np.pi / 2, 0),
    }
    for up, angles in turns.items():
        mesh = stepped_block()
        mesh.rotate(o3d.geometry.get_rotation_matrix_from_xyz(np.array(angles, float).reshape(3, 1)), center=(0, 0, 0))
        turned = mesh_kind(written(tmp_path / "turned.ply", mesh), up=up).make(1).body.height_mm
        assert turned.shape == upright.shape
        # The same peg in the same quarter, or in the one that a turn of the part on the plate brings it to.
        assert min(np.median(np.abs(turned - upright)), np.median(np.abs(turned[::-1, ::-1] - upright))) < 0.02, up
        assert min(np.mean(np.abs(turned - upright) > 0.1), np.mean(np.abs(turned[::-1, ::-1] - upright) > 0.1)) < 0.03, up


def test_the_longer_side_is_laid_along_x(tmp_path):
    body = mesh_kind(written(tmp_path / "tall.ply", box((6, 18, 3), (0, 0, 0)))).make(1).body
    np.testing.assert_allclose(size_of(body), (18, 6, 3), atol=0.12)


def glb(path: Path, pieces, picture: np.ndarray) -> Path:
    """A binary glTF: (vertices m, triangles, uv or None, base colour) a mesh; those with uv wear the picture."""
    binary, views, accessors, meshes, materials = b"", [], [], [], []

    def view(content: bytes) -> int:
        nonlocal binary
        views.append({"buffer": 0, "byteOffset": len(binary), "byteLength": len(content)})
        binary += content + b"\0" * (-len(content) % 4)
        return len(views) - 1

    def accessor(values: np.ndarray, kind: str) -> int:
        limits = {"min": values.min(0).tolist(), "max": values.max(0).tolist()} if kind == "VEC3" else {}
        component = 5126 if values.dtype == np.float32 else 5125
        count = values.size if kind == "SCALAR" else len(values)
        accessors.append({"bufferView": view(values.tobytes()), "componentType": component, "count": count, "type": kind, **limits})
        return len(accessors) - 1

    for vertices, triangles, uv, colour in pieces:
        look: dict[str, Any] = {"baseColorFactor": [*colour, 1.0]}
        attributes = {"POSITION": accessor(vertices.astype(np.float32), "VEC3")}
        if uv is not None:
            attributes["TEXCOORD_0"] = accessor(uv.astype(np.float32), "VEC2")
            look["baseColorTexture"] = {"index": 0}
        materials.append({"pbrMetallicRoughness": look})
        primitive = {"attributes": attributes, "indices": accessor(triangles.astype(np.uint32), "SCALAR"), "material": len(materials) - 1}
        meshes.append({"primitives": [primitive]})
    image = view(cv2.imencode(".png", picture[..., ::-1])[1].tobytes())
    content = {
        "asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": list(range(len(meshes)))}], "nodes": [{"mesh": i} for i in range(len(meshes))],
        "meshes": meshes, "materials": materials, "accessors": accessors, "images": [{"bufferView": image, "mimeType": "image/png"}],
        "textures": [{"source": 0}], "bufferViews": views, "buffers": [{"byteLength": len(binary)}],
    }  # fmt: skip
    text = json.dumps(content).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(binary), b"BIN\0") + binary
    path.write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks)
    return path


def test_a_glb_in_metres_with_y_up_keeps_its_picture_and_its_colours(tmp_path):
    plate, peg = box((0.02, 0.004, 0.01), (0, 0, 0)), box((0.004, 0.003, 0.003), (0.001, 0.004, 0.001))
    vertices = np.asarray(plate.vertices)
    uv = np.stack([vertices[:, 0] / 0.02, vertices[:, 2] / 0.01], 1)
    picture = np.zeros((8, 8, 3), np.uint8)
    picture[:4, :4], picture[:4, 4:], picture[4:, :4], picture[4:, 4:] = (255, 0, 0), (0, 255, 0), (0, 0, 255), (188, 188, 188)
    pieces = [(vertices, np.asarray(plate.triangles), uv, (1, 1, 1)), (np.asarray(peg.vertices), np.asarray(peg.triangles), None, (0.6, 0.3, 0.02))]
    body = mesh_kind(glb(tmp_path / "plate.glb", pieces, picture)).make(1).body
    np.testing.assert_allclose(size_of(body), (20, 10, 7), atol=0.12)
    # glTF's y is up and its z towards the viewer: what is at z = 0 lies far from them, at the top of the view; a picture's row 0 is at v = 0.
    assert height_at(body, -7, 2.5) == pytest.approx(7, abs=0.1)
    for (x, y), colour in {(-3, 2.5): (0.85, 0.02, 0.02), (5, 2.5): (0.02, 0.85, 0.02), (-5, -2.5): (0.02, 0.02, 0.85),
                           (5, -2.5): (0.5, 0.5, 0.5), (-7, 2.5): (0.6, 0.3, 0.02)}.items():  # fmt: skip
        np.testing.assert_allclose(colour_at(body, x, y), colour, rtol=0.12, atol=0.01)


def test_vertex_colours_are_kept_and_a_colour_given_replaces_them(tmp_path):
    mesh = stepped_block()
    mesh.paint_uniform_color((0.5, 0.1, 0.1))
    path = written(tmp_path / "red.ply", mesh)
    np.testing.assert_allclose(colour_at(mesh_kind(path).make(1).body, 5, 0), (0.214, 0.02, 0.02), rtol=0.15)  # sRGB 0.5 is 0.214 of the light
    np.testing.assert_allclose(colour_at(mesh_kind(path, colour=(0.1, 0.2, 0.3)).make(1).body, 5, 0), (0.1, 0.2, 0.3), rtol=0.15)


@pytest.mark.parametrize(
    ("factor", "told", "cure"),
    [
        (0.001, r"0.02 × 0.01 × 0.007 mm at a scale of 1: too small", r"1000 millimetres a unit \(a file in metres\), that makes it 20 × 10 × 7 mm"),
        (1 / 25.4, "too small", r"25.4 millimetres a unit \(a file in inches\)"),
        (1000.0, r"20000 × 10000 × 7000 mm at a scale of 1: too large", r"0.001 millimetres a unit \(a file in micrometres\)"),
        (7.0, "140 × 70 × 49 mm at a scale of 1: too large", r"at most 0.349 millimetres a unit; 0.28 makes it 39.2 × 19.6 × 13.7 mm"),
    ],
)
def test_a_mesh_of_another_size_is_refused_with_the_scale_that_would_fit(tmp_path, factor, told, cure):
    path = written(tmp_path / "part.ply", stepped_block().scale(factor, center=(0, 0, 0)))
    with pytest.raises(ConfigurationError, match=told) as refused:
        mesh_kind(path)
    assert refused.value.code == "configuration.invalid.mesh_size"
    with pytest.raises(ConfigurationError, match=cure):
        mesh_kind(path)


def test_what_is_no_mesh_is_refused_in_words(tmp_path, block):
    nan = tmp_path / "nan.obj"
    nan.write_text("v 0 0 0\nv nan 0 0\nv 0 10 2\nv 10 10 3\nf 1 2 3\nf 1 3 4\n")
    empty = tmp_path / "empty.ply"
    empty.write_text("ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nproperty float y\nproperty float z\nend_header\n0 0 0\n")
    damaged = tmp_path / "damaged.stl"
    damaged.write_bytes(block.read_bytes()[:300])
    noise = tmp_path / "noise.glb"
    noise.write_bytes(b"glTF and nothing else")
    step = tmp_path / "part.step"
    step.write_text("ISO-10303-21;")
    wall = written(tmp_path / "wall.ply", box((10, 0.001, 5), (0, 0, 0)))
    flat = written(tmp_path / "flat.ply", box((10, 8, 0.001), (0, 0, 0)))
    expected = {
        nan: "damaged",
        empty: "empty",
        damaged: "",
        noise: "empty",
        step: "format",
        wall: "invisible",
        flat: "size",
        tmp_path / "no.stl": "missing",
    }
    for path, detail in expected.items():
        with pytest.raises(ConfigurationError, match=path.name) as refused:
            mesh_kind(path)
        assert refused.value.code.startswith(f"configuration.invalid.mesh_{detail}"), path.name
        assert refused.value.cure


def test_a_mesh_with_gaps_is_whole_where_the_gaps_are_narrower_than_the_grid(tmp_path):
    halves = box((9.99, 10, 4), (-10, -5, 0)) + box((9.99, 10, 4), (0.005, -5, 0))
    halves.triangles = o3d.utility.Vector3iVector(np.asarray(halves.triangles)[1:])  # not watertight either
    body = mesh_kind(written(tmp_path / "halves.stl", halves)).make(1).body
    on = body.height_mm > 0
    filled = cv2.morphologyEx(on.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((9, 9)))
    assert (filled > 0)[on.any(1)][:, on.any(0)].all()


def test_materials_go_by_their_names():
    assert material("nylon") is NYLON
    with pytest.raises(NotFound, match="nylon") as missing:
        material("cheese")
    assert missing.value.code == "not_found.material"


def test_parts_of_one_mesh_differ_in_size_and_colour_and_a_seed_repeats_them(block):
    kind = mesh_kind(block, tolerance_mm=0.03)
    bodies = [kind.make(seed).body for seed in (1, 1, 2, 3, 4, 5, 6)]
    np.testing.assert_array_equal(bodies[0].height_mm, bodies[1].height_mm)
    tops = [height_at(body, -5, 2) for body in bodies[1:]]
    assert 0.008 < np.std(tops) < 0.08
    assert np.std([colour_at(body, 5, 0)[0] for body in bodies[1:]]) > 0.002


@pytest.mark.parametrize("defect", DAMAGE)
@pytest.mark.parametrize("shape", ["block", "dome"])
def test_every_defect_can_befall_a_mesh(block, tmp_path, shape, defect):
    dome = written(tmp_path / "dome.stl", o3d.geometry.TriangleMesh.create_sphere(7, 60))
    kind = mesh_kind(block if shape == "block" else dome)
    for seed in range(3):
        part = kind.make(seed, defect)
        assert 0.003 < part.defect_share < 0.07


def test_the_camera_sees_the_defect_of_a_mesh_where_its_mask_says(block):
    rig = load_rig("demo")
    bench = Bench(rig.model_copy(update={"camera": rig.camera.model_copy(update={"width_px": 342, "height_px": 228})}))
    kind, light = mesh_kind(block, material="glossy_plastic"), []
    for defect in (None, "contamination"):
        bench.place(kind.make(4, defect).placed(Pose(0.4, -0.2, 3.0)))
        light.append(bench.view.zone(0))
    mask = truth_of(bench).defect_mask
    assert mask.sum() > 20
    changed = np.abs(light[1] - light[0]) > 0.05 * light[0].max()
    assert changed[mask].mean() > 0.3


def test_a_rig_has_parts_of_its_own_beside_the_papers(block):
    rig = load_rig("demo")
    assert rig.simulation is not None

    def with_parts(*parts: dict):
        assert rig.simulation is not None
        simulation = SimulationConfig.model_validate(rig.simulation.model_dump() | {"parts": parts})
        return rig.model_copy(update={"simulation": simulation})

    own = {"name": "bracket", "mesh": block.name, "material": "nylon", "colour": (0.1, 0.2, 0.5)}
    kinds = known_parts(with_parts(own), block.parent)
    assert len(kinds) == 21
    assert kinds["bracket"].make(3, "scratch").defect_share > 0
    with pytest.raises(ConfigurationError, match="knob_cap"):
        known_parts(with_parts(own | {"name": "knob_cap"}), block.parent)
    with pytest.raises(ConfigurationError, match=r"nowhere\.stl"):
        known_parts(with_parts(own | {"mesh": "nowhere.stl"}), block.parent)
    with pytest.raises(ValueError, match="name"):
        SimulatedPart(name="../bracket", mesh="a.stl")


def test_the_docs_name_every_key_of_a_part_and_every_material():
    text = (Path(__file__).parents[2] / "docs" / "parts.md").read_text("utf-8")
    keys = re.search(r"\| Key \| Meaning \|\n(.*?)\n\n", text, re.DOTALL)
    assert keys is not None
    assert re.findall(r"^\| `(\w+)`", keys[1], re.MULTILINE) == list(SimulatedPart.model_fields)
    of_material = next(line for line in keys[1].splitlines() if line.startswith("| `material`"))
    assert set(re.findall(r"`(\w+)`", of_material)) - {"material"} == set(MATERIALS)
