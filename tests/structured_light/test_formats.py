from __future__ import annotations

from pathlib import Path

import numpy as np
import open3d as o3d
import pytest

from rig_configs.errors import ReconstructionError
from structured_light.formats import read_tiff, write_ply, write_tiff
from structured_light.point_map import PointMap


@pytest.fixture
def cloud() -> PointMap:
    rng = np.random.default_rng(0)
    xyz = rng.normal(size=(600, 40, 3)).astype(np.float32)
    views = rng.integers(0, 5, (600, 40)).astype(np.uint8)
    xyz[views == 0] = np.nan
    return PointMap(xyz, np.where(views > 0, 0.002, np.nan).astype(np.float32), views)


def test_open3d_reads_the_same_points_colours_and_normals(tmp_path: Path, cloud: PointMap) -> None:
    rng = np.random.default_rng(1)
    rgb = rng.integers(0, 256, (600, 40, 3)).astype(np.uint8)
    normals = rng.normal(size=(600, 40, 3)).astype(np.float32)
    count = write_ply(tmp_path / "cloud.ply", cloud, normals=normals, rgb=rgb)
    read = o3d.t.io.read_point_cloud(str(tmp_path / "cloud.ply"))
    assert count == cloud.valid.sum()
    np.testing.assert_array_equal(read.point.positions.numpy(), cloud.xyz_mm[cloud.valid])
    np.testing.assert_array_equal(read.point.normals.numpy(), normals[cloud.valid])
    np.testing.assert_array_equal(read.point.colors.numpy(), rgb[cloud.valid])
    np.testing.assert_array_equal(read.point.sigma_z.numpy().ravel(), cloud.sigma_z_mm[cloud.valid])


def test_a_bare_cloud_is_readable_too(tmp_path: Path, cloud: PointMap) -> None:
    write_ply(tmp_path / "cloud.ply", cloud)
    read = o3d.io.read_point_cloud(str(tmp_path / "cloud.ply"))
    np.testing.assert_array_equal(np.asarray(read.points, np.float32), cloud.xyz_mm[cloud.valid])
    assert not read.has_colors()


def test_tiff_gives_back_every_bit(tmp_path: Path, cloud: PointMap) -> None:
    for values in (cloud.xyz_mm, cloud.sigma_z_mm):
        write_tiff(tmp_path / "a.tiff", values)
        np.testing.assert_array_equal(read_tiff(tmp_path / "a.tiff"), values)


def test_a_missing_broken_or_foreign_tiff_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "broken.tiff").write_bytes(b"no picture")
    import tifffile

    tifffile.imwrite(tmp_path / "foreign.tiff", np.zeros((4, 4), np.uint8))
    for name in ("missing.tiff", "broken.tiff", "foreign.tiff"):
        with pytest.raises(ReconstructionError, match=name):
            read_tiff(tmp_path / name)
