"""Checks a data set of any layout by reading every sample of it as a benchmark would."""

from __future__ import annotations

import hashlib
import warnings
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from inference.datasets import check, files, grid, real_iad_d3_tree
from inference.datasets.check import MANY_UNKNOWN, CategoryReport, Report
from inference.datasets.dataset import Dataset, Split
from inference.datasets.file_sample import FileSample
from inference.datasets.findings import Finding
from inference.datasets.folders import BlankModality
from inference.datasets.layouts import REAL_IAD_D3, detect, open_dataset
from inference.datasets.leak import XYFacts, leaks, xy_facts
from inference.datasets.real_iad_d3 import PlaceholderXY
from rig_configs.errors import SampleError


@dataclass(frozen=True, slots=True)
class _Seen:
    findings: tuple[Finding, ...]
    unknown: float | None
    picture: str | None
    """SHA-256 of the picture's file."""
    xy: XYFacts | None = None
    """Of the cloud as it is stored, in a layout whose X and Y may be placeholders."""


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
        report, found = _check_category(dataset, category, threads, guarded=name == real_iad_d3_tree.LAYOUT)
        reports.append(report)
        findings += found
    if progress:
        progress(1.0, "done")
    return Report(tuple(reports), tuple(findings))


def _check_category(dataset: Dataset, category: str, threads: int, *, guarded: bool) -> tuple[CategoryReport, list[Finding]]:
    try:
        samples = [s for s in dataset.samples(category) if isinstance(s, FileSample)]
    except SampleError as error:
        return CategoryReport(category, {}, 0.0, ()), [Finding("splits_unreadable", category, error.message)]
    with warnings.catch_warnings(), ThreadPoolExecutor(threads) as pool:
        # Blank modalities belong to the layout; placeholders are told of by a finding. Filters are the process's, so they are set around the threads.
        warnings.simplefilter("ignore", BlankModality)
        warnings.simplefilter("ignore", PlaceholderXY)
        seen = list(pool.map(partial(_look, guarded=guarded), samples))
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
    facts = [each.xy for each in seen if each.xy is not None]
    placeholders = sum(not fact.is_real for fact in facts)
    if placeholders:
        findings.append(Finding("xy_placeholder", category, f"X and Y of {placeholders} of {len(facts)} clouds do not follow the grid."))
    found = leaks(facts)
    findings += [Finding("xy_leak", category, f"{leak}.") for leak in found]
    unknown = [s.unknown for s in seen if s.unknown is not None]
    share = float(np.mean(unknown)) if unknown else 0.0
    return CategoryReport(category, {k: dict(v) for k, v in counts.items()}, share, tuple(found)), findings


def _look(sample: FileSample, *, guarded: bool) -> _Seen:
    findings: list[Finding] = []
    xy: XYFacts | None = None
    unknown: float | None = None
    shape: tuple[int, ...] | None = None
    try:
        loaded = sample.load()
        shape = loaded.foreground.shape
        if guarded and grid.known_points(loaded.xyz_mm).any():
            stored = files.read_xyz(sample.files["xyz"])
            xy = xy_facts(stored, is_normal=sample.sample_id.is_normal, is_real=grid.has_real_xy(stored))
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
    return _Seen(tuple(findings), unknown, hashlib.sha256(image.read_bytes()).hexdigest() if image.is_file() else None, xy)


def _code(error: SampleError) -> str:
    code = error.code.rsplit(".", 1)[-1]
    return {"shape": "size_differs", "file_missing": "file_missing", "xyz_shape": "xyz_shape"}.get(code, "file_unreadable")
