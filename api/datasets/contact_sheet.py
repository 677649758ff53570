"""One picture of a data set: for each category a row for each class, in colour, pseudo-3D and height, with the defect outlined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from inference.datasets.dataset import NORMAL, Split
from inference.datasets.real_iad_d3 import RealIadD3, RealIadD3Sample
from inference.sample import D3Sample

Picture = NDArray[np.uint8]

TILE_PX = (168, 112)
GAP_PX, MARGIN_PX, TITLE_PX, CAPTION_PX = 3, 18, 30, 19
GROUND, PANEL, INK, FAINT, RED = (22, 20, 18), (30, 28, 26), (236, 233, 230), (150, 146, 142), (64, 64, 255)
"""BGR."""
_SUPERSAMPLE = 2
_HEADS = ("colour", "pseudo-3D", "height")
_ASPECT = 1.5


@dataclass(frozen=True, slots=True)
class _Row:
    name: str
    sample: D3Sample
    mask: NDArray[np.bool_]


def write_contact_sheet(root: Path, path: Path) -> None:
    """Draw the contact sheet of a data set.

    Args:
        root: folder of a data set in the Real-IAD D³ layout.
        path: the PNG.

    Raises:
        SampleError: a sample cannot be read.
    """
    dataset = RealIadD3(root)
    blocks = [_block(category, _rows(dataset, category)) for category in dataset.categories]
    temporary = path.with_name(path.stem + ".tmp.png")
    cv2.imwrite(str(temporary), _packed(blocks), [cv2.IMWRITE_PNG_COMPRESSION, 9])
    temporary.replace(path)


def _rows(dataset: RealIadD3, category: str) -> list[_Row]:
    """The first sample of each class, of the test split where it has one."""
    first: dict[str, RealIadD3Sample] = {}
    for split in (Split.TEST, Split.VALIDATION, Split.TRAIN):
        for sample in dataset.samples(category, split):
            first.setdefault(sample.sample_id.anomaly_class, sample)
    classes = sorted(first, key=lambda name: (name != NORMAL, name))
    return [_Row("good" if name == NORMAL else name.replace("_", " "), first[name].load(), first[name].load_mask()) for name in classes]


def _block(category: str, rows: Sequence[_Row]) -> Picture:
    """A category: its name, and a row for each class."""
    width = len(_HEADS) * TILE_PX[0] + (len(_HEADS) - 1) * GAP_PX
    height = TITLE_PX + len(rows) * (TILE_PX[1] + CAPTION_PX)
    block = np.full((height, width, 3), GROUND, np.uint8)
    _text(block, category.replace("_", " "), (1, TITLE_PX - 11), 0.56, INK, 1)
    # One scale of heights for the category, so that a wrong height shows.
    heights = np.concatenate([_part_heights(row.sample) for row in rows if row.name == "good"] or [_part_heights(row.sample) for row in rows])
    low, high = (float(v) for v in np.percentile(heights, [1, 99.7])) if heights.size else (0.0, 1.0)
    for index, row in enumerate(rows):
        top = TITLE_PX + index * (TILE_PX[1] + CAPTION_PX)
        pictures = (row.sample.rgb[..., ::-1], row.sample.pseudo3d[..., ::-1], _height_picture(row.sample, low, high))
        window = _window(row.sample.foreground)
        for column, picture in enumerate(pictures):
            left = column * (TILE_PX[0] + GAP_PX)
            block[top : top + TILE_PX[1], left : left + TILE_PX[0]] = _tile(picture, row.mask, window)
        baseline = top + TILE_PX[1] + 13
        _text(block, row.name, (2, baseline), 0.38, RED if row.mask.any() else INK, 1)
        if index == 0:
            for column, head in enumerate(_HEADS[1:], 1):
                _text(block, head, (column * (TILE_PX[0] + GAP_PX) + 2, baseline), 0.34, FAINT, 1)
            _text(block, f"{low:.1f}-{high:.1f} mm", (3 * TILE_PX[0] + 2 * GAP_PX - 64, baseline), 0.34, FAINT, 1)
    return block


def _packed(blocks: Sequence[Picture]) -> Picture:
    """The blocks in as many columns as make the sheet somewhat wider than high, each put where the least is."""
    width = blocks[0].shape[1]
    total = sum(len(b) + MARGIN_PX for b in blocks)
    columns = min(len(blocks), max(1, round(float(np.sqrt(total * _ASPECT / (width + MARGIN_PX))))))
    strips: list[list[int]] = [[] for _ in range(columns)]

    def filled(strip: list[int]) -> int:
        return sum(len(blocks[i]) + MARGIN_PX for i in strip)

    # The largest first, each to the emptiest column: the columns end at about the same height.
    for index in sorted(range(len(blocks)), key=lambda i: -len(blocks[i])):
        min(strips, key=filled).append(index)
    strips = sorted((sorted(strip) for strip in strips), key=lambda strip: strip[0])
    height = max(map(filled, strips)) + MARGIN_PX
    sheet = np.full((height, MARGIN_PX + len(strips) * (width + MARGIN_PX), 3), GROUND, np.uint8)
    for column, strip in enumerate(strips):
        top, left = MARGIN_PX, MARGIN_PX + column * (width + MARGIN_PX)
        for block in (blocks[i] for i in strip):
            sheet[top : top + len(block), left : left + width] = block
            top += len(block) + MARGIN_PX
    return sheet


def _part_heights(sample: D3Sample) -> NDArray[np.float32]:
    z = sample.xyz_mm[..., 2][sample.foreground]
    return z[np.isfinite(z)]


def _height_picture(sample: D3Sample, low_mm: float, high_mm: float) -> Picture:
    """Height of the part in colours (Turbo), (H, W, 3) BGR; the plane is the panel's grey, unknown pixels black."""
    z = sample.xyz_mm[..., 2]
    known = np.isfinite(z)
    level = np.nan_to_num(255 * np.clip((z - low_mm) / max(high_mm - low_mm, 1e-6), 0, 1)).astype(np.uint8)
    turbo = np.asarray(cv2.applyColorMap(level, cv2.COLORMAP_TURBO), np.uint8)
    picture = np.zeros_like(turbo)
    picture[known] = PANEL
    picture[known & sample.foreground] = turbo[known & sample.foreground]
    return picture


def _window(foreground: NDArray[np.bool_]) -> tuple[float, float, float, float]:
    """Centre and size of what a tile shows: the part with a margin, at the tile's aspect."""
    if not foreground.any():
        height, width = foreground.shape
        return width / 2, height / 2, width, height
    rows, columns = np.nonzero(foreground)
    left, right, top, bottom = columns.min(), columns.max() + 1, rows.min(), rows.max() + 1
    size = max((right - left) * 1.1, (bottom - top) * 1.1 * TILE_PX[0] / TILE_PX[1])
    return (left + right) / 2, (top + bottom) / 2, size, size * TILE_PX[1] / TILE_PX[0]


def _tile(picture: Picture, mask: NDArray[np.bool_], window: tuple[float, float, float, float]) -> Picture:
    """A window of a picture at the tile's size, with the mask outlined just outside it."""
    centre_x, centre_y, width, _ = window
    size = TILE_PX[0] * _SUPERSAMPLE, TILE_PX[1] * _SUPERSAMPLE
    zoom = size[0] / width
    move = np.array([[zoom, 0, size[0] / 2 - zoom * (centre_x - 0.5) - 0.5], [0, zoom, size[1] / 2 - zoom * (centre_y - 0.5) - 0.5]])
    if zoom < 1:
        # Pictures are averaged before they are shrunk, or fine texture turns into dots.
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.4 / zoom), np.uint8)
    cut = np.asarray(cv2.warpAffine(picture, move, size, flags=cv2.INTER_CUBIC if zoom > 1 else cv2.INTER_LINEAR, borderValue=PANEL), np.uint8)
    moved = cv2.warpAffine(mask.astype(np.uint8) * 255, move, size, flags=cv2.INTER_LINEAR)
    grown = cv2.dilate((moved > 127).astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (13, 13)))
    outline, _ = cv2.findContours(grown, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(cut, outline, -1, GROUND, 6, cv2.LINE_AA)  # a dark rim, or red is lost on what is red itself
    cv2.drawContours(cut, outline, -1, RED, 3, cv2.LINE_AA)
    return np.asarray(cv2.resize(cut, TILE_PX, interpolation=cv2.INTER_AREA), np.uint8)


def _text(picture: Picture, text: str, at: tuple[int, int], size: float, colour: tuple[int, int, int], weight: int) -> None:
    cv2.putText(picture, text, at, cv2.FONT_HERSHEY_SIMPLEX, size, colour, weight, cv2.LINE_AA)
