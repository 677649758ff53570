"""What a generated data set consists of, sample by sample, before anything is made."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from pydantic import Field

from inference.datasets.dataset import NORMAL, SampleId, Split
from rig_configs.strict import Strict

_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
_YEAR_S = 365 * 86400


class Fidelity(StrEnum):
    """How the clouds are made."""

    FULL = "full"
    """Every fringe is captured and decoded."""
    GEOMETRY = "geometry"
    """The zones are captured and solved; the cloud is the true geometry with noise measured on full scans of the same run."""


class MeshPart(Strict):
    """A product whose shape the user brings."""

    file: str = Field(description="Name of the mesh file.")
    sha256: str = Field(description="SHA-256 of the mesh file.")
    material: str = Field(description="Material it is made of.")
    scale_to_mm: float | None = Field(default=None, gt=0, description="Millimetres a unit of the file; none is the format's own.")


class Arguments(Strict):
    """What a data set is made from; two runs with the same arguments make the same bytes."""

    categories: tuple[str, ...] = Field(min_length=1, description="The products, in order.")
    mesh: MeshPart | None = Field(default=None, description="The product of a user's mesh, one of the categories.")
    train_good: int = Field(ge=0, description="Good samples to learn from, of each product.")
    validation_good: int = Field(ge=0, description="Good samples to choose settings on, of each product.")
    test_good: int = Field(ge=0, description="Good samples to be judged, of each product.")
    per_defect: int = Field(ge=0, description="Samples to be judged of each defect of each product.")
    seed: int = Field(ge=0, description="Seed of everything that is drawn.")
    fidelity: Fidelity = Field(description="How the clouds are made.")


@dataclass(frozen=True, slots=True)
class PlannedSample:
    """One sample to make. Everything about it hangs on the run's seed and its own identity alone."""

    sample_id: SampleId
    split: Split

    @property
    def defect(self) -> str | None:
        """The defect's name; None for a good sample."""
        return None if self.sample_id.is_normal else self.sample_id.anomaly_class

    def seed(self, run_seed: int, attempt: int = 0) -> int:
        """Seed of the part, its pose and the sensor's noise."""
        return seed_of(run_seed, str(self.sample_id), attempt)

    def stamp(self, run_seed: int) -> str:
        """The 14 digits of its files' names, YYYYMMDDhhmmss; drawn, since a clock would make each run another set."""
        return (_EPOCH + timedelta(seconds=self.seed(run_seed) % _YEAR_S)).strftime("%Y%m%d%H%M%S")


def seed_of(*parts: object) -> int:
    """A seed from anything that has a name, the same on every machine."""
    return int.from_bytes(hashlib.sha256("/".join(map(str, parts)).encode()).digest()[:6], "big")


def plan(arguments: Arguments, defects: Mapping[str, Sequence[str]]) -> list[PlannedSample]:
    """Every sample of a data set, in the order of its lists.

    Args:
        arguments: what was asked for.
        defects: for each category the names of its defects.
    """
    samples: list[PlannedSample] = []
    for category in arguments.categories:
        good = [Split.TRAIN] * arguments.train_good + [Split.VALIDATION] * arguments.validation_good + [Split.TEST] * arguments.test_good
        samples += [PlannedSample(SampleId(category, NORMAL, i + 1), split) for i, split in enumerate(good)]
        for defect in defects[category]:
            samples += [PlannedSample(SampleId(category, defect, i + 1), Split.TEST) for i in range(arguments.per_defect)]
    return samples
