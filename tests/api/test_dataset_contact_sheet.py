"""The contact sheet shows each class once, in three modalities, with its defect outlined."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from api.datasets.contact_sheet import CAPTION_PX, GAP_PX, GROUND, MARGIN_PX, RED, TILE_PX, TITLE_PX, write_contact_sheet
from inference.datasets.dataset import SampleId, Split
from inference.datasets.names import LIGHTS
from inference.datasets.writing import SampleContent, entry, write_sample, write_splits

SHAPE = (80, 120)
STAMP = "20260101000000"


def content(defect: bool) -> SampleContent:
    v, u = np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]]
    part, mask = (abs(u - 60) < 30) & (abs(v - 40) < 20), np.hypot(u - 75, v - 45) < 6
    z = np.where(part, 3.0, 0.0) - 0.5 * mask * defect
    xyz = np.dstack([0.1 * u, -0.1 * v, z]).astype(np.float32)
    grey = np.where(part, 150, 40).astype(np.uint8)
    return SampleContent(
        {name: np.dstack([grey] * 3) for name in LIGHTS}, np.full((*SHAPE, 3), (128, 128, 255), np.uint8), xyz, mask if defect else None
    )


def write_set(root: Path, categories: tuple[str, ...]) -> None:
    for category in categories:
        good, bad = SampleId(category, "OK", 1), SampleId(category, "pit", 1)
        write_sample(root, good, STAMP, content(False))
        write_sample(root, bad, STAMP, content(True))
        write_splits(root, category, {Split.TRAIN: [entry(good, STAMP)], Split.TEST: [entry(bad, STAMP)]})


def test_a_sheet_has_a_row_for_each_class(tmp_path: Path) -> None:
    write_set(tmp_path, ("knob_cap",))
    write_contact_sheet(tmp_path, tmp_path / "sheet.png")
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet is not None
    assert sheet.shape[0] == 2 * MARGIN_PX + TITLE_PX + 2 * (TILE_PX[1] + CAPTION_PX)
    assert tuple(sheet[2, 2]) == GROUND
    red = np.all(np.abs(sheet.astype(int) - RED) < 40, axis=-1)
    for row in (0, 1):
        for column in range(3):
            top, left = MARGIN_PX + TITLE_PX + row * (TILE_PX[1] + CAPTION_PX), MARGIN_PX + column * (TILE_PX[0] + GAP_PX)
            outlined = red[top : top + TILE_PX[1], left : left + TILE_PX[0]]
            if row == 0:
                assert not outlined.any()
                continue
            rows, columns = np.nonzero(outlined)
            zoom = TILE_PX[0] / (60 * 1.1)
            assert abs(np.mean([columns.min(), columns.max()]) - (TILE_PX[0] / 2 + 15.5 * zoom)) < 4
            assert abs(np.mean([rows.min(), rows.max()]) - (TILE_PX[1] / 2 + 5.5 * zoom)) < 4


def test_many_categories_stand_side_by_side(tmp_path: Path) -> None:
    write_set(tmp_path, tuple(f"part_{i}" for i in range(12)))
    write_contact_sheet(tmp_path, tmp_path / "sheet.png")
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet is not None
    height, width, _ = sheet.shape
    assert 1 <= width / height < 2.5
    assert [p.name for p in tmp_path.glob("*.png")] == ["sheet.png"]
