"""Checks a Real-IAD D³ data set, the real one or one generated here: files, splits, and what would fake a benchmark."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from inference.datasets import files, grid, names
from inference.datasets.dataset import SampleId, Split
from inference.datasets.findings import Finding, Severity
from inference.datasets.leak import Leak, XYFacts, leaks, xy_facts
from inference.datasets.pcd import read_pcd
from inference.datasets.real_iad_d3 import RealIadD3, RealIadD3Sample, read_splits
from rig_configs.errors import SampleError

MANY_UNKNOWN = 0.5


@dataclass(frozen=True, slots=True)
class CategoryReport:
    """What is in one category."""

    category: str
    samples: dict[str, dict[str, int]]
    """For each split, how many of each class."""
    unknown_share: float
    """Mean share of the clouds' pixels without a point; 0 where no cloud could be read."""
    leaks: tuple[Leak, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What a check found."""

    categories: tuple[CategoryReport, ...]
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> int:
        """How many findings are errors."""
        return sum(f.severity is Severity.ERROR for f in self.findings)


@dataclass(slots=True)
class _Seen:
    """What was seen of one sample."""

    findings: list[Finding] = field(default_factory=list)
    xy: XYFacts | None = None
    unknown: float | None = None
    picture: str | None = None
    """SHA-256 of the picture's file."""


def check(root: Path, progress: Callable[[float, str], None] | None = None, threads: int = 2) -> Report:
    """Check a data set.

    Args:
        root: its folder.
        progress: told the share that is done and the category at work.
        threads: how many samples are read at once.

    Raises:
        NotFound: there are no splits.
    """
    dataset = RealIadD3(root)
    reports: list[CategoryReport] = []
    findings: list[Finding] = []
    for done, path in enumerate(dataset.split_files):
        if progress:
            progress(done / len(dataset.split_files), path.stem)
        report, found = _Category(dataset, path).check(threads)
        reports.append(report)
        findings += found
    if progress:
        progress(1.0, "done")
    return Report(tuple(reports), tuple(findings))


class _Category:
    def __init__(self, dataset: RealIadD3, path: Path) -> None:
        self._dataset = dataset
        self._path = path
        self._name = names.normal_form(path.stem)
        self._findings: list[Finding] = []

    def check(self, threads: int) -> tuple[CategoryReport, list[Finding]]:
        samples = self._listed()
        with ThreadPoolExecutor(threads) as pool:
            seen = list(pool.map(self._look, samples))
        for each in seen:
            self._findings += each.findings
        self._splits(samples)
        self._same_pictures(samples, seen)
        self._not_listed(samples)
        found = self._leaks([s.xy for s in seen if s.xy is not None])
        counts: dict[str, dict[str, int]] = {split.value: {} for split in Split}
        for sample in samples:
            of_split = counts[sample.split.value]
            of_split[sample.sample_id.anomaly_class] = of_split.get(sample.sample_id.anomaly_class, 0) + 1
        unknown = [s.unknown for s in seen if s.unknown is not None]
        return CategoryReport(self._name, counts, float(np.mean(unknown)) if unknown else 0.0, tuple(found)), self._findings

    def _say(self, code: str, path: Path | str, message: str) -> None:
        self._findings.append(Finding(code, self._relative(path), message))

    def _relative(self, path: Path | str) -> str:
        return str(path.relative_to(self._dataset.root)) if isinstance(path, Path) and path.is_relative_to(self._dataset.root) else str(path)

    # ----------------------------------------------------------------------------------------------------- the lists

    def _listed(self) -> list[RealIadD3Sample]:
        try:
            content = read_splits(self._path)
        except SampleError as error:
            self._say("splits_unreadable", self._path, error.message)
            return []
        samples: list[RealIadD3Sample] = []
        spellings: defaultdict[str, set[str]] = defaultdict(set)
        base = self._dataset.base(self._path, content)
        for split in Split:
            for index, entry in enumerate(content.get(split.value, [])):
                missing = [key for key in ("anomaly_class", "image_path", "ps_path", "xyz_path") if not entry.get(key)]
                if missing:
                    self._say("entry_invalid", self._path, f"Entry {index} of '{split}' lacks {', '.join(missing)}.")
                    continue
                samples.append(self._dataset.sample(self._path, base, split, entry))
                spelt = str(entry["anomaly_class"])
                spellings[names.normal_form(spelt)].add(spelt)
        for spelt in spellings.values():
            if len(spelt) > 1:
                self._say("class_spelling", self._path, f"One class is spelt {', '.join(sorted(spelt))}.")
        return samples

    def _splits(self, samples: list[RealIadD3Sample]) -> None:
        places: defaultdict[Path, list[Split]] = defaultdict(list)
        for sample in samples:
            places[sample.image].append(sample.split)
            if sample.split is Split.TRAIN and not sample.sample_id.is_normal:
                self._say("defect_in_train", sample.image, f"{sample.sample_id} is to be learned as normal.")
        for image, splits in places.items():
            if Split.TRAIN in splits and len(set(splits)) > 1:
                self._say("test_in_train", image, f"The sample is in {' and '.join(sorted(set(splits)))}.")
            elif len(splits) > 1:
                self._say("sample_twice", image, f"The sample is listed {len(splits)} times: in {', '.join(splits)}.")
        for split in (Split.TRAIN, Split.TEST):
            if not any(s.split is split for s in samples):
                self._say("split_empty", self._path, f"'{split}' is empty.")

    def _same_pictures(self, samples: list[RealIadD3Sample], seen: list[_Seen]) -> None:
        owners: dict[str, RealIadD3Sample] = {}
        for sample, each in zip(samples, seen, strict=True):
            if each.picture is None:
                continue
            owner = owners.setdefault(each.picture, sample)
            if owner.image != sample.image:
                self._say("same_picture", sample.image, f"It is byte for byte {self._relative(owner.image)}.")

    def _not_listed(self, samples: list[RealIadD3Sample]) -> None:
        if not samples:
            return
        base = self._dataset.base(self._path, read_splits(self._path))
        listed = {s.folder for s in samples}
        for folder in sorted({p.parent for p in base.rglob(f"*{names.ALL_LIGHTS}*.jpg")} - listed):
            self._say("not_listed", folder, "No split names this sample.")

    def _leaks(self, facts: list[XYFacts]) -> list[Leak]:
        placeholders = sum(not f.is_real for f in facts)
        if placeholders:
            values = sorted({(round(f.mean_mm[0], 3), round(f.mean_mm[1], 3)) for f in facts if not f.is_real})
            shown = ", ".join(f"({x:g}, {y:g})" for x, y in values[:4]) + (" …" if len(values) > 4 else "")
            self._say(
                "xy_placeholder", self._name, f"X and Y of {placeholders} of {len(facts)} clouds do not follow the grid; their means are {shown} mm."
            )
        found = leaks(facts)
        for leak in found:
            self._say("xy_leak", self._name, f"{leak}.")
        return found

    # ---------------------------------------------------------------------------------------------------- one sample

    def _look(self, sample: RealIadD3Sample) -> _Seen:
        seen = _Seen()

        def say(code: str, path: Path, message: str) -> None:
            seen.findings.append(Finding(code, self._relative(path), message))

        self._names(sample, say)
        size: tuple[int, ...] | None = None
        try:
            size = files.read_picture(sample.image).shape[:2]
            seen.picture = hashlib.sha256(sample.image.read_bytes()).hexdigest()
        except SampleError as error:
            say(_code(error), sample.image, error.message)
        self._ps(sample, size, say)
        self._cloud(sample, size, seen, say)
        self._mask(sample, size, say)
        if sample.folder.is_dir():
            missing = [light for light in names.LIGHTS if sample.light(light) is None]
            if missing:
                say("lights_missing", sample.folder, f"There is no {', '.join(missing)}.")
            self._pcd(sample, say)
        return seen

    def _names(self, sample: RealIadD3Sample, say: Callable[[str, Path, str], None]) -> None:
        ids: dict[Path, SampleId] = {}
        for path in (sample.image, sample.ps, sample.xyz, *([sample.mask] if sample.mask else [])):
            parsed = names.parse(path.name)
            if parsed is None:
                say("name_unknown", path, "The file's name does not tell its sample.")
            else:
                ids[path] = parsed.sample_id
        own = ids.get(sample.image)
        for path, other in ids.items():
            if own is not None and other != own:
                say("modalities_mixed", path, f"It belongs to {other}, its picture to {own}.")
        if own is not None and own.anomaly_class != sample.sample_id.anomaly_class:
            say("class_differs", sample.image, f"The entry says {sample.sample_id.anomaly_class}, the file's name {own.anomaly_class}.")

    def _ps(self, sample: RealIadD3Sample, size: tuple[int, ...] | None, say: Callable[[str, Path, str], None]) -> None:
        try:
            found = files.read_picture(sample.ps).shape[:2]
        except SampleError as error:
            say(_code(error), sample.ps, error.message)
            return
        if size is not None and found != size:
            say("size_differs", sample.ps, f"It is {_size(found)}, the picture {_size(size)}.")

    def _cloud(self, sample: RealIadD3Sample, size: tuple[int, ...] | None, seen: _Seen, say: Callable[[str, Path, str], None]) -> None:
        try:
            xyz = files.read_xyz(sample.xyz)
        except SampleError as error:
            say(_code(error), sample.xyz, error.message)
            return
        if size is not None and xyz.shape[:2] != size:
            say("size_differs", sample.xyz, f"It is {_size(xyz.shape)}, the picture {_size(size)}.")
        seen.unknown = float(np.mean(~grid.known_points(xyz)))
        if seen.unknown == 1:
            say("no_points", sample.xyz, "Not one pixel has a point.")
            return
        if seen.unknown > MANY_UNKNOWN:
            say("many_unknown", sample.xyz, f"{seen.unknown:.0%} of its pixels have no point.")
        seen.xy = xy_facts(xyz, is_normal=sample.sample_id.is_normal, is_real=grid.has_real_xy(xyz))

    def _mask(self, sample: RealIadD3Sample, size: tuple[int, ...] | None, say: Callable[[str, Path, str], None]) -> None:
        if sample.sample_id.is_normal:
            if sample.mask is not None:
                say("mask_of_normal", sample.mask, "The sample is normal, and has a mask.")
            return
        if sample.mask is None:
            say("mask_missing", sample.image, f"{sample.sample_id} has no mask.")
            return
        try:
            mask = files.read_mask(sample.mask)
        except SampleError as error:
            say(_code(error), sample.mask, error.message)
            return
        if not mask.any():
            say("mask_empty", sample.mask, "Nothing is marked in it.")
        if size is not None and mask.shape != size:
            say("mask_size", sample.mask, f"It is {_size(mask.shape)}, the picture {_size(size)}.")

    def _pcd(self, sample: RealIadD3Sample, say: Callable[[str, Path, str], None]) -> None:
        path = sample.pcd
        if path is None:
            say("pcd_missing", sample.folder, "There is no *_PCD_* file.")
            return
        try:
            read_pcd(path)
        except SampleError as error:
            say("pcd_unreadable", path, error.message)


def _code(error: SampleError) -> str:
    return error.code.rsplit(".", 1)[-1]


def _size(shape: Iterable[int]) -> str:
    height, width, *_ = shape
    return f"{width}×{height}"
