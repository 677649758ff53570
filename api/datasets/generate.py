"""Generating a data set: plan, noise table where one is needed, samples, contact sheet, and the splits last."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from api.datasets.contact_sheet import write_contact_sheet
from api.datasets.making import SampleMaker, simulated_rig
from api.datasets.noise import MeasuredErrors, NoiseModel, NoiseTable, compare, measure
from api.datasets.parts import Source, kinds_of
from api.datasets.plan import Arguments, Fidelity, PlannedSample, plan, seed_of
from api.datasets.provenance import check_same, provenance_of, write_provenance
from api.datasets.workers import Task, make_all
from inference.datasets.dataset import NORMAL, SampleId, Split
from inference.datasets.real_iad_d3 import JSON_FOLDER
from inference.datasets.writing import PARTIAL_FOLDER, entry, is_written, write_splits
from rig_configs.errors import Conflict, Unprocessable
from rig_configs.schema import RigConfig

CONTACT_SHEET = "contact_sheet.png"
BYTES_PER_PIXEL = 12 + 16 + 4
"""Of a sample on disk: the TIFF, the PCD, and six JPEGs."""
LEAST_NOISE_SCANS, MOST_NOISE_SCANS = 4, 10
_SPARE_BYTES = 200_000_000


@dataclass(frozen=True, slots=True)
class Generated:
    """What a run did."""

    out: Path
    samples: int
    """In the set."""
    made: int
    """By this run; the others were there."""
    seconds_per_sample: float | None
    """Wall time over the samples this run made; None where it made none."""
    noise: NoiseTable | None
    contact_sheet: Path


def bytes_needed(config: RigConfig, samples: int) -> int:
    """Disk space that so many samples of a rig take."""
    return samples * config.camera.width_px * config.camera.height_px * BYTES_PER_PIXEL


def generate(
    out: Path,
    source: Source,
    arguments: Arguments,
    jobs: int,
    progress: Callable[[float, str], None],
    say: Callable[[str], None],
    cancelled: Callable[[], bool],
) -> Generated:
    """Generate a data set, or go on with one that was cut off.

    Args:
        out: its folder; made where it is not there.
        source: the rig, and the mesh where there is one.
        arguments: what to make.
        jobs: how many processes make samples; the bytes do not depend on it.
        progress: told the share that is done and what is done now.
        say: told in a sentence what is ahead.
        cancelled: asked before every frame.

    Raises:
        ConfigurationError: the rig cannot make data sets.
        NotFound: the bench has no such part.
        Unprocessable: nothing was asked for.
        Conflict: the folder holds something else, is at work, or the disk is too small.
        Cancelled: ``cancelled`` said so; the same call goes on.
        DataError: a sample cannot be made.
    """
    config, calibration, _ = simulated_rig(source.rig)
    kinds = kinds_of(source, arguments)
    planned = plan(arguments, {name: kind.defects for name, kind in kinds.items()})
    if not planned:
        raise Unprocessable("Nothing is to be generated.", cure="Ask for --train-good, --test-good or --per-defect samples.", detail="empty")
    provenance = provenance_of(config, calibration, arguments)
    out.mkdir(parents=True, exist_ok=True)
    with _locked(out):
        found = check_same(out, provenance)
        missing = [p for p in planned if not is_written(out, p.sample_id)]
        _check_space(out, config, planned, missing, say)
        if found is None:
            if arguments.fidelity is Fidelity.GEOMETRY:
                provenance = provenance.model_copy(update={"noise": _noise(source, arguments, len(config.projectors), progress, cancelled)})
            write_provenance(out, provenance)
        else:
            provenance = found
        shutil.rmtree(out / PARTIAL_FOLDER, ignore_errors=True)
        started, made = time.perf_counter(), 0
        if missing:
            with closing(make_all(Task(out, source, arguments, provenance.noise), missing, min(jobs, len(missing)), cancelled)) as samples:
                for sample in samples:
                    made += 1
                    progress((len(planned) - len(missing) + made) / len(planned), str(sample.sample_id))
        seconds = (time.perf_counter() - started) / made if made else None
        shutil.rmtree(out / PARTIAL_FOLDER, ignore_errors=True)
        sheet = _finish(out, arguments, planned)
    return Generated(out, len(planned), made, seconds, provenance.noise, sheet)


def _finish(out: Path, arguments: Arguments, planned: list[PlannedSample]) -> Path:
    """Contact sheet and splits; a set that has its splits is complete."""
    for category in arguments.categories:
        splits: dict[Split, list[dict[str, Any]]] = {split: [] for split in Split}
        for sample in planned:
            if sample.sample_id.category == category:
                splits[sample.split].append(entry(sample.sample_id, sample.stamp(arguments.seed)))
        if not (out / JSON_FOLDER / f"{category}.json").is_file():
            write_splits(out, category, splits)
    sheet = out / CONTACT_SHEET
    if not sheet.is_file():
        write_contact_sheet(out, sheet)
    return sheet


def _noise(
    source: Source, arguments: Arguments, projectors: int, progress: Callable[[float, str], None], cancelled: Callable[[], bool]
) -> NoiseTable:
    """The noise of clouds, measured on a few full scans: good and defective parts spread over the categories, and one more held out."""
    kinds = kinds_of(source, arguments)
    count = min(MOST_NOISE_SCANS, max(LEAST_NOISE_SCANS, len(arguments.categories)))
    maker = SampleMaker(source.rig, kinds)
    try:
        scans: list[tuple[str, MeasuredErrors, NDArray[np.float32]]] = []
        for index in range(count + 1):
            category = arguments.categories[(index * max(1, len(arguments.categories) // count)) % len(arguments.categories)]
            progress(0.0, f"noise scan {index + 1} of {count + 1}")
            scan_seed = seed_of(arguments.seed, "noise", index)
            scans.append((category, *maker.measure(PlannedSample(SampleId(category, NORMAL, index), Split.TRAIN), scan_seed, cancelled)))
    finally:
        maker.close()
    table = measure([errors for _, errors, _ in scans[:-1]], projectors)
    category, errors, z = scans[-1]
    held_out = compare(errors, z, NoiseModel(table, projectors), category, np.random.default_rng(arguments.seed))
    return table.model_copy(update={"held_out": held_out})


def _check_space(out: Path, config: RigConfig, planned: list[PlannedSample], missing: list[PlannedSample], say: Callable[[str], None]) -> None:
    needed, free = bytes_needed(config, len(missing)), shutil.disk_usage(out).free
    say(f"{len(planned)} samples, {len(planned) - len(missing)} of them there; the rest takes about {_gb(needed)} of {_gb(free)} free on the disk.")
    if needed + _SPARE_BYTES > free:
        raise Conflict(
            f"{len(missing)} samples need about {_gb(needed)}, and {out} has {_gb(free)} left.",
            cure="Ask for fewer samples, or choose a disk with more space.",
            detail="disk_space",
        )


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB"


@contextmanager
def _locked(out: Path) -> Generator[None]:
    """One run a folder; the operating system lets it go when the process dies."""
    handle = os.open(out, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as cause:
            raise Conflict(f"Another run generates into {out}.", cure="Wait for it, or choose another folder.", detail="data_dir") from cause
        yield
    finally:
        os.close(handle)
