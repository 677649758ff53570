"""The sensor's noise, read off the fringe frames themselves.

Away from code edges every Gray frame shows a pixel one of only two levels, so the frames are repeated measurements of
them: their scatter is the noise of the whole chain (sensor and projector), free of gamma and of the fringe model. Fitted
over many pixels as σ² = offset + slope · DN, the photon-transfer line of EMVA 1288.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rig_configs.errors import ReconstructionError

MIN_SAMPLES = 200
QUANTISATION_DN2 = 1 / 12


@dataclass(frozen=True, slots=True)
class NoiseModel:
    """Variance of a pixel's value as a line over the value, nowhere below that of rounding to whole DN."""

    offset_dn2: float
    """Variance at 0 DN, DN²."""
    slope_dn: float
    """Growth of the variance with the value, DN²/DN."""

    def sigma_dn(self, value_dn: NDArray[np.floating] | float) -> NDArray[np.float64]:
        """Standard deviation at a value, DN."""
        return np.sqrt(np.maximum(self.offset_dn2 + self.slope_dn * np.asarray(value_dn, np.float64), QUANTISATION_DN2))


def estimate_noise(frames: NDArray[np.float32], white: NDArray[np.bool_]) -> NoiseModel:
    """Fit the noise line to repeated looks at two levels.

    Args:
        frames: (F, M) DN of M pixels in F Gray frames; pixels near a code edge left out by the caller.
        white: (F, M) which frames show the pixel the bright level.

    Raises:
        ReconstructionError: too few repeats to tell the noise.
    """
    means, variances, freedoms = [], [], []
    for level in (white, ~white):
        n = level.sum(axis=0)
        some = n >= 2
        looks, picked, n = frames[:, some], level[:, some], n[some]
        mean = np.where(picked, looks, 0).sum(axis=0) / n
        variances.append((np.where(picked, looks - mean, 0) ** 2).sum(axis=0) / (n - 1))
        means.append(mean)
        freedoms.append(n - 1)
    return fit_noise(*(np.concatenate(parts) for parts in (means, variances, freedoms)))


def fit_noise(mean: NDArray[np.floating], variance: NDArray[np.floating], freedom: NDArray[np.number]) -> NoiseModel:
    """Fit the noise line to variances seen at mean values.

    Args:
        mean: (M,) DN.
        variance: (M,) DN².
        freedom: (M,) degrees of freedom behind each variance.

    Raises:
        ReconstructionError: too few to tell the noise.
    """
    mean, variance, freedom = (np.asarray(a, np.float64) for a in (mean, variance, freedom))
    if len(mean) < MIN_SAMPLES:
        raise ReconstructionError(
            f"Only {len(mean)} pixels show usable fringes, too few to tell the noise.",
            cure="Check that the projector lights the scene, its focus and the exposure.",
            detail="no_fringes",
        )
    model = np.full_like(mean, max(float(np.average(variance, weights=freedom)), QUANTISATION_DN2))
    offset, slope = 0.0, 0.0
    for _ in range(6):  # a variance estimate scatters with its own size: weights follow the model, gross outliers leave
        weight = np.where(variance < 15 * model, freedom / model**2, 0)
        centre = np.average(mean, weights=weight)
        level = np.average(variance, weights=weight)
        spread = np.average((mean - centre) ** 2, weights=weight)
        slope = max(float(np.average((mean - centre) * (variance - level), weights=weight) / spread), 0.0) if spread > 0 else 0.0
        offset = float(level - slope * centre)
        model = np.maximum(offset + slope * mean, QUANTISATION_DN2)
    return NoiseModel(offset, slope)
