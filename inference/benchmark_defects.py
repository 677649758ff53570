"""What a benchmark found of each kind of defect, over all categories: how many were found, and which modality saw them."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from inference.benchmark_results import CategoryResult, SampleRecord
from inference.datasets.dataset import NORMAL

NO_DEFECT = "good"
"""The line of good test samples, to hold the others against."""


class BankSaw(BaseModel):
    """One bank's view of a kind of defect."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    median: float = Field(description="Median of its scores; 0 as a typical good part, 1 at the limit of good parts.")
    seen: float = Field(description="Share of the samples that it alone puts over its limit.")
    loudest: float = Field(description="Share of the samples whose largest bank score is its.")


class DefectKind(BaseModel):
    """One kind of defect, or the good samples."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    samples: int = Field(description="How many were judged.")
    rejected: int = Field(description="How many are over the limit of good parts.")
    peaks_on_defect: float | None = Field(description="Share whose map has its largest value on the defect; null for good samples.")
    banks: dict[str, BankSaw] = Field(description="Which modality saw it.")


def by_defect(results: Mapping[str, CategoryResult], label: str) -> dict[str, DefectKind]:
    """Every kind of defect of a variant over all categories, by name; the good samples last.

    Args:
        results: by category.
        label: of the variant; categories without it have no say.
    """
    records: dict[str, list[SampleRecord]] = {}
    for result in results.values():
        for record in result.variants[label].samples if label in result.variants else ():
            records.setdefault(NO_DEFECT if record.anomaly_class == NORMAL else record.anomaly_class, []).append(record)
    return {kind: _kind(records[kind]) for kind in sorted(records, key=lambda name: (name == NO_DEFECT, name))}


def _kind(records: list[SampleRecord]) -> DefectKind:
    names = list(records[0].banks)
    scores = np.array([[record.banks[name] for name in names] for record in records])
    loudest = scores.argmax(axis=1)
    peaks = [record.peak_on_defect for record in records if record.peak_on_defect is not None]
    return DefectKind(
        samples=len(records),
        rejected=sum(record.over_limit for record in records),
        peaks_on_defect=float(np.mean(peaks)) if peaks else None,
        banks={
            name: BankSaw(median=float(np.median(column)), seen=float(np.mean(column > 1.0)), loudest=float(np.mean(loudest == number)))
            for number, (name, column) in enumerate(zip(names, scores.T, strict=True))
        },
    )


def add_to(document: dict[str, Any], results: Mapping[str, CategoryResult]) -> None:
    """Put the kinds of defects of each method into the benchmark's document, as ``methods.<method>.defect_kinds``."""
    for label, method in document["methods"].items():
        method["defect_kinds"] = {name: kind.model_dump() for name, kind in by_defect(results, label).items()}


def table(kinds: Mapping[str, DefectKind]) -> str:
    """As CSV: a row a kind of defect."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    banks = list(dict.fromkeys(name for kind in kinds.values() for name in kind.banks))
    columns = [f"{name}_{what}" for name in banks for what in ("median", "seen", "loudest")]
    writer.writerow(["defect", "samples", "rejected", "peaks_on_defect", *columns])
    for name, kind in kinds.items():
        peaks = "" if kind.peaks_on_defect is None else f"{kind.peaks_on_defect:.3f}"
        saw = [f"{value:.3f}" for bank in banks for value in (kind.banks[bank].median, kind.banks[bank].seen, kind.banks[bank].loudest)]
        writer.writerow([name, kind.samples, kind.rejected, peaks, *saw])
    return stream.getvalue()
