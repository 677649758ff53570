"""Accumulates the frames of one pose of the board into a :class:`BoardCapture`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rig_configs.errors import CalibrationFailed, ReconstructionError
from rig_configs.schema import RigConfig
from structured_light.board import BoardCapture, luminance
from structured_light.decoder import FringeDecoder
from structured_light.patterns import FringePatterns
from structured_light.reconstructor import MIN_MODULATION_SHARE

MAX_SATURATED_SHARE = 0.05
GAMMA_STEPS = 5


def calibration_patterns(rig: RigConfig) -> list[list[NDArray[np.uint8]]]:
    """For each projector the patterns of a calibration pose: those that encode columns, then those that encode rows."""
    return [[*columns.images, *rows.images] for columns, rows in (_both(rig, p) for p in range(len(rig.projectors)))]


class BoardScan:
    """Takes the frames of one pose: evenly lit ones (every zone's, in any order), and the fringes of every projector.

    Args:
        rig: the rig.
        saturation_dn: pixels at or above this are spoilt; the format's full scale where not given.
    """

    def __init__(self, rig: RigConfig, saturation_dn: float | None = None) -> None:
        self._format = rig.camera.pixel_format
        self._saturation = self._format.full_scale_dn if saturation_dn is None else saturation_dn
        least = MIN_MODULATION_SHARE * self._saturation
        self._names = [p.name for p in rig.projectors]
        self._decoders = [tuple(FringeDecoder(p, self._saturation, least) for p in _both(rig, i)) for i in range(len(rig.projectors))]
        self.gammas: tuple[float, ...] = ()
        """γ that each projector showed in the pose captured, NaN where that cannot be told."""
        self._light: NDArray[np.float32] | None = None
        self._lights = 0

    def add_light(self, pixels: NDArray[np.uint8 | np.uint16]) -> None:
        """Take a frame that is lit by the zone light, (H, W) raw mosaic or mono.

        Raises:
            CalibrationFailed: much of it is saturated.
        """
        saturated = float(np.mean(pixels >= self._saturation))
        if saturated > MAX_SATURATED_SHARE:
            raise CalibrationFailed(
                f"{saturated:.0%} of the evenly lit frame is saturated.", cure="Shorten sequence.light_exposure_us in rig.yaml.", detail="saturated"
            )
        frame = luminance(pixels, self._format)
        self._light = frame if self._light is None else self._light + frame
        self._lights += 1

    def add(self, projector: int, pattern: int, pixels: NDArray[np.uint8 | np.uint16]) -> None:
        """Take the frame of one of :func:`calibration_patterns`, in order.

        Raises:
            ReconstructionError: out of order, or of another size.
        """
        columns, rows = self._decoders[projector]
        decoder, offset = (columns, 0) if pattern < columns.patterns.count else (rows, columns.patterns.count)
        decoder.add(pattern - offset, pixels)

    def capture(self) -> BoardCapture:
        """What the frames say.

        Raises:
            CalibrationFailed: no evenly lit frame was added, fringe frames are missing, or show no fringes.
        """
        if self._light is None:
            raise CalibrationFailed("No evenly lit frame of the board was captured.", cure="Capture the pose again.", detail="frame_missing")
        columns, rows, sigmas, gammas = [], [], [], []
        for name, (across, down) in zip(self._names, self._decoders, strict=True):
            try:
                decoded = across.decode()
                rows.append(down.decode().column)
            except ReconstructionError as cause:
                raise CalibrationFailed(f"Projector '{name}': {cause.message}", cure=cause.cure, detail="fringes") from cause
            columns.append(decoded.column)
            sigmas.append(decoded.sigma_column)
            gammas.append(decoded.gamma)
        self.gammas = tuple(gammas)
        return BoardCapture(self._light / np.float32(self._lights), tuple(columns), tuple(rows), tuple(sigmas))


def _both(rig: RigConfig, projector: int) -> tuple[FringePatterns, FringePatterns]:
    config, fringes = rig.projectors[projector], rig.sequence.fringes
    # The board is matt: one exposure does. Fewer steps than five would not tell the projector's γ.
    once = fringes.model_copy(update={"exposures": (1.0,), "steps": max(fringes.steps, GAMMA_STEPS)})
    size = (once, config.width_px, config.height_px)
    return FringePatterns(*size, "columns", config.response), FringePatterns(*size, "rows", config.response)
