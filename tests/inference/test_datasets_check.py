"""The check finds what is wrong with a data set, each by its code, and nothing in one that is right."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from dataset_files import CATEGORY, SHAPE, write_set

from inference.datasets.check import Report, check
from inference.datasets.findings import CODES, Severity
from inference.datasets.real_iad_d3 import JSON_FOLDER, RAW_FOLDER, RealIadD3, RealIadD3Sample

Splits = dict[str, Any]


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_set(tmp_path_factory.mktemp("master") / "set")


@pytest.fixture
def root(master: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(master, tmp_path / "set"))


def codes(report: Report) -> set[str]:
    return {f.code for f in report.findings}


def edit(root: Path, change: Callable[[Splits], None]) -> None:
    path = root / JSON_FOLDER / f"{CATEGORY}.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def of(root: Path, anomaly_class: str) -> RealIadD3Sample:
    return [s for s in RealIadD3(root).samples(CATEGORY) if s.sample_id.anomaly_class == anomaly_class][-1]


def set_xyz(path: Path, change: Callable[[np.ndarray], object]) -> None:
    xyz = tifffile.imread(path)
    change(xyz)
    tifffile.imwrite(path, xyz, photometric="rgb", metadata=None)


def paint(path: Path, picture: np.ndarray) -> None:
    cv2.imwrite(str(path), picture)


def test_a_right_set_has_no_findings(root: Path) -> None:
    report = check(root)
    assert report.findings == ()
    (category,) = report.categories
    assert category.samples == {"train": {"OK": 3}, "validation": {}, "test": {"OK": 6, "missing_part": 6}}
    assert category.unknown_share == pytest.approx(0.02, abs=0.01)
    assert category.leaks == ()


def _swap_ps(splits: Splits) -> None:
    splits["test"][0]["ps_path"], splits["test"][1]["ps_path"] = splits["test"][1]["ps_path"], splits["test"][0]["ps_path"]


def _one_missing_key(splits: Splits) -> None:
    del splits["train"][0]["xyz_path"]


def _spelt_otherwise(splits: Splits) -> None:
    splits["test"][-1]["anomaly_class"] = "missing-part"


def _called_good(splits: Splits) -> None:
    splits["test"][-1].update(anomaly_class="OK", mask_path=None)


LISTS: dict[str, tuple[str, Callable[[Splits], None]]] = {
    "modalities of two samples": ("modalities_mixed", _swap_ps),
    "an entry without a path": ("entry_invalid", _one_missing_key),
    "a judged sample in train": ("test_in_train", lambda s: s["train"].append(s["test"][0])),
    "a sample twice in test": ("sample_twice", lambda s: s["test"].append(s["test"][0])),
    "a defect in train": ("defect_in_train", lambda s: s["train"].append(s["test"].pop())),
    "a class of two spellings": ("class_spelling", _spelt_otherwise),
    "a defect called good": ("class_differs", _called_good),
    "a defect without a mask": ("mask_missing", lambda s: s["test"][-1].update(mask_path=None)),
    "a mask of a good sample": ("mask_of_normal", lambda s: s["test"][0].update(mask_path=s["test"][-1]["mask_path"])),
    "an empty train split": ("split_empty", lambda s: s["train"].clear()),
    "a sample in no split": ("not_listed", lambda s: s["test"].pop()),
    "a file that is not there": ("file_missing", lambda s: s["test"][0].update(xyz_path="OK/S0004/knob_cap_0004_OK_XYZ_20260101000001.tiff")),
}


@pytest.mark.parametrize("fault", LISTS)
def test_faults_of_the_lists_are_found(root: Path, fault: str) -> None:
    code, change = LISTS[fault]
    edit(root, change)
    assert code in codes(check(root))


FILES: dict[str, tuple[str, Callable[[RealIadD3Sample, RealIadD3Sample], object]]] = {
    "a cut TIFF": ("file_unreadable", lambda good, _: good.xyz.write_bytes(good.xyz.read_bytes()[:900])),
    "a picture that is none": ("file_unreadable", lambda good, _: good.image.write_bytes(b"text")),
    "a picture that is gone": ("file_missing", lambda good, _: good.ps.unlink()),
    "a cloud of one channel": ("xyz_shape", lambda good, _: tifffile.imwrite(good.xyz, np.ones(SHAPE, np.float32))),
    "a cloud of another size": ("size_differs", lambda good, _: tifffile.imwrite(good.xyz, tifffile.imread(good.xyz)[:-2], photometric="rgb")),
    "a pseudo-3D picture of another size": ("size_differs", lambda good, _: paint(good.ps, np.ones((30, 45, 3), np.uint8))),
    "a mask with nothing in it": ("mask_empty", lambda _, bad: paint(bad.mask, np.zeros(SHAPE, np.uint8))),
    "a mask of another size": ("mask_size", lambda _, bad: paint(bad.mask, np.full((30, 45), 255, np.uint8))),
    "a cloud without points": ("no_points", lambda good, _: set_xyz(good.xyz, lambda xyz: xyz.fill(0))),
    "a cloud mostly unknown": ("many_unknown", lambda good, _: set_xyz(good.xyz, lambda xyz: xyz[:40].fill(np.nan))),
    "the same picture twice": ("same_picture", lambda good, bad: shutil.copy(good.image, bad.image)),
    "no PCD": ("pcd_missing", lambda good, _: good.pcd.unlink()),
    "a damaged PCD": ("pcd_unreadable", lambda good, _: good.pcd.write_bytes(good.pcd.read_bytes()[:-100])),
    "no single lights": ("lights_missing", lambda good, _: good.light("RGBL02").unlink()),
}


@pytest.mark.parametrize("fault", FILES)
def test_faults_of_the_files_are_found_with_their_path(root: Path, fault: str) -> None:
    code, spoil = FILES[fault]
    good, bad = of(root, "OK"), of(root, "missing_part")
    spoil(good, bad)
    report = check(root)
    assert codes(report) == {code}
    (finding,) = report.findings
    assert str(finding.path).startswith(f"{RAW_FOLDER}/{CATEGORY}/")
    assert finding.cure
    assert report.errors == (CODES[code][0] is Severity.ERROR)


def test_files_that_tell_no_sample_are_told(root: Path) -> None:
    good = of(root, "OK")
    other = good.ps.with_name("PS.jpg")
    good.ps.rename(other)

    def rename(splits: Splits) -> None:
        for entry in splits["test"]:
            if entry["ps_path"].endswith(good.ps.name):
                entry["ps_path"] = str(Path(entry["ps_path"]).with_name("PS.jpg"))

    edit(root, rename)
    assert codes(check(root)) == {"name_unknown"}


def test_broken_splits_are_told_beside_the_rest(root: Path) -> None:
    (root / JSON_FOLDER / "fuse_holder.json").write_text("{")
    report = check(root)
    assert "splits_unreadable" in codes(report)
    assert report.categories[1].samples["train"] == {"OK": 3}


def test_constant_x_and_y_are_warned_of_with_their_values(root: Path) -> None:
    for sample in RealIadD3(root).samples(CATEGORY):
        set_xyz(sample.xyz, lambda xyz: np.copyto(xyz[..., :2], 7.5, where=xyz.any(-1)[..., None]))
    report = check(root)
    (finding,) = report.findings
    assert finding.code == "xy_placeholder"
    assert "15 of 15" in finding.message
    assert "(7.5, 7.5)" in finding.message
    assert report.errors == 0


def test_placeholders_that_give_the_label_away_are_measured(root: Path) -> None:
    for sample in RealIadD3(root).samples(CATEGORY):
        value = 12.0 if sample.sample_id.is_normal else 19.0
        set_xyz(sample.xyz, lambda xyz, value=value: np.copyto(xyz[..., :1], value, where=xyz.any(-1)[..., None]))
    report = check(root)
    assert codes(report) == {"xy_placeholder", "xy_leak"}
    (leak,) = report.categories[0].leaks
    assert (leak.axis, leak.auroc, leak.normal, leak.defective) == ("X", 1.0, 9, 6)
    assert leak.difference_mm == pytest.approx(7)
    assert leak.chance < 0.001
    assert any("AUROC 1.000" in f.message for f in report.findings)
    assert report.errors == 0


def test_a_grid_that_is_shifted_in_defective_samples_leaks_too(root: Path) -> None:
    for sample in RealIadD3(root).samples(CATEGORY):
        if not sample.sample_id.is_normal:
            set_xyz(sample.xyz, lambda xyz: np.copyto(xyz[..., 1:2], xyz[..., 1:2] + 1.5, where=xyz.any(-1)[..., None]))
    report = check(root)
    assert codes(report) == {"xy_leak"}
    assert report.categories[0].leaks[0].axis == "Y"


def test_a_defect_that_takes_points_away_is_no_leak(root: Path) -> None:
    for sample in RealIadD3(root).samples(CATEGORY):
        if not sample.sample_id.is_normal:
            set_xyz(sample.xyz, lambda xyz: xyz[:, 50:].fill(0))
    assert check(root).findings == ()
