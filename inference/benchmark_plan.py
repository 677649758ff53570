"""What a benchmark runs: variants of methods, and the paper's tables as presets."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from inference.datasets.dataset import SampleId
from inference.features.registry import CARDS
from inference.methods import METHODS, Method
from inference.model_state import D3MConfig
from inference.sample import D3Sample
from rig_configs.errors import NotFound, SampleError

_VERSION = 2
"""Rises when the same settings would give other numbers, so that finished categories are not taken over."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One column of a table: a method under settings."""

    label: str
    method: Method
    config: D3MConfig
    thinning: float = 1.0
    """Of the cloud: one point of so many is kept."""

    @property
    def feature_key(self) -> tuple[object, ...]:
        """Variants with one key see the same features."""
        config = self.config
        return config.backbones, config.working_px, config.margin_px, config.smallest_defect_mm, config.height_band, self.thinning

    @property
    def bank_config(self) -> D3MConfig:
        """The settings as the method takes them: nothing is swapped where it does not swap."""
        return self.config if self.method.swapped else self.config.model_copy(update={"alpha": 0.0})


def variants_of(names: Iterable[str], config: D3MConfig) -> list[Variant]:
    """Methods by name.

    Raises:
        NotFound: there is no such method.
    """
    found: list[Variant] = []
    for name in names:
        if name not in METHODS:
            raise NotFound(f"There is no method '{name}'.", cure=f"Choose from: {', '.join(METHODS)}.", detail="method")
        found.append(Variant(name, METHODS[name], config))
    return found


PRESETS: dict[str, tuple[str, ...]] = {
    "table2": ("patchcore_2d", "point_3d", "point_patchcore", "m3dm", "d3m"),
    "table3": ("patchcore_2d", "patchcore_ps", "m3dm", "patchcore_2d_ps", "d3m"),
    "table4": ("point_3d",),
    "table5": ("m3dm",),
}
"""Methods of the paper's tables that are compositions of the station's parts."""
THINNINGS = (1.0, 4.0, 40.0)
"""Of the paper's section 5.3."""


def preset(name: str, config: D3MConfig) -> list[Variant]:
    """The variants of one of the paper's tables.

    Table 2 without Cflow, SimpleNet and AST, which are networks of other kinds; table 4 on the original, 4× and 40× thinned clouds;
    table 5 with and without interpolation of the point features.

    Raises:
        NotFound: there is no such preset.
        SampleError: table 5 without a point backbone that interpolates.
    """
    if name not in PRESETS:
        raise NotFound(f"There is no preset '{name}'.", cure=f"Choose one of: {', '.join(PRESETS)}.", detail="preset")
    plain = variants_of(PRESETS[name], config)
    if name == "table4":
        return [replace(v, label=v.label if t == 1.0 else f"{v.label}@{t:.0f}x", thinning=t) for v in plain for t in THINNINGS]
    if name == "table5":
        if CARDS[config.point_backbone].weights != "file":
            raise SampleError(
                f"Table 5 compares interpolated point features, and {config.point_backbone} has nothing to interpolate.",
                cure="Choose a Point-MAE with --points; 'd3station weights list' shows which are ready.",
                detail="preset",
            )
        switched = {f"{v.label}{name}": v for v in plain for name in ("+interpolation", "-interpolation")}
        return [
            replace(v, label=label, config=v.config.model_copy(update={"point_interpolation": label.endswith("+interpolation")}))
            for label, v in switched.items()
        ]
    return plain


def thinned(sample: D3Sample, factor: float) -> D3Sample:
    """The sample with a cloud of one point out of ``factor``, on the same grid: each pixel holds the kept point nearest to it in the grid,
    as a cloud of that resolution gives.
    """
    if factor == 1.0:
        return sample
    step = factor**0.5

    def kept(count: int) -> np.ndarray:
        middles = np.floor(np.arange(0.5 * step, count, step)).astype(np.int64)
        return middles[np.minimum((np.arange(count) / step).astype(np.int64), len(middles) - 1)]

    rows, columns = (kept(count) for count in sample.foreground.shape)
    return replace(sample, xyz_mm=np.ascontiguousarray(sample.xyz_mm[rows[:, None], columns[None, :]]))


def fingerprint(variants: Sequence[Variant], samples: Iterable[tuple[str, SampleId]]) -> str:
    """SHA-256 of everything that a category's numbers hang on, but for the bytes of its files."""
    settings = [
        {
            "label": v.label,
            "banks": v.method.banks,
            "rule": v.method.rule,
            "thinning": v.thinning,
            "config": v.bank_config.model_dump(mode="json"),
            "weights": v.config.backbones.weights_sha256(),
        }
        for v in variants
    ]
    return hashlib.sha256(json.dumps([_VERSION, settings, [[s, str(i)] for s, i in samples]], sort_keys=True).encode()).hexdigest()
