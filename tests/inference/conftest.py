"""A synthetic part: a brushed plate with a raised boss and two holes, textured, in three aligned modalities, in a drawn pose."""

import cv2
import numpy as np
import pytest

from inference.d3m import D3M, D3MConfig
from inference.sample import D3Sample

H, W = 228, 342
PITCH_MM = 0.1
QUICK = D3MConfig(working_px=256, fusion_steps=60, fusion_batch=256, folds=4)


def make_sample(seed: int, defect: str = "", name: str = "") -> D3Sample:
    """One part; ``defect`` is '', 'stain' (colour only), 'dent' (slope only, too shallow for the cloud), 'height' (cloud only: the boss stands
    too high) or 'level' (cloud only: the boss is level with the plate, a height that is right elsewhere).
    """
    rng = np.random.default_rng(seed)
    ss = 2  # drawn at twice the size: soft edges, as a lens makes them
    v, u = np.mgrid[0 : H * ss, 0 : W * ss].astype(np.float32) / ss
    angle = np.deg2rad(rng.uniform(-4, 4))
    cx, cy = W / 2 + rng.uniform(-8, 8), H / 2 + rng.uniform(-8, 8)
    x = (np.cos(angle) * (u - cx) + np.sin(angle) * (v - cy)) * PITCH_MM
    y = (-np.sin(angle) * (u - cx) + np.cos(angle) * (v - cy)) * PITCH_MM
    height = np.where((abs(x) < 9) & (abs(y) < 5), 2.0, 0.0)
    height += np.where((abs(x - 4) < 2.5) & (abs(y) < 3), 1.5, 0.0)
    for hole in (-6.5, -1.0):
        height = np.where(np.hypot(x - hole, y) < 1.2, 0.5, height)
    part = height > 0.1
    texture = 0.04 * np.sin(2 * np.pi * y / 0.8) + 0.02 * cv2.GaussianBlur(rng.standard_normal(u.shape).astype(np.float32), (0, 0), 2) * 4
    albedo = np.where(part, 0.55 + texture, 0.9)[..., None] * np.where(part[..., None], [0.9, 0.95, 1.0], 1.0)
    shape = cv2.GaussianBlur(height.astype(np.float32), (0, 0), 1.5)
    measured = shape.copy()
    dx, dy = x + 4.0, y - 2.8
    if defect == "stain":
        albedo = albedo * (1 - 0.35 * np.exp(-(dx**2 + dy**2) / (2 * 0.6**2)))[..., None]
    if defect == "dent":
        shape = shape - 0.12 * np.exp(-(dx**2 + dy**2) / (2 * 0.5**2))
    if defect == "height":
        measured = measured + np.where((abs(x - 4) < 2.5) & (abs(y) < 3), 0.5, 0.0)
    if defect == "level":
        measured = measured - np.where((abs(x - 4) < 2.5) & (abs(y) < 3), 1.5, 0.0)
    gy, gx = np.gradient(shape, PITCH_MM / ss)
    normals = np.dstack([-gx, gy, np.ones_like(gx)])
    normals /= np.linalg.norm(normals, axis=2, keepdims=True)

    def down(image):
        return cv2.resize(np.ascontiguousarray(image, dtype=np.float32), (W, H), interpolation=cv2.INTER_AREA)

    gain = rng.uniform(0.97, 1.03)
    rgb = np.clip(255 * gain * down(albedo) + rng.normal(0, 1.5, (H, W, 3)), 0, 255).astype(np.uint8)
    n = down(normals) + rng.normal(0, 0.01, (H, W, 3))
    n /= np.linalg.norm(n, axis=2, keepdims=True)
    grid_v, grid_u = np.mgrid[0:H, 0:W].astype(np.float32)
    z = down(measured) + rng.normal(0, 0.004, (H, W))
    xyz = np.dstack([(grid_u - W / 2) * PITCH_MM, -(grid_v - H / 2) * PITCH_MM, z]).astype(np.float32)
    xyz[rng.random((H, W)) < 0.02] = np.nan
    foreground = down(part) > 0.5
    return D3Sample(rgb, np.clip(128 + 127 * n, 0, 255).astype(np.uint8), xyz, foreground, name or f"{defect or 'good'}-{seed}")


@pytest.fixture(scope="session")
def sample_of():
    return make_sample


@pytest.fixture(scope="session")
def good_samples() -> list[D3Sample]:
    return [make_sample(seed) for seed in range(16)]


@pytest.fixture(scope="session")
def model(good_samples) -> D3M:
    return D3M.fit(good_samples, QUICK)
