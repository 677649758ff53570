"""The benchmark: methods taught and judged side by side, category by category.

Features of a sample are extracted once and seen by every method; a bank that two methods share is made once. What the methods
differ in is what they are: which banks they have, and who decides.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from inference.anomaly_map import Canvas
from inference.bank_fitting import BankFit, fit_bank
from inference.benchmark_plan import Variant, thinned
from inference.benchmark_results import CategoryResult, SampleRecord, VariantResult, summarise
from inference.contrastive_fusion import ContrastiveFusion
from inference.datasets.dataset import Dataset, DatasetSample, Split
from inference.decision import Decision
from inference.features.extraction import FeatureGrid, SampleFeatures, extract
from inference.fitting import bank_settings, decide, extract_all, held_out_of, train
from inference.methods import Source, channel_groups
from inference.metrics import PixelCounts
from inference.sample import D3Sample
from inference.scoring import score_banks
from rig_configs.errors import Cancelled, SampleError

Progress = Callable[[float, str], None]
Look = Callable[[DatasetSample, D3Sample, NDArray[np.bool_], dict[str, NDArray[np.float32]], dict[str, SampleRecord]], None]
"""Shown every judged sample: itself, its mask, each variant's map and record."""
_TAUGHT = 0.4
"""Share of a category's work that is teaching."""
BankKey = tuple[Source, str]
"""Source, and the settings that fill it."""


@dataclass(frozen=True, slots=True)
class _Taught:
    """A variant that is ready to judge."""

    variant: Variant
    keys: tuple[BankKey, ...]
    decision: Decision


@dataclass(slots=True)
class _Group:
    """Variants that see the same features."""

    grid: FeatureGrid
    taught: list[_Taught] = field(default_factory=list)
    banks: dict[BankKey, BankFit] = field(default_factory=dict)
    fusions: dict[str, ContrastiveFusion] = field(default_factory=dict)
    variant_of: dict[BankKey, Variant] = field(default_factory=dict)

    def views(self, features: SampleFeatures, canvas: Canvas) -> tuple[dict[BankKey, tuple[float, NDArray[np.float64]]], dict[BankKey, float]]:
        """Score and distances of each bank, and the seconds each took."""
        views: dict[BankKey, tuple[float, NDArray[np.float64]]] = {}
        seconds: dict[BankKey, float] = {}
        for key, fit in self.banks.items():
            config = self.variant_of[key].bank_config
            start = time.perf_counter()
            rows = config.view.rows(key[0], features, self.fusions.get(key[1]))
            score, distance, _ = score_banks([rows], [fit.bank], config.neighbours, canvas if config.sample_score == "map" else None)
            views[key], seconds[key] = (float(score[0]), distance[:, 0]), time.perf_counter() - start
        return views, seconds


def _settings_key(variant: Variant) -> str:
    return variant.bank_config.model_dump_json(exclude={"decision", "false_reject_rate"})


def _readable(samples: Sequence[DatasetSample], broken: dict[str, str], variant: Variant, cancelled: Callable[[], bool]) -> Iterator[D3Sample]:
    for sample in samples:
        if cancelled():
            raise Cancelled("The benchmark was stopped.", cure="Give the same command again: finished categories are kept.")
        try:
            yield thinned(sample.load(), variant.thinning)
        except SampleError as fault:
            broken[str(sample.sample_id)] = fault.message


def _teach(
    samples: Sequence[DatasetSample], variants: Sequence[Variant], broken: dict[str, str], progress: Progress, cancelled: Callable[[], bool]
) -> _Group:
    grid, features = extract_all(_readable(samples, broken, variants[0], cancelled), variants[0].config, progress, cancelled)
    group = _Group(grid)
    for number, variant in enumerate(variants):
        progress(0.6 + 0.4 * number / len(variants), f"banks of {variant.label}")
        settings, config = _settings_key(variant), variant.bank_config
        if variant.method.fuses and settings not in group.fusions:
            group.fusions[settings] = train(features, config.view, config, cancelled)[0]
        keys: tuple[BankKey, ...] = tuple((source, settings) for source in variant.method.banks)
        for key in keys:
            if key not in group.banks:
                rows = [config.view.rows(key[0], f, group.fusions.get(settings)) for f in features]
                group.banks[key] = fit_bank(rows, features, channel_groups(key[0], features[0]), bank_settings(config), cancelled)
                group.variant_of[key] = variant
        scores, distances = held_out_of([group.banks[key] for key in keys])
        decision, _ = decide(features, scores, distances, variant.method.rule, config)
        group.taught.append(_Taught(variant, keys, decision))
    return group


def _ranked(smoothed: NDArray[np.float32]) -> NDArray[np.float32]:
    """Above 0 and in the same order: the map for people is cut at 0, and would tie all that is below the typical good cell."""
    return np.where(smoothed > 0.0, 1.0 + smoothed, np.exp(np.minimum(smoothed, 0.0))).astype(np.float32)


def _judge(
    taught: _Taught, views: dict[BankKey, tuple[float, NDArray[np.float64]]], canvas: Canvas, shape: tuple[int, int]
) -> tuple[float, NDArray[np.float64], NDArray[np.float32]]:
    """Score, each bank's score over its limit, and the ranked map."""
    decision = taught.decision
    scores = np.array([views[key][0] for key in taught.keys])
    voices = decision.cell.voices(np.stack([views[key][1] for key in taught.keys], axis=1)).T
    heard = voices if decision.rule == "largest" else voices[:1]
    smoothed = np.stack([canvas.smooth(voice) for voice in heard])
    banks = decision.sample.voices(scores)[1:]
    return float(decision.score(scores)), banks, canvas.on_camera(_ranked(decision.heard(smoothed)), shape)


def peak_is_on(anomaly_map: NDArray[np.float32], mask: NDArray[np.bool_], margin_px: int) -> bool:
    """Whether the largest value of a map lies in the mask, or within ``margin_px`` of it."""
    near = cv2.dilate(mask.astype(np.uint8), np.ones((2 * margin_px + 1, 2 * margin_px + 1), np.uint8))
    return bool(near.ravel()[int(anomaly_map.argmax())])


def run_category(
    dataset: Dataset,
    category: str,
    variants: Sequence[Variant],
    progress: Progress = lambda _f, _m: None,
    cancelled: Callable[[], bool] = lambda: False,
    look: Look | None = None,
) -> CategoryResult:
    """Teach and judge every variant on one category.

    Args:
        dataset: where the samples are.
        category: a product in it.
        variants: what is compared.
        progress: told the share done and what is going on.
        cancelled: asked at every sample and every pass of a coreset.
        look: see ``Look``.

    Raises:
        SampleError: too few good parts to teach, or no test samples can be read. Single broken samples are named in the result.
        Cancelled: ``cancelled`` said so.
    """
    # Defective parts in a training list are the data set's fault, which 'dataset check' tells; they are not learned.
    train_samples = [s for s in dataset.samples(category, Split.TRAIN) if s.sample_id.is_normal]
    test_samples = list(dataset.samples(category, Split.TEST))
    broken: dict[str, str] = {}
    results: dict[str, VariantResult] = {}
    groups = {v.feature_key: [w for w in variants if w.feature_key == v.feature_key] for v in variants}
    for number, of_group in enumerate(groups.values()):

        def within(share: float, message: str, number: int = number) -> None:
            progress((number + share) / len(groups), f"{category}: {message}")

        group = _teach(train_samples, of_group, broken, lambda f, m, w=within: w(_TAUGHT * f, m), cancelled)
        results |= _test(test_samples, group, broken, lambda f, m, w=within: w(_TAUGHT + (1.0 - _TAUGHT) * f, m), cancelled, look)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    return CategoryResult(category=category, train=len(train_samples), peak_memory_mb=round(peak_mb, 1), broken=broken, variants=results)


def _test(
    samples: Sequence[DatasetSample], group: _Group, broken: dict[str, str], progress: Progress, cancelled: Callable[[], bool], look: Look | None
) -> dict[str, VariantResult]:
    records: dict[str, list[SampleRecord]] = {t.variant.label: [] for t in group.taught}
    counts: dict[str, list[PixelCounts]] = {t.variant.label: [] for t in group.taught}
    for number, listed in enumerate(samples):
        if cancelled():
            raise Cancelled("The benchmark was stopped.", cure="Give the same command again: finished categories are kept.")
        progress(number / len(samples), f"judging {listed.sample_id.anomaly_class} {listed.sample_id.number}")
        try:
            start = time.perf_counter()
            sample, mask = thinned(listed.load(), group.taught[0].variant.thinning), listed.load_mask()
            loaded = time.perf_counter()
            features = extract(sample, group.grid, group.taught[0].variant.config.backbones)
            features_s = time.perf_counter() - loaded
        except SampleError as fault:
            broken[str(listed.sample_id)] = fault.message
            continue
        canvas = Canvas.of(features)
        views, seconds = group.views(features, canvas)
        shown: dict[str, NDArray[np.float32]] = {}
        of_sample: dict[str, SampleRecord] = {}
        for taught in group.taught:
            begun = time.perf_counter()
            score, banks, ranked = _judge(taught, views, canvas, mask.shape)
            judgement_s = time.perf_counter() - begun + sum(seconds[key] for key in taught.keys)
            label = taught.variant.label
            of_sample[label] = SampleRecord(
                name=str(listed.sample_id),
                anomaly_class=listed.sample_id.anomaly_class,
                score=score,
                over_limit=score > taught.decision.threshold,
                banks=dict(zip(taught.variant.method.banks, banks.tolist(), strict=True)),
                peak_on_defect=peak_is_on(ranked, mask, round(8 / group.grid.scale)) if mask.any() else None,
                load_s=loaded - start,
                features_s=features_s,
                judgement_s=judgement_s,
            )
            records[label].append(of_sample[label])
            counts[label].append(PixelCounts.of(ranked, mask))
            shown[label] = ranked
        if look is not None:
            look(listed, sample, mask, shown, of_sample)
    model_mb = {t.variant.label: sum(group.banks[key].bank.rows.nbytes for key in t.keys) / 1e6 for t in group.taught}
    return {label: summarise(of, counts[label], model_mb[label]) for label, of in records.items()}
