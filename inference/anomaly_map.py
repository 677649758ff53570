"""From distances of cells to a map on the camera's grid, and to regions with a size in millimetres."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from inference.features.extraction import SampleFeatures
from inference.features.window import CELL_PX, filled_from_nearest
from inference.prediction import BANK_NAMES, Region

_SIGMA_PX = CELL_PX / 2
"""The usual σ = 4 px at patches of 8 px: half a cell."""
_MAX_REGIONS = 20


def cell_image(values: NDArray[np.floating], cells: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Spread (N,) values of the cells on the part over the (rows, columns) grid; a cell off the part takes its nearest neighbour's."""
    grid = np.zeros(cells.shape, np.float32)
    grid[cells] = values
    return filled_from_nearest(grid, cells)


def smooth_map(values: NDArray[np.floating], features: SampleFeatures) -> NDArray[np.float32]:
    """(N,) values of the cells to a map of working size, bilinear and Gaussian-smoothed in float32; 8 bits would flatten small peaks."""
    upsampled = cv2.resize(cell_image(values, features.cells), features.window.work_size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.GaussianBlur(upsampled, (0, 0), _SIGMA_PX, borderType=cv2.BORDER_REPLICATE), np.float32)


def part_maximum(smoothed: NDArray[np.float32], features: SampleFeatures) -> float:
    """Largest value of a working-size map on the part."""
    on_part = np.repeat(np.repeat(features.cells, CELL_PX, axis=0), CELL_PX, axis=1)
    return float(smoothed[on_part].max())


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
