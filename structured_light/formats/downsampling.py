"""Coarser clouds, as in the paper's Section 5.3.

There "4x" and "40x" take the point spacing of 0.01 mm to those of Real3D-AD and MVTec 3D-AD: the factor is one of spacing, along
columns and along rows. Points are picked, not averaged: an average across a step would be a point that nobody measured.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from rig_configs.errors import ReconstructionError
from structured_light.point_map import PointMap

Scalar = TypeVar("Scalar", bound=np.generic)


def every(factor: int, values: NDArray[Scalar]) -> NDArray[Scalar]:
    """Every ``factor``-th row and column of (H, W, ...), from the middle of the first block of factor x factor pixels on; a view.

    Raises:
        ReconstructionError: the factor is less than 1, or leaves nothing.
    """
    if not 1 <= factor <= min(values.shape[:2]):
        raise ReconstructionError(
            f"A grid of {values.shape[1]} x {values.shape[0]} points cannot be down-sampled {factor} times.",
            cure="Give a factor from 1 to the number of rows.",
            detail="downsample",
        )
    return values[factor // 2 :: factor, factor // 2 :: factor]


def downsample(cloud: PointMap, factor: int) -> PointMap:
    """A cloud of ``factor`` times the point spacing, still organised; every point of it was measured.

    Raises:
        ReconstructionError: the factor is less than 1, or leaves nothing.
    """
    return PointMap(every(factor, cloud.xyz_mm).copy(), every(factor, cloud.sigma_z_mm).copy(), every(factor, cloud.views).copy())
