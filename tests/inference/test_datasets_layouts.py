"""Small sets in the real formats of others: found out, read, checked and converted; what is broken is named."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from dataset_files import CATEGORY, SHAPE, content_of, sample_id, write_set

from inference.datasets.check_layouts import check_layout
from inference.datasets.convert import RECORD, convert
from inference.datasets.dataset import Split
from inference.datasets.folders import BlankModality
from inference.datasets.layouts import LAYOUTS, detect, open_dataset
from inference.datasets.modalities import normals_picture
from rig_configs.errors import NotFound, SampleError

H, W = SHAPE
FOCAL = 711.11 * W / 512


def _png(path: Path, picture: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(path.suffix, picture[..., ::-1] if picture.ndim == 3 else picture)[1].tobytes())


def _samples():
    """(split, class, number in its folder, content) of three good ones to learn from, one to choose on, two to judge."""
    for split, anomaly_class, numbers in (("train", "OK", (0, 1, 2)), ("validation", "OK", (0,)), ("test", "OK", (0,)), ("test", "hole", (0,))):
        for number in numbers:
            seed = number + {"train": 0, "validation": 10, "test": 20}[split]
            yield split, anomaly_class, number, content_of(sample_id(anomaly_class, seed))


def _mvtec_3d(root: Path) -> Path:
    for split, anomaly_class, number, content in _samples():
        folder = root / "bagel" / split / ("good" if anomaly_class == "OK" else anomaly_class)
        _png(folder / "rgb" / f"{number:03d}.png", content.lights["RGBL05"])
        # As the sensor has it: metres, z away from it, a tilted plane half a metre off, zeros where unknown.
        xyz = np.dstack([content.xyz_mm[..., 0], -content.xyz_mm[..., 1], 500 - content.xyz_mm[..., 2] + 0.05 * content.xyz_mm[..., 0]]) / 1000
        (folder / "xyz").mkdir(exist_ok=True)
        tifffile.imwrite(folder / "xyz" / f"{number:03d}.tiff", np.nan_to_num(xyz).astype(np.float32), photometric="rgb")
        if split == "test":
            _png(folder / "gt" / f"{number:03d}.png", np.zeros(SHAPE, np.uint8) if content.mask is None else content.mask * np.uint8(255))
    return root


def _tree(root: Path) -> Path:
    for split, anomaly_class, number, content in _samples():
        folder = root / CATEGORY / split / ("GOOD" if anomaly_class == "OK" else anomaly_class)

        def name(what: str, number=number, anomaly_class=anomaly_class) -> str:
            return f"{CATEGORY}_{number:04d}_{anomaly_class}_{what}_2024010101010{len(what)}"  # every file has a time of its own

        for what in ("RGBL01", "RGBL05"):
            _png(folder / "rgb" / f"{name(what)}.jpg", content.lights[what])
        _png(folder / "ps" / f"{name('PS')}.jpg", content.pseudo3d)
        (folder / "xyz").mkdir(exist_ok=True)
        tifffile.imwrite(folder / "xyz" / f"{name('XYZ')}.tiff", np.nan_to_num(content.xyz_mm), photometric="rgb")
        if content.mask is not None:
            _png(folder / "gt" / f"{name('RGBL05')}.png", content.mask * np.uint8(255))
    return root


def _eyecandies(root: Path) -> Path:
    for index, (split, _, _, content) in enumerate(_samples()):
        data = root / "CandyCane" / {"test": "test_public", "validation": "val"}.get(split, split) / "data"
        key = f"{index:02d}"
        for light in range(6):
            _png(data / f"{key}_image_{light}.png", content.lights["RGBL05"] // np.uint8(light + 1 if light != 4 else 1))
        depth = 100 - np.nan_to_num(content.xyz_mm[..., 2])  # seen from above: the part is nearer
        low, high = float(depth.min()), float(depth.max())
        _png(data / f"{key}_depth.png", np.round((depth - low) / (high - low) * 65535).astype(np.uint16))
        (data / f"{key}_info_depth.yaml").write_text(f"normalization:\n  min: {low}\n  max: {high}\n")
        _png(data / f"{key}_normals.png", content.pseudo3d)
        _png(data / f"{key}_mask.png", np.zeros(SHAPE, np.uint8) if content.mask is None else content.mask * np.uint8(255))
        (data / f"{key}_metadata.yaml").write_text(f"anomalous: {int(content.mask is not None)}\nbumps: 0\ndents: {int(content.mask is not None)}\n")
    return root


def _folders(root: Path, *, shape: bool) -> Path:
    for split, anomaly_class, number, content in _samples():
        folder = root / "plate" / split / ("good" if anomaly_class == "OK" else anomaly_class)
        _png((folder / "rgb" if shape else folder) / f"{number:03d}.png", content.lights["RGBL05"])
        if shape:
            _png(folder / "normals" / f"{number:03d}.png", content.pseudo3d)
            (folder / "depth").mkdir(exist_ok=True)
            tifffile.imwrite(folder / "depth" / f"{number:03d}.tiff", content.xyz_mm[..., 2])
        if content.mask is not None:
            _png(root / "plate" / "ground_truth" / anomaly_class / f"{number:03d}_mask.png", content.mask * np.uint8(255))
    return root


def _archive(root: Path) -> Path:
    lines = ["inspection,category,class,split,mask"]
    for index, (split, anomaly_class, number, content) in enumerate(_samples()):
        folder = root / f"2026-01-0{index % 2 + 1}" / f"inspection-{index}"
        _png(folder / "rgb.png", content.lights["RGBL05"])
        _png(folder / "pseudo3d.png", content.pseudo3d)
        tifffile.imwrite(folder / "xyz.tiff", content.xyz_mm, compression="zlib", photometric="minisblack", metadata=None)
        if content.mask is not None:
            _png(root / f"mask-{number}.png", content.mask * np.uint8(255))
        mask = "" if content.mask is None else f"mask-{number}.png"
        lines.append(f"inspection-{index},knob-cap,{'good' if anomaly_class == 'OK' else anomaly_class},{split},{mask}")
    (root / "labels.csv").write_text("\n".join(lines) + "\n")
    return root


MAKERS = {
    "mvtec-3d": _mvtec_3d,
    "real-iad-d3-tree": _tree,
    "eyecandies": _eyecandies,
    "folders": lambda root: _folders(root, shape=True),
    "archive": _archive,
    "real-iad-d3": write_set,
}


@pytest.fixture(params=[name for name in MAKERS if name != "real-iad-d3"])
def layout(request) -> str:
    return request.param


@pytest.fixture
def root(layout: str, tmp_path: Path) -> Path:
    return MAKERS[layout](tmp_path)


def test_every_layout_has_a_fixture_here() -> None:
    assert set(MAKERS) == set(LAYOUTS)


@pytest.mark.parametrize("name", list(MAKERS))
def test_a_layout_is_found_out(name: str, tmp_path: Path) -> None:
    assert detect(MAKERS[name](tmp_path)) == name


def test_what_a_set_holds_is_read(layout: str, root: Path) -> None:
    dataset = open_dataset(root)
    (category,) = dataset.categories
    samples = list(dataset.samples(category))
    assert [s.split for s in samples] == [Split.TRAIN] * 3 + [Split.VALIDATION] + [Split.TEST] * 2
    assert len({s.sample_id for s in samples}) == len(samples)
    assert [s.sample_id for s in dataset.samples(category, Split.TEST)] == [s.sample_id for s in samples[-2:]]
    bad = next(s for s in samples if not s.sample_id.is_normal)
    assert bad.sample_id.anomaly_class == ("dents" if layout == "eyecandies" else "hole")
    wanted = content_of(sample_id("hole", 20))
    read = bad.load()
    assert np.abs(read.rgb.astype(int) - wanted.lights["RGBL05"]).mean() < 3
    assert np.array_equal(bad.load_mask(), wanted.mask)
    part = wanted.xyz_mm[..., 2] > 0.5
    assert np.sum(read.foreground & part) / np.sum(read.foreground | part) > 0.85
    assert not samples[0].load_mask().any()


def test_clouds_stand_on_their_plane_in_millimetres(layout: str, root: Path) -> None:
    """Whatever unit, sign and tilt the set has: x right, z up from the plane, the width of the field 53 mm where the unit is unknown."""
    dataset = open_dataset(root)
    sample = next(dataset.samples(dataset.categories[0])).load()
    truth = content_of(sample_id("OK", 0)).xyz_mm
    both = np.isfinite(sample.xyz_mm).all(-1) & np.isfinite(truth).all(-1)
    scale = 1.0 if layout in ("real-iad-d3-tree", "archive") else 53 / (W * 0.2)
    if layout in ("eyecandies", "folders"):  # their depths tell z alone; x and y are those of the camera or the grid
        depth_scale = 53 / W / (100 / FOCAL) if layout == "eyecandies" else 1.0
        assert np.abs(sample.xyz_mm[..., 2] - truth[..., 2] * depth_scale)[both].mean() < 0.05 * max(depth_scale, 1)
    else:
        assert np.abs(sample.xyz_mm[..., 2] - truth[..., 2] * scale)[both].mean() < 0.05
    assert np.polyfit(np.nonzero(both)[1], sample.xyz_mm[..., 0][both], 1)[0] > 0


def test_a_missing_modality_is_named_and_the_sample_stays(layout: str, root: Path) -> None:
    dataset = open_dataset(root)
    category = dataset.categories[0]
    victim = list(dataset.samples(category))[1]
    what = "depth" if "depth" in victim.files else "xyz"
    victim.files[what].unlink()
    samples = list(open_dataset(root, layout).samples(category))
    assert len(samples) == 6
    with pytest.raises(SampleError, match=what) as fault:
        samples[1].load()
    assert fault.value.cure
    report = check_layout(root, layout)
    assert [(f.code, f.path) for f in report.findings if f.severity == "error"] == [("file_missing", victim.name)]


def test_a_sound_set_has_no_findings(root: Path) -> None:
    report = check_layout(root)
    assert [f for f in report.findings if f.severity == "error"] == []
    assert {split: sum(classes.values()) for split, classes in report.categories[0].samples.items()} == {"train": 3, "validation": 1, "test": 2}


def test_x_and_y_that_give_the_label_away_are_found_in_the_tree(tmp_path: Path) -> None:
    """As in some files of the real set: placeholders, and other ones where there is a defect."""
    out = tmp_path / "tree"
    convert(open_dataset(write_set(tmp_path / "set")), "real-iad-d3-tree", out)
    for path in out.rglob("*.tiff"):
        xyz = tifffile.imread(path)
        xyz[xyz.any(-1), :2] = (12.5, -3.0) if "missing_part" in path.parts else (7.0, 7.0)
        tifffile.imwrite(path, xyz, photometric="rgb", metadata=None)
    report = check_layout(out)
    assert {f.code for f in report.findings} == {"xy_placeholder", "xy_leak"}
    assert {leak.axis for leak in report.categories[0].leaks} == {"X", "Y"}


def test_pictures_twice_empty_masks_and_missing_masks_are_found(tmp_path: Path) -> None:
    root = _mvtec_3d(tmp_path)
    test = root / "bagel" / "test"
    (test / "good" / "rgb" / "000.png").write_bytes((root / "bagel" / "train" / "good" / "rgb" / "000.png").read_bytes())
    (test / "hole" / "gt" / "000.png").unlink()
    assert {(f.code, f.path) for f in check_layout(root).findings} == {
        ("same_picture", "bagel/test/good/000"),
        ("mask_missing", "bagel/test/hole/000"),
    }
    _png(test / "hole" / "gt" / "000.png", np.zeros((10, 10), np.uint8))
    assert {f.code for f in check_layout(root).findings} == {"same_picture", "mask_empty", "mask_size"}


def test_pictures_alone_are_read_with_blank_modalities_and_a_warning(tmp_path: Path) -> None:
    root = _folders(tmp_path, shape=False)
    assert detect(root) == "folders"
    sample = next(open_dataset(root).samples("plate"))
    with pytest.warns(BlankModality, match="pseudo-3D pictures and clouds"):
        loaded = sample.load()
    assert (loaded.pseudo3d == (128, 128, 255)).all()
    assert loaded.foreground.all()
    assert (loaded.xyz_mm[..., 2] == 0).all()


def test_one_category_may_lie_right_in_the_root(tmp_path: Path) -> None:
    root = _mvtec_3d(tmp_path) / "bagel"
    assert open_dataset(root).categories == ("bagel",)


def test_what_is_no_set_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no data set"):
        detect(tmp_path)
    with pytest.raises(NotFound, match="no layout 'coco'"):
        open_dataset(tmp_path, "coco")
    for name in LAYOUTS:
        with pytest.raises(NotFound):
            open_dataset(tmp_path, name)
    with pytest.raises(NotFound, match="bagel"):
        list(open_dataset(_mvtec_3d(tmp_path)).samples("teapot"))


def test_an_archive_without_labels_says_how_to_write_them(tmp_path: Path) -> None:
    root = _archive(tmp_path)
    (root / "labels.csv").unlink()
    with pytest.raises(NotFound, match=r"labels\.csv"):
        open_dataset(root)
    (root / "labels.csv").write_text("inspection,category,class\ninspection-0,plate,OK\ninspection-0,plate,OK\n")
    with pytest.raises(SampleError, match="twice"):
        open_dataset(root)
    (root / "labels.csv").write_text("inspection,category,class,split\ninspection-0,plate,OK,later\n")
    with pytest.raises(SampleError, match="line 2: 'later'"):
        open_dataset(root)


@pytest.mark.parametrize("target", ["real-iad-d3", "real-iad-d3-tree", "mvtec-3d"])
def test_a_converted_set_holds_the_same(target: str, layout: str, root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    source = open_dataset(root, layout)
    done = convert(source, target, out)
    assert (done.samples, done.broken) == (6, [])
    assert detect(out) == target
    assert check_layout(out).errors == 0
    (category,) = source.categories
    # Folders are read in the order of their names: 'good' after 'dents', 'GOOD' before.
    before, after = (
        sorted(d.samples(category), key=lambda s: (list(Split).index(s.split), not s.sample_id.is_normal)) for d in (source, open_dataset(out))
    )
    assert [(s.split, s.sample_id.anomaly_class) for s in before] == [(s.split, s.sample_id.anomaly_class) for s in after]
    one, other = before[-1].load(), after[-1].load()
    assert np.abs(one.rgb.astype(int) - other.rgb).mean() < 3
    assert np.array_equal(before[-1].load_mask(), after[-1].load_mask())
    if target != "mvtec-3d":
        assert np.allclose(one.xyz_mm, other.xyz_mm, equal_nan=True)
    # A second run writes nothing anew.
    times = {p: p.stat().st_mtime_ns for p in out.rglob("*.*") if p.suffix in (".tiff", ".png", ".jpg")}
    assert convert(source, target, out).samples == 6
    assert {p: p.stat().st_mtime_ns for p in times} == times


def test_a_broken_sample_is_left_out_by_name(tmp_path: Path) -> None:
    root = _tree(tmp_path / "in")
    victim = list(open_dataset(root).samples(CATEGORY))[2]
    victim.files["ps"].write_bytes(b"no picture")
    done = convert(open_dataset(root), "mvtec-3d", tmp_path / "out")
    assert done.samples == 5
    assert [b["sample"] for b in done.broken] == [victim.name]
    assert victim.files["ps"].name in done.broken[0]["why"]
    record = json.loads((tmp_path / "out" / RECORD).read_text())
    assert len(record["from"]) == 5
    assert record["broken"] == done.broken
    assert done.not_kept == ["pseudo-3D pictures"]


def test_pictures_alone_are_not_converted_to_clouds(tmp_path: Path) -> None:
    with pytest.raises(SampleError, match="no cloud"):
        convert(open_dataset(_folders(tmp_path / "in", shape=False)), "mvtec-3d", tmp_path / "out")
    with pytest.raises(SampleError, match="eyecandies"):
        convert(open_dataset(tmp_path / "in"), "eyecandies", tmp_path / "out")


def test_normals_of_a_cloud_look_up_its_slope() -> None:
    v, u = np.mgrid[0:40, 0:60].astype(np.float32)
    xyz = np.dstack([u * 0.1, -v * 0.1, 0.5 * u * 0.1])  # rises to the right at 26.6°
    picture = normals_picture(xyz)
    normal = (picture[20, 30].astype(float) - 128) / 127
    assert normal == pytest.approx([-0.447, 0, 0.894], abs=0.01)
