"""Where the part is: what stands out of the reference plane."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

# Gaps of unknown points narrower than this belong to the part if the part surrounds them: highlights, shadows in grooves.
GAP_PX = 11
# Smaller islands than this share of the largest are dust or stray points.
ISLAND_SHARE = 0.02


def foreground_of(xyz_mm: NDArray[np.float32], above_mm: float = 0.3) -> NDArray[np.bool_]:
    """Mask of the part on the reference plane.

    Args:
        xyz_mm: (H, W, 3) points in the rig frame, NaN where unknown.
        above_mm: what is lower than this above z = 0 is the plane.

    Returns:
        (H, W) bool; all false when nothing stands out.
    """
    z = xyz_mm[..., 2]
    with np.errstate(invalid="ignore"):
        part = (z > above_mm).astype(np.uint8)
        plane = z <= above_mm
    closed = cv2.morphologyEx(part, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (GAP_PX, GAP_PX))).astype(np.bool_)
    mask = part.astype(np.bool_) | (closed & ~plane)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count < 2:
        return np.zeros(z.shape, np.bool_)
    areas = stats[1:, cv2.CC_STAT_AREA]
    kept = 1 + np.flatnonzero(areas >= max(1.0, ISLAND_SHARE * float(areas.max())))
    return np.isin(labels, kept)
