"""Generic decoding of other people's patterns, in float and with a handful of arrays of the image's size.

Images are read one at a time, and in the order that the decoding needs rather than that of the capture: what gives thresholds first.
References, fringes' mean, inverses or, failing all, each pixel's darkest and brightest Gray image tell bright from dark.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rig_configs.errors import ReconstructionError
from structured_light import foreign_kernels as kernels
from structured_light.decoder import Decoded
from structured_light.foreign_pattern import CapturePattern, PhaseConfig, Role, Show
from structured_light.noise import NoiseModel
from structured_light.patterns import Direction

F32 = NDArray[np.float32]
Read = Callable[[Role], NDArray[np.uint8 | np.uint16]]

WEAK_SHARE = 0.05
"""A Gray bit nearer to its threshold than this share of the pixel's contrast is weak."""
NOTHING_READ = 0x30000
"""Two weak bits that no code has: a pixel without contrast."""
MOST_BLURRED = 8
"""Codes that a pixel of a blurred Gray code may span."""
QUANTISATION_DN = 12**-0.5


@dataclass(frozen=True, slots=True)
class Levels:
    """What tells bright from dark in every pixel."""

    middle: F32
    """(H, W) DN."""
    contrast: F32
    """(H, W) bright less dark, DN."""


@dataclass(frozen=True, slots=True)
class Fringes:
    """One set of fringes, measured."""

    turns: F32
    """(H, W) phase in turns, [0, 1); NaN where saturated or too faint."""
    amplitude: F32
    """(H, W) B, DN."""
    mean: F32 | None
    """(H, W) A, DN, where the set tells it."""
    sigma_turns: F32
    """(H, W) standard deviation of the phase from noise, turns."""


def decode_axis(pattern: CapturePattern, axis: Direction, read: Read, full_scale_dn: float, coarse: F32 | None = None) -> Decoded:
    """Decode the images of one direction.

    Args:
        pattern: what the images show.
        axis: which direction.
        read: gives the (H, W) image of a role.
        full_scale_dn: a phase image at or above this value is saturated.
        coarse: (H, W) where each pixel should look on the projector, for fringes that do not count themselves.

    Returns:
        As the station's own decoder gives it; ``modulation`` is half the contrast where there are no fringes.

    Raises:
        ReconstructionError: images of different sizes.
    """
    read = _same_size(read)
    least = pattern.min_contrast * full_scale_dn
    levels = _references(read) if pattern.thresholds else None
    sets: dict[int, Fringes] = {}
    middle = None if levels is None else levels.middle
    # A set that knows its mean lends it to those that do not.
    for i in sorted(range(len(pattern.phase)), key=lambda i: not pattern.phase[i].knows_mean):
        sets[i] = _fringes(pattern.phase[i], i, axis, read, full_scale_dn, least, middle)
        middle = sets[i].mean if middle is None else middle
    if pattern.gray is not None:
        if levels is None and middle is not None:
            strongest = max(sets.values(), key=lambda s: float(np.median(s.amplitude)))
            levels = Levels(middle, _f32(2 * strongest.amplitude))
        coarse, sigma, levels = _gray(pattern, axis, read, least, levels)
        if not sets:
            outside = ~((coarse >= -0.5) & (coarse <= pattern.length(axis) - 0.5))
            coarse[outside] = sigma[outside] = np.nan
            coarse, sigma = _within_codes(coarse, sigma, pattern.gray.unit_px)
            return Decoded(coarse, _f32(levels.contrast / 2), levels.middle, sigma, NoiseModel(0.0, 0.0))
    return _combine(pattern, axis, sets, levels, coarse)


def _same_size(read: Read) -> Read:
    shapes: list[tuple[int, ...]] = []

    def checked(role: Role) -> NDArray[np.uint8 | np.uint16]:
        image = read(role)
        shapes.append(image.shape)
        if image.shape != shapes[0]:
            raise ReconstructionError(
                f"The image '{role}' is {image.shape[1]} x {image.shape[0]} pixels, another is {shapes[0][1]} x {shapes[0][0]}.",
                cure="Give images of one size.",
                detail="frame_size",
            )
        return image

    return checked


def _references(read: Read) -> Levels:
    white, black = (read(Role(show)).astype(np.float32) for show in (Show.WHITE, Show.BLACK))
    return Levels(_f32((white + black) / 2), _f32(white - black))


def _fringes(config: PhaseConfig, index: int, axis: Direction, read: Read, full: float, least: float, mean: F32 | None) -> Fringes:
    """Least-squares A, B cos Φ and B sin Φ, accumulated image by image."""
    alone = config.knows_mean
    weights = np.linalg.pinv(config.model if alone else config.model[:, 1:]).astype(np.float32)
    total = cosine = sine = np.empty((0, 0), np.float32)
    sigma_dn = 0.0
    for k in range(config.count):
        image = read(Role(Show.PHASE, axis, k, index))
        value = image.astype(np.float32)
        value[image >= full] = np.nan
        if k == 0:
            total, cosine, sine = (np.zeros_like(value) for _ in range(3))
            sigma_dn = noise_dn(value)
        if not alone and mean is not None:
            value -= mean
        if alone:
            total += weights[0, k] * value
        cosine += weights[-2, k] * value
        sine += weights[-1, k] * value
    amplitude = np.hypot(cosine, sine)
    turns = np.arctan2(sine, cosine) / np.float32(2 * np.pi)
    turns -= np.floor(turns)
    turns[~(amplitude >= least / 2)] = np.nan
    spread = np.float32((weights[-2:] ** 2).sum(axis=1).mean() ** 0.5 * sigma_dn / (2 * np.pi))
    with np.errstate(divide="ignore"):
        return Fringes(_f32(turns), amplitude, total if alone else None, _f32(spread / amplitude))


def noise_dn(image: F32) -> float:
    """Standard deviation of an image's noise, DN, by a mask that stripes along either direction do not answer to; NaN left out.

    Reference: J. Immerkær, Fast noise variance estimation, CVIU 64 (1996); the median in place of the mean leaves edges out.
    """
    d = image[:, 2:] - 2 * image[:, 1:-1] + image[:, :-2]
    mask = np.abs(d[2:] - 2 * d[1:-1] + d[:-2])
    known = mask[~np.isnan(mask)]
    if not len(known):
        return QUANTISATION_DN
    return max(float(np.median(known)) / (0.6745 * 6), QUANTISATION_DN)


def _gray(pattern: CapturePattern, axis: Direction, read: Read, least: float, levels: Levels | None) -> tuple[F32, F32, Levels]:
    """Places by the Gray code, their standard deviation, and the levels used."""
    gray, bits = pattern.gray, pattern.bits(axis)
    assert gray is not None
    inverses = gray.inverses != "none"
    if levels is None:
        levels = _extremes(axis, bits, read, (Show.BIT, Show.INVERSE) if inverses else (Show.BIT,))
    code, weak = np.zeros(levels.middle.shape, np.uint32), np.zeros(levels.middle.shape, np.uint32)
    weak[~(levels.contrast >= least)] = NOTHING_READ
    margin = WEAK_SHARE * levels.contrast
    for bit in range(bits):
        above = read(Role(Show.BIT, axis, bit)).astype(np.float32)
        if inverses:
            above -= read(Role(Show.INVERSE, axis, bit))
            above *= 0.5
        else:
            above -= levels.middle
        kernels.add_bit(above, margin, bits - 1 - bit, code, weak)
    place, sigma = np.empty(code.shape, np.float32), np.empty(code.shape, np.float32)
    length = pattern.length(axis)
    widest = max((p.period(length) for p in pattern.phase), default=MOST_BLURRED * gray.unit_px)
    kernels.positions_of_codes(code, weak, gray.unit_px, pattern.offset(axis), float(length), widest, place, sigma)
    return place, sigma, levels


def _within_codes(place: F32, sigma: F32, unit_px: float) -> tuple[F32, F32]:
    """Gray codes alone make terraces; the edges between them tell more, along the direction of the image in which they change."""
    across, down = (float(np.nanmean(np.abs(np.diff(place, axis=axis)) > 0)) for axis in (1, 0))
    out, sigma_out = np.empty_like(place), np.empty_like(sigma)
    kernels.interpolate_codes(place, sigma, unit_px, int(down > across), int(down <= across), out, sigma_out)
    return out, sigma_out


def _extremes(axis: Direction, bits: int, read: Read, shows: tuple[Show, ...]) -> Levels:
    """Each pixel's darkest and brightest Gray image; of a pixel that is dark in all of them, nothing can be told."""
    low = high = np.empty((0, 0))
    for show in shows:
        for bit in range(bits):
            image = read(Role(show, axis, bit))
            low, high = (image.copy(), image.copy()) if low.size == 0 else (np.minimum(low, image), np.maximum(high, image))
    low, high = low.astype(np.float32), high.astype(np.float32)
    return Levels(_f32((low + high) / 2), _f32(high - low))


def _combine(pattern: CapturePattern, axis: Direction, sets: dict[int, Fringes], levels: Levels | None, coarse: F32 | None) -> Decoded:
    length = pattern.length(axis)
    order = sorted(sets, key=lambda i: -pattern.phase[i].period(length))
    finest = order[-1]
    position = np.empty_like(sets[finest].turns)
    period = pattern.phase[finest].period(length)
    if coarse is None:
        kernels.excess_fractions(
            np.stack([sets[i].turns for i in sets]),
            np.array([pattern.phase[i].period(length) for i in sets]),
            np.array([pattern.phase[i].crest_px for i in sets]),
            list(sets).index(finest),
            float(length),
            pattern.separation_turns(axis) / 2,
            position,
        )
    else:
        for i in order:
            p = pattern.phase[i].period(length)
            kernels.refine(coarse, sets[i].turns, p, pattern.phase[i].crest_px, p / 2, position)
            if i == order[0] and pattern.gray is not None and pattern.gray.unit_px > 0.6 * p:
                settled = np.empty_like(position)
                kernels.settle_edges(position, p, pattern.gray.unit_px, pattern.offset(axis), settled)
                position = settled
            coarse = position.copy()
        position[~((position >= -0.5) & (position <= length - 0.5))] = np.nan
    best = sets[finest]
    middle = best.mean if best.mean is not None else levels.middle if levels is not None else np.full_like(position, np.nan)
    sigma = np.where(np.isnan(position), np.float32(np.nan), best.sigma_turns * np.float32(period))
    return Decoded(position, best.amplitude, middle, sigma, NoiseModel(0.0, 0.0))


def _f32(values: NDArray[np.floating]) -> F32:
    return values.astype(np.float32, copy=False)
