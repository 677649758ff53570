"""From fringe frames to the projector column that each camera pixel sees."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rig_configs.errors import ReconstructionError
from structured_light import kernels
from structured_light.diagnosis import TOLERANCE, Residual, gate
from structured_light.noise import NoiseModel, estimate_noise
from structured_light.patterns import FringePatterns, PatternRole
from structured_light.unwrapping import ladder, least_contrast, unwrap_image

Four = tuple[NDArray, NDArray, NDArray, NDArray]
NOISE_SAMPLES = 20_000
"""Pixels whose frames are kept to estimate the noise and to see whether the frames belong together."""
MAX_SIGMA_TURNS = 1 / 40
"""A phase less certain than this could be told the wrong order: five σ reach from a Gray edge to where the code is clear."""
CLEAR_CONTRAST = 20.0
"""Fringe amplitude over noise from which on no noise explains a contradiction."""
MAX_CONFLICT_SHARE = 0.3
"""Share of pixels with clear fringes whose orders contradict their phase, from which on the frames do not belong together."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """What one projector's fringes say about every camera pixel."""

    column: NDArray[np.float32]
    """(H, W) projector column (row, for fringes along rows; w, for turned ones), projector pixels with centres at integers; NaN where not valid."""
    modulation: NDArray[np.float32]
    """(H, W) fringe amplitude B, DN, at the exposure that was used."""
    mean: NDArray[np.float32]
    """(H, W) mean of the phase steps A, DN; NaN where a step of every exposure saturated."""
    sigma_column: NDArray[np.float32]
    """(H, W) standard deviation of the column from noise, p/2π · √(2/N) σ_I/B, projector pixels; NaN where not valid."""
    noise: NoiseModel
    """σ_I as used."""
    gamma: float = math.nan
    """γ that the projector still shows, after the patterns' own correction; NaN where fewer than five steps tell nothing."""

    @property
    def valid(self) -> NDArray[np.bool_]:
        """(H, W) whether the column can be trusted: not saturated, modulated enough, a sinusoid, orders without conflict."""
        return ~np.isnan(self.column)


@dataclass(frozen=True, slots=True)
class _Diagnosis:
    noise: NoiseModel
    still_noise: NoiseModel
    """Noise free of what moves between frames, where there are steps to spare: what moved during the Gray code would pass for noise."""
    tolerance: float
    """Misfit of the phase steps that gamma explains, as a share of the amplitude."""
    gamma: float


class _Sums:
    """Sums over the phase steps of one period and exposure: of the values, times cosine, times sine, squared."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.planes = _empty(shape)

    def add(self, step: int, steps: int, frame: NDArray, saturation: np.float32) -> None:
        angle = 2 * math.pi * step / steps
        if step == 0:
            kernels.start_phase(frame, saturation, *self.planes)
        else:
            kernels.add_phase(frame, saturation, np.float32(math.cos(angle)), np.float32(math.sin(angle)), *self.planes)


class FringeDecoder:
    """Accumulates the frames of one pattern set; holds four sums and a code a pixel, never a stack of frames.

    Works on raw Bayer pixels, for a pixel's phase does not depend on its colour filter.

    Args:
        patterns: what the projector shows.
        saturation_dn: a phase step at or above this spoils the pixel.
        min_modulation_dn: least fringe amplitude; half of it is the least distance of a Gray bit from its threshold.
        noise: the sensor's noise; estimated from the frames where not given.
        black_level_dn: value of a pixel without light; needed where several exposures are taken.
    """

    def __init__(
        self,
        patterns: FringePatterns,
        saturation_dn: float,
        min_modulation_dn: float,
        noise: NoiseModel | None = None,
        black_level_dn: float = 0.0,
    ) -> None:
        self.patterns = patterns
        self._roles = patterns.roles
        self._saturation = np.float32(saturation_dn)
        self._min_modulation = np.float32(min_modulation_dn)
        self._noise = noise
        self._black = np.float32(black_level_dn)
        self._next = 0
        self._shape: tuple[int, ...] = ()
        self._samples: list[NDArray[np.float32]] = []

    @property
    def complete(self) -> bool:
        """Whether every pattern has been added."""
        return self._next == len(self._roles)

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
                f"Pattern {pattern} arrived where pattern {self._next} of {len(self._roles)} was due.",
                cure="Capture the fringe sequence again, complete and in order.",
                detail="pattern_order",
            )
        if pattern == 0:
            self._prepare(pixels.shape)
        elif pixels.shape != self._shape:
            raise ReconstructionError(
                f"The frame of pattern {pattern} is {pixels.shape[::-1]} pixels, the ones before were {self._shape[::-1]}.",
                cure="Capture the fringe sequence again with one image size.",
                detail="frame_size",
            )
        frame = np.ascontiguousarray(pixels)
        self._samples.append(frame[self._pick].astype(np.float32))
        role = self._roles[pattern]
        if role is PatternRole.PHASE:
            self._add_phase(pattern, frame)
        elif role is PatternRole.COARSE:
            self._add_coarse(pattern - self.patterns.fringes.phase_patterns, frame)
        else:
            self._add_bit(pattern - self.patterns.fringes.phase_patterns, frame)
        self._next += 1

    def decode(self, out: Decoded | None = None) -> Decoded:
        """The column of every pixel.

        Args:
            out: a result that is no longer needed, whose arrays are filled anew: fresh memory costs more than the decoding.

        Raises:
            ReconstructionError: a pattern is missing, nothing shows fringes, or the frames do not belong together: the part moved, or the
                projector showed something else.
        """
        if not self.complete:
            raise ReconstructionError(
                f"Fringe frames are missing: {self._next} of {len(self._roles)} patterns arrived.",
                cure="Capture the fringe sequence again, complete.",
                detail="pattern_missing",
            )
        found = self._diagnose()
        if out is None or out.column.shape != self._shape:
            out = Decoded(*_empty(self._shape), found.noise)
        result = replace(out, noise=found.noise, gamma=found.gamma)
        fields = (result.column, result.modulation, result.mean, result.sigma_column)
        self._finish(self._sums.planes, self._codes, found.noise, gate(self.patterns.fringes.steps - 3), found.tolerance, fields)
        self._refuse_conflicts(result, found.still_noise)
        return result

    # ---------------------------------------------------------------------------------------------------- accumulating

    def _prepare(self, shape: tuple[int, ...]) -> None:
        further = self.patterns.multi_frequency
        if self._shape != shape:
            self._shape = shape
            self._sums = _Sums(shape)
            several = further is not None or len(self.patterns.fringes.exposures) > 1
            self._other = _Sums(shape) if several else self._sums
            self._codes = [np.empty(shape, np.uint16) for _ in range(len(further.periods_px) if further else 1)]
            self._threshold = np.empty(shape if len(self.patterns.fringes.exposures) > 1 else (0, 0), np.float32)
        stride = max(2, 2 * math.isqrt(math.prod(shape) // NOISE_SAMPLES))
        rows = np.arange(0, shape[0] - 1, stride)
        self._pick = np.ix_(np.stack([rows, rows + 1], 1).ravel(), np.arange(0, shape[1], stride // 2))

    def _add_phase(self, pattern: int, frame: NDArray) -> None:
        fringes = self.patterns.fringes
        exposure, step = divmod(pattern, fringes.steps)
        sums = self._other if exposure else self._sums
        sums.add(step, fringes.steps, frame, self._saturation)
        if len(fringes.exposures) > 1 and step == fringes.steps - 1:
            if exposure == 0:
                kernels.start_thresholds(self._sums.planes[0], fringes.steps, self._threshold)
            else:
                longer_by = np.float32(fringes.exposures[0] / fringes.exposures[exposure])
                kernels.take_unsaturated(
                    sums.planes, fringes.steps, longer_by, self._black, self._saturation, *self._sums.planes, self._threshold
                )  # fmt: skip

    def _add_coarse(self, pattern: int, frame: NDArray) -> None:
        further = self.patterns.multi_frequency
        assert further is not None
        which, step = divmod(pattern, further.steps)
        self._other.add(step, further.steps, frame, self._saturation)
        if step == further.steps - 1:
            kernels.fold_coarse(self._other.planes, further.steps, self._min_modulation, self._sums.planes[0], self._codes[which])

    def _add_bit(self, bit: int, frame: NDArray) -> None:
        flag = kernels.MAIN_WEAK if bit < self.patterns.bits else kernels.GUARD_WEAK
        if len(self.patterns.fringes.exposures) > 1:
            level, scale = self._threshold, np.float32(1)
        else:
            level, scale = self._sums.planes[0], np.float32(1 / self.patterns.fringes.steps)
        kernels.add_bit(frame, bit == 0, flag, scale, self._min_modulation / 2, level, self._codes[0])

    # --------------------------------------------------------------------------------------------------------- solving

    def _finish(self, sums: Four, codes: list[NDArray], noise: NoiseModel, gate: float, tolerance: float, out: Four) -> None:
        patterns = self.patterns
        fringes, further = patterns.fringes, patterns.multi_frequency
        shares = np.sqrt([2 / fringes.steps, *([2 / further.steps] * len(codes) if further else [])]) / (2 * math.pi)
        max_contrast = MAX_SIGMA_TURNS / shares[0] if math.isfinite(gate) else math.inf
        if further and math.isfinite(gate):
            max_contrast = min(max_contrast, 1 / least_contrast(fringes))
        limits = tuple(
            np.float32(v)
            for v in (self._min_modulation, max_contrast, gate, tolerance * math.sqrt(fringes.steps / 2), noise.offset_dn2, noise.slope_dn)
        )
        column, modulation, mean, sigma = out
        if further is None:
            size = (fringes.steps, np.float32(fringes.period_px), patterns.orders, np.float32(patterns.length_px))
            kernels.finish_gray(*sums, codes[0], *size, limits, *out)
            return
        kernels.finish_phase(*sums, fringes.steps, limits, column, modulation, mean, sigma)
        rungs = ladder(fringes)
        coefficients = np.array([rung.coefficients for rung in rungs], np.float64)
        frequencies = np.array([*(rung.frequency for rung in rungs), *(1 / p for p in further.periods_px)])
        unwrap_image(column, tuple(codes), sigma, coefficients, frequencies, shares, patterns.length_px, column)
        np.multiply(sigma, np.float32(shares[0] * fringes.period_px), out=sigma)
        sigma[np.isnan(column)] = np.nan

    def _diagnose(self) -> _Diagnosis:
        """What the sampled pixels say."""
        fringes = self.patterns.fringes
        samples = np.stack([s.ravel() for s in self._samples])
        total, cosine, sine, squares = (np.ascontiguousarray(a[self._pick]) for a in self._sums.planes)
        codes = [np.ascontiguousarray(c[self._pick]) for c in self._codes]
        column, modulation, mean, _ = out = _empty(total.shape)
        self._finish((total, cosine, sine, squares), codes, NoiseModel(1, 0), math.inf, 0.0, out)
        lit = ((modulation >= self._min_modulation) & ~np.isnan(mean)).reshape(-1, 2, total.shape[1]).all(axis=1)
        row, at = np.nonzero(lit)
        upper = 2 * row * total.shape[1] + at
        pairs = np.stack([upper, upper + total.shape[1]], 1).ravel()  # neighbours one below the other, side by side
        noise, residual = self._noise, None
        if fringes.steps > 3 and len(pairs):
            phase = samples[: fringes.phase_patterns].reshape(len(fringes.exposures), fringes.steps, -1)[:, :, pairs]
            # the first exposure in which both neighbours are unsaturated is the one that the sums hold, and differs for few
            unsaturated = (phase < self._saturation).all(axis=1).reshape(len(phase), -1, 2).all(axis=2)
            chosen = np.repeat(unsaturated.argmax(axis=0), 2)
            keep = np.repeat(unsaturated.any(axis=0), 2)
            residual = Residual(np.take_along_axis(phase, chosen[None, None], axis=0)[0][:, keep])
        still = residual.noise() if residual else None
        if noise is None:
            # what goes wrong with either estimate, blur at Gray edges or structure finer than two pixels, adds: the smaller is right
            gray = self._noise_of_gray(samples[fringes.phase_patterns :], column.ravel(), mean.ravel()) if not self.patterns.multi_frequency else None
            level = float(np.median(residual.mean)) if residual else 0.0
            noise = min((n for n in (gray, still) if n), key=lambda n: float(n.sigma_dn(level)), default=NoiseModel(1, 0))
        if residual is None or still is None:
            return _Diagnosis(noise, noise, 0.0, math.nan)
        residual.check(noise)
        gamma = residual.fit.gamma(self._sharpness(samples, pairs, modulation.ravel(), mean.ravel())) if fringes.steps > 4 else math.nan
        return _Diagnosis(noise, still, residual.fit.harmonics + TOLERANCE, gamma)

    def _sharpness(self, samples: NDArray[np.float32], pixels: NDArray[np.intp], modulation: NDArray[np.float32], mean: NDArray[np.float32]) -> float:
        """What blur leaves of the fringes' amplitude: it hardly touches the Gray code, whose swing is theirs without blur."""
        if self.patterns.multi_frequency is not None or self.patterns.bits < 2:
            return 1.0
        code = samples[self.patterns.fringes.phase_patterns :][: self.patterns.bits, pixels]
        bright = code > mean[pixels]
        n = bright.sum(axis=0)
        both = (n > 0) & (n < len(code)) & (code.max(axis=0) < self._saturation)
        code, bright, n, amplitude = code[:, both], bright[:, both], n[both], modulation[pixels][both]
        swing = (code * bright).sum(axis=0) / n - (code * ~bright).sum(axis=0) / (len(code) - n)
        return min(1.0, float(np.median(2 * amplitude / swing))) if swing.size else 1.0

    def _noise_of_gray(self, frames: NDArray[np.float32], column: NDArray[np.float32], mean: NDArray[np.float32]) -> NoiseModel:
        """Noise from the sampled Gray frames, at pixels in the middle between the code edges of the frames used."""
        turns = np.mod((column + 0.5) / self.patterns.fringes.period_px, 1)  # NaN stays NaN, and compares false below
        if self.patterns.bits > 1:
            frames, usable = frames[: self.patterns.bits], np.abs(turns - 0.5) < 1 / 8
        else:  # one Gray bit repeats nothing: the complementary bit, with edges half a period away, is its second look
            usable = np.abs(np.mod(2 * turns, 1) - 0.5) < 1 / 4
        usable &= (frames < self._saturation).all(axis=0)
        return estimate_noise(frames[:, usable], frames[:, usable] > mean[usable])

    def _refuse_conflicts(self, decoded: Decoded, noise: NoiseModel) -> None:
        column, modulation, mean = (a[self._pick] for a in (decoded.column, decoded.modulation, decoded.mean))
        with np.errstate(invalid="ignore"):
            clear = modulation > max(CLEAR_CONTRAST, 1.2 * least_contrast(self.patterns.fringes)) * noise.sigma_dn(mean)
            clear &= modulation >= 2 * self._min_modulation
        conflict = float(np.mean(np.isnan(column[clear]))) if clear.any() else 0.0
        if conflict > MAX_CONFLICT_SHARE:
            raise ReconstructionError(
                f"{conflict:.0%} of the pixels with clear fringes contradict themselves about the fringe's order.",
                cure="Hold the part still while it is captured, and check that the projector shows the patterns loaded, in order.",
                detail="fringe_orders",
            )


def _empty(shape: tuple[int, ...]) -> Four:
    return np.empty(shape, np.float32), np.empty(shape, np.float32), np.empty(shape, np.float32), np.empty(shape, np.float32)
