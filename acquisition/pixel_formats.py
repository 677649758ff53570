"""From what the camera delivers to colour, luminance and masks."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from acquisition.devices import Pixels
from rig_configs.cameras import PixelFormat

# By the colours of the first two pixels, as PFNC names them.
_MOSAICS = {
    "BayerRG": cv2.COLOR_BayerRGGB2RGB,
    "BayerGB": cv2.COLOR_BayerGBRG2RGB,
    "BayerGR": cv2.COLOR_BayerGRBG2RGB,
    "BayerBG": cv2.COLOR_BayerBGGR2RGB,
}


def rgb(pixels: Pixels, pixel_format: PixelFormat) -> Pixels:
    """Colour image of a frame.

    Args:
        pixels: (H, W) digital numbers, a Bayer mosaic where the format is one; (H, W, 3) of an RGB format.
        pixel_format: the format of ``pixels``.

    Returns:
        (H, W, 3) of the same dtype, RGB order, digital numbers including the black level; three equal channels of a
        monochrome frame.
    """
    if pixel_format.is_bayer:
        return cv2.demosaicing(pixels, _MOSAICS[pixel_format.value[:7]])  # type: ignore[return-value]
    if pixel_format.is_rgb:
        return pixels
    return np.repeat(pixels[..., None], 3, axis=2)


def luminance(colour: Pixels) -> Pixels:
    """Luminance (R + 2G + B) / 4 of a colour image, (H, W) of the same dtype: every photosite of a Bayer cell weighs the same."""
    weights = np.array([[0.25, 0.5, 0.25]], np.float32)
    return cv2.transform(colour, weights)  # type: ignore[return-value]


def fringes(pixels: Pixels, pixel_format: PixelFormat) -> Pixels:
    """What fringes are decoded from, (H, W): the mosaic as it is, for each pixel decodes its own phase; of an RGB frame the green channel."""
    return np.ascontiguousarray(pixels[..., 1]) if pixel_format.is_rgb else pixels


def saturated(pixels: Pixels, pixel_format: PixelFormat) -> NDArray[np.bool_]:
    """Where a frame clips, (H, W): any channel of an RGB frame; in a Bayer mosaic with the neighbours that demosaicing spreads it to."""
    clipped = (pixels >= pixel_format.full_scale_dn).astype(np.uint8)
    if pixel_format.is_rgb:
        return np.asarray(clipped.any(2), np.bool_)
    if pixel_format.is_bayer:
        clipped = cv2.dilate(clipped, np.ones((3, 3), np.uint8)).astype(np.uint8)
    return clipped.astype(np.bool_)
