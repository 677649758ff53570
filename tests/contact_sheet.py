"""Draw every kind of part, good and with each of its defects: ``python -m tests.contact_sheet parts.png [kind …]``.

Colour under all four zones; what the camera can see of a defect is outlined in red, a little outside it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from acquisition import pixel_formats
from acquisition.simulation.bench import Bench
from acquisition.simulation.parts import PART_KINDS, PartKind, Pose
from acquisition.simulation.truth import truth_of
from rig_configs.files import load_rig

TILE_PX, CAPTION_PX = (156, 126), 13


def tile(bench: Bench, kind: PartKind, defect: str | None, seed: int, white: float) -> NDArray[np.uint8]:
    """One part as the camera sees it, cut out and captioned, (h, w, 3) BGR."""
    bench.place(kind.make(seed, defect).placed(Pose(0.2, -0.1, 2.0)))
    light = bench.view.ambient() + sum(bench.view.zone(z) for z in range(4))
    truth = truth_of(bench)
    mosaic = ((light / white).clip(0, 1) * 65535).astype(np.uint16)
    colour = pixel_formats.rgb(mosaic, bench.truth.camera.pixel_format)[..., ::-1]
    picture = (255 * (colour / 65535) ** 0.45).astype(np.uint8)
    grown = cv2.dilate(truth.defect_mask.astype(np.uint8), np.ones((9, 9), np.uint8))
    outline, _ = cv2.findContours(grown, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(picture, outline, -1, (70, 70, 255), 1)
    rows, columns = np.nonzero(truth.object_mask)
    width, height = TILE_PX[0], TILE_PX[1] - CAPTION_PX
    zoom = 0.94 * min(width / np.ptp(columns), height / np.ptp(rows))
    centre = (columns.min() + columns.max()) / 2, (rows.min() + rows.max()) / 2
    move = np.array([[zoom, 0, width / 2 - zoom * centre[0]], [0, zoom, height / 2 - zoom * centre[1]]])
    cut = cv2.warpAffine(picture, move, TILE_PX, flags=cv2.INTER_AREA if zoom < 1 else cv2.INTER_CUBIC)
    cut[height:] = 24
    cv2.putText(cut, defect or kind.name, (4, TILE_PX[1] - 4), cv2.FONT_HERSHEY_SIMPLEX, 0.31, (235, 235, 235), 1, cv2.LINE_AA)
    return cut.astype(np.uint8)


def sheet(names: list[str], seed: int = 3) -> NDArray[np.uint8]:
    """A row for each kind, two kinds beside each other, (h, w, 3) BGR."""
    rig = load_rig("demo")
    bench = Bench(rig.model_copy(update={"camera": rig.camera.model_copy(update={"width_px": 684, "height_px": 456})}))
    bench.place(PART_KINDS["connector_housing_female"].make(seed).placed())
    white = float(np.percentile(sum(bench.view.zone(z) for z in range(4)), 99.5))
    blank = np.full((TILE_PX[1], TILE_PX[0], 3), 24, np.uint8)
    strips = []
    for name in names:
        tiles = [tile(bench, PART_KINDS[name], defect, seed, white) for defect in (None, *PART_KINDS[name].defects)]
        strips.append(np.hstack(tiles + [blank] * (5 - len(tiles))))
    if len(strips) % 2:
        strips.append(np.hstack([blank] * 5))
    return np.vstack([np.hstack(strips[i : i + 2]) for i in range(0, len(strips), 2)])


if __name__ == "__main__":
    picture = sheet(sys.argv[2:] or list(PART_KINDS))
    suffix = Path(sys.argv[1]).suffix
    cv2.imwrite(sys.argv[1], picture, [cv2.IMWRITE_PNG_COMPRESSION, 9] if suffix == ".png" else [])
