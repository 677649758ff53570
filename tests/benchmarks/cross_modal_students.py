"""``python -m tests.benchmarks.cross_modal_students DATASET CATEGORY…``: would students between modalities do for memory banks?

Crossmodal feature mapping: on good parts two small networks learn to foretell each cell's features of one modality from those of the
other; where both are wrong, the part is wrong. There is no bank to search, which makes it the fastest of the public methods. Its I-AUROC
is printed for each pair of modalities beside that of colour and pseudo-3D in one bank; docs/benchmark.md says what came of it.

References:
    Costanzino et al., "Multimodal industrial anomaly detection by crossmodal feature mapping", CVPR 2024.
"""

from __future__ import annotations

import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from inference.anomaly_map import Canvas
from inference.datasets.dataset import Split
from inference.datasets.layouts import open_dataset
from inference.features.extraction import SampleFeatures, extract
from inference.fitting import extract_all
from inference.memory_bank import MemoryBank
from inference.metrics import sample_auroc
from inference.model_state import D3MConfig

MODALITIES = {"rgb": "2D", "pseudo3d": "PS", "points": "3D"}
_HIDDEN, _BATCH, _EPOCHS, _RATE = 256, 1024, 20, 3e-3


def _rows(features: SampleFeatures, modality: str) -> NDArray[np.float32]:
    return getattr(features, modality)


def _student(known: torch.Tensor, wanted: torch.Tensor) -> nn.Module:
    """A network that foretells (N, C') rows from (N, C) ones."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(known.shape[1], _HIDDEN), nn.GELU(), nn.Linear(_HIDDEN, _HIDDEN), nn.GELU(), nn.Linear(_HIDDEN, wanted.shape[1]))
    passes = len(known) // _BATCH
    optimiser = torch.optim.AdamW(net.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _RATE, total_steps=_EPOCHS * passes)
    for _ in range(_EPOCHS):
        for batch in torch.randperm(len(known))[: passes * _BATCH].split(_BATCH):
            optimiser.zero_grad()
            (net(known[batch]) - wanted[batch]).square().mean().backward()
            optimiser.step()
            schedule.step()
    return net.eval().requires_grad_(False)


def compare(dataset: Path, category: str) -> dict[str, float]:
    """I-AUROC of each pair's students, and of one bank of colour and pseudo-3D."""
    opened, config = open_dataset(dataset), D3MConfig()
    good = [s.load() for s in opened.samples(category, Split.TRAIN)]
    grid, train = extract_all(good, config, lambda _share, _message: None, lambda: False)
    listed = list(opened.samples(category, Split.TEST))
    test = [extract(s.load(), grid, config.backbones) for s in listed]
    defective = np.array([not s.sample_id.is_normal for s in listed])
    every = {m: np.concatenate([_rows(f, m) for f in train]) for m in MODALITIES}
    mean = {m: rows.mean(axis=0) for m, rows in every.items()}
    std = {m: np.maximum(rows.std(axis=0), 0.5 * np.sqrt(np.mean(rows.std(axis=0) ** 2))) for m, rows in every.items()}

    def scaled(rows: NDArray[np.float32], modality: str) -> torch.Tensor:
        return torch.from_numpy(((rows - mean[modality]) / std[modality]).astype(np.float32))

    def area(errors: list[NDArray[np.float32]]) -> float:
        scores: list[float] = []
        for features, error in zip(test, errors, strict=True):
            canvas = Canvas.of(features)
            scores.append(canvas.part_maximum(canvas.smooth(error)))
        return sample_auroc(np.array(scores), defective)

    found: dict[str, float] = {}
    for pair in combinations(MODALITIES, 2):
        products = [np.ones(len(f.rgb), np.float32) for f in test]
        for known, wanted in (pair, pair[::-1]):
            net = _student(scaled(every[known], known), scaled(every[wanted], wanted))
            for number, features in enumerate(test):
                missed = net(scaled(_rows(features, known), known)) - scaled(_rows(features, wanted), wanted)
                products[number] *= missed.square().mean(dim=1).sqrt().numpy()
        found[f"students {MODALITIES[pair[0]]} and {MODALITIES[pair[1]]}"] = area(products)
    bank = MemoryBank.fit(np.hstack([every["rgb"], every["pseudo3d"]]), [every["rgb"].shape[1]] * 2, config.coreset_share, config.seed)
    found["one bank of 2D and PS"] = area([bank.distances(np.hstack([f.rgb, f.pseudo3d]))[0] for f in test])
    return found


def main(dataset: Path, categories: list[str]) -> None:
    """Print a line a category, and the means."""
    lines = []
    for category in categories:
        lines.append(compare(dataset, category))
        print(category, {name: round(value, 3) for name, value in lines[-1].items()}, flush=True)
    print("mean", {name: round(float(np.mean([line[name] for line in lines])), 3) for name in lines[0]})


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    torch.set_num_threads(1)
    main(Path(sys.argv[1]), sys.argv[2:])
