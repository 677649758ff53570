"""Four-eye reconstruction as an accumulator: fringe frames in, one organised cloud out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rig_configs.errors import ReconstructionError
from rig_configs.fringes import FringeConfig
from structured_light.decoder import Decoded, FringeDecoder
from structured_light.fusion import fuse
from structured_light.geometry import Geometry, ray_slopes
from structured_light.mixed_pixels import reject_mixed
from structured_light.motion import refuse_motion
from structured_light.noise import NoiseModel
from structured_light.patterns import FringePatterns
from structured_light.point_map import PointMap
from structured_light.smoothing import smooth
from structured_light.triangulation import Heights, Triangulator, points

MIN_MODULATION_SHARE = 0.01
"""Least fringe amplitude as a share of the full scale, where nothing else is asked for."""
MAX_CONTRADICTED = 0.5
"""Share of the pixels seen by several projectors on which no two agree, from which on something moved between them."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """Which share of the camera's pixels has a point."""

    projectors: dict[str, float]
    """Share that each projector used measured, by its name."""
    fused: float
    """Share with a point in the cloud."""
    agreed: float
    """Share with a point on which at least two projectors agree."""


class FourEye:
    """Takes the fringe frames of all projectors, decodes and triangulates each projector when its last frame is there.

    Args:
        calibration: the calibrated rig.
        fringes: the fringe sequence that is captured.
        saturation_dn: a phase step at or above this spoils the pixel.
        min_modulation_dn: least fringe amplitude, DN; 1 % of the saturation where not given.
        projectors: which projectors to use, all where not given; frames of others are passed over.
        angles_deg: for every projector of the rig the angle that its fringes are turned by; columns where not given.
        noise: the sensor's noise where it is known; read off the frames where not given.
        height_range_mm: least and greatest height over the reference plane that a surface can have, mm; any where not given.
    """

    def __init__(
        self,
        calibration: Geometry,
        fringes: FringeConfig,
        saturation_dn: float,
        min_modulation_dn: float | None = None,
        projectors: Sequence[int] | None = None,
        angles_deg: Sequence[float] | None = None,
        noise: NoiseModel | None = None,
        height_range_mm: tuple[float, float] | None = None,
    ) -> None:
        self._camera = calibration.camera
        self._used = tuple(range(len(calibration.projectors))) if projectors is None else tuple(projectors)
        self._slopes = ray_slopes(calibration.camera)
        angles = [0.0] * len(calibration.projectors) if angles_deg is None else angles_deg
        self._patterns: dict[int, FringePatterns] = {}
        self._triangulators: dict[int, Triangulator] = {}
        for i in self._used:
            projector = calibration.projectors[i]
            self._patterns[i] = FringePatterns(fringes, projector.width_px, projector.height_px, angles[i])
            self._triangulators[i] = Triangulator(calibration.camera, projector, self._slopes, self._patterns[i].axis, height_range_mm)
        self._fringes = fringes
        self._noise = noise
        self._black = calibration.black_level_dn
        self._saturation = saturation_dn
        self._min_modulation = MIN_MODULATION_SHARE * saturation_dn if min_modulation_dn is None else min_modulation_dn
        self._names = {i: calibration.projectors[i].name for i in self._used}
        self._decoders: dict[int, FringeDecoder] = {}
        self._spare: list[FringeDecoder] = []
        self._scratch: Decoded | None = None
        self._heights: dict[int, Heights] = {}
        self._fused_z: NDArray[np.float32] | None = None
        self._done: set[int] = set()
        self._gammas: dict[str, float] = {}
        self.coverage: Coverage | None = None

    def reset(self) -> None:
        """Forget the frames of the last part, keep the memory."""
        self._spare += self._decoders.values()
        self._decoders.clear()
        self._done.clear()
        self._gammas.clear()
        self.coverage = None

    def add(self, projector: int, pattern: int, pixels: NDArray[np.uint8 | np.uint16]) -> None:
        """Take one fringe frame; the patterns of a projector come in order, projectors in any.

        Args:
            projector: index of the projector.
            pattern: index of the pattern.
            pixels: (H, W) uint8 or uint16, DN, raw mosaic or mono.

        Raises:
            ReconstructionError: a frame out of order, twice, or of the wrong size; no fringes at all.
        """
        if projector not in self._triangulators:
            return
        if projector in self._done:
            raise ReconstructionError(
                f"Projector '{self._names[projector]}' sent pattern {pattern} after its sequence was complete.",
                cure="Capture the part again; call reset() between parts.",
                detail="pattern_order",
            )
        decoder = self._decoders.get(projector) or self._decoders.setdefault(projector, self._decoder(projector))
        decoder.add(pattern, pixels)
        if decoder.complete:
            self._heights[projector] = self._solve(projector, decoder)
            self._done.add(projector)
            decoder.reset()
            self._spare.append(self._decoders.pop(projector))

    def reconstruct(self) -> PointMap:
        """The fused cloud.

        Raises:
            ReconstructionError: frames of a projector are missing, the part moved, or no pixel could be measured.
        """
        missing = [self._names[i] for i in self._used if i not in self._done]
        if missing:
            raise ReconstructionError(
                f"Fringe frames are missing of {', '.join(missing)}.", cure="Capture the part again, complete.", detail="pattern_missing"
            )
        refuse_motion([self._heights[i] for i in self._used], list(self._names.values()), self._pitch_mm)
        fused = fuse([self._heights[i] for i in self._used], z_mm=self._fused_z)
        self._fused_z = fused.z_mm
        if fused.contradicted > MAX_CONTRADICTED:
            raise ReconstructionError(
                f"The projectors contradict each other on {fused.contradicted:.0%} of the pixels that several of them measured.",
                cure="Hold the part still from the first projector's frames to the last one's; if it was, calibrate the rig again.",
                detail="projectors_disagree",
            )
        reject_mixed(fused.z_mm, fused.sigma_z_mm, fused.views, self._pitch_mm)
        self.coverage = Coverage(
            dict(zip(self._names.values(), fused.measured, strict=True)), float(np.mean(fused.views > 0)), float(np.mean(fused.views > 1))
        )
        if self.coverage.fused == 0:
            raise ReconstructionError(
                "No pixel could be measured by any projector.",
                cure="Check that the projectors light the scene, their focus and the exposure.",
                detail="empty",
            )
        return PointMap(points(fused.z_mm, self._slopes, self._camera.centre_mm), fused.sigma_z_mm, fused.views)

    @property
    def gammas(self) -> dict[str, float]:
        """For each projector solved so far, by name, the γ that its fringes still show."""
        return dict(self._gammas)

    @property
    def _pitch_mm(self) -> float:
        return float(self._camera.centre_mm[2]) / max(self._camera.fx_px, self._camera.fy_px)

    def _solve(self, projector: int, decoder: FringeDecoder) -> Heights:
        try:
            self._scratch = decoded = decoder.decode(self._scratch)
        except ReconstructionError as cause:
            detail = cause.code.removeprefix(f"{cause.base_code}").lstrip(".")
            raise ReconstructionError(f"Projector '{self._names[projector]}': {cause.message}", cure=cause.cure, detail=detail) from cause
        self._gammas[self._names[projector]] = decoded.gamma
        column, sigma = smooth(decoded.column, decoded.sigma_column) if self._fringes.smoothing else (decoded.column, decoded.sigma_column)
        return self._triangulators[projector].heights(column, sigma, self._heights.get(projector))

    def _decoder(self, projector: int) -> FringeDecoder:
        patterns = self._patterns[projector]
        for spare in self._spare:
            if spare.patterns == patterns:
                self._spare.remove(spare)
                spare.reset()
                return spare
        return FringeDecoder(patterns, self._saturation, self._min_modulation, self._noise, self._black)
