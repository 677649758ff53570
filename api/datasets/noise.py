"""Noise of a scanned cloud as a table, measured on full scans, so that quick sets can do without fringes.

A fringe measurement errs by how many projectors see the point (they are averaged, and outvote each other's faults), by the slant
of the surface (a pixel's footprint spans more height, and less light returns) and by the brightness (photon noise below, highlights
above). Pixels are sorted into cells by these three; each cell keeps the share of unknown points and the quantiles of the height error,
which hold bias, spread and tails at once. Neighbouring errors are alike, since demosaicing and fringes reach over pixels: the noise is
drawn from a Gaussian field with the correlation that was measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Annotated

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rig_configs.errors import ReconstructionError
from rig_configs.strict import Strict

SLANT_EDGES_DEG = (0.0, 15.0, 35.0, 55.0, 75.0, 90.0)
BRIGHTNESS_EDGES = (0, 48, 96, 144, 192, 240, 256)
NODES = np.linspace(-3, 3, 25)
"""Normal scores at which a cell's error quantiles are kept."""
_NORMAL = NormalDist()
_NODE_SHARES = [_NORMAL.cdf(float(node)) for node in NODES]
LEAST_PIXELS = 100
_MAX_WIDTH_PX = 8.0

Um = Annotated[float, Field(description="Height error, µm.")]


class NoiseCell(Strict):
    """Pixels alike in what makes a fringe measurement err."""

    projectors: int = Field(ge=0, description="How many projectors see the points.")
    slant_deg: tuple[float, float] = Field(description="Angle between surface normal and camera ray, from and to, degrees.")
    brightness: tuple[int, int] = Field(description="Luminance in the colour picture, from and to, 0-256.")
    pixels: int = Field(ge=0, description="How many pixels were measured.")
    unknown_share: float = Field(ge=0, le=1, description="Share of them that the scan gave no point.")
    bias_um: float = Field(description="Median height error, µm.")
    sigma_um: float = Field(ge=0, description="Spread of the height error: 1.4826 × its median absolute deviation, µm.")
    error_um: tuple[Um, ...] = Field(description="Quantiles of the height error at normal scores from -3 to 3, µm.")


class HeldOut(Strict):
    """The table against the part in a scan it was not made of."""

    category: str = Field(description="The part that was scanned.")
    median_error_um: tuple[float, float] = Field(description="Median absolute height error: scanned, modelled, µm.")
    p95_error_um: tuple[float, float] = Field(description="95th percentile of it: scanned, modelled, µm.")
    unknown_share: tuple[float, float] = Field(description="Share of unknown points: scanned, modelled.")


class NoiseTable(Strict):
    """Noise of a rig's clouds."""

    scans: int = Field(ge=1, description="Full scans it was measured on.")
    error_width_px: float = Field(ge=0, description="Width (σ) of the Gaussian that makes neighbouring errors alike, pixels.")
    unknown_width_px: float = Field(ge=0, description="The same for unknown points, pixels.")
    cells: tuple[NoiseCell, ...] = Field(description="The cells that were measured.")
    held_out: HeldOut | None = Field(default=None, description="How well it foretells a scan it was not made of.")


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a pixel's noise depends on, each (H, W)."""

    projectors: NDArray[np.intp]
    """How many see the point."""
    slant_deg: NDArray[np.float32]
    brightness: NDArray[np.float32]
    """Luminance in the colour picture, 0-255."""
    scanned: NDArray[np.bool_]
    """Where there is a surface at all."""
    part: NDArray[np.bool_]
    """Where it is the part's, not the plate's."""

    def cell(self) -> NDArray[np.intp]:
        """Index of each pixel's cell."""
        slant = np.digitize(self.slant_deg, SLANT_EDGES_DEG[1:-1])
        brightness = np.digitize(self.brightness, BRIGHTNESS_EDGES[1:-1])
        return (self.projectors * (len(SLANT_EDGES_DEG) - 1) + slant) * (len(BRIGHTNESS_EDGES) - 1) + brightness


@dataclass(frozen=True, slots=True)
class MeasuredErrors:
    """One full scan against the truth."""

    conditions: Conditions
    error_um: NDArray[np.float32]
    """(H, W) measured less true height, NaN where the scan gave no point."""


def measure(scans: Sequence[MeasuredErrors], projectors: int) -> NoiseTable:
    """The table of some full scans of a rig with this many projectors.

    Raises:
        ReconstructionError: the scans gave too few points for any cell.
    """
    cells = np.concatenate([s.conditions.cell()[s.conditions.scanned] for s in scans])
    errors = np.concatenate([s.error_um[s.conditions.scanned] for s in scans])
    found: list[NoiseCell] = []
    slants, shades = len(SLANT_EDGES_DEG) - 1, len(BRIGHTNESS_EDGES) - 1
    for index in range((projectors + 1) * slants * shades):
        count, rest = divmod(index, slants * shades)
        slant, shade = divmod(rest, shades)
        cell = _cell(errors[cells == index], count, slant, shade)
        if cell is not None:
            found.append(cell)
    if not any(c.sigma_um > 0 for c in found):
        raise ReconstructionError(
            "The full scans for the noise table gave too few points.",
            cure="Generate with --fidelity full, or see with 'd3station reconstruct' why scans of these parts fail.",
            detail="noise",
        )
    table = NoiseTable(scans=len(scans), error_width_px=0.0, unknown_width_px=0.0, cells=tuple(found))
    normalised = [(_scores(table, s), s) for s in scans]
    error_width = _width(float(np.nanmean([_neighbours(score) for score, _ in normalised])))
    share = float(np.mean(np.isnan(errors)))
    together = np.nanmean([_neighbours(np.where(s.conditions.scanned, np.isnan(s.error_um), np.nan).astype(np.float32)) for _, s in normalised])
    return table.model_copy(update={"error_width_px": error_width, "unknown_width_px": _unknown_width(share, float(np.nan_to_num(together)))})


class NoiseModel:
    """Draws the noise of a table.

    Args:
        table: what was measured.
        projectors: how many projectors the rig has.
    """

    def __init__(self, table: NoiseTable, projectors: int) -> None:
        self.table = table
        slants, shades = len(SLANT_EDGES_DEG) - 1, len(BRIGHTNESS_EDGES) - 1
        count = (projectors + 1) * slants * shades
        self._unknown = np.empty(count, np.float32)
        self._errors = np.empty((count, len(NODES)), np.float32)
        for index in range(count):
            seen, rest = divmod(index, slants * shades)
            if seen == 0 and all(c.projectors for c in table.cells):
                self._unknown[index], self._errors[index] = np.inf, 0.0  # what no projector sees, no scan measures
                continue
            cell = self._nearest(seen, rest, shades)
            self._unknown[index] = _quantile(cell.unknown_share)
            self._errors[index] = cell.error_um

    def _nearest(self, projectors: int, rest: int, shades: int) -> NoiseCell:
        """The measured cell that is most like one: the number of projectors first, then slant, then brightness."""
        slant, shade = divmod(rest, shades)
        return min(
            self.table.cells,
            key=lambda c: (
                (c.projectors == 0) != (projectors == 0),
                abs(c.projectors - projectors),
                abs(SLANT_EDGES_DEG.index(c.slant_deg[0]) - slant) + abs(BRIGHTNESS_EDGES.index(c.brightness[0]) - shade),
                SLANT_EDGES_DEG.index(c.slant_deg[0]),
                BRIGHTNESS_EDGES.index(c.brightness[0]),
            ),
        )

    def height(self, z_mm: NDArray[np.float32], conditions: Conditions, rng: np.random.Generator) -> NDArray[np.float32]:
        """True heights as a scan would give them, (H, W) float32, mm; NaN where it would give no point."""
        cell = conditions.cell()
        score = _field(z_mm.shape, self.table.error_width_px, rng)
        place = (np.clip(score, NODES[0], NODES[-1]) - NODES[0]) / (NODES[1] - NODES[0])
        lower = np.minimum(place.astype(np.intp), len(NODES) - 2)
        share = (place - lower).astype(np.float32)
        error = (1 - share) * self._errors[cell, lower] + share * self._errors[cell, lower + 1]
        unknown = _field(z_mm.shape, self.table.unknown_width_px, rng) < self._unknown[cell]
        return np.where(unknown | ~conditions.scanned, np.float32(np.nan), z_mm + np.float32(1e-3) * error).astype(np.float32)


def compare(scan: MeasuredErrors, z_mm: NDArray[np.float32], model: NoiseModel, category: str, rng: np.random.Generator) -> HeldOut:
    """What a model says of a scan that its table was not made of."""
    modelled = 1e3 * (model.height(z_mm, scan.conditions, rng) - z_mm)[scan.conditions.part]
    scanned = scan.error_um[scan.conditions.part]

    def both(of: float) -> tuple[float, float]:
        first, second = (round(float(np.nanpercentile(np.abs(e), of)), 3) for e in (scanned, modelled))
        return first, second

    unknown = tuple(round(float(np.mean(np.isnan(e))), 5) for e in (scanned, modelled))
    return HeldOut(category=category, median_error_um=both(50), p95_error_um=both(95), unknown_share=(unknown[0], unknown[1]))


def _cell(errors: NDArray[np.float32], projectors: int, slant: int, shade: int) -> NoiseCell | None:
    if len(errors) < LEAST_PIXELS:
        return None
    known = errors[~np.isnan(errors)]
    unknown = 1 - len(known) / len(errors)
    if len(known) < LEAST_PIXELS // 4:
        if unknown < 1 and projectors > 0:
            return None
        known = np.zeros(1, np.float32)
    bias = float(np.median(known))
    quantiles = np.quantile(known.astype(np.float64), _NODE_SHARES)
    return NoiseCell(
        projectors=projectors,
        slant_deg=(SLANT_EDGES_DEG[slant], SLANT_EDGES_DEG[slant + 1]),
        brightness=(BRIGHTNESS_EDGES[shade], BRIGHTNESS_EDGES[shade + 1]),
        pixels=len(errors),
        unknown_share=round(unknown, 6),
        bias_um=round(bias, 3),
        sigma_um=round(1.4826 * float(np.median(np.abs(known - bias))), 3),
        error_um=tuple(round(float(e), 3) for e in quantiles),
    )


def _scores(table: NoiseTable, scan: MeasuredErrors) -> NDArray[np.float32]:
    """Errors in units of their cell's spread, (H, W), clipped so that outliers do not rule; NaN where there is none."""
    cell = scan.conditions.cell()
    scores = np.full(scan.error_um.shape, np.nan, np.float32)
    slants, shades = len(SLANT_EDGES_DEG) - 1, len(BRIGHTNESS_EDGES) - 1
    for each in table.cells:
        index = (each.projectors * slants + SLANT_EDGES_DEG.index(each.slant_deg[0])) * shades + BRIGHTNESS_EDGES.index(each.brightness[0])
        if each.sigma_um > 0:
            here = (cell == index) & scan.conditions.scanned
            scores[here] = np.clip((scan.error_um[here] - each.bias_um) / each.sigma_um, -3, 3)
    return scores


def _neighbours(values: NDArray[np.float32]) -> float:
    """Correlation of pixels with their right and lower neighbours, NaN where there is nothing to correlate."""
    found: list[float] = []
    for first, second in ((values[:, :-1], values[:, 1:]), (values[:-1], values[1:])):
        both = ~(np.isnan(first) | np.isnan(second))
        if both.sum() > LEAST_PIXELS and first[both].std() > 0 and second[both].std() > 0:
            found.append(float(np.corrcoef(first[both], second[both])[0, 1]))
    return float(np.mean(found)) if found else float("nan")


def _quantile(share: float) -> float:
    """The normal score below which a share lies."""
    return -np.inf if share <= 0 else np.inf if share >= 1 else _NORMAL.inv_cdf(share)


def _width(correlation: float) -> float:
    """Width of the Gaussian that gives white noise this correlation of neighbours: exp(-1 / 4σ²)."""
    if not correlation > 0.02:
        return 0.0
    return round(min(_MAX_WIDTH_PX, float(np.sqrt(-0.25 / np.log(min(correlation, 0.9999))))), 3)


def _unknown_width(share: float, correlation: float) -> float:
    """Width at which the thresholded field has this correlation of neighbours at this share, tried out on fixed noise."""
    if share <= 0 or share >= 1 or correlation <= 0.02:
        return 0.0
    rng = np.random.default_rng(0)
    widths = (0.0, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, _MAX_WIDTH_PX)
    tried = [_neighbours((_field((512, 512), w, rng) < _quantile(share)).astype(np.float32)) for w in widths]
    return widths[int(np.argmin(np.abs(np.nan_to_num(tried) - correlation)))]


def _field(shape: tuple[int, ...], width_px: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Standard normal noise, smoothed by a Gaussian of this width and scaled back to unit variance."""
    white = rng.standard_normal(shape, np.float32)
    if width_px == 0:
        return white
    size = 2 * int(np.ceil(4 * width_px)) + 1
    kernel = cv2.getGaussianKernel(size, width_px, cv2.CV_32F)
    kernel = kernel / np.sqrt(np.sum(kernel**2))
    return np.asarray(cv2.sepFilter2D(white, cv2.CV_32F, kernel, kernel, borderType=cv2.BORDER_REFLECT_101), np.float32)
