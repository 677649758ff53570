"""What is written of every point, a band of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from structured_light.point_map import PointMap

ROWS_AT_ONCE = 64
ROWS_OF_TEXT = 4096


@dataclass(frozen=True, slots=True)
class Layers:
    """A cloud with what belongs to its points."""

    cloud: PointMap
    normals: NDArray[np.float32] | None = None
    """(H, W, 3) unit normals in the cloud's frame."""
    rgb: NDArray[np.uint8] | None = None
    """(H, W, 3) colours."""

    @property
    def count(self) -> int:
        """How many points are known."""
        return int(np.count_nonzero(self.cloud.views))

    def bands(self) -> Iterator[slice]:
        """Rows in order, some at a time."""
        for start in range(0, len(self.cloud.views), ROWS_AT_ONCE):
            yield slice(start, start + ROWS_AT_ONCE)

    def known(self, band: slice) -> tuple[NDArray[np.float32], NDArray[np.float32] | None, NDArray[np.uint8] | None]:
        """Points, normals and colours of the known pixels of some rows, each (M, 3) or None."""
        pick = self.cloud.views[band] > 0
        return (
            self.cloud.xyz_mm[band][pick],
            None if self.normals is None else self.normals[band][pick],
            None if self.rgb is None else self.rgb[band][pick],
        )

    def organised(self, band: slice) -> NDArray[np.float32]:
        """Points of some rows on the grid, (R, W, 3); NaN where unknown."""
        return np.where(self.cloud.views[band, :, None] > 0, self.cloud.xyz_mm[band], np.float32(np.nan))

    def sigma_z_mm(self, band: slice) -> NDArray[np.float32]:
        """σ_z of the known pixels of some rows, (M,) mm."""
        return self.cloud.sigma_z_mm[band][self.cloud.views[band] > 0]

    def views(self, band: slice) -> NDArray[np.uint8]:
        """Views of the known pixels of some rows, (M,)."""
        views = self.cloud.views[band]
        return views[views > 0]


def text(row: str, columns: NDArray[np.generic]) -> bytes:
    """Format every row of (M, C) numbers by the same ``%`` pattern; thousands at a time, which is ten times as fast as one by one."""
    blocks = (columns[i : i + ROWS_OF_TEXT] for i in range(0, len(columns), ROWS_OF_TEXT))
    return b"".join(((row * len(block)) % tuple(block.ravel().tolist())).encode("ascii") for block in blocks)
