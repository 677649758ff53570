"""What goes wrong with a part: form or colour changed before anything is rendered. Each differs in place and size by the seed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from acquisition.simulation.shapes import FLOOR_MM, STEP_MM, Body, smoothstep, texture

F64 = NDArray[np.float64]


def _places(body: Body) -> tuple[F64, F64]:
    h, w = body.height_mm.shape
    x, y = np.meshgrid(body.origin_mm[0] + STEP_MM * np.arange(w), body.origin_mm[1] + STEP_MM * np.arange(h))
    return x, y


def scratch(body: Body, rng: np.random.Generator) -> Body:
    """A gouge of 2.2-4 mm in the metal, 0.1-0.2 mm deep, its rims thrown up, on the tongue or the barrel."""
    x, y = _places(body)
    on_tongue = rng.random() < 0.5
    centre = (rng.uniform(2.0, 3.0), rng.uniform(-0.9, 0.9)) if on_tongue else (rng.uniform(-8.5, -4.5), rng.uniform(-1.0, 1.0))
    half, depth, width = rng.uniform(1.1, 2.0), rng.uniform(0.1, 0.2), rng.uniform(0.09, 0.13)
    angle = rng.uniform(-0.9, 0.9) + (np.pi / 2 if on_tongue else 0)
    along = (x - centre[0]) * np.cos(angle) + (y - centre[1]) * np.sin(angle)
    across = -(x - centre[0]) * np.sin(angle) + (y - centre[1]) * np.cos(angle) + rng.uniform(-0.12, 0.12) * along**2
    ends = 1 - smoothstep((np.abs(along) - half + 0.5) / 0.5)
    groove = ends * (np.exp(-((across / width) ** 2)) - 0.3 * np.exp(-(((np.abs(across) - 2.1 * width) / (0.7 * width)) ** 2)))
    on_part = body.height_mm > 0
    height = np.where(on_part, np.maximum(body.height_mm - depth * groove, 0.05), body.height_mm)
    bare = np.where(on_part, 1 - 0.35 * np.clip(groove, 0, 1), 1)
    return replace(body, height_mm=height, albedo=body.albedo * bare[..., None])


def bent_prong(body: Body, rng: np.random.Generator) -> Body:
    """One prong of the fork bent up, 0.6-1.2 mm at its tip."""
    x, y = _places(body)
    side = 1 if rng.random() < 0.5 else -1
    start, lift = rng.uniform(6.8, 8.0), rng.uniform(0.6, 1.2)
    bend = lift * np.clip((x - start) / (11 - start), 0, 1) ** 1.6 * (y * side > 0)
    return replace(body, height_mm=np.where(body.height_mm > 0, body.height_mm + bend, body.height_mm))


def stain(body: Body, rng: np.random.Generator) -> Body:
    """A brownish patch of oil or flux, 1.5-2.8 mm across, ragged; the form stays."""
    x, y = _places(body)
    centre = rng.uniform(-5.5, 5.5), rng.choice([-4.2, -2.7, 0.05, 2.9]) + rng.uniform(-0.3, 0.3)
    radius, strength = rng.uniform(0.75, 1.4), rng.uniform(0.35, 0.55)
    ragged = np.hypot(x - centre[0], (y - centre[1]) / rng.uniform(0.7, 1.0)) + 0.16 * texture(rng, x.shape, 0.3, 0.3)
    cover = (1 - smoothstep((ragged - radius + 0.15) / 0.3)) * (0.85 + 0.15 * texture(rng, x.shape, 0.15, 0.15)).clip(0.5, 1)
    tint = 1 - strength * np.array([0.75, 1.0, 1.25]) * cover[..., None]
    return replace(body, albedo=body.albedo * tint.clip(0.1, 1))


def broken_latch(body: Body, rng: np.random.Generator) -> Body:
    """A piece of the latch, 2-3.4 mm of its 5.4 mm, broken off with a ragged edge."""
    x, y = _places(body)
    length = rng.uniform(2.0, 3.4)
    side = 1 if rng.random() < 0.5 else -1
    edge = 2.7 - length + 0.1 * texture(rng, x.shape, 0.25, 0.25)
    gone = (side * x > edge) & (side * x < 3.2) & (y > 3.95 + 0.06 * texture(rng, x.shape, 0.25, 0.25))
    return replace(body, height_mm=np.where(gone, FLOOR_MM, body.height_mm))
