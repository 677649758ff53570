"""Whether X and Y of the clouds tell the label.

In the real set, X and Y of some TIFFs are constants that differ between normal and defective samples: a model that sees them
scores 0.999 where an honest one scores 0.900. A part's pose must not move the camera's grid, so the offset of X and Y against
the grid is the same in every sample, or it is a leak.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import mannwhitneyu

from inference.datasets.grid import known_points

LEAST_SAMPLES = 4
LEAST_AUROC = 0.9
MOST_CHANCE = 0.01


@dataclass(frozen=True, slots=True)
class XYFacts:
    """What X and Y of one sample's cloud are like."""

    is_normal: bool
    is_real: bool
    """Whether they tell where on the grid a point is."""
    mean_mm: tuple[float, float]
    """Mean of X and of Y over the known points."""
    offset_mm: tuple[float, float]
    """Median of X and of Y on the pixels of a coarse lattice, less the lattice's own share where they are real."""
    pitch_mm: float
    """Mean step of X and Y from pixel to pixel; 0 for constants."""


def xy_facts(xyz_mm: NDArray[np.float32], *, is_normal: bool, is_real: bool) -> XYFacts:
    """Measure X and Y of a cloud, (H, W, 3), NaN where unknown; some point must be known."""
    rows, columns = np.nonzero(known_points(xyz_mm))
    height, width = xyz_mm.shape[:2]
    points = xyz_mm[rows, columns, :2].astype(np.float64)
    mean = points.mean(0)
    offset, pitch = np.median(points, axis=0), 0.0
    if is_real:
        # Against the grid, not as it is: where a cloud has holes must not move its offset.
        basis = np.column_stack([columns - columns.mean(), rows - rows.mean(), np.ones(len(rows))])
        some = slice(None, None, max(1, len(rows) // 20_000))
        fit, *_ = np.linalg.lstsq(basis[some], points[some], rcond=None)
        middle = np.array([(width - 1) / 2 - columns.mean(), (height - 1) / 2 - rows.mean(), 1.0])
        offset = middle @ fit
        pitch = float(np.sqrt(np.abs(np.linalg.det(fit[:2]))))
    return XYFacts(is_normal, is_real, (float(mean[0]), float(mean[1])), (float(offset[0]), float(offset[1])), pitch)


@dataclass(frozen=True, slots=True)
class Leak:
    """How well X or Y alone tells normal from defective."""

    axis: str
    auroc: float
    """Of the offset as a classifier, 0.5-1."""
    chance: float
    """Probability of so good a classifier by chance (two-sided Mann-Whitney U)."""
    normal: int
    defective: int
    difference_mm: float
    """Difference of the medians."""

    def __str__(self) -> str:
        return (
            f"{self.axis} alone tells {self.normal} normal from {self.defective} defective samples with AUROC {self.auroc:.3f} "
            f"(by chance: p = {self.chance:.1g}); the medians differ by {self.difference_mm:.4g} mm"
        )


def leaks(samples: Sequence[XYFacts]) -> list[Leak]:
    """The axes whose offset tells the label; none where there are too few samples to tell, or they differ by less than a pixel."""
    found: list[Leak] = []
    pitch = float(np.median([s.pitch_mm for s in samples])) if samples else 0.0
    for index, axis in enumerate("XY"):
        normal = np.array([s.offset_mm[index] for s in samples if s.is_normal])
        defective = np.array([s.offset_mm[index] for s in samples if not s.is_normal])
        if min(len(normal), len(defective)) < LEAST_SAMPLES:
            continue
        difference = abs(float(np.median(normal) - np.median(defective)))
        if difference <= max(pitch, 1e-6):
            continue
        u, chance = mannwhitneyu(normal, defective, alternative="two-sided")
        auroc = float(u) / (len(normal) * len(defective))
        auroc = max(auroc, 1 - auroc)
        if auroc >= LEAST_AUROC and chance <= MOST_CHANCE:
            found.append(Leak(axis, auroc, float(chance), len(normal), len(defective), difference))
    return found
