"""Speed of the point features, against the library that searches in space, on the same cloud."""

import time

import numpy as np
import open3d as o3d

from inference.features.fpfh import fpfh_histograms, organised_normals


def _sheet(rows: int, columns: int, pitch: float = 0.1) -> np.ndarray:
    """A part as the working grid has it: waves, a boss, holes."""
    rng = np.random.default_rng(0)
    v, u = np.mgrid[0:rows, 0:columns].astype(np.float64)
    x, y = (u + rng.uniform(-0.1, 0.1, u.shape)) * pitch, -(v + rng.uniform(-0.1, 0.1, u.shape)) * pitch
    z = 0.3 * np.sin(x) + np.where(np.hypot(u - columns / 2, v - rows / 2) < rows / 5, 1.0, 0.0) + rng.normal(0, 0.003, u.shape)
    points = np.dstack([x, y, z]).astype(np.float32)
    points[rng.random(u.shape) < 0.02] = np.nan
    return points


def _best(work, times: int = 3) -> float:
    spent = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        spent.append(time.perf_counter() - start)
    return min(spent)


def rows() -> list[dict]:
    """Measured rows."""
    measured = []
    for height, width in ((84, 120), (168, 240)):
        points = _sheet(height, width)
        known = np.isfinite(points[..., 2])
        normals = organised_normals(points, 2)
        fpfh_histograms(points[:20, :20], normals[:20, :20], 0.5, 6)
        ours = _best(lambda points=points, normals=normals: fpfh_histograms(points, normals, 0.5, 6))
        cloud = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(points[known].astype(np.float64)))
        cloud.normals = o3d.utility.Vector3dVector(normals[known])
        search = o3d.geometry.KDTreeSearchParamHybrid(0.5, 100)
        theirs = _best(lambda cloud=cloud, search=search: o3d.pipelines.registration.compute_fpfh_feature(cloud, search))
        count = int(known.sum())
        measured.append(
            {
                "name": f"FPFH of {count:,} organised points",
                "value": round(ours / theirs, 4),
                "unit": "×",
                "against": f"Open3D on the same points and normals ({theirs:.2f} s here)",
                "bar": "≤ 0.5",
                "holds": ours <= 0.5 * theirs,
            }
        )
    return measured


if __name__ == "__main__":
    for row in rows():
        print(row)
