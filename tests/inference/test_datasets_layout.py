"""What is written in the Real-IAD D³ layout is read back the same, and the real set's irregularities are taken as they come."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import open3d as o3d
import pytest
import tifffile
from dataset_files import CATEGORY, SHAPE, content_of, sample_id, write_set

from inference.datasets import grid, names
from inference.datasets.dataset import SampleId, Split
from inference.datasets.files import read_picture, read_xyz
from inference.datasets.pcd import read_pcd, write_pcd
from inference.datasets.real_iad_d3 import JSON_FOLDER, RAW_FOLDER, PlaceholderXY, RealIadD3
from rig_configs.errors import NotFound, SampleError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_set(tmp_path / "set")


def test_a_written_set_is_read_back(root: Path) -> None:
    dataset = RealIadD3(root)
    assert dataset.categories == (CATEGORY,)
    samples = list(dataset.samples(CATEGORY))
    assert [(s.split.value, s.sample_id.anomaly_class, s.sample_id.number) for s in samples] == [
        *(("train", "OK", i) for i in (1, 2, 3)),
        *(("test", "OK", i) for i in range(4, 10)),
        *(("test", "missing_part", i) for i in range(1, 7)),
    ]
    good, bad = samples[0], samples[-1]
    wanted = content_of(bad.sample_id)
    read = bad.load()
    assert np.array_equal(read.xyz_mm, wanted.xyz_mm, equal_nan=True)
    assert np.abs(read.rgb.astype(int) - wanted.lights["RGBL05"]).mean() < 3  # JPEG
    assert np.abs(read.pseudo3d.astype(int) - wanted.pseudo3d).mean() < 3
    assert np.array_equal(bad.load_mask(), wanted.mask)
    assert not good.load_mask().any()
    assert good.load_mask().shape == SHAPE
    part = wanted.xyz_mm[..., 2] > 0.5
    assert (read.foreground & part).sum() > 0.95 * part.sum()
    assert read.foreground.sum() < 1.1 * part.sum()
    assert [s.sample_id for s in dataset.samples(CATEGORY, Split.TRAIN)] == [sample_id("OK", i) for i in (1, 2, 3)]


def test_unknown_points_are_zeros_in_the_tiff_as_other_sets_have_them(root: Path) -> None:
    sample = next(RealIadD3(root).samples(CATEGORY))
    stored = tifffile.imread(sample.xyz)
    assert stored.dtype == np.float32
    assert stored.shape == (*SHAPE, 3)
    unknown = np.isnan(content_of(sample.sample_id).xyz_mm[..., 2])
    assert unknown.any()
    assert np.all(stored[unknown] == 0)
    assert np.all(np.isfinite(stored))


def test_the_splits_are_those_of_the_real_set(root: Path) -> None:
    content = json.loads((root / JSON_FOLDER / f"{CATEGORY}.json").read_text())
    assert content["meta"]["prefix"] == f"{CATEGORY}/"
    good, bad = content["train"][0], content["test"][-1]
    assert good["anomaly_class"] == "OK"
    assert good["mask_path"] is None
    assert good["image_path"] == f"OK/S0001/{CATEGORY}_0001_OK_RGBL05_20260101000000.jpg"
    assert bad["image_path"] == f"NG/missing_part/S0006/{CATEGORY}_0006_missing_part_RGBL05_20260101000000.jpg"
    for entry in (good, bad):
        for key in ("image_path", "ps_path", "xyz_path", "pcd_path"):
            assert (root / RAW_FOLDER / CATEGORY / entry[key]).is_file()


def test_open3d_reads_the_cloud(root: Path) -> None:
    sample = next(RealIadD3(root).samples(CATEGORY))
    assert sample.pcd is not None
    cloud = o3d.io.read_point_cloud(str(sample.pcd))
    wanted = content_of(sample.sample_id)
    known = np.isfinite(wanted.xyz_mm[..., 2])
    assert np.allclose(np.asarray(cloud.points), wanted.xyz_mm[known])
    assert np.allclose(np.asarray(cloud.colors) * 255, wanted.lights["RGBL05"][known], atol=0.01)


def test_clouds_are_read_in_ascii_binary_and_bare_columns(tmp_path: Path) -> None:
    points = np.array([[1.5, -2, 0.25], [0, 3, 4], [7, 8, 9]], np.float32)
    write_pcd(tmp_path / "binary.pcd", points, np.zeros((3, 3), np.uint8))
    cloud = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(points.astype(np.float64)))
    o3d.io.write_point_cloud(str(tmp_path / "ascii.pcd"), cloud, write_ascii=True)
    o3d.io.write_point_cloud(str(tmp_path / "packed.pcd"), cloud, compressed=True)
    shutil.copy(tmp_path / "ascii.pcd", tmp_path / "x_PCD_1.txt")
    (tmp_path / "bare.txt").write_text("\n".join(" ".join(map(str, p)) for p in points))
    for name in ("binary.pcd", "ascii.pcd", "x_PCD_1.txt", "bare.txt"):
        assert np.allclose(read_pcd(tmp_path / name), points), name
    with pytest.raises(SampleError, match="compressed"):
        read_pcd(tmp_path / "packed.pcd")
    cut = (tmp_path / "binary.pcd").read_bytes()[:-9]
    (tmp_path / "cut.pcd").write_bytes(cut)
    with pytest.raises(SampleError, match="2 of 3 points"):
        read_pcd(tmp_path / "cut.pcd")


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("OK/S0153/audio_jack_socket_0153_OK_RGBL05_20240101010203.jpg", ("audio_jack_socket", "OK", 153)),
        ("knob-cap_0007_Missing-Part_PS_20240101010203.jpg", ("knob_cap", "missing_part", 7)),
        ("a_0007_scratch_XYZ_00000000000000.tiff", ("a", "scratch", 7)),
        ("power_jack_0007_NG_pit_PCD_20240101010203.txt", ("power_jack", "pit", 7)),
    ],
)
def test_a_file_tells_its_sample(name: str, wanted: tuple[str, str, int]) -> None:
    parsed = names.parse(name)
    assert parsed is not None
    assert parsed.sample_id == SampleId(*wanted)


def test_what_is_not_named_by_the_rule_tells_nothing() -> None:
    for name in ("000.png", "OK/S0001/picture.jpg", "a_0007_scratch_20240101010203.jpg"):
        assert names.parse(name) is None


def test_defects_may_lie_without_the_ng_folder_and_under_other_spellings(root: Path) -> None:
    raw = root / RAW_FOLDER / CATEGORY
    (raw / "NG" / "missing_part").rename(raw / "missing-part")
    (raw / "NG").rmdir()
    path = root / JSON_FOLDER / f"{CATEGORY}.json"
    path.write_text(path.read_text().replace("NG/missing_part/", "missing-part/").replace('"missing_part"', '"Missing-Part"'))
    bad = [s for s in RealIadD3(root).samples("KNOB-cap") if not s.sample_id.is_normal]
    assert {s.sample_id.anomaly_class for s in bad} == {"missing_part"}
    assert bad[0].load_mask().any()


def test_categories_may_lie_beside_their_splits(root: Path) -> None:
    (root / RAW_FOLDER / CATEGORY).rename(root / CATEGORY)
    (root / JSON_FOLDER / f"{CATEGORY}.json").rename(root / f"{CATEGORY}.json")
    assert next(RealIadD3(root).samples(CATEGORY)).load().rgb.shape == (*SHAPE, 3)


def test_no_set_and_no_category_say_so(root: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no splits"):
        RealIadD3(tmp_path / "nowhere")
    with pytest.raises(NotFound, match=CATEGORY):
        list(RealIadD3(root).samples("teapot"))


def test_placeholders_are_rebuilt_from_the_grid_with_a_warning(root: Path) -> None:
    sample = next(RealIadD3(root, pitch_mm=0.1).samples(CATEGORY))
    xyz = tifffile.imread(sample.xyz)
    known = xyz.any(-1)
    xyz[known, :2] = (12.5, -3.0)
    tifffile.imwrite(sample.xyz, xyz, photometric="rgb", metadata=None)
    with pytest.warns(PlaceholderXY, match="100.00 µm"):
        rebuilt = sample.load().xyz_mm
    row, column = 20, 30
    assert rebuilt[row, column] == pytest.approx(((column - (SHAPE[1] - 1) / 2) * 0.1, ((SHAPE[0] - 1) / 2 - row) * 0.1, xyz[row, column, 2]))
    assert np.array_equal(np.isfinite(rebuilt[..., 0]), known)
    assert grid.has_real_xy(rebuilt)


def test_real_x_and_y_in_any_frame_are_no_placeholders() -> None:
    xyz = content_of(sample_id("OK", 1)).xyz_mm
    angle = np.radians(37)
    turned = xyz @ np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]], np.float32) + 100
    for real in (xyz, turned.astype(np.float32), xyz[..., [1, 0, 2]]):
        assert grid.has_real_xy(real)
    line = xyz.copy()
    line[..., 1] = line[..., 0]
    assert not grid.has_real_xy(line)


def test_the_part_is_found_whatever_the_sensor_calls_up() -> None:
    xyz = content_of(sample_id("OK", 1)).xyz_mm
    part = np.nan_to_num(xyz[..., 2]) > 0.5
    v, u = np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]]
    for sign in (1, -1):
        odd = xyz.copy()
        odd[..., 2] = 250 + sign * xyz[..., 2] + 0.01 * u - 0.02 * v
        found = grid.part_of(odd)
        assert np.sum(found & part) / np.sum(found | part) > 0.93
    cut_out = xyz.copy()
    cut_out[~part] = np.nan
    assert np.array_equal(grid.part_of(cut_out), part)


def test_a_damaged_file_is_named(root: Path) -> None:
    sample = next(RealIadD3(root).samples(CATEGORY))
    sample.xyz.write_bytes(sample.xyz.read_bytes()[:2000])
    with pytest.raises(SampleError, match=sample.xyz.name):
        read_xyz(sample.xyz)
    sample.image.write_bytes(b"no picture")
    with pytest.raises(SampleError, match=sample.image.name):
        read_picture(sample.image)
