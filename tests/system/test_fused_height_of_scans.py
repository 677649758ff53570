"""Cloud and normals of one scan, joined: against what was really there, with the shipped calibration, which is made of captures alone."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from acquisition.simulation.feeder import PartFeeder
from acquisition.simulation.truth import Truth, truth_of
from api.composition import open_station
from photometric.camera import pixel_pitch_mm
from photometric.fused_height import fuse_height
from rig_configs.files import load_calibration

HOUSING = "connector_housing_female"
TERMINAL = "fork_crimp_terminal"


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory):
    """Of a part of each kind the errors of cloud and fused height, µm (H, W), and the truth."""
    opened = open_station("demo", tmp_path_factory.mktemp("data"), automatic_hand=False)
    assert opened.bench is not None
    camera = load_calibration("demo").camera
    results: dict[str, tuple[NDArray, NDArray, Truth]] = {}
    for kind, defect in ((HOUSING, None), (TERMINAL, "scratch")):
        PartFeeder(opened.bench, kind).place(defect, seed=31)
        result = opened.station.reconstruct()
        truth = truth_of(opened.bench)
        z, sigma = result.points.xyz_mm[..., 2], result.points.sigma_z_mm
        photometric = result.photometric
        fused = fuse_height(photometric.normals, photometric.valid, z, sigma, pixel_pitch_mm(camera), float(camera.centre_mm[2]))
        results[kind] = 1e3 * (z - truth.xyz_mm[..., 2]), 1e3 * (fused - truth.xyz_mm[..., 2]), truth
    opened.station.close()
    return results


def inside(region: NDArray[np.bool_], errors: NDArray, margin_px: int = 4) -> NDArray[np.bool_]:
    side = 2 * margin_px + 1
    return cv2.erode(region.astype(np.uint8), np.ones((side, side)), borderValue=(0,)).astype(bool) & np.isfinite(errors)


def test_the_flat_top_of_matt_plastic_is_three_times_as_exact(scanned) -> None:
    cloud, fused, truth = scanned[HOUSING]
    top = inside(truth.object_mask & (truth.normals[..., 2] > 0.995) & (truth.xyz_mm[..., 2] > 4.8), cloud)
    assert top.sum() > 30_000
    assert np.std(fused[top]) < 0.3 * np.std(cloud[top])
    assert abs(np.mean(fused[top]) - np.mean(cloud[top])) < 0.2


@pytest.mark.parametrize("kind", [HOUSING, TERMINAL])
def test_the_whole_part_is_no_worse_anywhere_and_better_on_the_whole(scanned, kind: str) -> None:
    cloud, fused, truth = scanned[kind]
    part = truth.object_mask & np.isfinite(cloud)
    assert (np.isfinite(fused) == np.isfinite(cloud)).all()
    assert np.median(np.abs(fused[part])) < 0.7 * np.median(np.abs(cloud[part]))
    assert np.sqrt(np.mean(fused[part] ** 2)) < np.sqrt(np.mean(cloud[part] ** 2))
    assert np.percentile(np.abs(fused[part]), 95) < np.percentile(np.abs(cloud[part]), 95)
    assert abs(np.mean(fused[part]) - np.mean(cloud[part])) < 0.2


def test_the_dark_plate_is_three_times_as_exact(scanned) -> None:
    cloud, fused, truth = scanned[TERMINAL]
    plate = inside(~truth.object_mask, cloud)
    assert np.std(fused[plate]) < np.std(cloud[plate]) / 3
