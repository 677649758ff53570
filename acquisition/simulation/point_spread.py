"""How blur is made: discrete Gaussians, whose variance is exact and which add up as blurs do (Lindeberg 1990)."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import ive

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

_TAIL = 2e-3  # share of the light that may fall outside the taps


def taps(variance: float) -> F64:
    """Half of a kernel: the weight at 0, 1, … pixels from the centre, (r + 1,); the whole adds up to one."""
    reach = 0 if variance <= 0 else 1
    while reach and 1 - ive(0, variance) - 2 * ive(np.arange(1, reach + 1), variance).sum() > _TAIL:
        reach += 1
    half = np.asarray(ive(np.arange(reach + 1), max(variance, 0)), np.float64)
    return half / (half[0] + 2 * half[1:].sum())


def blurred(image: F32, variance: float) -> F32:
    """A picture spread by a variance, px²; its rim goes on for ever."""
    half = taps(variance)
    kernel = np.concatenate([half[:0:-1], half])
    return np.asarray(cv2.sepFilter2D(image, cv2.CV_32F, kernel, kernel, borderType=cv2.BORDER_REPLICATE), np.float32)


def tap_polynomials(least: float, most: float) -> F32:
    """Weights of the taps for any variance between two, as polynomials: a table look-up a pixel would cost more than the blur.

    Args:
        least: variance where the pixel's ``spread`` is 0, px².
        most: where it is 1.

    Returns:
        (r, 6) float32: the weight at 1 … r pixels from the centre, as coefficients of spread⁰ … spread⁵. The centre has the rest.
    """
    at = np.linspace(0, 1, 33)
    reach = len(taps(most)) - 1
    weights = np.stack([ive(np.arange(1, reach + 1), t) for t in least + (most - least) * at])
    if most - least < 1e-9:
        return np.concatenate([weights[:1].T, np.zeros((reach, 5))], 1).astype(np.float32)
    return np.polynomial.polynomial.polyfit(at, weights, 5).T.astype(np.float32)


def defocus_px2(depth_mm: F32, focus_mm: float, pupil_mm: float, focal_px: float) -> F32:
    """Variance along an axis of the circle of confusion of points at a depth, px².

    A lens of aperture A focused at depth F spreads a point at depth z over a disc of diameter f A |1/F - 1/z|, of variance diameter²/16.

    Args:
        depth_mm: depth before the device along its axis, mm.
        focus_mm: depth that is sharp, mm.
        pupil_mm: diameter of the pupil, mm.
        focal_px: focal length, pixels.
    """
    diameter = np.float32(focal_px * pupil_mm) * (np.float32(1 / focus_mm) - np.float32(1) / depth_mm)
    return np.asarray(diameter * diameter / 16, np.float32)
