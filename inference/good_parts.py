"""The parts a model was taught from, as people see them: an operator asks what a defect should look like.

A model keeps two small pictures of each good part, and of each row of its banks the part it came from. So a verdict can name the
good part that the inspected one was most like, and show it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from inference.features.window import Window
from inference.memory_bank import MemoryBank
from inference.sample import D3Sample

PICTURES = ("rgb", "pseudo3d")
_LONG_SIDE_PX = 1280
"""What a screen shows of a part beside another one."""
_AROUND = 0.15
"""Of the window's longer side, more on each side: who compares wants to see the outline, too."""
_QUALITY = 88
_TIE = 1e-6
"""What a cell that is not over the limit weighs beside one that is."""
_PLACES = "good_parts.places"


@dataclass(frozen=True, slots=True)
class GoodPart:
    """Two pictures of one taught part, and where it lay."""

    box: tuple[int, int, int, int]
    """x, y, width, height of what the pictures show, camera px."""
    centre: tuple[int, int]
    """Middle of the part's bounding box, camera px."""
    pictures: tuple[NDArray[np.uint8], ...]
    """Bytes of JPEG files, as ``PICTURES`` names them."""

    @classmethod
    def of(cls, sample: D3Sample, window: Window) -> GoodPart:
        """Take the pictures of a sample; ``window`` is the one around its part."""
        height, width = sample.foreground.shape
        more = round(_AROUND * max(window.width, window.height))
        left, top = max(window.x - more, 0), max(window.y - more, 0)
        right, bottom = min(window.x + window.width + more, width), min(window.y + window.height + more, height)
        pictures = tuple(_jpeg(image[top:bottom, left:right]) for image in (sample.rgb, sample.pseudo3d))
        return cls((left, top, right - left, bottom - top), window.centre, pictures)


@dataclass(frozen=True, slots=True)
class NearestGood:
    """The taught part that an inspected one was most like."""

    part: int
    """Its place among the model's good parts."""
    name: str
    box: tuple[int, int, int, int]
    """x, y, width, height of what its pictures show, camera px."""
    shift: tuple[int, int]
    """From the middle of the taught part to the middle of the inspected one, camera px: x, y."""


def nearest_part(banks: Sequence[MemoryBank], index: NDArray[np.int64], is_over: NDArray[np.bool_]) -> int | None:
    """The taught part whose rows were most often the nearest to a part's cells.

    Where the part differs from good ones those cells decide, for there people look; the others decide among equals, and on a good part.

    Args:
        banks: B banks.
        index: (N, B) the row that each cell found.
        is_over: (N, B) where a cell is over its bank's limit.

    Returns:
        Its place among the taught parts; none where the banks do not know where their rows come from.
    """
    if not all(len(bank.parts) for bank in banks):
        return None
    parts = max(int(bank.parts.max()) for bank in banks) + 1
    votes = np.zeros(parts)
    for bank, column, over in zip(banks, index.T, is_over.T, strict=True):
        # An odd part has many rows in a coreset, and is found often, whatever is inspected: a vote counts by its share of the part's rows.
        share = 1.0 / np.maximum(np.bincount(bank.parts, minlength=parts), 1)
        votes += share * np.bincount(bank.parts[column], weights=over + _TIE, minlength=parts)
    return int(votes.argmax())


def arrays_of(parts: Sequence[GoodPart]) -> dict[str, NDArray[Any]]:
    """The parts as arrays by name, for a model's file."""
    if not parts:
        return {}
    arrays: dict[str, NDArray[Any]] = {_PLACES: np.array([(*part.box, *part.centre) for part in parts], np.int32)}
    for number, part in enumerate(parts):
        arrays |= {picture_name(number, picture): content for picture, content in zip(PICTURES, part.pictures, strict=True)}
    return arrays


def parts_of(arrays: dict[str, NDArray[Any]]) -> tuple[GoodPart, ...]:
    """Back from ``arrays_of``; none from a model that was taught before they were kept. Raises KeyError where one is missing."""
    places = arrays.get(_PLACES)
    if places is None:
        return ()
    found: list[GoodPart] = []
    for number, (x, y, width, height, centre_x, centre_y) in enumerate(places.tolist()):
        pictures = tuple(arrays[picture_name(number, picture)] for picture in PICTURES)
        found.append(GoodPart((x, y, width, height), (centre_x, centre_y), pictures))
    return tuple(found)


def picture_name(part: int, picture: str) -> str:
    """Name of the array that holds a picture's bytes."""
    return f"good_parts.{part:04d}.{picture}"


def _jpeg(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    factor = min(1.0, _LONG_SIDE_PX / max(image.shape[:2]))
    size = (max(1, round(image.shape[1] * factor)), max(1, round(image.shape[0] * factor)))
    small = cv2.resize(np.ascontiguousarray(image), size, interpolation=cv2.INTER_AREA)
    done, data = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not done:
        raise ValueError(f"OpenCV cannot encode a {small.shape} picture")
    return np.asarray(data, np.uint8).ravel()
