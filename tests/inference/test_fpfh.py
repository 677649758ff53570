"""FPFH on the grid is the FPFH of a library that searches in space."""

import numpy as np
import open3d as o3d
from test_point_mae import surface

from inference.features.fpfh import Fpfh, fpfh_histograms, organised_normals


def _open3d(points: np.ndarray, normals: np.ndarray, radius: float) -> np.ndarray:
    known = np.isfinite(points[..., 2])
    cloud = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(points[known].astype(np.float64)))
    cloud.normals = o3d.utility.Vector3dVector(normals[known])
    feature = o3d.pipelines.registration.compute_fpfh_feature(cloud, o3d.geometry.KDTreeSearchParamRadius(radius))
    values = np.zeros((*known.shape, 33))
    values[known] = np.asarray(feature.data).T
    return values


def test_histograms_are_those_of_open3d() -> None:
    for seed in range(3):
        points = surface(seed, 40, 60)
        normals = organised_normals(points, 2)
        got, wanted = fpfh_histograms(points, normals, 0.5, 6), _open3d(points, normals, 0.5)
        # An angle on the edge of a bin may fall to either side in the last digit.
        off = np.abs(got - wanted).max(-1)
        assert np.mean(off > 1e-2) < 0.01
        assert off.max() < 5
        assert np.isfinite(got).all()


def test_it_does_not_change_when_the_cloud_is_moved_or_scaled_with_its_pitch() -> None:
    points = surface(7)
    base = Fpfh()(points, 0.1)
    for other, pitch in ((points + np.float32((8, -4, 2)), 0.1), (points * np.float32(8), 0.8)):
        # A neighbour on the edge of the radius, or an angle on that of a bin, may fall to either side.
        assert np.mean(np.abs(Fpfh()(other, pitch) - base).max(-1) > 0.05) < 0.03


def test_unknown_and_lonely_points_are_zero() -> None:
    points = np.full((9, 9, 3), np.nan, np.float32)
    points[4, 4] = 0
    assert (Fpfh()(points, 0.1) == 0).all()
