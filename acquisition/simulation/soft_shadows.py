"""Penumbrae: how much of a lamp's disc each point sees, worked out only near the shadows of its centre."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from acquisition.simulation.optics import TrueZone
from acquisition.simulation.tracing import Scene, Surface

Shares = NDArray[np.uint8]

PARTS = 16
"""Into how many parts of equal area a lamp's disc is cut."""
_NEAR_PX = 2


def visible_parts(scene: Scene, surface: Surface, lamp: TrueZone, pixel_mm: float) -> Shares:
    """Of PARTS parts of a lamp's disc, how many each surface point sees, (H, W) uint8.

    Where all the lamp's rim and its centre are in sight, or none of it, all of it is taken to be so. The rim is looked at on a
    coarse grid, the whole disc only close to where rim and centre differ, or a shadow of the centre ends.

    Args:
        scene: what may stand in the way.
        surface: the points.
        lamp: the lamp.
        pixel_mm: size of a pixel on the surface.
    """
    centre = scene.sight(surface, lamp.position_mm)
    parts = np.where(centre, np.uint8(PARTS), np.uint8(0))
    if lamp.radius_mm == 0:
        return parts
    band = _edges(centre)
    across = _frame(lamp.axis) * lamp.radius_mm
    widest = _widest_px(scene, lamp, pixel_mm)
    near = _grown(band, _NEAR_PX)
    if widest > _NEAR_PX:
        step = max(1, widest // 2)
        coarse = (slice(None, None, step), slice(None, None, step))
        reach = -(-widest // step)
        wanted = _grown(_grown(band, step // 2)[coarse], reach) > 0
        seen = surface[coarse]
        rim = [scene.sight(seen, lamp.position_mm + offset, wanted) for offset in (across[0], across[1], -across[0], -across[1])]
        half = (np.any([r != centre[coarse] for r in rim], axis=0) & wanted).astype(np.uint8)
        # A pixel between two of the grid's belongs to both.
        near |= np.repeat(np.repeat(_grown(half, 1), step, 0), step, 1)[: near.shape[0], : near.shape[1]]
    index = np.nonzero((near > 0) & np.isfinite(surface.xyz_mm[..., 2]))
    points = surface[index]
    count = np.zeros(points.material.shape, np.uint8)
    for x, y in _disc():
        count += scene.sight(points, lamp.position_mm + x * across[0] + y * across[1])
    parts[index] = count[:, 0]
    return parts


def _edges(visible: NDArray[np.bool_]) -> Shares:
    """Pixels with a neighbour that differs from them, (H, W) uint8."""
    as_numbers, cross = visible.view(np.uint8), cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    return np.asarray(cv2.morphologyEx(as_numbers, cv2.MORPH_GRADIENT, cross), np.uint8)


def _grown(mask: Shares, reach: int) -> Shares:
    return np.asarray(cv2.dilate(mask, np.ones((2 * reach + 1,) * 2, np.uint8)), np.uint8)


def _widest_px(scene: Scene, lamp: TrueZone, pixel_mm: float) -> int:
    """Half the width of the widest penumbra that the scene's height allows on level ground, pixels: similar triangles."""
    distance, height = float(np.linalg.norm(lamp.position_mm)), float(lamp.position_mm[2])
    sine = max(height / distance, 0.1)
    path = min(max(scene.top_mm, 0.0) / sine, 0.5 * distance)
    return int(np.ceil(lamp.radius_mm * path / (distance - path) / sine / pixel_mm))


def _frame(axis: NDArray[np.float64]) -> NDArray[np.float64]:
    """Two unit vectors at right angles to an axis and each other, (2, 3)."""
    helper = np.eye(3)[np.argmin(np.abs(axis))]
    first = np.asarray(np.cross(axis, helper), np.float64)
    first /= np.linalg.norm(first)
    return np.stack([first, np.asarray(np.cross(axis, first), np.float64)])


def _disc() -> NDArray[np.float64]:
    """Places on the unit disc, each for an equal share of it, (PARTS, 2): half of them on Vogel's spiral (1979), the rest opposite, so
    that a shadow's half-light lies where the centre's shadow ends."""
    k = np.arange(PARTS // 2)
    radius, angle = np.sqrt((k + 0.5) / len(k)), k * np.pi * (3 - np.sqrt(5))
    half = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)
    return np.concatenate([half, -half])
