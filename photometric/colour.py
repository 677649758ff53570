"""The colour picture of a part: what the zones show together, as reflectance against the matt white plate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rig_configs.calibration import Calibration
from rig_configs.errors import ReconstructionError

# A matt white plate is drawn a little below full white, so that what is brighter than matt white still shows.
WHITE_PLATE = 0.8


class ColourImage:
    """Accumulates the colour frames of the light zones into one evenly lit sRGB picture.

    Args:
        calibration: black level, flat fields and white balance.
    """

    def __init__(self, calibration: Calibration) -> None:
        camera = calibration.camera
        shape = (camera.height_px, camera.width_px)
        flat = np.zeros(shape, np.float32)
        for zone in calibration.zones:
            flat += zone.flat_field_dn_per_ms(*shape[::-1])
        # All zones together: one division at the end in place of one a frame.
        self._gain: NDArray[np.float32] = (WHITE_PLATE / flat[..., None] * np.array(calibration.white_balance)).astype(np.float32)
        self._black = np.float32(calibration.black_level_dn)
        self._zones = len(calibration.zones)
        self._sum = np.zeros((*shape, 3), np.float32)
        self.reset()

    def reset(self) -> None:
        """Forget every frame."""
        self._sum[:] = 0
        self._added = 0
        self._ambient: NDArray[np.float32] | None = None

    def add_ambient(self, colour: NDArray[np.uint8 | np.uint16], exposure_us: float) -> None:
        """The frame with every light off: (H, W, 3) digital numbers, and its exposure in µs."""
        self._ambient = self._dn_per_ms(colour, exposure_us)

    def add(self, colour: NDArray[np.uint8 | np.uint16], exposure_us: float) -> None:
        """One zone's frame: (H, W, 3) digital numbers including the black level, and its exposure in µs."""
        self._sum += self._dn_per_ms(colour, exposure_us)
        self._added += 1

    def _dn_per_ms(self, colour: NDArray[np.uint8 | np.uint16], exposure_us: float) -> NDArray[np.float32]:
        return (colour.astype(np.float32) - self._black) * np.float32(1e3 / exposure_us)

    def picture(self) -> NDArray[np.uint8]:
        """The picture, (H, W, 3) uint8 sRGB.

        Raises:
            ReconstructionError: a zone's frame or the ambient frame is missing.
        """
        if self._ambient is None or self._added != self._zones:
            raise ReconstructionError(
                f"The colour picture needs the ambient frame and {self._zones} zone frames; {self._added} zone frames came.",
                cure="Capture the whole sequence.",
                detail="missing",
            )
        return _srgb((self._sum - np.float32(self._zones) * self._ambient) * self._gain)


def _srgb(linear: NDArray[np.floating]) -> NDArray[np.uint8]:
    """sRGB transfer function (IEC 61966-2-1) by a table of 4096 steps."""
    steps = np.arange(4096, dtype=np.float32) / 4095
    table = np.where(steps <= 0.0031308, 12.92 * steps, 1.055 * steps ** (1 / 2.4) - 0.055)
    table = np.round(table * 255).astype(np.uint8)
    return table[(np.clip(linear, 0, 1) * 4095).astype(np.uint16)]
