"""What D³M says about one part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from inference.good_parts import NearestGood

BankName = Literal["rgb", "pseudo3d", "fused"]
BANK_NAMES: tuple[BankName, ...] = ("rgb", "pseudo3d", "fused")


@dataclass(frozen=True, slots=True)
class BankScore:
    """One memory bank's view of the part."""

    name: BankName
    score: float
    """Higher is more anomalous."""
    limit: float
    """What a good part stays below, at the model's false-reject rate."""


@dataclass(frozen=True, slots=True)
class Region:
    """A place on the part where the anomaly map is over its limit; x, y, width, height in camera px."""

    x: int
    y: int
    width: int
    height: int
    area_mm2: float
    peak: float
    """Largest value of the anomaly map inside; 1 is the limit."""
    modality: BankName
    """The bank that was farthest over its own limit here."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """The verdict, where it comes from and which model gave it."""

    score: float
    """0 as a typical good part, 1 at the limit of good parts; higher is more anomalous."""
    threshold: float
    is_anomalous: bool
    anomaly_map: NDArray[np.float32]
    """(H, W) on the camera's grid: 0 as on a typical good part, 1 at the limit; off the part it falls to 0 over eight cells, for where a
    piece is missing only its surroundings can tell."""
    regions: tuple[Region, ...]
    """Largest peak first; empty on a good part."""
    banks: tuple[BankScore, ...]
    """In the order rgb, pseudo3d, fused."""
    model_id: str
    model_sha256: str
    nearest: NearestGood | None = None
    """The taught part that this one was most like; none from a model that did not keep them."""
