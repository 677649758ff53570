"""Checks a data set of any layout by reading every sample of it as a benchmark would."""

from __future__ import annotations

import hashlib
import warnings
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inference.datasets import check, grid
from inference.datasets.check import MANY_UNKNOWN, CategoryReport, Report
from inference.datasets.dataset import Dataset, Split
from inference.datasets.file_sample import FileSample
from inference.datasets.findings import Finding
from inference.datasets.folders import BlankModality
from inference.datasets.layouts import REAL_IAD_D3, detect, open_dataset
from inference.datasets.real_iad_d3 import PlaceholderXY
from rig_configs.errors import SampleError


@dataclass(frozen=True, slots=True)
class _Seen:
    findings: tuple[Finding, ...]
    unknown: float | None
    picture: str | None
    """SHA-256 of the picture's file."""


def check_layout(root: Path, layout: str | None = None, progress: Callable[[float, str], None] | None = None, threads: int = 2) -> Report:
    """Check a data set; one in the layout of Real-IAD D³ by that layout's own rules.

    Args:
        root: its folder.
        layout: its layout; found out where not given.
        progress: told the share that is done and the category at work.
        threads: how many samples are read at once.

    Raises:
        NotFound, SampleError: there is no data set, or which one cannot be told.
    """
    name = layout or detect(root)
    if name == REAL_IAD_D3:
        return check.check(root, progress, threads)
    dataset = open_dataset(root, name)
    reports: list[CategoryReport] = []
    findings: list[Finding] = []
    for done, category in enumerate(dataset.categories):
        if progress:
            progress(done / len(dataset.categories), category)
        report, found = _check_category(dataset, category, threads)
        reports.append(report)
        findings += found
    if progress:
        progress(1.0, "done")
    return Report(tuple(reports), tuple(findings))


def _check_category(dataset: Dataset, category: str, threads: int) -> tuple[CategoryReport, list[Finding]]:
    try:
        samples = [s for s in dataset.samples(category) if isinstance(s, FileSample)]
    except SampleError as error:
        return CategoryReport(category, {}, 0.0, ()), [Finding("splits_unreadable", category, error.message)]
    with ThreadPoolExecutor(threads) as pool:
        seen = list(pool.map(_look, samples))
    findings = [finding for each in seen for finding in each.findings]
    owners: dict[str, FileSample] = {}
    counts: dict[str, dict[str, int]] = {split.value: defaultdict(int) for split in Split}
    for sample, each in zip(samples, seen, strict=True):
        counts[sample.split.value][sample.sample_id.anomaly_class] += 1
        if sample.split is Split.TRAIN and not sample.sample_id.is_normal:
            findings.append(Finding("defect_in_train", sample.name, "It is to be learned as normal."))
        owner = owners.setdefault(each.picture, sample) if each.picture else sample
        if owner is not sample:
            findings.append(Finding("same_picture", sample.name, f"It is byte for byte {owner.name}."))
    findings += [Finding("split_empty", category, f"'{split}' is empty.") for split in (Split.TRAIN, Split.TEST) if not counts[split.value]]
    unknown = [s.unknown for s in seen if s.unknown is not None]
    return CategoryReport(category, {k: dict(v) for k, v in counts.items()}, float(np.mean(unknown)) if unknown else 0.0, ()), findings


def _look(sample: FileSample) -> _Seen:
    findings: list[Finding] = []
    unknown: float | None = None
    shape: tuple[int, ...] | None = None
    try:
        with warnings.catch_warnings():
            # Blank modalities belong to the layout; placeholders are told of by a finding.
            warnings.simplefilter("ignore", BlankModality)
            warnings.simplefilter("ignore", PlaceholderXY)
            loaded = sample.load()
        shape = loaded.foreground.shape
        unknown = float(np.mean(~grid.known_points(loaded.xyz_mm)))
        if unknown == 1:
            findings.append(Finding("no_points", sample.name, "Not one pixel has a point."))
        elif unknown > MANY_UNKNOWN:
            findings.append(Finding("many_unknown", sample.name, f"{unknown:.0%} of its pixels have no point."))
    except SampleError as error:
        findings.append(Finding(_code(error), sample.name, error.message))
    if sample.mask is not None:
        try:
            mask = sample.load_mask()
            if not mask.any():
                findings.append(Finding("mask_empty", sample.name, "Nothing is marked in it."))
            if shape is not None and mask.shape != shape:
                findings.append(Finding("mask_size", sample.name, f"It is {mask.shape[1]}×{mask.shape[0]}, the picture {shape[1]}×{shape[0]}."))
        except SampleError as error:
            missing = not sample.mask.is_file()
            findings.append(Finding("mask_missing" if missing else _code(error), sample.name, error.message))
    image = sample.files["image"]
    return _Seen(tuple(findings), unknown, hashlib.sha256(image.read_bytes()).hexdigest() if image.is_file() else None)


def _code(error: SampleError) -> str:
    code = error.code.rsplit(".", 1)[-1]
    return {"shape": "size_differs", "file_missing": "file_missing", "xyz_shape": "xyz_shape"}.get(code, "file_unreadable")
