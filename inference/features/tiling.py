"""Large pictures in tiles, so that memory does not grow with the picture.

A convolutional network sees a bounded surrounding. Tiles that are computed with a border at least as wide give the same cells as the
whole picture, wherever their seams lie. A transformer sees its whole tile, so there the tile is part of what a feature means; its
tiles overlap and are blended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

Compute = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


def spans(length: int, core: int) -> Iterator[tuple[int, int]]:
    """Cut a length into pieces of ``core``, the last one shorter."""
    for start in range(0, length, core):
        yield start, min(start + core, length)


def with_border(image: NDArray[np.uint8], compute: Compute, cell_px: int, core_px: int, border_px: int) -> NDArray[np.float32]:
    """Feature map of a picture from tiles that do not depend on what lies beyond their borders.

    Args:
        image: (H, W, 3), H and W multiples of the network's coarsest stride.
        compute: (h, w, 3) to (C, h / cell_px, w / cell_px).
        cell_px: side of a cell.
        core_px: side of what a tile contributes, a multiple of the coarsest stride.
        border_px: what is computed around it, the same.

    Returns:
        (C, H / cell_px, W / cell_px) float32.
    """
    height, width = image.shape[:2]
    if height <= core_px + 2 * border_px and width <= core_px + 2 * border_px:
        return compute(image)
    result: NDArray[np.float32] | None = None
    for y0, y1 in spans(height, core_px):
        for x0, x1 in spans(width, core_px):
            top, left = max(y0 - border_px, 0), max(x0 - border_px, 0)
            tile = compute(image[top : min(y1 + border_px, height), left : min(x1 + border_px, width)])
            if result is None:
                result = np.empty((len(tile), height // cell_px, width // cell_px), np.float32)
            inner = tile[:, (y0 - top) // cell_px : (y1 - top) // cell_px, (x0 - left) // cell_px : (x1 - left) // cell_px]
            result[:, y0 // cell_px : y1 // cell_px, x0 // cell_px : x1 // cell_px] = inner
    assert result is not None
    return result


def blended(image: NDArray[np.uint8], compute: Compute, cell_px: int, tile_px: int, overlap_px: int) -> NDArray[np.float32]:
    """Feature map of a picture from tiles of one size that overlap, each cell the mean of its tiles, weighed down towards their rims.

    Args:
        image: (H, W, 3), H and W multiples of ``cell_px``.
        compute: (h, w, 3) to (C, h / cell_px, w / cell_px).
        cell_px: side of a cell.
        tile_px: side of a tile; a picture that is no larger is one.
        overlap_px: least overlap of neighbours.

    Returns:
        (C, H / cell_px, W / cell_px) float32.
    """
    height, width = image.shape[:2]
    if height <= tile_px and width <= tile_px:
        return compute(image)
    total: NDArray[np.float32] | None = None
    weight = np.zeros((height // cell_px, width // cell_px), np.float32)
    for y in _starts(height, tile_px, overlap_px, cell_px):
        for x in _starts(width, tile_px, overlap_px, cell_px):
            tile = compute(image[y : y + tile_px, x : x + tile_px])
            if total is None:
                total = np.zeros((len(tile), *weight.shape), np.float32)
            rows, columns = tile.shape[1:]
            share = np.minimum.outer(_ramp(rows, overlap_px // cell_px), _ramp(columns, overlap_px // cell_px))
            place = np.s_[y // cell_px : y // cell_px + rows, x // cell_px : x // cell_px + columns]
            total[:, *place] += share * tile
            weight[place] += share
    assert total is not None
    return total / weight


def _starts(length: int, tile: int, overlap: int, cell: int) -> list[int]:
    """Where tiles begin, evenly spread, on whole cells."""
    if length <= tile:
        return [0]
    count = -(-(length - overlap) // (tile - overlap))
    return [round((length - tile) * k / (count - 1) / cell) * cell for k in range(count)]


def _ramp(count: int, overlap: int) -> NDArray[np.float32]:
    """Rises over the overlap from each rim to 1."""
    place = np.arange(count)
    return np.minimum(1.0, (np.minimum(place, count - 1 - place) + 1) / (overlap + 1)).astype(np.float32)
