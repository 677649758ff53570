"""How a D³M model is fitted: features, fusion, banks, and limits from good parts that the banks have not seen."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from operator import length_hint

import numpy as np
from numpy.typing import NDArray

from inference.anomaly_map import part_maximum, smooth_map
from inference.contrastive_fusion import ContrastiveFusion, FusionSettings, train_fusion
from inference.decision import Decision, OneClassFusion, fit_judge, with_svm
from inference.features.extraction import FeatureGrid, SampleFeatures, extract, feature_grid
from inference.memory_bank import MemoryBank
from inference.model_state import D3MConfig, FitReport, ModelState
from inference.sample import D3Sample
from inference.scoring import bank_patches, score_banks, swapped
from rig_configs.errors import Cancelled, SampleError

Progress = Callable[[float, str], None]
_MIN_SAMPLES = 5
_FEATURES, _FUSION, _BANKS = 0.6, 0.7, 0.78
"""Fractions of the work done after each stage; the rest is held-out scoring."""


def _check(cancelled: Callable[[], bool]) -> None:
    if cancelled():
        raise Cancelled("Teaching was stopped.", cure="Start it again when wanted; nothing was changed.")


def _features(
    samples: Iterable[D3Sample], config: D3MConfig, progress: Progress, cancelled: Callable[[], bool]
) -> tuple[FeatureGrid, list[SampleFeatures]]:
    expected = length_hint(samples, 0)
    grid: FeatureGrid | None = None
    features: list[SampleFeatures] = []
    for sample in samples:
        _check(cancelled)
        if grid is None:
            grid = feature_grid(sample, config.working_px, config.margin_px)
        features.append(extract(sample, grid, config.backbones))
        # A stream may not tell its length: the bar then slows down towards the stage's end, but never falls.
        share = len(features) / expected if expected >= len(features) else 1.0 - 1.0 / (1.0 + len(features) / 10.0)
        progress(_FEATURES * share, f"features of part {len(features)}" + (f" of {expected}" if expected >= len(features) else ""))
    _check(cancelled)
    if grid is None or len(features) < _MIN_SAMPLES:
        raise SampleError(
            f"A model needs at least {_MIN_SAMPLES} good parts, got {len(features)}.",
            cure="Teach from more good parts; 20 or more make the limits tight.",
            detail="too_few",
        )
    return grid, features


def _fit_banks(features: list[SampleFeatures], fusion: ContrastiveFusion, config: D3MConfig, cancelled: Callable[[], bool]) -> tuple[MemoryBank, ...]:
    rgb, pseudo3d, fused = (np.concatenate(rows) for rows in zip(*(bank_patches(f, fusion, config) for f in features), strict=True))
    channels = rgb.shape[1]
    # In the fused bank look, shape and height count alike, however many channels each has.
    plan = ((rgb, [channels]), (pseudo3d, [channels]), (fused, [channels, *features[0].point_groups]))
    return tuple(MemoryBank.fit(patches, groups, config.coreset_share, config.seed, cancelled) for patches, groups in plan)


def _held_out(
    features: list[SampleFeatures], fusion: ContrastiveFusion, config: D3MConfig, progress: Progress, cancelled: Callable[[], bool]
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Scores and cell distances of every sample against banks made without it (k-fold)."""
    order = np.random.default_rng(config.seed).permutation(len(features))
    folds = [fold for fold in np.array_split(order, config.folds) if len(fold)]
    result: dict[int, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}
    for number, fold in enumerate(folds):
        _check(cancelled)
        progress(_BANKS + (1.0 - _BANKS) * number / len(folds), f"scoring held-out parts {number + 1} of {len(folds)}")
        kept = [f for i, f in enumerate(features) if i not in set(fold.tolist())]
        banks = _fit_banks(kept, fusion, config, cancelled)
        for i in fold.tolist():
            result[i] = score_banks(features[i], fusion, banks, config)
    return [result[i] for i in range(len(features))]


def _decide(features: list[SampleFeatures], held_out: list[tuple[NDArray[np.float64], NDArray[np.float64]]], config: D3MConfig) -> Decision:
    rate = config.false_reject_rate
    scores = np.stack([score for score, _ in held_out])
    svm = OneClassFusion.fit(scores, config.seed)
    all_scores = with_svm(svm, scores)

    cells = np.concatenate([distances for _, distances in held_out])
    cell_svm = OneClassFusion.fit(cells, config.seed)
    maxima = [
        [part_maximum(smooth_map(column, f), f) for column in with_svm(cell_svm, distances).T]
        for (_, distances), f in zip(held_out, features, strict=True)
    ]
    return Decision(
        sample=fit_judge(svm, all_scores, all_scores, rate),
        cell=fit_judge(cell_svm, with_svm(cell_svm, cells), np.array(maxima), rate),
    )


def fit_state(samples: Iterable[D3Sample], config: D3MConfig, progress: Progress, cancelled: Callable[[], bool]) -> ModelState:
    """See ``D3M.fit``."""
    started = time.monotonic()
    backbones = config.backbones.weights_sha256()
    grid, features = _features(samples, config, progress, cancelled)

    progress(_FEATURES, "training the fusion")
    image = np.concatenate([swapped(f, config)[0 if config.fused_image == "rgb" else 1] for f in features])
    settings = FusionSettings(config.fusion_steps, config.fusion_batch, config.fusion_rate, config.temperature, config.seed)
    fusion, losses = train_fusion(image, np.concatenate([f.points for f in features]), settings, cancelled)
    tenth = max(1, len(losses) // 10)
    fusion_loss = (float(np.mean(losses[:tenth])), float(np.mean(losses[-tenth:]))) if losses else (0.0, 0.0)

    progress(_FUSION, "making the memory banks")
    banks = _fit_banks(features, fusion, config, cancelled)
    held_out = _held_out(features, fusion, config, progress, cancelled)
    decision = _decide(features, held_out, config)
    scores = np.stack([score for score, _ in held_out])
    report = FitReport(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        samples=tuple(f.name for f in features),
        held_out_scores=tuple(float(value) for value in decision.sample.voices(scores).max(axis=1)),
        held_out_bank_scores=tuple(tuple(float(value) for value in row) for row in scores),
        fusion_loss=fusion_loss,
        bank_rows=tuple(len(bank.rows) for bank in banks),
        seconds=time.monotonic() - started,
    )
    progress(1.0, "model ready")
    return ModelState(config, grid, fusion, banks, decision, report, backbones)
