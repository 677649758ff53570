"""Where a spoilt part differs from the good one: where it stands otherwise, is inclined otherwise, or is of another colour."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from acquisition.simulation.shapes import STEP_MM, Body

SEEN_HEIGHT_MM = 0.02
SEEN_SLOPE = float(np.tan(np.radians(1.5)))
"""A dent too shallow to be seen by its depth still turns the light."""
SEEN_ALBEDO = 0.02

_GAP_CELLS = 7
_HOLE_MM2 = 0.4
_SPECK_MM2 = 0.02


def differing(good: Body, bad: Body) -> NDArray[np.bool_]:
    """Places where one body looks, stands or is inclined otherwise than the other, (h, w): small gaps closed, specks dropped."""
    on = good.height_mm > 0
    off = np.maximum(bad.height_mm, 0) - np.maximum(good.height_mm, 0)
    raw = np.abs(off) > SEEN_HEIGHT_MM
    raw |= np.abs(good.albedo - bad.albedo).max(-1) > SEEN_ALBEDO
    dy, dx = np.gradient(off, STEP_MM)
    raw |= np.hypot(dx, dy) > SEEN_SLOPE
    return _tidied(raw & on) & on


def share_of(good: Body, bad: Body) -> float:
    """Share of the good part's area on which the other differs from it."""
    return float(differing(good, bad).sum() / (good.height_mm > 0).sum())


def _tidied(raw: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """A person outlines a defect as one patch: the level ground of a dent and the gaps in a ragged line belong to it, a stray speck does not."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_GAP_CELLS, _GAP_CELLS))
    closed = cv2.morphologyEx(raw.astype(np.uint8), cv2.MORPH_CLOSE, kernel)
    closed = _without_patches(closed, _SPECK_MM2)
    holes = 1 - closed
    return _without_patches(holes, _HOLE_MM2) == 0


def _without_patches(mask: cv2.typing.MatLike, least_mm2: float) -> NDArray[np.uint8]:
    """The mask without its patches that are smaller than an area."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    keep = stats[:, cv2.CC_STAT_AREA] * STEP_MM**2 >= least_mm2
    keep[0] = False
    return keep[np.asarray(labels, np.intp)].astype(np.uint8)
