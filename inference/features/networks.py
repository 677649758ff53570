"""The networks whose weights are files: what they are made of, and their tensors in a foreign checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import nn

from inference.features.point_mae import PointEncoder, PointMaeShape, encoder_tensors
from inference.features.vit import VisionTransformer
from inference.weights_folder import stored_tensors
from rig_configs.errors import ModelError

SMALL_POINT_MAE = PointMaeShape(width=96, depth=4, heads=4, taps=(1, 2, 3), narrow=32, neighbours=32)
"""What ``d3station weights pretrain`` trains in minutes."""


@dataclass(frozen=True, slots=True)
class Network:
    """How to make a network, and how to find its tensors."""

    make: Callable[[], nn.Module]
    tensors: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]
    """Its tensors, by its own names, in a checkpoint that may hold more."""
    unneeded: tuple[str, ...]
    """How names of tensors begin that official files have and the features do not need."""

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of every tensor it needs."""
        with torch.device("meta"):
            return {name: tuple(tensor.shape) for name, tensor in self.make().state_dict().items()}


def _vit_tensors(checkpoint: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The official backbone's file has the names as they are; its full checkpoint has them as ``module.backbone.*`` or ``backbone.*``."""
    return {name.removeprefix("module.").removeprefix("backbone."): tensor for name, tensor in checkpoint.items()}


NETWORKS: dict[str, Network] = {
    "dino-vitb8": Network(VisionTransformer, _vit_tensors, ("head.",)),
    "point-mae": Network(
        lambda: PointEncoder(PointMaeShape()), encoder_tensors, ("MAE_decoder.", "mask_token", "decoder_pos_embed.", "increase_dim.")
    ),
    "point-mae-small": Network(lambda: PointEncoder(SMALL_POINT_MAE), encoder_tensors, ("decoder.",)),
}


def misfits(tensors: Mapping[str, torch.Tensor], network: Network) -> list[str]:
    """What keeps tensors from being those of a network, one sentence each; none where they fit."""
    wanted = network.shapes()
    found: list[str] = []
    for name, shape in wanted.items():
        if name not in tensors:
            found.append(f"{name} is missing")
        elif tuple(tensors[name].shape) != shape:
            found.append(f"{name} is {tuple(tensors[name].shape)}, not {shape}")
        elif not bool(torch.isfinite(tensors[name]).all()):
            found.append(f"{name} holds values that are not finite")
    return found + [f"{name} is not one of its tensors" for name in tensors if name not in wanted and not name.startswith(network.unneeded)]


def loaded_network(name: str) -> tuple[nn.Module, str]:
    """A network with its imported weights, frozen, and their SHA-256.

    Raises:
        ModelError: they are not imported, damaged, or of another network (``model.invalid.backbone``).
    """
    tensors, origin = stored_tensors(name)
    wrong = misfits(tensors, NETWORKS[name])
    if wrong:
        raise ModelError(f"The stored weights of {name} do not fit: {wrong[0]}.", cure="Import the official file again.", detail="backbone")
    with torch.device("meta"):
        network = NETWORKS[name].make()
    network.load_state_dict({key: _native(value) for key, value in tensors.items()}, assign=True)
    return network.eval().requires_grad_(False), origin.sha256


def _native(tensor: torch.Tensor) -> torch.Tensor:
    """Half-precision files are computed in single precision."""
    return tensor.float() if tensor.is_floating_point() else tensor
