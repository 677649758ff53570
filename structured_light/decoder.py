"""From fringe frames to the projector column that each camera pixel sees."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rig_configs.errors import ReconstructionError
from structured_light import kernels
from structured_light.noise import NoiseModel, estimate_noise
from structured_light.patterns import FringePatterns

Four = tuple[NDArray, NDArray, NDArray, NDArray]
NOISE_SAMPLES = 40_000
"""Pixels whose Gray frames are kept to estimate the noise."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """What one projector's fringes say about every camera pixel."""

    column: NDArray[np.float32]
    """(H, W) projector column (row, for fringes along rows), projector pixels with centres at integers; NaN where not valid."""
    modulation: NDArray[np.float32]
    """(H, W) fringe amplitude B, DN."""
    mean: NDArray[np.float32]
    """(H, W) mean of the phase steps A, DN; NaN where a step saturated."""
    sigma_column: NDArray[np.float32]
    """(H, W) standard deviation of the column from noise, p/2π · √(2/N) σ_I/B, projector pixels; NaN where not valid."""
    noise: NoiseModel
    """σ_I as used."""

    @property
    def valid(self) -> NDArray[np.bool_]:
        """(H, W) whether the column can be trusted: not saturated, modulated enough, codes without conflict."""
        return ~np.isnan(self.column)


class FringeDecoder:
    """Accumulates the frames of one pattern set; holds three sums and a code a pixel, never a stack of frames.

    Works on raw Bayer pixels, for a pixel's phase does not depend on its colour filter.

    Args:
        patterns: what the projector shows.
        saturation_dn: a phase step at or above this spoils the pixel.
        min_modulation_dn: least fringe amplitude; half of it is the least distance of a Gray bit from its threshold.
        noise: the sensor's noise; estimated from the Gray frames where not given.
    """

    def __init__(self, patterns: FringePatterns, saturation_dn: float, min_modulation_dn: float, noise: NoiseModel | None = None) -> None:
        self.patterns = patterns
        self._saturation = np.float32(saturation_dn)
        self._min_modulation = np.float32(min_modulation_dn)
        self._noise = noise
        self._next = 0
        self._total = self._cosine = self._sine = np.empty((0, 0), np.float32)
        self._code = np.empty((0, 0), np.uint16)
        self._samples: list[NDArray[np.float32]] = []

    @property
    def complete(self) -> bool:
        """Whether every pattern has been added."""
        return self._next == self.patterns.count

    def reset(self) -> None:
        """Forget the frames, keep the memory."""
        self._next = 0
        self._samples.clear()

    def add(self, pattern: int, pixels: NDArray[np.uint8 | np.uint16]) -> None:
        """Take the frame of one pattern; patterns come in order.

        Args:
            pattern: index of the pattern.
            pixels: (H, W) uint8 or uint16, DN.

        Raises:
            ReconstructionError: out of order, or of another size than the frames before.
        """
        if pattern != self._next:
            raise ReconstructionError(
                f"Pattern {pattern} arrived where pattern {self._next} of {self.patterns.count} was due.",
                cure="Capture the fringe sequence again, complete and in order.",
                detail="pattern_order",
            )
        if pattern == 0:
            self._prepare(pixels.shape)
        elif pixels.shape != self._total.shape:
            raise ReconstructionError(
                f"The frame of pattern {pattern} is {pixels.shape[::-1]} pixels, the ones before were {self._total.shape[::-1]}.",
                cure="Capture the fringe sequence again with one image size.",
                detail="frame_size",
            )
        frame = np.ascontiguousarray(pixels)
        steps, bits = self.patterns.fringes.steps, self.patterns.bits
        if pattern == 0:
            kernels.start_phase(frame, self._saturation, self._total, self._cosine, self._sine)
        elif pattern < steps:
            angle = 2 * math.pi * pattern / steps
            kernels.add_phase(
                frame, self._saturation, np.float32(math.cos(angle)), np.float32(math.sin(angle)), self._total, self._cosine, self._sine
            )
        else:
            flag = kernels.MAIN_WEAK if pattern < steps + bits else kernels.GUARD_WEAK
            kernels.add_bit(frame, pattern == steps, flag, np.float32(1 / steps), self._min_modulation / 2, self._total, self._code)
            if self._noise is None:
                self._samples.append(frame[:: self._stride, :: self._stride].astype(np.float32))
        self._next += 1

    def decode(self, out: Decoded | None = None) -> Decoded:
        """The column of every pixel.

        Args:
            out: a result that is no longer needed, whose arrays are filled anew: fresh memory costs more than the decoding.

        Raises:
            ReconstructionError: a pattern is missing, or nothing shows fringes.
        """
        if not self.complete:
            raise ReconstructionError(
                f"Fringe frames are missing: {self._next} of {self.patterns.count} patterns arrived.",
                cure="Capture the fringe sequence again, complete.",
                detail="pattern_missing",
            )
        noise = self._noise or self._estimate_noise()
        shape = self._total.shape
        if out is None or out.column.shape != shape:
            out = Decoded(*_empty(shape), noise)
        self._finish((self._total, self._cosine, self._sine, self._code), noise, (out.column, out.modulation, out.mean, out.sigma_column))
        return replace(out, noise=noise)

    def _prepare(self, shape: tuple[int, ...]) -> None:
        if self._total.shape != shape:
            self._total, self._cosine, self._sine = (np.empty(shape, np.float32) for _ in range(3))
            self._code = np.empty(shape, np.uint16)
        self._stride = max(1, math.isqrt(self._total.size // NOISE_SAMPLES))

    def _finish(self, sums: Four, noise: NoiseModel, out: Four) -> None:
        patterns = self.patterns
        period, length = np.float32(patterns.fringes.period_px), np.float32(patterns.length_px)
        limits = (patterns.fringes.steps, period, patterns.orders, length, self._min_modulation)
        kernels.finish(*sums, *limits, noise.offset_dn2, noise.slope_dn, *out)

    def _estimate_noise(self) -> NoiseModel:
        """Noise from the sampled Gray frames, at pixels in the middle between the code edges of the frames used."""
        patterns = self.patterns
        pick = np.s_[:: self._stride, :: self._stride]
        total, cosine, sine, code = (np.ascontiguousarray(a[pick]) for a in (self._total, self._cosine, self._sine, self._code))
        column, _, mean, _ = out = _empty(total.shape)
        self._finish((total, cosine, sine, code), NoiseModel(1, 0), out)
        turns = np.mod((column + 0.5) / patterns.fringes.period_px, 1)  # NaN stays NaN, and compares false below
        if patterns.bits > 1:
            frames, usable = np.stack(self._samples[: patterns.bits]), np.abs(turns - 0.5) < 1 / 8
        else:  # one Gray bit repeats nothing: the complementary bit, with edges half a period away, is its second look
            frames, usable = np.stack(self._samples), np.abs(np.mod(2 * turns, 1) - 0.5) < 1 / 4
        usable &= (frames < self._saturation).all(axis=0)
        return estimate_noise(frames[:, usable], frames[:, usable] > mean[usable])


def _empty(shape: tuple[int, ...]) -> Four:
    return np.empty(shape, np.float32), np.empty(shape, np.float32), np.empty(shape, np.float32), np.empty(shape, np.float32)
