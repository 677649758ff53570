"""Training a Point-MAE on clouds alone: from the groups that are left, foretell the points of those that are hidden.

Reference:
    Pang et al., "Masked autoencoders for point cloud self-supervised learning" (Point-MAE), ECCV 2022.
"""

from __future__ import annotations

import torch
from torch import nn

from inference.features.point_mae import BlockStack, PointEncoder, PointMaeShape

_DECODER_DEPTH = 2


class MaskedAutoencoder(nn.Module):
    """An encoder of groups, and a shallow decoder that is thrown away after the training."""

    def __init__(self, shape: PointMaeShape) -> None:
        super().__init__()
        self.encoder = PointEncoder(shape)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, shape.width))
        nn.init.trunc_normal_(self.mask_token, std=0.02)
        self.decoder_pos_embed = nn.Sequential(nn.Linear(3, 128), nn.GELU(), nn.Linear(128, shape.width))
        self.decoder = BlockStack(shape.width, _DECODER_DEPTH, shape.heads)
        self.decoder_norm = nn.LayerNorm(shape.width)
        self.head = nn.Linear(shape.width, 3 * shape.neighbours)

    def forward(self, groups: torch.Tensor, centres: torch.Tensor, hidden: int) -> torch.Tensor:
        """Loss of a batch.

        Args:
            groups: (B, G, K, 3) points relative to their centres; the groups in a drawn order.
            centres: (B, G, 3).
            hidden: the last so many groups are hidden.

        Returns:
            Mean Chamfer distance (squared, both ways) between hidden groups and what is foretold, in units of the groups' mean square radius.
        """
        batch, count, neighbours, _ = groups.shape
        seen = count - hidden
        encoder = self.encoder
        tokens = encoder.encoder(groups[:, :seen].reshape(-1, neighbours, 3)).reshape(batch, seen, -1)
        latent = encoder.norm(encoder.blocks(tokens, encoder.pos_embed(centres[:, :seen]))[-1])
        whole = torch.cat([latent, self.mask_token.expand(batch, hidden, -1)], dim=1)
        decoded = self.decoder_norm(self.decoder(whole, self.decoder_pos_embed(centres))[-1][:, seen:])
        foretold = self.head(decoded).reshape(-1, neighbours, 3)
        truth = groups[:, seen:].reshape(-1, neighbours, 3)
        radius = truth.square().sum(-1).mean().sqrt()
        return chamfer(foretold, truth / radius)


def chamfer(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Mean squared distance from each point to the nearest of the other set, both ways summed: (N, K, 3) and (N, L, 3) to a scalar."""
    square = (a[:, :, None] - b[:, None, :]).square().sum(-1)
    return square.amin(dim=2).mean() + square.amin(dim=1).mean()
