"""Crimped contacts and the housing that takes them."""

from __future__ import annotations

import numpy as np

from acquisition.simulation.materials import NYLON, TINNED_BRASS
from acquisition.simulation.shapes import FLOOR_MM, Body, box, grid, lettering, raised, smoothstep, sunk, texture


def fork_crimp_terminal(rng: np.random.Generator) -> Body:
    """22 × 5 × 4.4 mm: crimp barrel with its seam, neck, and a tongue forked for a screw."""
    x, y = grid(22, 5.2)
    radius = 2.2 + 0.03 * rng.standard_normal()
    thickness = 0.8 + 0.01 * rng.standard_normal()
    half_slot = 1.05 + 0.02 * rng.standard_normal()
    slot_root = 5.0 + 0.08 * rng.standard_normal()
    seam_y = 0.08 * rng.standard_normal()
    mouth, neck, tongue = -11.0, -2.2, 1.6

    outline = box(x, y, -0.5, 11, -2.5, 2.5, 1.1)
    slot = np.where(x < slot_root, np.hypot(x - slot_root, y), np.abs(y)) - half_slot - 0.25 * smoothstep((x - 9.6) / 1.4)
    flat = raised(np.maximum(outline, -slot), thickness, 0.16)

    along = smoothstep((x - neck) / (tongue - neck))
    flare = 0.22 * smoothstep((mouth + 1.1 - x) / 0.9)
    r = radius + flare
    half_width = r + (1.9 - r) * along
    across = np.clip(y / half_width, -1, 1)
    round_top = radius + r * np.sqrt(1 - across**2)
    round_top -= (1 - along) * 0.2 * np.exp(-(((y - seam_y) / 0.16) ** 2)) * smoothstep((neck + 1.2 - x) / 1.2)
    for ring in (-8.2, -6.9, -5.6):
        round_top -= 0.05 * np.exp(-(((x - ring) / 0.16) ** 2))
    top = round_top + (thickness - 0.03 - round_top) * along
    barrel = raised(np.maximum(np.abs(y) - half_width, np.maximum(mouth - x, x - tongue - 1)), top, 0.12)

    height = np.maximum(flat, barrel)
    height = height + np.where(height > 0, 0.0012 * texture(rng, x.shape, 0.5, 0.04) + 0.0008 * texture(rng, x.shape, 0.05, 0.05), 0)
    shade = 1 + 0.03 * rng.standard_normal() + 0.05 * texture(rng, x.shape, 0.9, 0.06) + 0.03 * texture(rng, x.shape, 1.5, 1.2)
    # Each prong can be bent on its own.
    prongs = np.where((height > 0) & (x > 7.4), np.where(y > 0, 1, 2), 0).astype(np.uint8)
    albedo = np.array(TINNED_BRASS.albedo) * shade[..., None].clip(0.5, 1.5)
    return Body(height, albedo, TINNED_BRASS, (x[0, 0], y[0, 0]), pieces=prongs)


def connector_housing_female(rng: np.random.Generator) -> Body:
    """15 × 12 × 5 mm: two rows of five contact cavities, a latch, guards, coding ribs, moulded lettering and a printed mark."""
    x, y = grid(15, 12)
    top = 5 + 0.02 * rng.standard_normal()
    grow = 0.02 * rng.standard_normal()
    pitch = 2.54 * (1 + 0.001 * rng.standard_normal())
    hole = 0.76 + 0.012 * rng.standard_normal()

    height = raised(box(x, y, -7.5 - grow, 7.5 + grow, -5.4, 3.5, 0.5), top, 0.22)
    height = np.maximum(height, raised(box(x, y, -5.3, -3.9, -6, -5, 0.3), 3.8, 0.15))
    height = np.maximum(height, raised(box(x, y, 3.9, 5.3, -6, -5, 0.3), 3.8, 0.15))
    for side in (-1, 1):
        height = np.maximum(height, raised(box(x * side, y, 4.4, 6.0, 3.2, 5.3, 0.3), 2.8, 0.15))
    arm = 3.2 + 0.9 * smoothstep((y - 4.7) / 0.5) - 0.7 * smoothstep((y - 5.4) / 0.6)
    height = np.maximum(height, raised(box(x, y, -2.7, 2.7, 3.2, 6, 0.35), arm, 0.15))
    height = sunk(height, box(x, y, -2.0, 2.0, 3.65, 4.25, 0.2), 0.9)
    for row in (-1.4, 1.5):
        for column in range(5):
            centre = (column - 2) * pitch
            height = sunk(height, box(x, y, centre - hole, centre + hole, row - hole, row + hole, 0.15), 1.1, 0.28)
    height = sunk(height, box(x, y, -6.6, -1.2, -4.7, -3.0, 0.3), top - 0.25)
    height = height + 0.16 * lettering(x, y, "D3-10F", (-3.9, -3.85), 0.95)

    height = height + np.where(height > 0, 0.0016 * texture(rng, x.shape, 0.06, 0.06) + 0.002 * texture(rng, x.shape, 0.5, 0.5), 0)
    colour = np.array(NYLON.albedo) * (1 + 0.03 * rng.standard_normal()) * (1 + 0.01 * rng.standard_normal(3))
    shade = 1 + 0.012 * texture(rng, x.shape, 0.08, 0.08) + 0.012 * texture(rng, x.shape, 1.5, 1.5)
    shade *= 1 - 0.75 * lettering(x, y, "2635", (3.9 + 0.1 * rng.standard_normal(), -3.85 + 0.08 * rng.standard_normal()), 0.95)
    triangle = np.maximum(x + 6.85, np.abs(y - 1.5) - 0.5 * (x + 7.35) - 0.0)
    shade *= 1 - 0.7 * np.clip(0.5 - triangle / 0.06, 0, 1) * (x > -7.35)
    # The latch breaks somewhere in its middle, at either side, with a ragged edge.
    ragged = 0.1 * texture(rng, x.shape, 0.25, 0.25)
    latch = (np.abs(x) < 3.2) & (y > 3.95 + 0.6 * ragged) & (height > 0)
    pieces = np.where(latch & (x + ragged > rng.uniform(0.3, 1.0)), 1, 0) + np.where(latch & (x + ragged < rng.uniform(-1.0, -0.3)), 2, 0)
    below = np.where(pieces > 0, FLOOR_MM, height)
    albedo = colour * shade[..., None].clip(0.05, 1.4)
    return Body(height, albedo, NYLON, (x[0, 0], y[0, 0]), pieces=pieces.astype(np.uint8), below_mm=below)
