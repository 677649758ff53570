"""Whether a calibration still holds, from one scan of a flat plate: projectors that are still where they were agree on where it lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rig_configs.errors import ReconstructionError

F64 = NDArray[np.float64]

LIMIT_UM = 5.0
"""Disagreement between projectors that asks for a new calibration; half of what the fusion still lets pass as agreement."""
BLOCKS = (6, 9)
"""Rows and columns of blocks over which heights are averaged, so that noise does not count."""


@dataclass(frozen=True, slots=True)
class Drift:
    """What a scan of a plate says about the calibration."""

    plate_um: float
    """Height of the plate's middle over the reference plane, µm."""
    plate_tilt_mrad: float
    """Its tilt. Both may be the plate's own, as it was laid."""
    projectors_um: tuple[float, ...]
    """For each projector by how much it disagrees with the others, the most over the field, µm."""
    drifted: tuple[int, ...]
    """Projectors without which the others agree."""
    flatness_um: float
    """Range of the block means of all projectors' mean from its plane, µm: the camera's optics, mostly."""

    @property
    def holds(self) -> bool:
        """Whether the calibration may go on being used."""
        return max(*self.projectors_um, self.flatness_um) <= LIMIT_UM


def plane_drift(z_mm: Sequence[NDArray[np.float32]], xyz_mm: NDArray[np.float32]) -> Drift:
    """Compare what each projector measures of a plate that fills the field.

    Args:
        z_mm: for each projector (H, W) heights, mm; NaN where unknown.
        xyz_mm: (H, W, 3) the fused points, mm.

    Raises:
        ReconstructionError: a projector measured next to nothing of the plate.
    """
    blocks = np.stack([_block_means(z) for z in z_mm])
    if len(blocks) < 2:
        raise ReconstructionError("One projector alone has nobody to agree with.", cure="Check a rig of two or more projectors.", detail="drift")
    for index, one in enumerate(blocks):
        if np.isfinite(one).mean() < 0.2:
            raise ReconstructionError(
                f"Projector {index + 1} measures next to nothing of the plate.",
                cure="Lay the matt white plate so that it fills the field; check this projector.",
                detail="drift",
            )
    drifted: list[int] = []
    while len(agreeing := [i for i in range(len(blocks)) if i not in drifted]) > 1:
        off_um = _against_the_others_um(blocks[agreeing])
        if float(np.nanmax(off_um)) <= LIMIT_UM:
            break
        # By the mean over the field: where only two see a place, each is as far off as the other.
        drifted.append(agreeing[int(np.argmax(np.nanmean(off_um, axis=(1, 2))))])
    x, y, z = (_block_means(xyz_mm[..., i]) for i in range(3))
    known = np.isfinite(z)
    design = np.column_stack([np.ones(int(known.sum())), x[known], y[known]])
    plane = np.linalg.lstsq(design, z[known], rcond=None)[0]
    return Drift(
        plate_um=float(1e3 * plane[0]),
        plate_tilt_mrad=float(1e3 * np.hypot(plane[1], plane[2])),
        projectors_um=tuple(float(most) for most in np.nanmax(_against_the_others_um(blocks), axis=(1, 2))),
        drifted=tuple(sorted(drifted)),
        flatness_um=float(1e3 * np.ptp(z[known] - design @ plane)),
    )


def _block_means(values: NDArray[np.float32]) -> F64:
    """Means over blocks, (rows, columns); NaN where less than a third of a block is known."""
    rows, columns = BLOCKS
    height, width = values.shape[0] // rows, values.shape[1] // columns
    blocks = values[: rows * height, : columns * width].reshape(rows, height, columns, width)
    share = np.isfinite(blocks).mean(axis=(1, 3))
    total = np.nansum(blocks, axis=(1, 3), dtype=np.float64)
    return np.where(share > 1 / 3, total / np.maximum(share * height * width, 1), np.nan)


def _against_the_others_um(blocks: F64) -> F64:
    """For each projector's blocks (N, rows, columns) how far they are off the mean of the others', the same shape, µm."""
    others = np.stack([_mean_of(np.delete(blocks, i, axis=0)) for i in range(len(blocks))])
    return 1e3 * np.abs(blocks - others)


def _mean_of(blocks: F64) -> F64:
    known = np.isfinite(blocks)
    return np.where(known.any(axis=0), np.nansum(blocks, axis=0) / np.maximum(known.sum(axis=0), 1), np.nan)
