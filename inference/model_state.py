"""What a D³M model consists of, and its plain contents (arrays and JSON) from which it is rebuilt bit by bit."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from inference.contrastive_fusion import ContrastiveFusion
from inference.decision import Decision, Judge, OneClassFusion, tail_limit
from inference.features.extraction import FeatureGrid
from inference.features.height_band import HeightBand
from inference.features.registry import Backbones, ImageBackboneName, PointBackboneName, Precision
from inference.good_parts import GoodPart, arrays_of, parts_of
from inference.memory_bank import MemoryBank
from inference.methods import Rule, SampleScore, View
from inference.prediction import BANK_NAMES, BankName
from inference.swapping import SwapMode

FORMAT = "d3station-d3m/4"


class D3MConfig(BaseModel):
    """Settings of a D³M model; a model keeps those it was fitted with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    working_px: int = Field(
        default=448, ge=64, le=8192, description="Long side of the window around the part, working pixels; sets the scale at the first sample."
    )
    smallest_defect_mm: float | None = Field(
        default=None,
        gt=0.0,
        description="Side of the smallest defect that must be seen, mm: cells are then no larger, up to the camera's own pixels, whatever working_px says.",
    )
    margin_px: int = Field(default=16, ge=0, le=128, description="Free border around the part inside the window, working pixels.")
    image_backbone: ImageBackboneName = Field(
        default="efficientnet-lite2", description="Network that sees colour and pseudo-3D; 'd3station weights list' shows which are ready."
    )
    image_precision: Precision = Field(
        default="float32",
        description="Arithmetic of DINO: bfloat16 is faster on CPUs that have it; measure with the benchmark whether it keeps the scores.",
    )
    point_backbone: PointBackboneName = Field(default="fpfh", description="What describes the shape of the cloud around a point.")
    point_interpolation: bool = Field(
        default=True,
        description="Whether Point-MAE's groups are interpolated to the points (the paper's Table 5), or each point takes its nearest one.",
    )
    height_band: bool = Field(
        default=True,
        description="Whether a cell's height is also held against the heights that good parts had at the same place, after registration in the plane.",
    )
    swap: SwapMode = Field(default="blend", description="Channel-spatial swapping: the paper's soft blend, or the hard swap of its released code.")
    alpha: float = Field(default=0.1, ge=0.0, le=0.5, description="Share that each image modality takes from the other.")
    fused_image: Literal["rgb", "pseudo3d"] = Field(
        default="rgb", description="Image modality that is fused with the points: rgb in the paper, pseudo3d in its code."
    )
    coreset_share: float = Field(default=0.1, gt=0.0, le=1.0, description="Share of the patches kept in each bank.")
    most_bank_rows: int = Field(default=20_000, ge=100, le=1_000_000, description="Patches kept in each bank at most, however many parts are taught.")
    sample_score: SampleScore = Field(
        default="map",
        description="What a bank says of a sample: the largest value of its smoothed map, or the paper's farthest patch, re-weighted by its neighbours. "
        "One patch is noise more often than a place is.",
    )
    neighbours: int = Field(default=3, ge=1, le=50, description="Bank rows in the re-weighting of the sample score; 1 leaves it out.")
    folds: int = Field(default=5, ge=2, le=50, description="Parts of the training set that are held out in turn to draw the limits.")
    false_reject_rate: float = Field(
        default=0.005, gt=0.0, lt=0.5, description="Share of good parts that may be rejected; the limits are drawn for it."
    )
    decision: Rule = Field(
        default="largest",
        description="Who decides: the one-class SVM alone, as in the paper, or the largest of it and the banks against their limits.",
    )
    fusion_steps: int = Field(default=150, ge=0, le=100_000, description="Training steps of the contrastive fusion.")
    fusion_batch: int = Field(default=512, ge=8, le=16_384, description="Patches in a training step of the contrastive fusion.")
    fusion_rate: float = Field(default=1e-3, gt=0.0, le=1.0, description="Peak learning rate of the contrastive fusion.")
    temperature: float = Field(default=0.1, gt=0.0, le=10.0, description="Temperature of the InfoNCE loss.")
    seed: int = Field(default=42, ge=0, description="Seed of everything that is drawn: folds, coresets, fusion, SVMs.")

    @property
    def backbones(self) -> Backbones:
        """What makes the features."""
        return Backbones(self.image_backbone, self.point_backbone, self.point_interpolation, self.image_precision)

    @property
    def view(self) -> View:
        """How the banks are filled from features."""
        return View(self.swap, self.alpha, self.fused_image)


@dataclass(frozen=True, slots=True)
class Outlier:
    """A part among the good ones that does not look like one."""

    name: str
    bank: BankName
    score: float
    limit: float
    """Of the other parts."""


@dataclass(frozen=True)
class FitReport:
    """What teaching learned, for people and for the threshold's histogram."""

    created: str
    """UTC, ISO 8601."""
    samples: tuple[str, ...]
    """Names of the good parts, in the order of teaching."""
    held_out_scores: tuple[float, ...]
    """Sample score of each good part against banks without it; the limit is at 1."""
    held_out_bank_scores: tuple[tuple[float, ...], ...]
    """The same a bank: (samples) × (rgb, pseudo3d, fused)."""
    held_out_map_maxima: tuple[tuple[float, ...], ...]
    """Largest values of each part's maps: (samples) × (SVM, rgb, pseudo3d, fused)."""
    fusion_loss: tuple[float, float]
    """Mean InfoNCE loss over the first and the last tenth of the training; zeros without training."""
    bank_rows: tuple[int, ...]
    """Coreset sizes."""
    seconds: float

    def by_distance(self) -> list[tuple[str, float]]:
        """Names and held-out scores of the good parts, the one most like the others first."""
        return sorted(zip(self.samples, self.held_out_scores, strict=True), key=lambda pair: pair[1])

    def histogram(self, bins: int = 20) -> tuple[list[int], list[float]]:
        """Counts of the held-out scores, and the bins' edges; the last edge is the limit or beyond."""
        low, high = min(0.0, *self.held_out_scores), max(1.0, *self.held_out_scores)
        counts, edges = np.histogram(self.held_out_scores, bins, (low, high))
        return counts.tolist(), edges.tolist()

    def outliers(self, false_alarm_rate: float = 0.05) -> list[Outlier]:
        """Good parts that the others would not have taken for one: they may be defective, dirty or another product. Look at them.

        Each is held against the limit that the other parts alone give, bank by bank: its own score would have widened its limit.

        Args:
            false_alarm_rate: how often any part at all is named though all are good.
        """
        scores = np.array(self.held_out_bank_scores)
        found: list[Outlier] = []
        for i, name in enumerate(self.samples):
            limits = [tail_limit(np.delete(column, i), false_alarm_rate / scores.size) for column in scores.T]
            over = [float(score / limit) for score, limit in zip(scores[i], limits, strict=True)]
            worst = int(np.argmax(over))
            if over[worst] > 1.0:
                found.append(Outlier(name, BANK_NAMES[worst], float(scores[i, worst]), limits[worst]))
        return sorted(found, key=lambda outlier: outlier.score / outlier.limit, reverse=True)


@dataclass(frozen=True)
class ModelState:
    """A fitted model's parts."""

    config: D3MConfig
    grid: FeatureGrid
    fusion: ContrastiveFusion
    banks: tuple[MemoryBank, ...]
    """rgb, pseudo3d, fused."""
    decision: Decision
    report: FitReport
    backbones: dict[str, str]
    """Name and SHA-256 of the weights of what made the features; empty where it has no weights."""
    good_parts: tuple[GoodPart, ...] = ()
    """As many as the report has samples; none of a model that was taught before they were kept."""

    def description(self) -> dict[str, Any]:
        """Everything that is not an array, as plain JSON."""
        decision = self.decision
        contents = {
            "format": FORMAT,
            "config": self.config.model_dump(mode="json"),
            "grid": {name: value for name, value in asdict(replace(self.grid, band=None)).items() if name != "band"},
            "backbones": self.backbones,
            "decision": {
                "threshold": decision.threshold,
                "sample_offset": decision.sample.svm.offset,
                "cell_offset": decision.cell.svm.offset,
            },
            "report": asdict(self.report),
        }
        return json.loads(json.dumps(contents))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Every array by name."""
        arrays: dict[str, NDArray[Any]] = {f"fusion.{name}": tensor.numpy() for name, tensor in self.fusion.state_dict().items()}
        for name, bank in zip(BANK_NAMES, self.banks, strict=True):
            arrays |= {f"bank.{name}.mean": bank.mean, f"bank.{name}.scale": bank.scale, f"bank.{name}.rows": bank.rows}
            arrays |= {f"bank.{name}.parts": bank.parts} if len(bank.parts) else {}
        for name, judge in (("sample", self.decision.sample), ("cell", self.decision.cell)):
            prefix = f"decision.{name}"
            arrays |= {f"{prefix}.mean": judge.svm.mean, f"{prefix}.std": judge.svm.std, f"{prefix}.coef": judge.svm.coef}
            arrays |= {f"{prefix}.typical": judge.typical, f"{prefix}.limit": judge.limit}
        if self.grid.band is not None:
            arrays |= {f"band.{part}": value for part, value in asdict(self.grid.band).items()}
        return arrays | arrays_of(self.good_parts)

    @cached_property
    def sha256(self) -> str:
        """Fingerprint of everything the model's predictions depend on, and of its report."""
        digest = hashlib.sha256(json.dumps(self.description(), sort_keys=True).encode())
        for name, array in sorted(self.arrays().items()):
            digest.update(f"{name}{array.dtype}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    @classmethod
    def from_contents(cls, description: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> ModelState:
        """Rebuild from ``description()`` and ``arrays()``.

        Raises:
            KeyError, TypeError, ValueError, RuntimeError: something is missing or of another shape.
        """
        weights = {name.removeprefix("fusion."): torch.from_numpy(array) for name, array in arrays.items() if name.startswith("fusion.")}
        fusion = ContrastiveFusion(len(weights["image.mean"]), len(weights["points.mean"]))
        fusion.load_state_dict(weights)
        limits = description["decision"]

        def judge(name: str) -> Judge:
            mean, std, coef, typical, limit = (arrays[f"decision.{name}.{part}"] for part in ("mean", "std", "coef", "typical", "limit"))
            return Judge(OneClassFusion(mean, std, coef, limits[f"{name}_offset"]), typical, limit)

        return cls(
            config=D3MConfig(**description["config"]),
            grid=FeatureGrid(**(description["grid"] | {"image_shape": tuple(description["grid"]["image_shape"])}), band=_band(arrays)),
            fusion=fusion.eval().requires_grad_(False),
            banks=tuple(_bank(arrays, name) for name in BANK_NAMES),
            decision=Decision(judge("sample"), judge("cell"), limits["threshold"], description["config"]["decision"]),
            report=FitReport(**{key: _tuples(value) for key, value in description["report"].items()}),
            backbones={str(name): str(sha256) for name, sha256 in description["backbones"].items()},
            good_parts=parts_of(arrays),
        )


def _bank(arrays: dict[str, NDArray[Any]], name: str) -> MemoryBank:
    bank = MemoryBank(*(arrays[f"bank.{name}.{part}"] for part in ("mean", "scale", "rows")))
    parts = arrays.get(f"bank.{name}.parts")
    return bank if parts is None else replace(bank, parts=parts)


def _band(arrays: dict[str, NDArray[Any]]) -> HeightBand | None:
    return HeightBand(*(arrays[f"band.{part}"] for part in ("reference", "lowest", "highest"))) if "band.reference" in arrays else None


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value
