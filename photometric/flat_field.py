"""How the matt white plate answers to a light zone: means over blocks, and the polynomial through them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photometric.light_model import polynomial_terms
from photometric.sphere import trimmed_fit
from rig_configs.errors import CalibrationFailed

Image = NDArray[Any]

BLOCK_PX = 8
"""Flat fields are fitted to means of blocks: their noise is low enough to judge the fit."""
_LARGEST_RESIDUAL_PERCENT = 3.0


@dataclass(frozen=True, slots=True)
class FlatField:
    """The flat field of one zone."""

    coefficients: NDArray[np.float64]
    """(15,) as in ``ZoneCalibration.flat_field``, DN/ms."""
    measured_dn_per_ms: NDArray[np.float64]
    """(h, w) means of blocks of 8 pixels, DN/ms; what is left at the right and lower rim is not in them."""
    off_percent: NDArray[np.float64]
    """(h, w) by how much they are above the polynomial, per cent of their mean."""

    @property
    def rms_percent(self) -> float:
        """RMS misfit of the polynomial, per cent."""
        return float(np.sqrt(np.mean(self.off_percent**2)))


def block_pixels(shape: tuple[int, int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Columns and rows of the blocks' middles in an image of that shape, (h, w) each, pixels."""
    h, w = shape[0] // BLOCK_PX, shape[1] // BLOCK_PX
    columns, rows = np.meshgrid((np.arange(w) + 0.5) * BLOCK_PX - 0.5, (np.arange(h) + 0.5) * BLOCK_PX - 0.5)
    return np.asarray(columns, np.float64), np.asarray(rows, np.float64)


def fit_flat_field(plate: Image, dark: Image | float, exposure_us: float, saturation_dn: float, zone: str = "") -> FlatField:
    """Fit the flat-field polynomial of one zone; dust and scratches are left out of the fit.

    Args:
        plate: (H, W) luminance of the matt white plate in the zone's light, DN.
        dark: (H, W) the same without the zone's light, or the black level, DN.
        exposure_us: exposure of both, µs.
        saturation_dn: digital number at and above which a pixel is saturated.
        zone: name of the zone, for messages.

    Raises:
        CalibrationFailed: the plate is saturated, dark, or not evenly white.
    """
    if np.mean(plate >= saturation_dn) > 1e-3:
        raise CalibrationFailed(
            f"The white plate is saturated in the light of zone '{zone}'.",
            cure="Shorten the light exposure in rig.yaml, or dim the zone, until the plate is at 60 to 80 % of full scale.",
            detail="saturated_plate",
        )
    H, W = plate.shape
    signal = plate.astype(np.float32) - np.asarray(dark, np.float32)
    columns, rows = block_pixels(plate.shape)
    h, w = columns.shape
    blocks = signal[: h * BLOCK_PX, : w * BLOCK_PX].reshape(h, BLOCK_PX, w, BLOCK_PX).mean((1, 3), dtype=np.float64)
    if blocks.mean() < 0.01 * saturation_dn:
        raise CalibrationFailed(
            f"Zone '{zone}' does not light the white plate.",
            cure="Check that the zone lights up, and that the plate lies in the field, then capture again.",
            detail="dead_light",
        )
    terms = polynomial_terms(2 * columns / (W - 1) - 1, 2 * rows / (H - 1) - 1).reshape(-1, 15)
    coefficients, _ = trimmed_fit(terms, blocks.ravel(), 1e-6 * float(blocks.mean()))
    off_percent = 100 * (blocks - (terms @ coefficients).reshape(h, w)) / blocks.mean()
    per_ms = 1e3 / exposure_us
    fit = FlatField(coefficients * per_ms, blocks * per_ms, off_percent)
    if fit.rms_percent > _LARGEST_RESIDUAL_PERCENT:
        raise CalibrationFailed(
            f"The plate in the light of zone '{zone}' is not evenly white: {fit.rms_percent:.1f} % off a smooth field.",
            cure="Lay a clean, matt white plate that fills the field, with nothing on it and no shadow over it.",
            detail="uneven_plate",
        )
    return fit
