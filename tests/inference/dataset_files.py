"""A small data set in the Real-IAD D³ layout: a block on a plate, some with a corner missing."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from inference.datasets.dataset import NORMAL, SampleId, Split
from inference.datasets.names import LIGHTS
from inference.datasets.writing import SampleContent, entry, write_sample, write_splits

CATEGORY = "knob_cap"
SHAPE = (60, 90)
PITCH_MM = 0.2
STAMP = "20260101000000"


def sample_id(anomaly_class: str, number: int) -> SampleId:
    return SampleId(CATEGORY, anomaly_class, number)


def content_of(sample: SampleId) -> SampleContent:
    """The same for the same sample."""
    rng = np.random.default_rng([sample.number, len(sample.anomaly_class)])
    v, u = np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]]
    part = (abs(u - 45) < 25) & (abs(v - 30) < 16)
    mask = (abs(u - 60) < 6) & (abs(v - 24) < 5)
    z = 2.0 * part + 0.003 * rng.standard_normal(SHAPE)
    if not sample.is_normal:
        z[mask] -= 1.0
    xyz = np.dstack([(u - 44.5) * PITCH_MM, (29.5 - v) * PITCH_MM, z]).astype(np.float32)
    xyz[rng.random(SHAPE) < 0.02] = np.nan
    shade = np.clip(60 + 120 * part + 6 * rng.standard_normal(SHAPE), 0, 255).astype(np.uint8)
    lights = {name: np.repeat(shade[..., None] // (5 - i), 3, 2) for i, name in enumerate(LIGHTS)}
    pseudo3d = np.full((*SHAPE, 3), (128, 128, 255), np.uint8)
    return SampleContent(lights, pseudo3d, xyz, None if sample.is_normal else mask)


def write_set(root: Path) -> Path:
    """Three good samples to learn from; six good and six defective ones to judge."""
    splits = {
        Split.TRAIN: [sample_id(NORMAL, i) for i in (1, 2, 3)],
        Split.TEST: [sample_id(NORMAL, i) for i in range(4, 10)] + [sample_id("missing_part", i) for i in range(1, 7)],
    }
    for samples in splits.values():
        for sample in samples:
            write_sample(root, sample, STAMP, content_of(sample))
    write_splits(root, CATEGORY, {split: [entry(s, STAMP) for s in samples] for split, samples in splits.items()})
    return root
