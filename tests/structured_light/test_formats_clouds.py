"""Clouds for other people's programs: every format is read back by a reader that is not ours."""

from __future__ import annotations

import re
import tracemalloc
from pathlib import Path

import numpy as np
import open3d as o3d
import pytest
import tifffile
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from rig_configs.errors import ReconstructionError
from structured_light.formats import CLOUD_FORMATS, cloud_normals, downsample, every, iges, write_cloud
from structured_light.formats.meshes import point_spacing_mm
from structured_light.point_map import PointMap

PITCH, STEP = 0.05, 2.0
H, W = 150, 40


def grid(height: int, width: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    v, u = np.mgrid[:height, :width].astype(np.float64)
    return (u - width / 2) * PITCH, (height / 2 - v) * PITCH


@pytest.fixture
def cloud() -> PointMap:
    """A wavy surface with a step of 2 mm between columns 19 and 20, and holes."""
    x, y = grid(H, W)
    z = 0.2 * np.sin(3 * x) * np.cos(2 * y) + np.where(x >= 0, STEP, 0)
    views = np.full((H, W), 3, np.uint8)
    views[10:20, 5:9] = views[64, :] = views[149, 39] = 0
    xyz = np.stack([x, y, z], -1).astype(np.float32)
    xyz[views == 0] = np.nan
    return PointMap(xyz, np.where(views > 0, 0.002, np.nan).astype(np.float32), views)


@pytest.fixture
def normals(cloud: PointMap) -> NDArray[np.float32]:
    n = np.random.default_rng(0).normal(size=cloud.xyz_mm.shape)
    return (n / np.linalg.norm(n, axis=-1, keepdims=True)).astype(np.float32)


@pytest.fixture
def rgb() -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (H, W, 3)).astype(np.uint8)


def test_open3d_reads_points_normals_and_colours_of_a_pcd(tmp_path: Path, cloud: PointMap, normals, rgb) -> None:
    count = write_cloud(tmp_path / "c.pcd", cloud, normals=normals, rgb=rgb)
    assert count == cloud.valid.sum()
    read = o3d.io.read_point_cloud(str(tmp_path / "c.pcd"))
    np.testing.assert_array_equal(np.asarray(read.points, np.float32), cloud.xyz_mm[cloud.valid])
    np.testing.assert_array_equal(np.asarray(read.normals, np.float32), normals[cloud.valid])
    np.testing.assert_array_equal(np.rint(np.asarray(read.colors) * 255), rgb[cloud.valid])
    tensors = o3d.t.io.read_point_cloud(str(tmp_path / "c.pcd"))
    np.testing.assert_array_equal(tensors.point.sigma_z.numpy().ravel(), cloud.sigma_z_mm[cloud.valid])
    np.testing.assert_array_equal(tensors.point.views.numpy().ravel(), cloud.views[cloud.valid])


@pytest.mark.parametrize("suffix", ["ply", "pcd", "asc", "obj", "iges"])
def test_a_bare_cloud_needs_neither_normals_nor_colours(tmp_path: Path, cloud: PointMap, suffix: str) -> None:
    assert write_cloud(tmp_path / f"c.{suffix}", cloud) == cloud.valid.sum()


def test_numpy_reads_the_columns_of_an_asc(tmp_path: Path, cloud: PointMap, normals, rgb) -> None:
    write_cloud(tmp_path / "c.asc", cloud, normals=normals, rgb=rgb)
    read = np.loadtxt(tmp_path / "c.asc")
    np.testing.assert_allclose(read[:, :3], cloud.xyz_mm[cloud.valid], atol=6e-6)
    np.testing.assert_array_equal(read[:, 3:6], rgb[cloud.valid])
    np.testing.assert_allclose(read[:, 6:], normals[cloud.valid], atol=6e-6)


def test_tifffile_reads_the_grid(tmp_path: Path, cloud: PointMap) -> None:
    write_cloud(tmp_path / "c.tiff", cloud)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "c.tiff"), cloud.xyz_mm)


def step_of(mesh: o3d.geometry.TriangleMesh) -> float:
    """Longest extent in z of a triangle."""
    z = np.asarray(mesh.vertices)[np.asarray(mesh.triangles)][..., 2]
    return float(np.ptp(z, axis=1).max())


@pytest.mark.parametrize("suffix", ["stl", "obj"])
def test_meshes_face_the_camera_and_leave_steps_and_holes_open(tmp_path: Path, cloud: PointMap, suffix: str) -> None:
    write_cloud(tmp_path / f"c.{suffix}", cloud)
    mesh = o3d.io.read_triangle_mesh(str(tmp_path / f"c.{suffix}"))
    mesh.compute_triangle_normals()
    assert np.asarray(mesh.triangle_normals)[:, 2].min() > 0.5
    assert step_of(mesh) < STEP / 10
    mesh.merge_close_vertices(1e-6)
    _, sizes, _ = mesh.cluster_connected_triangles()
    # two sides of the step, each cut by the row of unknown points
    assert len(np.asarray(sizes)) == 4
    # every cell of four known points on one side has two triangles, each corner of a hole and the missing corner one less
    known = cloud.valid
    cells = np.lib.stride_tricks.sliding_window_view(known, (2, 2)).sum(axis=(2, 3))
    cells[:, 19] = 0
    assert len(np.asarray(mesh.triangles)) == 2 * (cells == 4).sum() + (cells == 3).sum()


def test_stl_and_obj_hold_the_same_surface(tmp_path: Path, cloud: PointMap, normals, rgb) -> None:
    areas = []
    for name in ("c.stl", "c.obj"):
        write_cloud(tmp_path / name, cloud, normals=normals, rgb=rgb)
        areas.append(o3d.io.read_triangle_mesh(str(tmp_path / name)).get_surface_area())
    assert areas[0] == pytest.approx(areas[1], rel=1e-4)
    mesh = o3d.io.read_triangle_mesh(str(tmp_path / "c.obj"))
    # open3d orders vertices by their first use in a face
    distance, which = cKDTree(cloud.xyz_mm[cloud.valid]).query(np.asarray(mesh.vertices))
    assert len(which) == cloud.valid.sum()
    assert distance.max() < 1e-5
    np.testing.assert_allclose(np.asarray(mesh.vertex_colors) * 255, rgb[cloud.valid][which], atol=0.02)
    np.testing.assert_allclose(np.asarray(mesh.vertex_normals), normals[cloud.valid][which], atol=2e-5)


def parse_iges(path: Path) -> tuple[NDArray[np.float64], str]:
    """A strict little reader of IGES 5.3: columns, counts, pointers both ways; gives the points and the global section."""
    sections: dict[str, list[str]] = {"S": [], "G": [], "D": [], "P": [], "T": []}
    order = ""
    for line in path.read_text("ascii").splitlines():
        assert len(line) == 80
        letter, number = line[72], int(line[73:])
        sections[letter].append(line[:72])
        assert number == len(sections[letter])
        order += letter if not order.endswith(letter) else ""
    assert order == ("SGDPT" if sections["D"] else "SGT")
    terminate = sections["T"][0]
    for i, letter in enumerate("SGDP"):
        field = terminate[8 * i : 8 * i + 8]
        assert field[0] == letter
        assert int(field[1:]) == len(sections[letter])
    points = []
    for i in range(0, len(sections["D"]), 2):
        first, second = ([line[8 * k : 8 * k + 8] for k in range(9)] for line in sections["D"][i : i + 2])
        assert int(first[0]) == int(second[0]) == 116
        assert int(second[3]) == 1
        assert re.fullmatch(r"\d{8}", first[8])
        line = sections["P"][int(first[1]) - 1]
        assert int(line[64:]) == i + 1
        kind, x, y, z, symbol = line[:64].rstrip().removesuffix(";").split(",")
        assert (kind, symbol) == ("116", "0")
        points.append([float(x), float(y), float(z)])
    return np.array(points), "".join(sections["G"])


def global_fields(text: str) -> list[str]:
    """Fields of the global section, Hollerith strings resolved."""
    fields, at = [], 0
    while at < len(text):
        string = re.match(r"(\d+)H", text[at:])
        if string:
            start = at + string.end()
            end = start + int(string[1])
            fields.append(text[start:end])
        else:
            end = at + (re.search(r"[,;]", text[at:]) or pytest.fail("no delimiter")).start()
            fields.append(text[at:end])
        if text[end] == ";":
            return fields
        at = end + 1
    return pytest.fail("the global section does not end")


def test_iges_points_are_entities_116_in_millimetres(tmp_path: Path, cloud: PointMap) -> None:
    write_cloud(tmp_path / "cloud of a part.iges", cloud)
    points, text = parse_iges(tmp_path / "cloud of a part.iges")
    np.testing.assert_allclose(points, cloud.xyz_mm[cloud.valid], atol=6e-6)
    fields = global_fields(text.rstrip())
    assert len(fields) == 25
    assert fields[3] == "cloud of a part.iges"
    assert fields[13:15] == ["2", "MM"]


def test_iges_says_what_it_cannot_hold(tmp_path: Path, cloud: PointMap, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(iges, "MOST_POINTS", int(cloud.valid.sum()) - 1)
    with pytest.raises(ReconstructionError, match="Down-sample"):
        write_cloud(tmp_path / "c.iges", cloud)
    assert not (tmp_path / "c.iges").exists()
    write_cloud(tmp_path / "c.iges", downsample(cloud, 4))


def test_down_sampling_multiplies_the_spacing_and_invents_no_point(cloud: PointMap) -> None:
    coarse = downsample(cloud, 4)
    assert point_spacing_mm(coarse) == pytest.approx(4 * point_spacing_mm(cloud), rel=0.1)
    assert coarse.xyz_mm.shape == (37, 10, 3)
    np.testing.assert_array_equal(coarse.xyz_mm, cloud.xyz_mm[2::4, 2::4])
    np.testing.assert_array_equal(coarse.views, every(4, cloud.views))
    tiny = downsample(cloud, 40)
    assert tiny.views.shape == (4, 1) or tiny.views.shape == (3, 1)
    for factor in (0, 41):
        with pytest.raises(ReconstructionError, match=f"down-sampled {factor} times"):
            downsample(cloud, factor)


def test_normals_of_a_cloud_are_the_surfaces_on_both_sides_of_a_step(cloud: PointMap) -> None:
    x, y = grid(H, W)
    slopes = 0.6 * np.cos(3 * x) * np.cos(2 * y), -0.4 * np.sin(3 * x) * np.sin(2 * y)
    truth = np.stack([-slopes[0], -slopes[1], np.ones_like(x)], -1)
    truth /= np.linalg.norm(truth, axis=-1, keepdims=True)
    found = cloud_normals(cloud)
    known = np.isfinite(found[..., 2])
    np.testing.assert_array_equal(known, cloud.valid)
    angle = np.degrees(np.arccos(np.clip((found * truth).sum(-1)[known], -1, 1)))
    assert angle.max() < 6  # at edges, where only one side tells the slope
    assert np.median(angle) < 0.5


def test_an_unknown_format_names_those_there_are(tmp_path: Path, cloud: PointMap) -> None:
    with pytest.raises(ReconstructionError, match="no cloud format 'xyz'"):
        write_cloud(tmp_path / "c.xyz", cloud)


def test_a_cloud_without_points_is_a_file_without_points(tmp_path: Path, cloud: PointMap) -> None:
    nothing = PointMap(np.full_like(cloud.xyz_mm, np.nan), np.full_like(cloud.sigma_z_mm, np.nan), np.zeros_like(cloud.views))
    for name in CLOUD_FORMATS:
        assert write_cloud(tmp_path / f"c.{name}", nothing) == 0
    assert parse_iges(tmp_path / "c.iges")[0].shape == (0,)


@pytest.mark.parametrize("suffix", sorted(CLOUD_FORMATS))
def test_writing_needs_little_memory_beside_the_cloud(tmp_path: Path, suffix: str) -> None:
    """Bands, not copies: the peak does not grow with the number of rows."""
    peaks = []
    for rows in (128, 512):
        x, y = grid(rows, 64)
        xyz = np.stack([x, y, np.zeros_like(x)], -1).astype(np.float32)
        cloud = PointMap(xyz, np.full(x.shape, 0.002, np.float32), np.ones(x.shape, np.uint8))
        write_cloud(tmp_path / f"c.{suffix}", cloud, normals=xyz, rgb=np.zeros(xyz.shape, np.uint8))
        tracemalloc.start()
        write_cloud(tmp_path / f"c.{suffix}", cloud, normals=xyz, rgb=np.zeros(xyz.shape, np.uint8))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.25 * peaks[0] + 100_000
