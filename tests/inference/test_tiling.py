"""Tiles: the same cells wherever the seams lie, and no seams where tiles are blended."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_vit import drawn

from inference.features.registry import image_backbone
from inference.features.tiling import blended, with_border
from inference.features.vit import DinoViT, VisionTransformer


def _picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.clip(rng.normal(128, 40, (height, width, 3)) + 60 * np.sin(np.arange(width) / 9)[None, :, None], 0, 255).astype(np.uint8)


@pytest.mark.parametrize("name", ["efficientnet-lite0", "efficientnet-lite2"])
def test_features_are_the_same_whatever_the_tiles(name: str) -> None:
    backbone = image_backbone(name)
    image = _picture(320, 1040)[None]
    whole = replace(backbone, core_px=4096)(image)
    for core_px in (256, 400):
        assert image.shape[2] > core_px + 2 * backbone.border_px or core_px == 400
        tiled = replace(backbone, core_px=core_px)(image)
        assert tiled.shape == whole.shape
        assert np.abs(tiled - whole).max() < 1e-3 * np.abs(whole).max()


def test_a_feature_sees_no_farther_than_the_border_and_nearly_as_far() -> None:
    """The border that is worked out from the layers is what a change of one pixel shows."""
    backbone = replace(image_backbone("efficientnet-lite2"), core_px=4096)
    image = np.full((1, 32, 1024, 3), 127, np.uint8)
    image[:] = _picture(32, 1024)
    changed = image.copy()
    changed[:, :, 504:520] = 255 - changed[:, :, 504:520]
    moved = np.abs(backbone(changed) - backbone(image)).max((0, 1, 2)) > 1e-6
    columns = np.flatnonzero(moved) * 8
    reach = max(504 - columns.min() - 8, columns.max() - 520)
    assert reach <= backbone.border_px
    assert reach > 0.4 * backbone.border_px


def _mean_of_surroundings(image: np.ndarray) -> np.ndarray:
    """A stand-in network that sees 16 px to each side and pads with zeros, as convolutions do."""
    grey = np.pad(image.mean(2).astype(np.float32), 16)
    total = grey.cumsum(0).cumsum(1)
    total = np.pad(total, ((1, 0), (1, 0)))
    height, width = image.shape[:2]
    y, x = np.arange(0, height, 8)[:, None], np.arange(0, width, 8)[None]
    return ((total[y + 40, x + 40] - total[y, x + 40] - total[y + 40, x] + total[y, x]) / 1600)[None].astype(np.float32)


@settings(max_examples=60, deadline=None)
@given(rows=st.integers(1, 14), columns=st.integers(1, 14), core=st.sampled_from([16, 32, 48, 80]), seed=st.integers(0, 99))
def test_any_extent_and_any_tile_give_the_whole_pictures_cells(rows: int, columns: int, core: int, seed: int) -> None:
    image = _picture(16 * rows, 16 * columns, seed)
    whole = _mean_of_surroundings(image)
    assert np.allclose(with_border(image, _mean_of_surroundings, 8, core, 32), whole, atol=0.05)


@settings(max_examples=60, deadline=None)
@given(rows=st.integers(1, 30), columns=st.integers(1, 30))
def test_blended_tiles_cover_every_cell_once_in_all_and_are_of_one_size(rows: int, columns: int) -> None:
    seen: list[tuple[int, int]] = []

    def place(tile: np.ndarray) -> np.ndarray:
        seen.append(tile.shape[:2])
        return tile[::8, ::8, :1].transpose(2, 0, 1).astype(np.float32)

    image = np.zeros((8 * rows, 8 * columns, 3), np.uint8)
    image[..., 0] = np.arange(8 * rows)[:, None] // 8 + np.arange(8 * columns)[None] // 8
    result = blended(image, place, 8, 96, 32)
    assert np.allclose(result[0], image[::8, ::8, 0])
    assert max(max(size) for size in seen) <= 96
    assert len(set(seen)) == 1


def test_a_transformers_tiles_show_no_seam_on_an_even_surface() -> None:
    backbone = DinoViT(drawn(VisionTransformer(8, 24, 2, 2, 56)), 24, "")
    image = np.full((1, 64, 720, 3), 90, np.uint8)
    maps = backbone(image)
    assert maps.shape == (1, 24, 8, 90)
    steps = np.abs(np.diff(maps[0], axis=2)).max((0, 1))
    inside_one_tile = np.abs(np.diff(backbone(image[:, :, :448])[0], axis=2)).max()
    assert steps.max() <= 2 * inside_one_tile  # blending adds the slope between two tiles to their own
