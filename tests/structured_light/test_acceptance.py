"""Artefacts are measured as the guideline has it: what is put into synthetic points comes out, and nothing of the certificate leaks in."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from rig_configs.errors import ReconstructionError
from structured_light.acceptance import measure_plane, measure_spheres, measure_step, temporal_sigma

SIGMA_MM = 0.002


def field(columns: int = 320, rows: int = 200, width_mm: float = 40.0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x = (np.arange(columns) - columns / 2) * width_mm / columns
    y = (rows / 2 - np.arange(rows)) * width_mm / columns
    return np.meshgrid(x, y)


def cloud(z: NDArray[np.float64], seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    x, y = field()
    noisy = z + SIGMA_MM * np.random.default_rng(seed).standard_normal(z.shape)
    return np.stack([x, y, noisy], -1).astype(np.float32), np.full(z.shape, SIGMA_MM, np.float32)


def balls(radius_mm: float, centres: list[tuple[float, float]]) -> NDArray[np.float64]:
    x, y = field()
    z = np.zeros_like(x)
    for cx, cy in centres:
        inside = radius_mm**2 - (x - cx) ** 2 - (y - cy) ** 2
        z = np.maximum(z, np.where(inside > 0, radius_mm + np.sqrt(np.maximum(inside, 0)), 0))
    return z


def test_a_tilted_plane_s_noise_is_its_sigma_and_its_outliers_are_counted() -> None:
    x, y = field()
    points, sigma = cloud(3 + 0.1 * x - 0.05 * y)
    points[:20] = np.nan
    points[100, 100:110, 2] += 0.2
    fit = measure_plane(points, sigma)
    tilt = np.sqrt(1 + 0.1**2 + 0.05**2)
    assert fit.sigma_um == pytest.approx(2 / tilt, rel=0.02)
    assert 6.3 * fit.sigma_um > fit.flatness_um > 4 * fit.sigma_um
    assert fit.completeness == pytest.approx(0.9)
    assert fit.outlier_rate == pytest.approx(10 / (180 * 320))
    assert np.nanmax(fit.residual_um) == pytest.approx(200 / tilt, rel=0.1)


def test_a_wave_on_a_plane_is_its_flatness() -> None:
    x, _ = field()
    points, sigma = cloud(0.02 * np.cos(2 * np.pi * x / 10))
    assert measure_plane(points, sigma).flatness_um == pytest.approx(40 + 4 * 2, rel=0.05)


@pytest.mark.parametrize("radius_mm", [4.0, 4.01])
def test_spheres_come_out_as_they_are_and_not_as_certified(radius_mm: float) -> None:
    points, sigma = cloud(balls(radius_mm, [(-10.2, 1.3), (9.8, -2.2)]))
    left, right = measure_spheres(points, sigma, 8.0, 2)
    assert left.diameter_mm == pytest.approx(2 * radius_mm, abs=1.2e-3)
    assert left.centre_mm == pytest.approx((-10.2, 1.3, radius_mm), abs=8e-4)
    # Noise along z is seen under the surface's slope.
    assert 0.7 * 2 < left.form_um < 2
    assert left.form_range_um > 4 * left.form_um
    assert np.linalg.norm(np.subtract(left.centre_mm, right.centre_mm)) == pytest.approx(np.hypot(20, 3.5), abs=5e-4)
    assert left.outlier_rate == 0


def test_a_dented_sphere_has_a_worse_form() -> None:
    z = balls(4.0, [(0, 0)])
    x, y = field()
    good = measure_spheres(*cloud(z), 8.0, 1)[0]
    dented = measure_spheres(*cloud(z - 0.02 * np.exp(-((x - 1) ** 2 + y**2))), 8.0, 1)[0]
    assert dented.form_um > 1.5 * good.form_um


@pytest.mark.parametrize("height_mm", [0.5, 2.0])
def test_a_step_is_measured_between_its_faces(height_mm: float) -> None:
    x, y = field()
    block = (np.abs(x - 2) < 6) & (np.abs(y) < 5)
    points, _ = cloud(0.4 + 0.02 * x + np.where(block, height_mm, 0.0))
    fit = measure_step(points, height_mm)
    assert fit.height_mm == pytest.approx(height_mm / np.sqrt(1 + 0.02**2), abs=2e-4)
    assert fit.upper_sigma_um == pytest.approx(2, rel=0.1)
    assert fit.lower_sigma_um == pytest.approx(2, rel=0.1)


def test_scatter_is_that_of_each_pixel_over_time_not_over_the_field() -> None:
    x, _ = field()
    scans = np.stack([cloud(0.05 * x, seed)[0][..., 2] for seed in range(12)])
    scans[3, 0, 0] = np.nan
    sigma_um, ratio = temporal_sigma(scans, np.full(scans.shape, 0.0018, np.float32))
    assert sigma_um == pytest.approx(2, rel=0.02)
    assert ratio == pytest.approx(0.9, rel=0.02)


def test_what_is_not_there_is_said() -> None:
    points, sigma = cloud(balls(4.0, [(0, 0)]))
    with pytest.raises(ReconstructionError, match="1 spheres are seen, not 2"):
        measure_spheres(points, sigma, 8.0, 2)
    with pytest.raises(ReconstructionError, match="points of the step"):
        measure_step(cloud(np.zeros_like(points[..., 2], np.float64))[0], 2.0)
    with pytest.raises(ReconstructionError, match="points of the plane"):
        measure_plane(np.full_like(points, np.nan), sigma)
