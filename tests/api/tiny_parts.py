"""Small parts that a model can be taught from in seconds: a textured plate with a boss, in three aligned modalities."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from fake_station import BAD, GOOD

from api.outcome import ArtifactFile, Outcome
from api.pictures import encode, tiff
from inference.foreground import foreground_of
from inference.sample import D3Sample

H, W = 72, 108


def part(seed: int, *, stained: bool = False) -> D3Sample:
    rng = np.random.default_rng(seed)
    v, u = np.mgrid[0:H, 0:W].astype(np.float32)
    height = np.where((abs(u - 54) < 40) & (abs(v - 36) < 24), 2.0, 0.0) + np.where(np.hypot(u - 60, v - 34) < 10, 1.0, 0.0)
    rgb = np.where(height[..., None] > 0, 120 + 20 * np.sin(u / 3)[..., None], 230) * np.array([0.9, 1, 1])
    if stained:
        rgb[30:44, 30:46] *= 0.2
    rgb = np.clip(rgb + rng.normal(0, 2, rgb.shape), 0, 255).astype(np.uint8)
    gy, gx = np.gradient(height)
    normals = np.dstack([-gx, gy, np.ones_like(gx)])
    normals /= np.linalg.norm(normals, axis=2, keepdims=True)
    pseudo3d = np.clip(128 + 127 * normals + rng.normal(0, 1, normals.shape), 0, 255).astype(np.uint8)
    xyz = np.dstack([0.1 * (u - W / 2), -0.1 * (v - H / 2), height + rng.normal(0, 0.004, height.shape)]).astype(np.float32)
    return D3Sample(rgb, pseudo3d, xyz, foreground_of(xyz), f"part-{seed}")


def outcome_of(sample: D3Sample, *, good: bool = True, score: float = 0.4, model_id: str = "bolt-1") -> Outcome:
    """An outcome with the files that a sample is read back from."""
    base = GOOD if good else BAD
    files = [
        ArtifactFile("rgb.png", "image/png", encode(".png", sample.rgb)),
        ArtifactFile("pseudo3d.png", "image/png", encode(".png", sample.pseudo3d)),
        ArtifactFile("xyz.tiff", "image/tiff", tiff(sample.xyz_mm)),
    ]
    provenance = base.provenance.model_copy(update={"model_id": model_id})
    return replace(base, artifacts=files, score=score, provenance=provenance, width_px=W, height_px=H)
