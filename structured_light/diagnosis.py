"""Whether the phase steps of a scan belong together: what a sinusoid through them leaves over, on a sample of pixels.

N steps determine mean, amplitude and phase with N − 3 values to spare. What is left over there is noise, the projector's gamma
(harmonics at a fixed phase to the fringe, the same share of the amplitude everywhere), or a step that shows something else: the part
moved, or the projector showed another picture. Gamma is fitted and taken off; the rest is held against the noise.

References:
    Hoang, T. et al., "Generic gamma correction for accuracy enhancement in fringe-projection profilometry", Opt. Lett. 35 (2010):
    the harmonics of a sinusoid raised to γ are c₂/c₁ = (γ − 1)/(γ + 2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rig_configs.errors import ReconstructionError
from structured_light.noise import MIN_SAMPLES, NoiseModel, fit_noise

TOLERANCE = 0.005
"""What may be left over besides noise and gamma, RMS over the steps, as a share of the fringe amplitude."""
GATE_SIGMAS = 5.0
"""How improbable, in standard deviations of a normal value, noise makes the residual that a single pixel is masked for."""
MAX_MISFIT = 3.0
"""Median of the residual's energy over the energy that noise leaves, from which on the scan as a whole does not fit."""
MAX_MISFIT_SHARE = 0.02
"""Share of the lit pixels that do not fit, from which on something larger than a speck moved; of a scene that lies still, hardly one does not."""
CULPRIT_SHARE = 0.7
"""Share of all residual energy that one step explains when it is the one that does not fit."""


@dataclass(frozen=True, slots=True)
class FringeFit:
    """What a sample of pixels says about the fringes."""

    second: float
    """Second harmonic of the fringe as a share of its amplitude, signed."""
    third: float
    """Third harmonic, likewise."""

    @property
    def harmonics(self) -> float:
        """Greatest share of the amplitude that gamma adds to a sinusoid."""
        return abs(self.second) + abs(self.third)

    def gamma(self, sharpness: float = 1.0) -> float:
        """The γ of a projector whose light is (grey/255)^γ.

        Args:
            sharpness: what blur leaves of the fringe's amplitude; it leaves the fourth power of that of the second harmonic.
        """
        ratio = self.second / sharpness**3
        return (1 + 2 * ratio) / (1 - ratio)


def gate(freedom: int) -> float:
    """Energy of the residual over σ² that noise stays below, but for :data:`GATE_SIGMAS` (Wilson-Hilferty)."""
    if freedom <= 0:
        return np.inf
    return freedom * (1 - 2 / (9 * freedom) + GATE_SIGMAS * (2 / (9 * freedom)) ** 0.5) ** 3


class Residual:
    """A sinusoid fitted to each sampled pixel, and what it leaves over.

    Args:
        frames: (N, M) DN of M pixels, none saturated, in N ≥ 4 phase steps.
    """

    def __init__(self, frames: NDArray[np.float32]) -> None:
        self._steps = len(frames)
        theta = 2 * np.pi * np.arange(self._steps) / self._steps
        design = np.stack([np.ones(self._steps), np.cos(theta), np.sin(theta)], 1)
        self._spare = np.eye(self._steps) - design @ np.linalg.pinv(design)
        spare = self._spare.astype(np.float32)
        self.mean, cosine, sine = np.linalg.pinv(design).astype(np.float32) @ frames
        self.amplitude = np.hypot(cosine, sine)
        left = spare @ frames
        fringe = (cosine + 1j * sine) / np.maximum(self.amplitude, 1e-6)  # e^(iφ); the h-th harmonic is B Re e^(ih(φ − θ))
        turned = np.exp(-1j * theta).astype(np.complex64)[:, None]
        harmonics = [spare @ (turned**h * (self.amplitude * fringe**h)).real for h in (2, 3)]
        share = 1 / np.maximum(self.amplitude, 1) ** 2  # as if noise were a share of the amplitude: no bright pixel decides alone
        normal = np.array([[np.sum(share * a * b) for b in harmonics] for a in harmonics])
        second, third = np.linalg.pinv(normal, rcond=1e-6, hermitian=True) @ [np.sum(share * a * left) for a in harmonics]
        self.fit = FringeFit(float(second), float(third))
        self.left = left - second * harmonics[0] - third * harmonics[1]

    @property
    def freedom(self) -> int:
        """Values to spare a pixel."""
        return self._steps - 3

    def noise(self) -> NoiseModel:
        """Noise from neighbours' differences, in which motion, much the same for both, drops out; pixels 2i and 2i + 1 are neighbours.

        Raises:
            ReconstructionError: too few pixels.
        """
        one, other = np.s_[0::2], np.s_[1::2]
        weight = 1 / self.amplitude**2
        both = weight[one] + weight[other]
        difference = self.left[:, one] / self.amplitude[one] - self.left[:, other] / self.amplitude[other]
        variance = np.sum(difference**2, axis=0) / self.freedom / both
        mean = (self.mean[one] * weight[one] + self.mean[other] * weight[other]) / both
        return fit_noise(mean, variance, np.full(len(mean), self.freedom))

    def check(self, noise: NoiseModel) -> None:
        """Refuse steps that do not belong together.

        Raises:
            ReconstructionError: much of the scene moved during the phase steps, or a step shows another picture.
        """
        if self.left.shape[1] < MIN_SAMPLES:
            return
        energy = np.sum(self.left**2, axis=0)
        allowed = noise.sigma_dn(self.mean) ** 2 + (TOLERANCE * self.amplitude) ** 2
        typical = gate_median(self.freedom)
        misfit = float(np.median(energy / allowed)) / typical
        share = float(np.mean(energy > gate(self.freedom) * allowed))
        if misfit <= MAX_MISFIT and share <= MAX_MISFIT_SHARE:
            return
        blame = np.sum(self.left**2, axis=1) / np.diag(self._spare) / energy.sum()
        worst = int(np.argmax(blame))
        named = self.freedom > 1 and blame[worst] > CULPRIT_SHARE  # one value to spare blames every step alike
        raise ReconstructionError(
            f"The phase steps are no sinusoids: what they leave over is {misfit:.1f} times the noise, and {share:.0%} of the lit pixels do not "
            f"fit; {f'step {worst + 1} of {self._steps} does not belong to the others' if named else 'no single step is to blame'}.",
            cure="Hold the part still while it is captured, look for vibration, and check that the projector shows the patterns loaded.",
            detail="phase_steps",
        )


def gate_median(freedom: int) -> float:
    """Median of χ² (Wilson-Hilferty)."""
    return freedom * (1 - 2 / (9 * freedom)) ** 3
