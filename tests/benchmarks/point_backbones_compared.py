"""``python -m tests.benchmarks.point_backbones_compared DIR [CATEGORY …]``: point backbones in a bank of their own, on the same clouds.

Each backbone is taken with and without the channels of height, in one memory bank with a 10 % coreset; nothing else of D³M has a say.
The table is Markdown; docs/weights.md holds one.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

from inference.anomaly_map import Canvas
from inference.datasets.dataset import Split
from inference.datasets.layouts import open_dataset
from inference.features.extraction import SampleFeatures, feature_grid
from inference.features.points import HEIGHT_CHANNELS, point_features
from inference.features.registry import PointBackboneName, point_backbone
from inference.features.window import outlined, part_window
from inference.memory_bank import MemoryBank
from inference.metrics import PixelCounts, sample_auroc

BACKBONES: tuple[PointBackboneName, ...] = ("fpfh", "point-mae-small")


def described(sample, grid, backbone) -> SampleFeatures:
    """A sample's point features alone."""
    part = outlined(sample.foreground, sample.name)
    window = part_window(part, grid.scale, grid.margin_px)
    cells = window.cell_mask(part)
    points = np.ascontiguousarray(point_features(sample.xyz_mm, part, window, grid.cell_mm, backbone, sample.name)[:, cells].T)
    none = np.zeros((len(points), 0), np.float32)
    return SampleFeatures(none, none, points, (points.shape[1] - HEIGHT_CHANNELS, HEIGHT_CHANNELS), cells, window, 0.0, none, sample.name)


def measured(dataset, category: str, name: PointBackboneName) -> dict[str, tuple[float, float, float, float]]:
    """I-AUROC, P-AUROC, AUPRO and seconds of features a sample, without and with the channels of height."""
    backbone = point_backbone(name)
    train = [sample.load() for sample in dataset.samples(category, Split.TRAIN)]
    grid = feature_grid(train[0], 448, 16)
    start = time.perf_counter()
    good = [described(sample, grid, backbone) for sample in train]
    seconds = (time.perf_counter() - start) / len(good)
    tests = [(sample, described(sample.load(), grid, backbone)) for sample in dataset.samples(category, Split.TEST)]
    result = {}
    for label, groups in ((name, good[0].point_groups[:1]), (f"{name} + height", good[0].point_groups)):
        width = sum(groups)
        bank = MemoryBank.fit(np.concatenate([f.points[:, :width] for f in good]), groups, 0.1, 42)
        scores, counts = [], []
        for sample, features in tests:
            distance, index = bank.distances(features.points[:, :width])
            scores.append(bank.sample_score(features.points[:, :width], distance, index, 3))
            canvas, mask = Canvas.of(features), sample.load_mask()
            counts.append(PixelCounts.of(canvas.on_camera(canvas.smooth(distance), (mask.shape[0], mask.shape[1])), mask))
        pixels = PixelCounts.total(counts)
        i_auroc = sample_auroc(np.array(scores), np.array([not sample.sample_id.is_normal for sample, _ in tests]))
        result[label] = (i_auroc, pixels.auroc().value, pixels.aupro().value, seconds)
    return result


def main(folder: Path, categories: list[str]) -> None:
    """Print the table."""
    dataset = open_dataset(folder)
    print("| category | described by | I-AUROC | P-AUROC | AUPRO | s a sample |\n|---|---|---|---|---|---|")
    for category in categories or dataset.categories:
        for name in BACKBONES:
            for label, values in measured(dataset, category, name).items():
                print(f"| {category} | {label} | " + " | ".join(f"{value:.3f}" for value in values[:3]) + f" | {values[3]:.2f} |", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
