"""What a benchmark found: numbers of a category under both protocols, their means, and the document and table of them."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from inference.datasets.dataset import NORMAL
from inference.metrics import PixelCounts, sample_auroc

FIRST_GOOD = 5
"""Good test samples of the protocol of the paper's released code."""


class _Result(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null")


class Numbers(_Result):
    """The three areas; null where a kind of sample or pixel is missing."""

    i_auroc: float | None = Field(description="Area under the ROC curve over samples.")
    p_auroc: float | None = Field(description="The same over all pixels.")
    aupro: float | None = Field(description="Mean overlap of the defective regions up to a false-positive rate of 0.3, divided by 0.3.")
    p_auroc_error: float = Field(description="How far the exact P-AUROC may lie from it, for pixels are counted in bins.")
    aupro_error: float = Field(description="How far the exact AUPRO may lie from it.")


class SampleRecord(_Result):
    """One judged sample."""

    name: str = Field(description="Category, class and number.")
    anomaly_class: str = Field(description="OK or the defect.")
    score: float = Field(description="0 as a typical good part, 1 at the limit of good parts.")
    over_limit: bool = Field(description="Whether the model would reject it, by a limit drawn from good parts alone.")
    banks: dict[str, float] = Field(description="Each bank's score on the same scale: which modality saw it.")
    peak_on_defect: bool | None = Field(
        description="Whether the map's largest value is on the defect or within a cell of it; null for a good sample."
    )
    load_s: float = Field(description="Reading the files, s.")
    features_s: float = Field(description="Features of all modalities, s.")
    judgement_s: float = Field(description="Banks, decision and map, s.")


class Seconds(_Result):
    """Mean seconds a test sample."""

    load: float = Field(description="Reading the files; not in the total.")
    features: float = Field(description="Features of all modalities, shared by the methods.")
    judgement: float = Field(description="Banks, decision and map.")


class VariantResult(_Result):
    """A variant on one category."""

    full: Numbers = Field(description="All test samples.")
    first5: Numbers = Field(description="Each defect against the first five good test samples, mean over defects.")
    defects: dict[str, Numbers] = Field(description="Each defect against all good test samples.")
    false_rejects: int = Field(description="Good test samples over the limit.")
    missed: int = Field(description="Defective samples below it.")
    peaks_on_defect: float | None = Field(description="Share of the defective samples whose map has its largest value on the defect.")
    seconds: Seconds = Field(description="By stage.")
    model_mb: float = Field(description="Memory banks, MB.")
    samples: tuple[SampleRecord, ...] = Field(description="Every judged sample.")


class CategoryResult(_Result):
    """Every variant on one category."""

    category: str = Field(description="The product.")
    train: int = Field(description="Good samples learned from.")
    peak_memory_mb: float = Field(description="Largest memory of the process so far, MB.")
    broken: dict[str, str] = Field(description="Samples that could not be used, and why.")
    variants: dict[str, VariantResult] = Field(description="By label.")


def numbers(records: Sequence[SampleRecord], counts: Sequence[PixelCounts]) -> Numbers:
    """The areas over samples and their pixels."""
    total = PixelCounts.total(counts)
    defective = np.array([r.anomaly_class != NORMAL for r in records], np.bool_)
    pixel, region = total.auroc(), total.aupro()
    return Numbers(
        i_auroc=_known(sample_auroc(np.array([r.score for r in records]), defective)),
        p_auroc=_known(pixel.value),
        aupro=_known(region.value),
        p_auroc_error=pixel.error,
        aupro_error=region.error,
    )


def mean_numbers(of: Iterable[Numbers]) -> Numbers:
    """Means over those that have an answer."""
    listed = list(of)

    def mean(values: Iterable[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return float(np.mean(known)) if known else None

    return Numbers(
        i_auroc=mean(n.i_auroc for n in listed),
        p_auroc=mean(n.p_auroc for n in listed),
        aupro=mean(n.aupro for n in listed),
        p_auroc_error=max((n.p_auroc_error for n in listed), default=0.0),
        aupro_error=max((n.aupro_error for n in listed), default=0.0),
    )


def summarise(records: Sequence[SampleRecord], counts: Sequence[PixelCounts], model_mb: float) -> VariantResult:
    """A variant's numbers on one category, under both protocols.

    Args:
        records: every judged sample, in the order of the data set's list.
        counts: of each one's map.
        model_mb: size of its banks.
    """
    good = [i for i, r in enumerate(records) if r.anomaly_class == NORMAL]
    classes = dict.fromkeys(r.anomaly_class for r in records if r.anomaly_class != NORMAL)

    def against(some_good: Sequence[int], defect: str) -> Numbers:
        chosen = [*some_good, *(i for i, r in enumerate(records) if r.anomaly_class == defect)]
        return numbers([records[i] for i in chosen], [counts[i] for i in chosen])

    peaks = [r.peak_on_defect for r in records if r.peak_on_defect is not None]
    return VariantResult(
        full=numbers(records, counts),
        first5=mean_numbers(against(good[:FIRST_GOOD], defect) for defect in classes),
        defects={defect: against(good, defect) for defect in classes},
        false_rejects=sum(records[i].over_limit for i in good),
        missed=sum(not r.over_limit for r in records if r.anomaly_class != NORMAL),
        peaks_on_defect=float(np.mean(peaks)) if peaks else None,
        seconds=Seconds(
            **{stage: float(np.mean([getattr(r, f"{stage}_s") for r in records] or [0.0])) for stage in ("load", "features", "judgement")}
        ),
        model_mb=model_mb,
        samples=tuple(records),
    )


def document(results: Mapping[str, CategoryResult], protocol: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The benchmark as JSON: for each method its means, its categories and its seconds a sample.

    Args:
        results: by category.
        protocol: ``full`` or ``first5``: which one ``mean`` and ``categories`` tell; both are there.
        settings: what it was run with, kept beside.
    """
    labels = list(dict.fromkeys(label for result in results.values() for label in result.variants))
    methods: dict[str, Any] = {}
    for label in labels:
        of = {name: result.variants[label] for name, result in results.items() if label in result.variants}
        other = "first5" if protocol == "full" else "full"
        seconds = {stage: float(np.mean([getattr(v.seconds, stage) for v in of.values()])) for stage in ("load", "features", "judgement")}
        methods[label] = {
            "mean": mean_numbers(getattr(v, protocol) for v in of.values()).model_dump(),
            f"mean_{other}": mean_numbers(getattr(v, other) for v in of.values()).model_dump(),
            "categories": {
                name: getattr(v, protocol).model_dump()
                | {
                    other: getattr(v, other).model_dump(),
                    "defects": {defect: n.model_dump() for defect, n in v.defects.items()},
                    "false_rejects": v.false_rejects,
                    "missed": v.missed,
                    "peaks_on_defect": v.peaks_on_defect,
                    "seconds": v.seconds.model_dump(),
                    "model_mb": v.model_mb,
                    "samples": [r.model_dump() for r in v.samples],
                }
                for name, v in of.items()
            },
            "seconds_per_sample": seconds["features"] + seconds["judgement"],
            "seconds": seconds,
            "model_mb": float(np.mean([v.model_mb for v in of.values()])),
        }
    return {
        "protocol": protocol,
        "settings": dict(settings),
        "peak_memory_mb": max((r.peak_memory_mb for r in results.values()), default=0.0),
        "broken": {name: why for r in results.values() for name, why in r.broken.items()},
        "methods": methods,
    }


def table(results: Mapping[str, CategoryResult], protocol: str) -> str:
    """The same as CSV: a row a category and method, and the means."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["category", "method", "i_auroc", "p_auroc", "aupro", "false_rejects", "missed", "features_s", "judgement_s"])
    labels = list(dict.fromkeys(label for result in results.values() for label in result.variants))
    for name, result in results.items():
        for label, v in result.variants.items():
            n: Numbers = getattr(v, protocol)
            counts = [v.false_rejects, v.missed, f"{v.seconds.features:.4f}", f"{v.seconds.judgement:.4f}"]
            writer.writerow([name, label, *(_cell(value) for value in (n.i_auroc, n.p_auroc, n.aupro)), *counts])
    for label in labels:
        mean = mean_numbers(getattr(r.variants[label], protocol) for r in results.values() if label in r.variants)
        writer.writerow(["mean", label, *(_cell(value) for value in (mean.i_auroc, mean.p_auroc, mean.aupro)), "", "", "", ""])
    return stream.getvalue()


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
