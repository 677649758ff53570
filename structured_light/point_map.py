"""The organised point cloud on the camera's pixel grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class PointMap:
    """One measured point for every camera pixel that at least one projector could measure, in the rig frame."""

    xyz_mm: NDArray[np.float32]
    """(H, W, 3) points in the rig frame, mm; NaN where unknown."""
    sigma_z_mm: NDArray[np.float32]
    """(H, W) predicted standard deviation of z from phase noise, mm; NaN where unknown."""
    views: NDArray[np.uint8]
    """(H, W) how many projectors agree on the point; 0 where unknown."""

    @property
    def valid(self) -> NDArray[np.bool_]:
        """(H, W) whether the pixel has a point."""
        return self.views > 0
