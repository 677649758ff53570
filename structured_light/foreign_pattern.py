"""What the images of somebody else's structured-light capture show: the schema of the pattern description ``P.yaml``.

Positions on the projector are pixels with centres at integers, along columns or along rows. A projector pixel x shows

- in a phase image of shift δ: ½ + ½ cos(2π (x - crest_px)/period_px + δ);
- in bit b of a Gray code: that bit of g ^ (g >> 1), with g = ⌊(x + offset_px) / unit_px⌋, 1 is bright.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import yaml
from pydantic import Field, ValidationError, model_validator

from rig_configs.errors import ConfigurationError
from rig_configs.fringes import FringeConfig
from rig_configs.strict import Strict
from structured_light.patterns import Direction, FringePatterns

LEAST_SEPARATION_TURNS = 0.01
"""Sets of fringes whose phases differ less than this between two places cannot tell them apart."""


SKIP = "skip"
"""Stands in 'order' for an image that is not used."""


class Show(StrEnum):
    """What an image shows."""

    WHITE = "white"
    BLACK = "black"
    BIT = "Gray bit"
    INVERSE = "inverse Gray bit"
    PHASE = "phase"


@dataclass(frozen=True, slots=True)
class Role:
    """What one image of the sequence is."""

    show: Show
    axis: Direction | None = None
    index: int = 0
    """Of a Gray bit, 0 is the widest stripes'; of a phase image, its step."""
    fringes: int = 0
    """Of a phase image, the index of its set of fringes."""

    def __str__(self) -> str:
        if self.axis is None:
            return self.show.value
        detail = f"set {self.fringes + 1} step {self.index + 1}" if self.show is Show.PHASE else f"{self.index + 1}"
        return f"{self.axis} {self.show.value} {detail}"


class ProjectorSize(Strict):
    """The projector's image."""

    width_px: int = Field(ge=2, le=16384, description="Projector columns.")
    height_px: int = Field(ge=2, le=16384, description="Projector rows.")


class GrayConfig(Strict):
    """A Gray code, one image a bit."""

    bits: int | None = Field(
        default=None, ge=1, le=16, description="Images a direction, without inverses; as many as the projector needs by default."
    )
    msb_first: bool = Field(default=True, description="Whether the widest stripes come first.")
    inverses: Literal["none", "each", "after"] = Field(
        default="none", description="Inverted images: 'none', 'each' right after its bit, or all 'after' the last bit, in the same order."
    )
    unit_px: float = Field(
        default=1.0, gt=0, description="Projector pixels of one code. With fringes, a period or, which is safe at edges, half a period of the widest."
    )
    offset_px: float | Literal["centred"] = Field(
        default=0.0, description="Added to the projector pixel before it is coded; 'centred': the code's unused values lie half on either side."
    )


class PhaseConfig(Strict):
    """A set of phase-shifted fringes of one period."""

    period_px: float | None = Field(default=None, gt=1, description="Fringe period in projector pixels; this or 'fringes'.")
    fringes: float | None = Field(default=None, gt=0, description="Fringes over the projector's columns (rows); this or 'period_px'.")
    steps: int = Field(default=0, ge=0, le=64, description="Images; the number of 'shifts_deg' where those are given.")
    shifts_deg: tuple[float | None, ...] | None = Field(
        default=None,
        description="Phase δ of each image, degrees; by default 0, -360/steps, -720/steps, … (crests move towards higher columns). "
        "null is a flat image of the fringes' mean brightness.",
    )
    crest_px: float = Field(default=0.0, description="A projector pixel that is brightest where the shift is 0.")

    @model_validator(mode="after")
    def _complete(self) -> PhaseConfig:
        if (self.period_px is None) == (self.fringes is None):
            raise ValueError("give either period_px or fringes")
        if self.shifts_deg is None and self.steps < 2:
            raise ValueError("give steps (2 or more), or shifts_deg")
        if self.shifts_deg is not None and self.steps not in (0, len(self.shifts_deg)):
            raise ValueError(f"steps is {self.steps}, but shifts_deg has {len(self.shifts_deg)} values; leave steps out")
        if np.linalg.matrix_rank(self.model[:, 1:], tol=1e-6) < 2:
            raise ValueError("the shifts do not tell a phase: two that are neither equal nor opposite are needed")
        return self

    @property
    def count(self) -> int:
        """Images of the set."""
        return len(self.shifts_deg) if self.shifts_deg is not None else self.steps

    @property
    def model(self) -> np.ndarray:
        """(N, 3) float64: image k is row k times (A, B cos Φ, B sin Φ)."""
        shifts = self.shifts_deg if self.shifts_deg is not None else [-360.0 * k / self.steps for k in range(self.steps)]
        rows = [(1.0, 0.0, 0.0) if s is None else (1.0, np.cos(np.radians(s)), -np.sin(np.radians(s))) for s in shifts]
        return np.array(rows)

    @property
    def knows_mean(self) -> bool:
        """Whether the set alone tells its mean brightness: three steps do, two need another set's or references."""
        return bool(np.linalg.matrix_rank(self.model, tol=1e-6) == 3)

    def period(self, length_px: int) -> float:
        """Period in projector pixels along a direction of this length."""
        return self.period_px if self.period_px is not None else length_px / (self.fringes or 1)


class CapturePattern(Strict):
    """The images of one capture, in the order of their names."""

    projector: ProjectorSize = Field(description="The projector's image.")
    files: str = Field(default="*", description="Which images of the folder belong to the sequence, as a pattern such as 'scan_*.png'.")
    references: Literal["none", "first", "last"] = Field(default="none", description="Where the images with all light on and off are.")
    reference_order: tuple[Literal["white", "black"], ...] = Field(
        default=("white", "black"), min_length=1, max_length=2, description="Which references there are, in order."
    )
    axes: tuple[Direction, ...] = Field(
        default=("columns",),
        min_length=1,
        max_length=2,
        description="What is encoded, in order: 'columns' (vertical stripes), 'rows' (horizontal stripes), or both, one after the other.",
    )
    first: Literal["gray", "phase"] = Field(default="gray", description="Which comes first of a direction's Gray code and fringes.")
    gray: GrayConfig | None = Field(default=None, description="The Gray code; left out where there is none.")
    phase: tuple[PhaseConfig, ...] = Field(default=(), max_length=8, description="Sets of fringes in order; left out where there are none.")
    order: tuple[str, ...] | None = Field(
        default=None,
        description="What every image is, where the order is another: the names that the error of a wrong number of images lists, and 'skip'.",
    )
    depth_mm: tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]] | None = Field(
        default=None,
        description="Nearest and farthest distance from the camera along its axis, mm. Points beyond are dropped; fringes that do not tell their "
        "own order are counted within.",
    )
    camera_bits: int | None = Field(default=None, ge=8, le=16, description="Bits of the camera's values; found out from the images by default.")
    min_contrast: float = Field(
        default=0.02, gt=0, lt=1, description="Least difference between bright and dark, as a share of full scale; a darker pixel is left out."
    )
    epipolar_px: float = Field(
        default=3.0, gt=0, description="With both directions: how far row and column may be from the same ray, projector pixels."
    )

    @model_validator(mode="after")
    def _decodable(self) -> CapturePattern:
        if self.gray is None and not self.phase:
            raise ValueError("describe a Gray code ('gray'), fringes ('phase'), or both")
        if len(set(self.axes)) < len(self.axes) or len(set(self.reference_order)) < len(self.reference_order):
            raise ValueError("the same is named twice in axes or reference_order")
        if self.depth_mm is not None and not self.depth_mm[0] < self.depth_mm[1]:
            raise ValueError("depth_mm is nearest, then farthest")
        if self.phase and not (any(p.knows_mean for p in self.phase) or self.thresholds):
            raise ValueError("two-step fringes need the mean brightness: another set of three steps, or white and black references")
        for axis in self.axes:
            self._check_axis(axis)
        if self.order is not None:
            names = [name for name in self.order if name != SKIP]
            wanted = [str(role) for role in self.roles]
            odd = [name for name in names if name not in wanted] + [name for name in wanted if names.count(name) != 1]
            if odd:
                raise ValueError(f"order has '{odd[0]}' {names.count(odd[0])} times; name each once of: {', '.join(wanted)}")
        return self

    def _check_axis(self, axis: Direction) -> None:
        if self.gray is not None:
            codes = self.codes(axis)
            if codes > 1 << self.bits(axis):
                raise ValueError(f"{self.bits(axis)} Gray bits cannot tell {codes} codes along {axis}; give bits, unit_px or offset_px as they were")
            widest = max((p.period(self.length(axis)) for p in self.phase), default=np.inf)
            if self.gray.unit_px > widest * 1.001:
                raise ValueError(f"a Gray code of {self.gray.unit_px:g} px does not count fringes of {widest:g} px; give unit_px as it was")
        elif self.depth_mm is None and self.separation_turns(axis) < LEAST_SEPARATION_TURNS:
            raise ValueError(
                f"the fringes along {axis} look the same at several places of the projector; add the missing Gray code or set of fringes, "
                "or give depth_mm so that a pixel can only see one of the places"
            )

    @property
    def thresholds(self) -> bool:
        """Whether white and black references give each pixel's threshold."""
        return self.references != "none" and len(self.reference_order) == 2

    def length(self, axis: Direction) -> int:
        """Projector pixels along a direction."""
        return self.projector.width_px if axis == "columns" else self.projector.height_px

    def bits(self, axis: Direction) -> int:
        """Gray bits along a direction."""
        assert self.gray is not None
        if self.gray.bits is not None:
            return self.gray.bits
        offset = 0.0 if self.gray.offset_px == "centred" else self.gray.offset_px
        return max(1, int((self.length(axis) - 1 + offset) // self.gray.unit_px).bit_length())

    def codes(self, axis: Direction) -> int:
        """Gray codes that the projector shows along a direction, counted from code 0."""
        assert self.gray is not None
        return int((self.length(axis) - 1 + self.offset(axis)) // self.gray.unit_px) + 1

    def offset(self, axis: Direction) -> float:
        """What is added to the projector pixel before it is coded."""
        assert self.gray is not None
        if self.gray.offset_px == "centred":
            return float((int((1 << self.bits(axis)) * self.gray.unit_px) - self.length(axis)) // 2)
        return self.gray.offset_px

    def separation_turns(self, axis: Direction) -> float:
        """How far apart, in turns of phase, the two places of the projector are that look most alike."""
        length = self.length(axis)
        periods = sorted(p.period(length) for p in self.phase)
        shift = periods[0] * np.arange(1, int((length - 1) / periods[0]) + 1)
        turns = shift[:, None] / np.array(periods)
        away = np.linalg.norm(turns - np.rint(turns), axis=1)
        return float(away.min(initial=1.0))

    @property
    def roles(self) -> tuple[Role, ...]:
        """What each image shows, in order."""
        references = [Role(Show(name)) for name in self.reference_order] if self.references != "none" else []
        roles: list[Role] = []
        for axis in self.axes:
            gray = self._gray_roles(axis)
            phase = [Role(Show.PHASE, axis, k, i) for i, p in enumerate(self.phase) for k in range(p.count)]
            roles += [*gray, *phase] if self.first == "gray" else [*phase, *gray]
        return tuple([*references, *roles] if self.references == "first" else [*roles, *references])

    @property
    def sequence(self) -> tuple[Role | None, ...]:
        """What each image of the folder is, in order; None for one that is not used."""
        if self.order is None:
            return self.roles
        named = {str(role): role for role in self.roles}
        return tuple(named.get(name) for name in self.order)

    def _gray_roles(self, axis: Direction) -> list[Role]:
        if self.gray is None:
            return []
        order = range(self.bits(axis)) if self.gray.msb_first else range(self.bits(axis) - 1, -1, -1)
        bits, inverses = ([Role(show, axis, bit) for bit in order] for show in (Show.BIT, Show.INVERSE))
        if self.gray.inverses == "each":
            return [role for pair in zip(bits, inverses, strict=True) for role in pair]
        return bits + (inverses if self.gray.inverses == "after" else [])

    def station_patterns(self, axis: Direction) -> FringePatterns | None:
        """The station's own patterns, where these are the same: its fused decoder then takes the images."""
        gray = self.gray
        if gray is None or len(self.phase) != 1 or gray.inverses != "none" or not gray.msb_first or self.first != "phase":
            return None
        phase, period = self.phase[0], self.phase[0].period(self.length(axis))
        if phase.shifts_deg is not None or not 3 <= phase.steps <= 32 or not 4 <= period <= 256 or period != round(period) or phase.crest_px != -0.5:
            return None
        patterns = FringePatterns(
            FringeConfig(steps=phase.steps, period_px=round(period)), self.projector.width_px, self.projector.height_px, direction=axis
        )
        same = gray.unit_px == period / 2 and gray.offset_px == 0.5 and self.bits(axis) == patterns.bits + 1
        return patterns if same else None


def load_pattern(path: Path) -> CapturePattern:
    """Read a pattern description.

    Raises:
        ConfigurationError: missing, not YAML, or not a pattern; names the keys and what would be right.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        return CapturePattern.model_validate(content)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as cause:
        raise ConfigurationError(f"{path} cannot be read: {cause}.", cure="Give a YAML file that describes the pattern.", detail="pattern") from cause
    except ValidationError as cause:
        problems = "; ".join(f"{'.'.join(str(p) for p in e['loc']) or 'file'}: {e['msg'].removeprefix('Value error, ')}" for e in cause.errors())
        raise ConfigurationError(
            f"{path} does not describe a pattern. {problems}.",
            cure="Correct the keys named here; docs/rig-engineer.md describes each.",
            detail="pattern",
        ) from cause
