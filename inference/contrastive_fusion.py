"""Unsupervised contrastive fusion of image and point features (M3DM's UFF, the paper's L_con).

Each modality: LayerNorm → Linear(C, 4C) → GELU → Linear(4C, C), added to the standardised input as in a transformer block; the
fused feature is their concatenation. The residual is what "preserving modality-specific details" takes: the loss keeps only what
both modalities share, and LayerNorm alone bounds how far out a patch can lie (a plateau raised by 0.4 mm on a synthetic plate: 1.6
to 1.7 times the good parts' largest distance with it, 1.3 to 1.6 without). Linear heads to 256 serve only the loss.

The paper's L_con lacks the exponential and the logarithm without which it has no minimum; this is the InfoNCE it comes from.
Positives are the same patch of the same sample, row by row, negatives all other patches of the batch.

References:
    Wang et al., "Multimodal industrial anomaly detection via hybrid fusion" (M3DM), CVPR 2023.
    van den Oord et al., "Representation learning with contrastive predictive coding", 2018.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from rig_configs.errors import Cancelled

_HEAD_CHANNELS = 256
_WARM_UP = 0.2
"""Share of the steps over which the learning rate rises to its peak, before the half cosine to zero."""


@dataclass(frozen=True, slots=True)
class FusionSettings:
    """How the fusion is trained."""

    steps: int
    batch: int
    learning_rate: float
    temperature: float
    seed: int


class ModalityEncoder(nn.Module):
    """One modality's LayerNorm and MLP; standardises its input by the training patches' mean and standard deviation first."""

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("std", torch.ones(channels))
        self.norm = nn.LayerNorm(channels)
        self.mlp = nn.Sequential(nn.Linear(channels, 4 * channels), nn.GELU(), nn.Linear(4 * channels, channels))

    def standardise_by(self, patches: torch.Tensor) -> None:
        """Take mean and standard deviation from (N, C) patches."""
        self.mean.copy_(patches.mean(dim=0))
        spread = patches.std(dim=0)
        # As in the memory bank: a channel that hardly moves on good parts must not shout at its first move.
        self.std.copy_(torch.clamp(spread, min=0.1 * float(spread.max()) + 1e-12))

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        """(N, C) to (N, C)."""
        x = (patches - self.mean) / self.std
        return x + self.mlp(self.norm(x))


def info_nce(image: torch.Tensor, points: torch.Tensor, temperature: float) -> torch.Tensor:
    """InfoNCE of two (N, D) sets whose rows belong together; 0 at best, log N when blind."""
    logits = functional.normalize(image, dim=1) @ functional.normalize(points, dim=1).T / temperature
    return functional.cross_entropy(logits, torch.arange(len(logits)))


class ContrastiveFusion(nn.Module):
    """The fused representation M_D is made of."""

    def __init__(self, image_channels: int, point_channels: int) -> None:
        super().__init__()
        self.image = ModalityEncoder(image_channels)
        self.points = ModalityEncoder(point_channels)

    @torch.inference_mode()
    def embed(self, image: NDArray[np.float32], points: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, C_image) and (N, C_points) of the same patches to fused (N, C_image + C_points)."""
        return torch.cat([self.image(torch.from_numpy(image)), self.points(torch.from_numpy(points))], dim=1).numpy()


def _rate_factor(step: int, steps: int) -> float:
    warm_up = max(1, round(_WARM_UP * steps))
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.5 * (1.0 + math.cos(math.pi * (step - warm_up) / max(1, steps - warm_up)))


def train_fusion(
    image: NDArray[np.float32],
    points: NDArray[np.float32],
    settings: FusionSettings,
    cancelled: Callable[[], bool] = lambda: False,
) -> tuple[ContrastiveFusion, list[float]]:
    """Train the fusion on the patches of good parts.

    Args:
        image: (N, C_image) patches of an image modality.
        points: (N, C_points) point features of the same patches in the same order.
        settings: see ``FusionSettings``.
        cancelled: asked every step.

    Returns:
        The fusion in eval mode, and the loss of every step.

    Raises:
        Cancelled: ``cancelled`` said so.
    """
    image_patches, point_patches = torch.from_numpy(image), torch.from_numpy(points)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        fusion = ContrastiveFusion(image.shape[1], points.shape[1])
        heads = nn.ModuleList([nn.Linear(image.shape[1], _HEAD_CHANNELS), nn.Linear(points.shape[1], _HEAD_CHANNELS)])
    fusion.image.standardise_by(image_patches)
    fusion.points.standardise_by(point_patches)
    parameters = [*fusion.parameters(), *heads.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=settings.learning_rate, betas=(0.9, 0.95), fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate_factor(step, settings.steps))
    draw = torch.Generator().manual_seed(settings.seed)
    losses: list[float] = []
    for _ in range(settings.steps):
        if cancelled():
            raise Cancelled("Teaching was stopped while the fusion was training.", cure="Start it again when wanted; nothing was changed.")
        rows = torch.randint(len(image_patches), (min(settings.batch, len(image_patches)),), generator=draw)
        loss = info_nce(heads[0](fusion.image(image_patches[rows])), heads[1](fusion.points(point_patches[rows])), settings.temperature)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        losses.append(float(loss.detach()))
    return fusion.eval().requires_grad_(False), losses
