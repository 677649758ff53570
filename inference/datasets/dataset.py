"""What the benchmark and the loaders know of any data set, whatever its layout on disk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from inference.sample import D3Sample

NORMAL = "OK"
"""Class of the samples without a defect."""


class Split(StrEnum):
    """What a sample is for."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


@dataclass(frozen=True, slots=True, order=True)
class SampleId:
    """Which sample of a data set; the same in every modality."""

    category: str
    """Product, lower case with underscores."""
    anomaly_class: str
    """``OK`` or the defect, lower case with underscores."""
    number: int
    """Number within the class."""

    @property
    def is_normal(self) -> bool:
        """Whether the sample has no defect."""
        return self.anomaly_class == NORMAL

    def __str__(self) -> str:
        return f"{self.category}/{self.anomaly_class}/S{self.number:04d}"


class DatasetSample(Protocol):
    """One sample of a split; nothing is read before it is asked for."""

    @property
    def sample_id(self) -> SampleId:
        """Which sample it is."""
        ...

    @property
    def split(self) -> Split:
        """What it is for."""
        ...

    def load(self) -> D3Sample:
        """Read the three modalities. Raises SampleError."""
        ...

    def load_mask(self) -> NDArray[np.bool_]:
        """Read where it is defective, (H, W), all false for a normal sample. Raises SampleError."""
        ...


class Dataset(Protocol):
    """A data set of one or more categories."""

    @property
    def categories(self) -> tuple[str, ...]:
        """Names of the products in it."""
        ...

    def samples(self, category: str, split: Split | None = None) -> Iterator[DatasetSample]:
        """Samples of a category in the order of its lists, of one split or of all. Raises SampleError, NotFound."""
        ...
