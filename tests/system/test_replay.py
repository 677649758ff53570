"""A saved capture replays to the same numbers."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import open3d as o3d
import tifffile
from demo_process import run_cli

from acquisition.simulation.feeder import PartFeeder
from api.cli.demo import RECIPE
from api.composition import OpenStation, open_station


def test_a_replayed_capture_gives_the_same_numbers(opened: OpenStation, data_dir: Path, tmp_path: Path) -> None:
    assert opened.bench is not None
    PartFeeder(opened.bench, RECIPE).place("scratch", seed=8)
    live = opened.station.reconstruct(keep=tmp_path / "capture")
    judged = opened.station.models.model(RECIPE).predict(live.sample())

    replay = open_station("demo", data_dir, capture=tmp_path / "capture")
    again = replay.station.reconstruct()
    for name in ("normals", "albedo", "height_mm", "residual", "valid", "pseudo3d"):
        np.testing.assert_array_equal(getattr(again.photometric, name), getattr(live.photometric, name), err_msg=name)
    for name in ("xyz_mm", "sigma_z_mm", "views"):
        np.testing.assert_array_equal(getattr(again.points, name), getattr(live.points, name), err_msg=name)
    np.testing.assert_array_equal(again.rgb, live.rgb)
    outcome = replay.station.inspect(RECIPE)
    assert outcome.score == judged.score
    assert [(b.name, b.score) for b in outcome.banks] == [(b.name, b.score) for b in judged.banks]
    replay.station.close()


def test_capture_reconstruct_and_inspect_from_the_command_line(data_dir: Path, tmp_path: Path) -> None:
    capture, out = tmp_path / "capture", tmp_path / "out"
    done = run_cli("rig", "capture", capture, "--recipe", RECIPE, "--defect", "deformation", "--seed", "4", "--data-dir", data_dir)
    assert done.returncode == 0, done.stderr
    done = run_cli("reconstruct", capture, "--out", out, "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report == json.loads((out / "report.json").read_text())
    assert report["part_coverage"] > 0.98
    assert report["median_sigma_z_um"] < 10
    xyz = tifffile.imread(out / "xyz.tiff")
    assert xyz.shape[:2] == tifffile.imread(out / "normals.tiff").shape[:2] == tifffile.imread(out / "height.tiff").shape
    for picture in ("rgb", "pseudo3d", "curvature", "gradient", "shaded"):
        assert cv2.imread(str(out / f"{picture}.png"), cv2.IMREAD_UNCHANGED).shape[:2] == xyz.shape[:2]
    fused = tifffile.imread(out / "fused_height.tiff")
    np.testing.assert_array_equal(np.isnan(fused), np.isnan(xyz[..., 2]))  # it knows what the cloud knows, and invents nothing
    assert np.nanmedian(np.abs(fused - xyz[..., 2])) < 0.005
    cloud = o3d.io.read_point_cloud(str(out / "cloud.ply"))
    assert len(cloud.points) > 50_000
    assert cloud.has_colors()
    assert cloud.has_normals()
    done = run_cli("inspect", RECIPE, "--capture", capture, "--data-dir", data_dir, "--json")
    assert done.returncode == 3, done.stderr
    assert json.loads(done.stdout)["evaluation"] == "NotOK"
