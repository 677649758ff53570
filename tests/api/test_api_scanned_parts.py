"""Parts that were scanned for teaching are kept until there is a model, and are not scanned twice."""

from __future__ import annotations

import shutil
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from api import scanned_parts
from api.scanned_parts import ScannedParts
from api.schemas_recipes import RecipeVersion
from inference.sample import D3Sample


def sample_of(index: int) -> D3Sample:
    rng = np.random.default_rng(index)
    shape = (12, 17)
    xyz = rng.normal(size=(*shape, 3)).astype(np.float32)
    xyz[0, 0] = np.nan
    rgb, pseudo3d = (rng.integers(0, 256, (*shape, 3), np.uint8) for _ in range(2))
    return D3Sample(rgb, pseudo3d, xyz, rng.random(shape) > 0.3, f"good part {index + 1}", rng.random(shape) > 0.9 if index % 2 else None)


class Scanner:
    def __init__(self) -> None:
        self.scanned: list[int] = []

    def __call__(self, index: int) -> D3Sample:
        self.scanned.append(index)
        return sample_of(index)


def assert_same(found: D3Sample, wanted: D3Sample) -> None:
    assert found.name == wanted.name
    for name in ("rgb", "pseudo3d", "xyz_mm", "foreground", "ignored"):
        one, other = getattr(found, name), getattr(wanted, name)
        assert (one is None) == (other is None)
        assert one is None or (one.dtype == other.dtype and one.tobytes() == other.tobytes())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "bolt" / "this"


def test_teaching_goes_on_after_the_parts_that_were_scanned(folder: Path) -> None:
    before = Scanner()
    list(islice(ScannedParts(folder, 6, before), 3))
    assert (before.scanned, scanned_parts.kept(folder)) == ([0, 1, 2], 3)
    after = Scanner()
    parts = ScannedParts(folder, 6, after)
    assert len(parts) == 6
    for index, part in enumerate(parts):
        assert_same(part, sample_of(index))
    assert after.scanned == [3, 4, 5]
    scanned_parts.forget(folder)
    assert not folder.parent.exists()
    assert scanned_parts.kept(folder) == 0


def test_a_part_that_was_cut_while_it_was_written_is_scanned_again(folder: Path) -> None:
    list(ScannedParts(folder, 3, Scanner()))
    second = folder / "part002.npz"
    second.write_bytes(second.read_bytes()[:200])
    again = Scanner()
    for index, part in enumerate(ScannedParts(folder, 3, again)):
        assert_same(part, sample_of(index))
    assert again.scanned == [1]


def test_where_nothing_can_be_kept_teaching_goes_on(tmp_path: Path) -> None:
    (tmp_path / "bolt").write_text("in the way")
    scanner = Scanner()
    assert len(list(ScannedParts(tmp_path / "bolt" / "this", 4, scanner))) == 4
    assert scanner.scanned == [0, 1, 2, 3]


def test_what_results_need_of_the_disk_is_left_free(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(folder.anchor)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=2 * 2**30))
    scanner = Scanner()
    assert len(list(ScannedParts(folder, 2, scanner))) == 2
    assert scanned_parts.kept(folder) == 0


def test_parts_of_another_calibration_or_sequence_are_not_gone_on_with(tmp_path: Path) -> None:
    recipe = RecipeVersion.model_validate({"version": 1, "created": "2026-01-01T00:00:00Z", "by": "ann", "note": "first"})
    folders = {
        scanned_parts.folder_of(tmp_path, "bolt", recipe, "one"),
        scanned_parts.folder_of(tmp_path, "bolt", recipe, "other"),
        scanned_parts.folder_of(tmp_path, "bolt", recipe.model_copy(update={"sequence": None}), "one"),
    }
    assert len(folders) == 3
    assert scanned_parts.folder_of(tmp_path, "bolt", recipe.model_copy(update={"threshold": 2.0}), "one") in folders
