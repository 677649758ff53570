"""``python -m tests.benchmarks.dino_precision``: DINO ViT-B/8 in float32 and in bfloat16 on the CPU, on one picture.

With the imported weights where there are any, else with drawn ones; the line says which.
"""

from __future__ import annotations

import time

import numpy as np
import torch

from inference.features.networks import loaded_network
from inference.features.vit import DinoViT, VisionTransformer
from rig_configs.errors import ModelError


def _network() -> tuple[torch.nn.Module, str]:
    try:
        return loaded_network("dino-vitb8")[0], "imported weights"
    except ModelError:
        torch.manual_seed(0)
        network = VisionTransformer()
        for module in network.modules():
            if isinstance(module, torch.nn.Linear):
                torch.nn.init.trunc_normal_(module.weight, std=0.02)
        torch.nn.init.trunc_normal_(network.pos_embed, std=0.02)
        return network.eval().requires_grad_(False), "drawn weights"


def _timed(backbone: DinoViT, picture: np.ndarray) -> tuple[np.ndarray, float]:
    backbone(picture)
    spent = []
    for _ in range(3):
        start = time.perf_counter()
        maps = backbone(picture)
        spent.append(time.perf_counter() - start)
    return maps[0].reshape(maps.shape[1], -1).T, min(spent)


def main() -> None:
    """Print one line."""
    network, which = _network()
    picture = np.random.default_rng(0).integers(0, 255, (1, 224, 224, 3), dtype=np.uint8)
    whole, slow = _timed(DinoViT(network, 768, ""), picture)
    half, fast = _timed(DinoViT(network.to(torch.bfloat16), 768, "", torch.bfloat16), picture)
    distances = [torch.cdist(*(torch.from_numpy(rows[k::2].copy()) for k in (0, 1))).min(1) for rows in (whole, half)]
    kept = float((distances[0].indices == distances[1].indices).float().mean())
    change = float(((distances[1].values - distances[0].values).abs() / distances[0].values).mean())
    print(f"{which}: float32 {slow:.2f} s, bfloat16 {fast:.2f} s; {kept:.1%} of the nearest neighbours kept, distances change by {change:.2%}")


if __name__ == "__main__":
    main()
