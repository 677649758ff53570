"""Point-MAE, the paper's point features: a transformer over groups of neighbouring points, with the official checkpoint's key names.

Farthest-point sampling picks the centres of the groups; each group is its centre's nearest neighbours relative to it, turned into one
token by a small PointNet. The tokens after blocks 3, 7 and 11, each through the one final norm, are concatenated (3 × 384 channels).

Coordinates are in units of the cloud, see ``SCALE_PITCHES``. The paper's code gives millimetres to a network that was trained on unit spheres;
here a part that fills the window is about one.

References:
    Pang et al., "Masked autoencoders for point cloud self-supervised learning" (Point-MAE), ECCV 2022.
    Wang et al., M3DM, CVPR 2023: which blocks, and the interpolation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from inference.features.point_groups import farthest_points, grid_neighbours, interpolated, three_nearest
from inference.features.transformer import Block

_GROUPS_A_PASS = 128
"""Groups that are encoded at once: the PointNet's activations then stay below 150 MB."""
SCALE_PITCHES = 64.0
"""Point pitches in one unit of the network's coordinates."""


@dataclass(frozen=True, slots=True)
class PointMaeShape:
    """Sizes of a Point-MAE; the defaults are the official ones."""

    width: int = 384
    depth: int = 12
    heads: int = 6
    taps: tuple[int, ...] = (3, 7, 11)
    """Blocks, counted from zero, whose tokens are taken."""
    narrow: int = 128
    """Channels of the first layer of the group's PointNet; those after it are twice and four times as many."""
    groups: int = 1024
    neighbours: int = 128

    @property
    def channels(self) -> int:
        """Channels of a group's description."""
        return self.width * len(self.taps)


def _product(convolution: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """A convolution of length one on (N, C) points."""
    assert isinstance(convolution, nn.Conv1d)
    return functional.linear(x, convolution.weight[..., 0], convolution.bias)


class GroupEncoder(nn.Module):
    """A PointNet of two stages: points of a group to one token."""

    def __init__(self, shape: PointMaeShape) -> None:
        super().__init__()
        one, two, four = shape.narrow, 2 * shape.narrow, 4 * shape.narrow
        self.first_conv = nn.Sequential(nn.Conv1d(3, one, 1), nn.BatchNorm1d(one), nn.ReLU(), nn.Conv1d(one, two, 1))
        self.second_conv = nn.Sequential(nn.Conv1d(four, four, 1), nn.BatchNorm1d(four), nn.ReLU(), nn.Conv1d(four, shape.width, 1))

    def forward(self, groups: torch.Tensor) -> torch.Tensor:
        """(N, K, 3) points relative to their centres to (N, C).

        Convolutions of length one are matrix products over all points, and what is said of a whole group is multiplied once for it and not
        once for each of its points: the same sums in half the time.
        """
        count, neighbours, _ = groups.shape
        start, norm, rectify, end = self.first_conv
        each = _product(end, rectify(norm(_product(start, groups.reshape(-1, 3)))))
        whole = each.view(count, neighbours, -1).amax(dim=1)
        start, norm, rectify, end = self.second_conv
        assert isinstance(start, nn.Conv1d)
        of_whole, of_each = start.weight[..., 0].chunk(2, dim=1)
        mixed = functional.linear(each, of_each).view(count, neighbours, -1) + functional.linear(whole, of_whole, start.bias)[:, None]
        described = _product(end, rectify(norm(mixed.flatten(0, 1))))
        return described.view(count, neighbours, -1).amax(dim=1)


class BlockStack(nn.Module):
    """Blocks, with the position embedding added before every one of them."""

    def __init__(self, width: int, depth: int, heads: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([Block(width, heads, qkv_bias=False, eps=1e-5) for _ in range(depth)])

    def forward(self, x: torch.Tensor, positions: torch.Tensor) -> list[torch.Tensor]:
        """(B, G, C) tokens and positions to the tokens after each block."""
        after: list[torch.Tensor] = []
        for block in self.blocks:
            x = block(x + positions)
            after.append(x)
        return after


class PointEncoder(nn.Module):
    """The encoder of Point-MAE: ``MAE_encoder.*`` of its checkpoint."""

    def __init__(self, shape: PointMaeShape) -> None:
        super().__init__()
        self.shape = shape
        self.encoder = GroupEncoder(shape)
        self.pos_embed = nn.Sequential(nn.Linear(3, 128), nn.GELU(), nn.Linear(128, shape.width))
        self.blocks = BlockStack(shape.width, shape.depth, shape.heads)
        self.norm = nn.LayerNorm(shape.width)

    def forward(self, groups: torch.Tensor, centres: torch.Tensor) -> torch.Tensor:
        """Describe groups.

        Args:
            groups: (G, K, 3) points relative to their centres.
            centres: (G, 3).

        Returns:
            (G, channels): the tokens after the tapped blocks, side by side.
        """
        tokens = torch.cat([self.encoder(some) for some in groups.split(_GROUPS_A_PASS)])
        after = self.blocks(tokens[None], self.pos_embed(centres)[None])
        return torch.cat([self.norm(after[tap])[0] for tap in self.shape.taps], dim=1)


def encoder_tensors(checkpoint: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The encoder's tensors out of a whole model's, under the names that ``PointEncoder`` has.

    The official file has them as ``module.MAE_encoder.*`` or ``MAE_encoder.*``, beside those of the decoder, which is not needed.
    """
    plain = {name.removeprefix("module."): tensor for name, tensor in checkpoint.items()}
    inner = {name.removeprefix("MAE_encoder."): tensor for name, tensor in plain.items() if name.startswith("MAE_encoder.")}
    return inner or plain


@dataclass(frozen=True, slots=True)
class Groups:
    """A cloud cut into groups, in the network's units."""

    groups: NDArray[np.float32]
    """(G, K, 3) relative to their centres."""
    centres: NDArray[np.float32]
    """(G, 3) relative to the middle of the cloud."""
    known: NDArray[np.float32]
    """(N, 3) all known points, as the centres."""


def grouped(points: NDArray[np.float32], pitch_mm: float, shape: PointMaeShape) -> Groups:
    """Cut an organised cloud into groups.

    Args:
        points: (R, C, 3), mm, NaN where unknown; some must be known.
        pitch_mm: usual distance of neighbouring points.
        shape: how many groups and neighbours.
    """
    flat = points.reshape(-1, 3)
    where = np.flatnonzero(np.isfinite(flat[:, 2]))
    known = flat[where]
    chosen = where[farthest_points(known, shape.groups)]
    members = grid_neighbours(points, chosen, shape.neighbours, pitch_mm)
    unit = np.float32(SCALE_PITCHES * pitch_mm)
    middle = known.mean(axis=0)
    return Groups((flat[members] - flat[chosen][:, None]) / unit, (flat[chosen] - middle) / unit, (known - middle) / unit)


@dataclass(frozen=True, slots=True)
class PointMae:
    """A frozen encoder as a point backbone."""

    network: PointEncoder
    weights_sha256: str
    interpolate: bool = True
    """Whether a point takes the mean of its three nearest groups, weighed by 1 / d² (the paper's Table 5), or its nearest one's description."""

    @property
    def channels(self) -> int:
        """Channels of a point's description."""
        return self.network.shape.channels

    @torch.inference_mode()
    def __call__(self, points: NDArray[np.float32], pitch_mm: float) -> NDArray[np.float32]:
        """(R, C, 3) points, mm, NaN where unknown, to (R, C, channels); zero where unknown. See ``PointBackbone``."""
        valid = np.isfinite(points[..., 2])
        values = np.zeros((*valid.shape, self.channels), np.float32)
        if not valid.any():
            return values
        cut = grouped(points, pitch_mm, self.network.shape)
        described = self.network(torch.from_numpy(cut.groups), torch.from_numpy(cut.centres)).numpy()
        index, weight = three_nearest(cut.known, cut.centres)
        values[valid] = interpolated(described, index, weight) if self.interpolate else described[index[:, 0]]
        return values
