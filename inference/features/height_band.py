"""The height band: between which heights good parts lay at each place, as a go/no-go gauge holds them.

A memory bank asks whether a cell looks like *some* cell of a good part. A bar that stands too low lies at a height that another place of
the part has too, and its surface is as it should be: only a comparison at the same place tells. So each part is registered in the plane
onto the first one taught, and at each place the lowest and the highest height of all good parts within one point of it are kept: the
point around allows for what registration leaves, and makes the band wide where the part is steep. How far a cell lies outside of the
band is a channel of the point features: 0 on nearly every cell of a good part.

The band only ever widens, and which part is the first decides only on whose grid it lies; a new good part widens it without the old ones. A free element,
such as a screw's slot, that lies otherwise in each part widens it to all of its heights once they have been seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inference.features.registration import Transform, inverse, moved, registered

_AROUND = np.ones((3, 3), np.uint8)
"""Points around a place that count as the place."""
_BORDER = 8
"""Points around the first part, for parts that reach farther on one side."""


@dataclass(frozen=True, slots=True)
class HeightBand:
    """On the grid of the first good part, point by point."""

    reference: NDArray[np.float32]
    """(H, W) heights of the first good part, mm over the reference plane; 0 off it."""
    lowest: NDArray[np.float32]
    """(H, W) mm"""
    highest: NDArray[np.float32]
    """(H, W) mm"""

    @classmethod
    def of(cls, heights: Sequence[NDArray[np.float32]]) -> tuple[HeightBand, list[NDArray[np.float32]]]:
        """The band of good parts, and how far each part lies outside the band of the *others*: a part is never outside its own.

        Args:
            heights: (H_i, W_i) float32 height images of two parts or more, mm, 0 off the part, all at one scale.

        Returns:
            The band, and (H_i, W_i) mm of each part.
        """
        reference = np.pad(heights[0], _BORDER)
        transforms = [registered(height, reference) for height in heights]
        # The two lowest and the two highest of each place: without one part, the other of the two is left.
        lowest, highest = [np.full((2, *reference.shape), fill, np.float32) for fill in (np.inf, -np.inf)]
        for height, transform in zip(heights, transforms, strict=True):
            low, high = _around(moved(height, transform, reference.shape))
            lowest = np.sort(np.concatenate([lowest, low[None]]), axis=0)[:2]
            highest = np.sort(np.concatenate([highest, high[None]]), axis=0)[1:]
        outside: list[NDArray[np.float32]] = []
        for height, transform in zip(heights, transforms, strict=True):
            low, high = _around(moved(height, transform, reference.shape))
            others = cls(reference, np.where(low <= lowest[0], lowest[1], lowest[0]), np.where(high >= highest[1], highest[0], highest[1]))
            outside.append(others._outside(height, transform))
        return cls(reference, lowest[0], highest[1]), outside

    def outside(self, height: NDArray[np.float32]) -> NDArray[np.float32]:
        """How far each point of a part lies above (positive) or below (negative) the band, mm; 0 inside. (H, W) as ``height``."""
        return self._outside(height, registered(height, self.reference))

    def widened(self, height: NDArray[np.float32]) -> HeightBand:
        """The band with one more good part."""
        low, high = _around(moved(height, registered(height, self.reference), self.reference.shape))
        return HeightBand(self.reference, np.minimum(self.lowest, low), np.maximum(self.highest, high))

    def _outside(self, height: NDArray[np.float32], transform: Transform) -> NDArray[np.float32]:
        # Beyond the grid good parts had nothing but the plane, which is what a moved image holds there.
        low, high = (moved(bound, inverse(transform), height.shape) for bound in (self.lowest, self.highest))
        return np.maximum(height - high, 0.0) + np.minimum(height - low, 0.0)


def _around(height: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Lowest and highest within a point of each place."""
    return np.asarray(cv2.erode(height, _AROUND), np.float32), np.asarray(cv2.dilate(height, _AROUND), np.float32)
