"""Deep-zoom tiles: a picture as a pyramid of small ones, so that a browser loads no more of 20 megapixels than it shows.

Microsoft's Deep Zoom (DZI) as OpenSeadragon reads it: level 0 is one pixel, each level has twice the size of the one below, tiles overlap
their neighbours by a pixel.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from rig_configs.errors import SampleError

TILE_PX = 254
OVERLAP_PX = 1
# A screen is filled by the coarse levels. They are made apart from the fine ones, so that nobody who opens a picture waits for all of its tiles.
COARSE = range(12)
FINE = range(12, 21)


def tile_format(picture: str) -> str:
    """File format of a picture's tiles: JPEG; PNG of the anomaly overlay, which is transparent where all is well."""
    return "png" if picture == "anomaly" else "jpg"


def description(width_px: int, height_px: int, picture: str) -> str:
    """The ``.dzi`` file of a picture."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<Image xmlns="http://schemas.microsoft.com/deepzoom/2008" Format="{tile_format(picture)}" Overlap="{OVERLAP_PX}" TileSize="{TILE_PX}">'
        f'<Size Width="{width_px}" Height="{height_px}"/></Image>\n'
    )


def part_of(level: int) -> range:
    """The levels that are made together with a level."""
    return COARSE if level in COARSE else FINE


def write_pyramid(source: Path, picture: str, folder: Path, wanted: range) -> None:
    """Write the tiles of those levels of a picture that it has, as ``<level>/<column>_<row>.<format>``.

    Raises:
        SampleError: the picture cannot be read.
    """
    pixels = cv2.imread(str(source), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise SampleError(f"{source} cannot be read.", cure="Restore it from a backup.", detail="damaged")
    height, width = pixels.shape[:2]
    highest = levels(width, height)
    level_pixels = np.asarray(pixels, np.uint8)
    for level in range(min(highest, wanted[-1]), wanted[0] - 1, -1):
        pixels_a_pixel = 1 << (highest - level)
        size = (-(-width // pixels_a_pixel), -(-height // pixels_a_pixel))
        if size != level_pixels.shape[1::-1]:
            level_pixels = np.asarray(cv2.resize(level_pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
        _write_level(level_pixels, tile_format(picture), folder / str(level))


def levels(width_px: int, height_px: int) -> int:
    """The highest level: the picture itself."""
    return (max(width_px, height_px) - 1).bit_length()


def _write_level(pixels: NDArray[np.uint8], suffix: str, folder: Path) -> None:
    folder.mkdir()
    height, width = pixels.shape[:2]
    options = [cv2.IMWRITE_JPEG_QUALITY, 88] if suffix == "jpg" else [cv2.IMWRITE_PNG_COMPRESSION, 1]
    for row in range(-(-height // TILE_PX)):
        for column in range(-(-width // TILE_PX)):
            top, left = max(row * TILE_PX - OVERLAP_PX, 0), max(column * TILE_PX - OVERLAP_PX, 0)
            tile = pixels[top : (row + 1) * TILE_PX + OVERLAP_PX, left : (column + 1) * TILE_PX + OVERLAP_PX]
            cv2.imwrite(str(folder / f"{column}_{row}.{suffix}"), tile, options)
