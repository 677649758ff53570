"""Channel-spatial swapping: each image modality takes a tenth of the other's features.

The paper (Real-IAD D³, section 4) writes a soft blend, (1 − α) X + α X′, over k×k blocks; with the same α in every block the
blocks sum to a plain blend, so k drops out. The code released with it exchanges outright every p-th channel and then every
p-th column (p = 10 for α = 0.1). Both are here. The blend is the default: the hard swap puts whole columns of one modality's
features into the other's memory bank, at places that move with the part.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

SwapMode = Literal["blend", "hard"]


def channel_spatial_swap(
    rgb: NDArray[np.float32], pseudo3d: NDArray[np.float32], columns: NDArray[np.integer], mode: SwapMode, alpha: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Swap between the features of two images.

    Args:
        rgb: (N, C) features of the colour image, a row a cell.
        pseudo3d: (N, C) features of the pseudo-3D image, of the same cells.
        columns: (N,) the column of the feature map that each cell lies in.
        mode: ``blend`` (the paper's formula) or ``hard`` (the released code: every p-th channel, then every p-th column, p = 1/α).
        alpha: share of the other modality, 0 to 0.5; 0 leaves both as they are.

    Returns:
        Both after the swap, new arrays.

    Raises:
        ValueError: the features differ in shape.
    """
    if rgb.shape != pseudo3d.shape:
        raise ValueError(f"Features to swap must have one shape, got {rgb.shape} and {pseudo3d.shape}.")
    if alpha == 0.0:
        return rgb.copy(), pseudo3d.copy()
    if mode == "blend":
        difference = np.multiply(pseudo3d - rgb, alpha, dtype=np.float32)
        return rgb + difference, pseudo3d - difference
    period = round(1.0 / alpha)
    # As in the released code the columns are taken after the channels, so that their exchanged channels come home again.
    foreign = (np.asarray(columns) % period == 0)[:, None] ^ (np.arange(rgb.shape[1]) % period == 0)[None, :]
    return np.where(foreign, pseudo3d, rgb), np.where(foreign, rgb, pseudo3d)
