"""DINO ViT-B/8, the paper's image features: a plain vision transformer that takes the official checkpoint's tensors as they are.

The last layer's patch tokens after the final norm, without the class token. The position embedding is interpolated for other
sizes than the 224 px it was trained at.

References:
    Caron et al., "Emerging properties in self-supervised vision transformers" (DINO), ICCV 2021.
    Dosovitskiy et al., "An image is worth 16x16 words", ICLR 2021.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from inference.features.tiling import blended
from inference.features.transformer import Block

PATCH_PX, WIDTH, DEPTH, HEADS = 8, 768, 12, 12
TRAINED_PX = 224
_TILE_PX, _OVERLAP_PX = 448, 64
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class PatchEmbedding(nn.Module):
    """One linear map of every patch."""

    def __init__(self, patch_px: int, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, patch_px, stride=patch_px)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, 3, H, W) to (B, C, H / patch, W / patch)."""
        return self.proj(x)


class VisionTransformer(nn.Module):
    """A vision transformer; the defaults are ViT-B/8.

    Args:
        patch_px: side of a patch.
        width: channels of a token.
        depth: number of blocks.
        heads: of the attention.
        trained_px: side of the square images that the position embedding is for.
    """

    def __init__(self, patch_px: int = PATCH_PX, width: int = WIDTH, depth: int = DEPTH, heads: int = HEADS, trained_px: int = TRAINED_PX) -> None:
        super().__init__()
        self.side = trained_px // patch_px
        self.patch_embed = PatchEmbedding(patch_px, width)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + self.side**2, width))
        self.blocks = nn.ModuleList([Block(width, heads, qkv_bias=True, eps=1e-6) for _ in range(depth)])
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def positions(self, rows: int, columns: int) -> torch.Tensor:
        """(1, 1 + rows · columns, C) position embedding, interpolated to a grid of patches; at the trained grid it is the stored one."""
        if (rows, columns) == (self.side, self.side):
            return self.pos_embed
        grid = self.pos_embed[:, 1:].reshape(1, self.side, self.side, -1).permute(0, 3, 1, 2)
        grid = functional.interpolate(grid, size=(rows, columns), mode="bicubic", align_corners=False)
        return torch.cat([self.pos_embed[:, :1], grid.flatten(2).transpose(1, 2)], dim=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, 3, H, W) normalised images to (B, C, H / patch, W / patch) patch tokens after the final norm."""
        patches = self.patch_embed(x)
        batch, width, rows, columns = patches.shape
        tokens = torch.cat([self.cls_token.expand(batch, -1, -1), patches.flatten(2).transpose(1, 2)], dim=1)
        tokens = tokens + self.positions(rows, columns)
        for block in self.blocks:
            tokens = block(tokens)
        return self.norm(tokens)[:, 1:].transpose(1, 2).reshape(batch, width, rows, columns)


@dataclass(frozen=True, slots=True)
class DinoViT:
    """A frozen vision transformer as an image backbone."""

    network: nn.Module
    channels: int
    weights_sha256: str
    dtype: torch.dtype = torch.float32
    """Of the network's tensors."""

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(B, H, W, 3) uint8 RGB, H and W multiples of 8, to (B, channels, H/8, W/8) float32. See ``ImageBackbone``.

        A picture larger than 448 px is seen in tiles of that size that overlap and are blended: attention over all of it would grow with
        the square of its area.
        """
        # One by one: a batch of such long sequences gains nothing on CPU and holds all their activations.
        return np.stack([blended(image, self._tile, PATCH_PX, _TILE_PX, _OVERLAP_PX) for image in images])

    @torch.inference_mode()
    def _tile(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (_MEAN, _STD))
        x = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float() / 255.0
        return self.network(((x - mean) / std).to(self.dtype))[0].float().contiguous().numpy()
