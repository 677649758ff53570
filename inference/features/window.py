"""Where the part is, and the grid of feature cells laid over it.

The window is the bounding box of the part plus a margin, so that the working resolution is spent on the part and not on the
empty table. The *scale* (working pixels per camera pixel) is set once, by the first good part of a fit, and kept by the model:
a part never looks larger or smaller because its mask does. Only the window's extent follows the part; the image features are
fully convolutional, so every extent is fine.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from rig_configs.errors import SampleError

CELL_PX = 8
"""Working pixels along one side of a feature cell: the finer stride of the image features."""
_ALIGN_PX = 16
"""Windows are whole multiples of the coarser stride."""
_SPECK_SHARE = 0.02
"""Foreground components smaller than this share of the largest one are dust, not the part."""


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of camera pixels and the working size that it is resampled to."""

    x: int
    """Left edge, camera px; may lie outside the image by the margin."""
    y: int
    """Top edge, camera px."""
    width: int
    """Camera px."""
    height: int
    """Camera px."""
    cells: tuple[int, int]
    """(rows, columns) of feature cells."""

    @property
    def work_size(self) -> tuple[int, int]:
        """(width, height) in working px, in OpenCV's order."""
        return self.cells[1] * CELL_PX, self.cells[0] * CELL_PX

    @property
    def centre(self) -> tuple[int, int]:
        """Middle of the part's bounding box, camera px: x, y."""
        return self.x + self.width // 2, self.y + self.height // 2

    def crop(self, image: NDArray) -> NDArray:
        """The window's part of an (H, W[, C]) image, (height, width[, C]); the border is repeated where the window leaves the image."""
        rows = np.clip(np.arange(self.y, self.y + self.height), 0, image.shape[0] - 1)
        columns = np.clip(np.arange(self.x, self.x + self.width), 0, image.shape[1] - 1)
        if rows[-1] - rows[0] == self.height - 1 and columns[-1] - columns[0] == self.width - 1:
            return image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        return image[rows[:, None], columns[None, :]]

    def resize(self, image: NDArray) -> NDArray:
        """Crop and resample an (H, W, C) uint8 image to the working size by area averaging."""
        return cv2.resize(np.ascontiguousarray(self.crop(image)), self.work_size, interpolation=cv2.INTER_AREA)

    def cell_mask(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(rows, columns) cells that are at least half covered by the (H, W) mask."""
        rows, columns = self.cells
        cover = cv2.resize(np.ascontiguousarray(self.crop(mask)).astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA)
        return cover >= 0.5

    def paste(self, values: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
        """Spread a map of working or cell size over the window in a zero image of ``shape`` (H, W), bilinearly."""
        patch = cv2.resize(values, (self.width, self.height), interpolation=cv2.INTER_LINEAR)
        image = np.zeros(shape, np.float32)
        y0, x0 = max(self.y, 0), max(self.x, 0)
        y1, x1 = min(self.y + self.height, shape[0]), min(self.x + self.width, shape[1])
        image[y0:y1, x0:x1] = patch[y0 - self.y : y1 - self.y, x0 - self.x : x1 - self.x]
        return image


def outlined(foreground: NDArray[np.bool_], name: str = "") -> NDArray[np.bool_]:
    """Everything inside the part's outline: specks dropped, holes filled.

    A dark stain or a spot without points may be missing from the foreground; it lies on the part all the same and must be judged.

    Raises:
        SampleError: nothing is in the foreground (``sample.invalid.foreground``).
    """
    contours, _ = cv2.findContours(foreground.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    areas = np.array([cv2.contourArea(c) for c in contours])
    if areas.size == 0 or areas.max() <= 0:
        raise SampleError(
            f"No part is seen in the foreground of sample '{name}'.",
            cure="Put a part under the camera; check the light and the foreground step if one lies there.",
            detail="foreground",
        )
    keep = [c for c, area in zip(contours, areas, strict=True) if area >= _SPECK_SHARE * areas.max()]
    filled = cv2.drawContours(np.zeros(foreground.shape, np.uint8), keep, -1, 1, thickness=cv2.FILLED)
    return filled.astype(bool)


def _bounding_box(part: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(part.any(axis=1)), np.flatnonzero(part.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1] - columns[0] + 1), int(rows[-1] - rows[0] + 1)


def working_scale(part: NDArray[np.bool_], working_px: int, margin_px: int) -> float:
    """Working px per camera px at which this part and its margin fill ``working_px``; never above 1, for pixels hold no more than they do."""
    _, _, width, height = _bounding_box(part)
    return min(1.0, (working_px - 2 * margin_px) / max(width, height))


def part_window(part: NDArray[np.bool_], scale: float, margin_px: int) -> Window:
    """The window around an outlined part at a given scale, centred on its bounding box.

    Args:
        part: (H, W) the outlined part, not empty.
        scale: working px per camera px.
        margin_px: free border around the part, working px.
    """
    x, y, width, height = _bounding_box(part)
    work = [-(-int(np.ceil(side * scale) + 2 * margin_px) // _ALIGN_PX) * _ALIGN_PX for side in (width, height)]
    source = [max(1, round(side / scale)) for side in work]
    return Window(
        x=x + width // 2 - source[0] // 2,
        y=y + height // 2 - source[1] // 2,
        width=source[0],
        height=source[1],
        cells=(work[1] // CELL_PX, work[0] // CELL_PX),
    )


def filled_from_nearest(values: NDArray[np.float32], known: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(rows, columns[, C]) values, each unknown cell with those of the nearest known one."""
    indices = np.empty((2, *known.shape), np.int32)
    ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True, indices=indices)
    return values[indices[0], indices[1]]


def pixel_pitch_mm(xyz_mm: NDArray[np.float32], part: NDArray[np.bool_], name: str = "") -> float:
    """Distance on the part between neighbouring pixels, mm, from the x and y of the cloud.

    Raises:
        SampleError: too few points to tell (``sample.invalid.points``).
    """
    step = 8
    points = np.where(part[..., None], xyz_mm, np.nan)
    along_x = np.abs(points[:, step:, 0] - points[:, :-step, 0])
    along_y = np.abs(points[step:, :, 1] - points[:-step, :, 1])
    differences = np.concatenate([along_x[np.isfinite(along_x)], along_y[np.isfinite(along_y)]])
    if differences.size < 100:
        raise SampleError(
            f"The point cloud of sample '{name}' holds too few points on the part.",
            cure="Check the projectors and the fringe exposure; a shiny part may need matting spray or a longer exposure.",
            detail="points",
        )
    return float(np.median(differences)) / step
