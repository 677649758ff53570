"""From a D³ sample to the three modalities' features on one grid of cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from inference.features.height_band import HeightBand
from inference.features.points import HEIGHT_CHANNELS, outside_channel, part_heights, point_features
from inference.features.registry import Backbones, image_backbone, point_backbone
from inference.features.window import CELL_PX, Window, outlined, part_window, pixel_pitch_mm, working_scale
from inference.sample import D3Sample
from rig_configs.errors import SampleError

_MIN_CELLS = 32
_DEFAULT = Backbones()


@dataclass(frozen=True, slots=True)
class FeatureGrid:
    """What a model keeps so that every sample is seen at the scale of the first one."""

    image_shape: tuple[int, int]
    """(H, W) of the samples, px."""
    scale: float
    """Working px per camera px."""
    margin_px: int
    """Free border around the part, working px."""
    cell_mm: float
    """Side of one feature cell, mm."""
    band: HeightBand | None = None
    """Heights of the good parts, place by place; None before they were all seen, and where heights are not held against each other."""


@dataclass(frozen=True, slots=True)
class SampleFeatures:
    """Features of the cells that lie on the part and are judged, row by row."""

    rgb: NDArray[np.float32]
    """(N, C_image) colour features."""
    pseudo3d: NDArray[np.float32]
    """(N, C_image) pseudo-3D features."""
    points: NDArray[np.float32]
    """(N, C_points) point features."""
    point_groups: tuple[int, int]
    """Sizes of the consecutive groups of point channels that count alike, however wide each is: shape, and heights; C_points in all."""
    cells: NDArray[np.bool_]
    """(rows, columns) the cells on the part that are judged; N of them."""
    window: Window
    pitch_mm: float
    """Distance between neighbouring camera pixels on the part, mm."""
    height_mm: NDArray[np.float32]
    """(2 · rows, 2 · columns) height image of the whole part, judged or not, see ``part_heights``."""
    name: str


def feature_grid(sample: D3Sample, working_px: int, margin_px: int, smallest_defect_mm: float | None = None) -> FeatureGrid:
    """The grid on which this part fills the working size; finer where a cell would be larger than the smallest defect.

    Raises:
        SampleError: no part, or no points on it.
    """
    part = outlined(sample.foreground, sample.name)
    scale = working_scale(part, working_px, margin_px)
    pitch_mm = pixel_pitch_mm(sample.xyz_mm, part, sample.name)
    if smallest_defect_mm is not None:
        scale = min(1.0, max(scale, CELL_PX * pitch_mm / smallest_defect_mm))
    shape = (sample.rgb.shape[0], sample.rgb.shape[1])
    return FeatureGrid(image_shape=shape, scale=scale, margin_px=margin_px, cell_mm=CELL_PX / scale * pitch_mm)


def extract(sample: D3Sample, grid: FeatureGrid, backbones: Backbones = _DEFAULT) -> SampleFeatures:
    """Features of one sample, of each modality by itself: whatever judges it, they are the same. With a band in the grid, the points have
    one more channel.

    Raises:
        SampleError: another image size than the grid's (``.grid``), no part (``.foreground``), too few points (``.points``), or hardly
            anything to be judged (``.ignored``).
        ModelError: the weights of a backbone are missing.
    """
    if sample.rgb.shape[:2] != grid.image_shape:
        have, want = sample.rgb.shape[:2], grid.image_shape
        raise SampleError(
            f"Sample '{sample.name}' has {have[1]}×{have[0]} pixels, the model was taught at {want[1]}×{want[0]}.",
            cure="Inspect with the rig that the model was taught on, or teach a model for this one.",
            detail="grid",
        )
    part = outlined(sample.foreground, sample.name)
    window = part_window(part, grid.scale, grid.margin_px)
    cells = window.cell_mask(part)
    if int(cells.sum()) < _MIN_CELLS:
        raise SampleError(
            f"The foreground of sample '{sample.name}' is only {int(part.sum())} pixels: too small to be the part.",
            cure="Put a part under the camera; check the light and the foreground step if one lies there.",
            detail="foreground",
        )
    if sample.ignored is not None:
        # Only now: where the part is, and so the window, does not depend on what of it is judged.
        cells &= window.cell_mask(~sample.ignored)
        if int(cells.sum()) < _MIN_CELLS:
            raise SampleError(
                f"Hardly anything of sample '{sample.name}' is judged.", cure="Let the recipe ignore fewer or smaller places.", detail="ignored"
            )
    pitch_mm = pixel_pitch_mm(sample.xyz_mm, part, sample.name)
    points = point_features(sample.xyz_mm, part, window, grid.cell_mm, point_backbone(backbones.points, backbones.interpolate), sample.name)
    images = image_backbone(backbones.image, backbones.precision)(np.stack([window.resize(sample.rgb), window.resize(sample.pseudo3d)]))
    features = SampleFeatures(
        rgb=np.ascontiguousarray(images[0][:, cells].T),
        pseudo3d=np.ascontiguousarray(images[1][:, cells].T),
        points=np.ascontiguousarray(points[:, cells].T),
        point_groups=(backbones.point_channels, HEIGHT_CHANNELS),
        cells=cells,
        window=window,
        pitch_mm=pitch_mm,
        height_mm=part_heights(sample.xyz_mm, part, window, grid.cell_mm),
        name=sample.name,
    )
    return features if grid.band is None else with_outside(features, grid.band.outside(features.height_mm), grid.cell_mm)


def with_outside(features: SampleFeatures, outside_mm: NDArray[np.float32], cell_mm: float) -> SampleFeatures:
    """The features with one more point channel, of the group of heights: how far each cell lies outside the height band.

    In a group of its own it would be divided by its own spread, which is next to nothing on good parts, and would shout at its first move.
    """
    channel, (shape, heights) = outside_channel(outside_mm, features.cells, cell_mm), features.point_groups
    return replace(features, points=np.concatenate([features.points, channel], axis=1), point_groups=(shape, heights + 1))


def with_band(features: Sequence[SampleFeatures], grid: FeatureGrid) -> tuple[FeatureGrid, list[SampleFeatures]]:
    """The grid with the height band of good parts, and their features, each held against the band of the others."""
    band, outside = HeightBand.of([of_part.height_mm for of_part in features])
    held = [with_outside(of_part, outside_mm, grid.cell_mm) for of_part, outside_mm in zip(features, outside, strict=True)]
    return replace(grid, band=band), held


def taken_up(features: SampleFeatures, grid: FeatureGrid) -> tuple[FeatureGrid, SampleFeatures]:
    """The grid whose band holds one more good part, and this part's features in it: nothing of it is outside any more."""
    if grid.band is None:
        return grid, features
    points = features.points.copy()
    points[:, -1] = 0.0
    return replace(grid, band=grid.band.widened(features.height_mm)), replace(features, points=points)
