"""How a model is fitted: features, fusion, banks, and limits from good parts that the banks have not seen."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from operator import length_hint

import numpy as np
from numpy.typing import NDArray

from inference.anomaly_map import Canvas
from inference.bank_fitting import BankFit, BankSettings, fit_bank
from inference.contrastive_fusion import ContrastiveFusion, FusionSettings, train_fusion
from inference.decision import Decision, OneClassFusion, fit_judge, with_svm
from inference.features.extraction import FeatureGrid, SampleFeatures, extract, feature_grid, with_band
from inference.good_parts import GoodPart
from inference.methods import D3M_METHOD, Rule, View, channel_groups
from inference.model_state import D3MConfig, FitReport, ModelState
from inference.sample import D3Sample
from inference.teaching_memory import teaching_memory
from rig_configs.errors import Cancelled, SampleError

Progress = Callable[[float, str], None]
_MIN_SAMPLES = 5
_FEATURES, _FUSION = 0.6, 0.7
"""Fractions of the work done after each stage; the rest is banks and held-out scoring."""


def _check(cancelled: Callable[[], bool]) -> None:
    if cancelled():
        raise Cancelled("Teaching was stopped.", cure="Start it again when wanted; nothing was changed.")


def extract_all(
    samples: Iterable[D3Sample],
    config: D3MConfig,
    progress: Progress,
    cancelled: Callable[[], bool],
    seen: Callable[[D3Sample, SampleFeatures], None] = lambda *_: None,
) -> tuple[FeatureGrid, list[SampleFeatures]]:
    """Features of good parts on the grid of the first one, with their height band; ``seen`` is given each part with its features while it is there.

    Raises:
        SampleError: fewer than five, or one without a part or points.
        Cancelled: ``cancelled`` said so.
    """
    expected = length_hint(samples, 0)
    grid: FeatureGrid | None = None
    features: list[SampleFeatures] = []
    for sample in samples:
        _check(cancelled)
        if grid is None:
            grid = feature_grid(sample, config.working_px, config.margin_px, config.smallest_defect_mm)
        features.append(extract(sample, grid, config.backbones))
        seen(sample, features[-1])
        # A stream may not tell its length: the bar then slows down towards the stage's end, but never falls.
        share = len(features) / expected if expected >= len(features) else 1.0 - 1.0 / (1.0 + len(features) / 10.0)
        message = f"features of part {len(features)}" + (f" of {expected}" if expected >= len(features) else "")
        if len(features) == 1 and expected:
            message += f"; {teaching_memory(features[0], expected, config).megabytes:.0f} MB of memory will do"
        progress(_FEATURES * share, message)
    _check(cancelled)
    if grid is None or len(features) < _MIN_SAMPLES:
        raise SampleError(
            f"A model needs at least {_MIN_SAMPLES} good parts, got {len(features)}.",
            cure="Teach from more good parts; 20 or more make the limits tight.",
            detail="too_few",
        )
    return with_band(features, grid) if config.height_band else (grid, features)


def train(
    features: Sequence[SampleFeatures], view: View, config: D3MConfig, cancelled: Callable[[], bool] = lambda: False
) -> tuple[ContrastiveFusion, list[float]]:
    """The fusion of an image modality and the points, and its losses. Positives are the two features of one cell of one sample."""
    image = np.concatenate([view.to_fuse(f) for f in features])
    settings = FusionSettings(config.fusion_steps, config.fusion_batch, config.fusion_rate, config.temperature, config.seed)
    return train_fusion(image, np.concatenate([f.points for f in features]), settings, cancelled)


def bank_settings(config: D3MConfig) -> BankSettings:
    """How a model's banks are made."""
    return BankSettings(config.coreset_share, config.most_bank_rows, config.sample_score, config.neighbours, config.folds, config.seed)


def decide(
    features: Sequence[SampleFeatures], scores: NDArray[np.float64], distances: Sequence[NDArray[np.float64]], rule: Rule, config: D3MConfig
) -> tuple[Decision, NDArray[np.float64]]:
    """Fit the decision on held-out good parts.

    Args:
        features: of the parts, for where their cells lie.
        scores: (S, B) held-out sample scores.
        distances: (N_i, B) held-out distances of each part's cells.
        rule: who decides.
        config: for the false-reject rate and the seed.

    Returns:
        The decision, and (S, 1 + B) the largest values of each part's smoothed maps, on which the limits of maps stand.
    """
    rate = config.false_reject_rate
    svm = OneClassFusion.fit(scores, config.seed)
    all_scores = with_svm(svm, scores)
    cells = np.concatenate(distances)
    cell_svm = OneClassFusion.fit(cells, config.seed)
    maxima: list[list[float]] = []
    for part, of_part in zip(features, distances, strict=True):
        canvas = Canvas.of(part)
        maxima.append([canvas.part_maximum(canvas.smooth(column)) for column in with_svm(cell_svm, of_part).T])
    decision = Decision(
        sample=fit_judge(svm, all_scores, all_scores, rate, rule),
        cell=fit_judge(cell_svm, with_svm(cell_svm, cells), np.array(maxima), rate, rule),
        rule=rule,
    )
    return decision, np.array(maxima)


def held_out_of(fits: Sequence[BankFit]) -> tuple[NDArray[np.float64], list[NDArray[np.float64]]]:
    """(S, B) scores and (N_i, B) distances of each part from the fits of a method's banks."""
    return np.stack([fit.scores for fit in fits], axis=1), [
        np.stack(columns, axis=1) for columns in zip(*(fit.distances for fit in fits), strict=True)
    ]


def fit_state(samples: Iterable[D3Sample], config: D3MConfig, progress: Progress, cancelled: Callable[[], bool]) -> ModelState:
    """See ``D3M.fit``."""
    started = time.monotonic()
    backbones = config.backbones.weights_sha256()
    good_parts: list[GoodPart] = []
    grid, features = extract_all(samples, config, progress, cancelled, lambda part, of: good_parts.append(GoodPart.of(part, of.window)))

    progress(_FEATURES, "training the fusion")
    view = config.view
    fusion, losses = train(features, view, config, cancelled)
    tenth = max(1, len(losses) // 10)
    fusion_loss = (float(np.mean(losses[:tenth])), float(np.mean(losses[-tenth:]))) if losses else (0.0, 0.0)

    fits: list[BankFit] = []
    for number, source in enumerate(D3M_METHOD.banks):
        _check(cancelled)
        progress(_FUSION + (1.0 - _FUSION) * number / len(D3M_METHOD.banks), f"memory bank {number + 1} of {len(D3M_METHOD.banks)}")
        rows = [view.rows(source, f, fusion) for f in features]
        fits.append(fit_bank(rows, features, channel_groups(source, features[0]), bank_settings(config), cancelled))
    scores, distances = held_out_of(fits)
    decision, maxima = decide(features, scores, distances, config.decision, config)
    report = FitReport(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        samples=tuple(f.name for f in features),
        held_out_scores=tuple(float(value) for value in decision.score(scores)),
        held_out_bank_scores=tuple(tuple(float(value) for value in row) for row in scores),
        held_out_map_maxima=tuple(tuple(float(value) for value in row) for row in maxima),
        fusion_loss=fusion_loss,
        bank_rows=tuple(len(fit.bank.rows) for fit in fits),
        seconds=time.monotonic() - started,
    )
    progress(1.0, "model ready")
    return ModelState(config, grid, fusion, tuple(fit.bank for fit in fits), decision, report, backbones, tuple(good_parts))
