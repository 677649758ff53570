"""From distances of cells to a map on the camera's grid, and to regions with a size in millimetres."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from inference.features.extraction import SampleFeatures
from inference.features.window import CELL_PX, Window, filled_from_nearest
from inference.prediction import BANK_NAMES, Region

_SIGMA_PX = CELL_PX / 2
"""The usual σ = 4 px at patches of 8 px: half a cell."""
_REACH = 8
"""Cells off the part over which the map falls to zero. Where a piece is missing nothing is left to judge but what stood next to it, and the
truth lies where it was."""
_MAX_REGIONS = 20


def _widened(window: Window) -> Window:
    """The window with the reach on every side."""
    rows, columns = window.cells
    x, y = round(_REACH * window.width / columns), round(_REACH * window.height / rows)
    return Window(window.x - x, window.y - y, window.width + 2 * x, window.height + 2 * y, (rows + 2 * _REACH, columns + 2 * _REACH))


@dataclass(frozen=True, slots=True)
class Canvas:
    """Where the maps of one sample are drawn."""

    cells: NDArray[np.bool_]
    """(rows, columns) the cells on the part, with the reach around."""
    window: Window
    """What they cover on the camera's grid."""
    weight: NDArray[np.float32]
    """(rows · CELL_PX, columns · CELL_PX) 1 on the part, falling to 0 at the reach."""
    on_part: NDArray[np.bool_]
    """The same size: where the part is."""

    @classmethod
    def of(cls, features: SampleFeatures) -> Canvas:
        """The canvas of a sample."""
        cells, window = np.pad(features.cells, _REACH), _widened(features.window)
        distance = ndimage.distance_transform_edt(~cells)
        weight = np.clip(1.0 - np.maximum(np.asarray(distance) - 1.0, 0.0) / (_REACH - 1.0), 0.0, 1.0).astype(np.float32)
        on_part = np.repeat(np.repeat(cells, CELL_PX, axis=0), CELL_PX, axis=1)
        weight = np.asarray(cv2.resize(weight, window.work_size, interpolation=cv2.INTER_LINEAR), np.float32)
        return cls(cells, window, weight, on_part)

    def smooth(self, values: NDArray[np.floating]) -> NDArray[np.float32]:
        """(N,) values of the cells on the part to a map of working size, bilinear and Gaussian-smoothed in float32; 8 bits would flatten
        small peaks. Off the part it goes on as at the nearest cell of it.
        """
        grid = np.zeros(self.cells.shape, np.float32)
        grid[self.cells] = values
        upsampled = cv2.resize(filled_from_nearest(grid, self.cells), self.window.work_size, interpolation=cv2.INTER_LINEAR)
        return np.asarray(cv2.GaussianBlur(upsampled, (0, 0), _SIGMA_PX, borderType=cv2.BORDER_REPLICATE), np.float32)

    def part_maximum(self, smoothed: NDArray[np.float32]) -> float:
        """Largest value of a working-size map on the part."""
        return float(smoothed[self.on_part].max())

    def on_camera(self, smoothed: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
        """A working-size map on the camera's (H, W) grid, not below 0, falling to 0 off the part."""
        return self.window.paste(np.maximum(smoothed, 0.0) * self.weight, shape)


def find_regions(anomaly_map: NDArray[np.float32], bank_maps: NDArray[np.float32], pitch_mm: float, least_px: int) -> tuple[Region, ...]:
    """Connected places of an anomalous part's map that are over the limit.

    Args:
        anomaly_map: (H, W), 1 at the limit.
        bank_maps: (B, H, W) each bank's map, 1 at its own limit.
        pitch_mm: camera pixel on the part, mm.
        least_px: regions smaller than this are dropped while there is a larger one.

    Returns:
        Largest peak first, at most 20. If no place is over the limit (many small deviations may add up to a bad score),
        the surroundings of the highest one, so that the operator knows where to look.
    """
    level = min(1.0, 0.8 * float(anomaly_map.max()))
    count, labels, boxes, _ = cv2.connectedComponentsWithStats((anomaly_map >= level).astype(np.uint8), connectivity=8)
    order = sorted(range(1, count), key=lambda label: int(boxes[label, cv2.CC_STAT_AREA]), reverse=True)
    large = [label for label in order if boxes[label, cv2.CC_STAT_AREA] >= least_px] or order[:1]
    regions: list[Region] = []
    for label in large[:_MAX_REGIONS]:
        x, y, width, height, area = (int(value) for value in boxes[label])
        box = np.s_[y : y + height, x : x + width]
        inside = labels[box] == label
        strength = [float(bank[box][inside].max()) for bank in bank_maps]
        regions.append(
            Region(
                x=x,
                y=y,
                width=width,
                height=height,
                area_mm2=area * pitch_mm**2,
                peak=float(anomaly_map[box][inside].max()),
                modality=BANK_NAMES[int(np.argmax(strength))],
            )
        )
    return tuple(sorted(regions, key=lambda region: region.peak, reverse=True))
