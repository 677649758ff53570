"""The three banks' view of one sample."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inference.contrastive_fusion import ContrastiveFusion
from inference.features.extraction import SampleFeatures
from inference.memory_bank import MemoryBank
from inference.model_state import D3MConfig
from inference.swapping import channel_spatial_swap


def swapped(features: SampleFeatures, config: D3MConfig) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(N, C) rows of M_2D and M_PS for one sample."""
    return channel_spatial_swap(features.rgb, features.pseudo3d, np.nonzero(features.cells)[1], config.swap, config.alpha)


def bank_patches(
    features: SampleFeatures, fusion: ContrastiveFusion, config: D3MConfig
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """(N, C) rows of M_2D, M_PS and M_D for one sample."""
    rgb, pseudo3d = swapped(features, config)
    return rgb, pseudo3d, fusion.embed(rgb if config.fused_image == "rgb" else pseudo3d, features.points)


def score_banks(
    features: SampleFeatures, fusion: ContrastiveFusion, banks: tuple[MemoryBank, ...], config: D3MConfig
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sample scores (3,) and cell distances (N, 3) of one sample against three banks."""
    scores: list[float] = []
    columns: list[NDArray[np.float32]] = []
    for patches, bank in zip(bank_patches(features, fusion, config), banks, strict=True):
        distance, index = bank.distances(patches)
        scores.append(bank.sample_score(patches, distance, index, config.neighbours))
        columns.append(distance)
    return np.array(scores), np.stack(columns, axis=1).astype(np.float64)
