"""What a benchmark shows: a heat map of each kind of defect and of each that was missed, on a sheet each; its tables as charts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from inference.benchmark_defects import DefectKind
from inference.benchmark_results import CategoryResult, Numbers, SampleRecord
from inference.datasets.dataset import NORMAL, DatasetSample
from inference.features.window import outlined
from inference.sample import D3Sample

_TILE_HEIGHT, _PICTURE_WIDTH, _CAPTION = 150, 190, 34
_SHORT = {"rgb": "2D", "pseudo3d": "PS", "fused": "2D+3D", "points": "3D", "rgb_pseudo3d": "2D|PS", "rgb_points": "2D|3D"}
_FAINT, _STRONG = 0.5, 3.0
"""Shares of the limit at which the colours start and end."""
SHEET_COLUMNS = 3


def _fitted(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture in the tile's frame, whole."""
    height, width = picture.shape[:2]
    factor = min(_TILE_HEIGHT / height, _PICTURE_WIDTH / width)
    small = cv2.resize(picture, (max(1, round(width * factor)), max(1, round(height * factor))), interpolation=cv2.INTER_AREA)
    frame = np.full((_TILE_HEIGHT, _PICTURE_WIDTH, 3), 24, np.uint8)
    y, x = (_TILE_HEIGHT - small.shape[0]) // 2, (_PICTURE_WIDTH - small.shape[1]) // 2
    frame[y : y + small.shape[0], x : x + small.shape[1]] = small
    return frame


def overlay(rgb: NDArray[np.uint8], over_limit: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(H, W, 3) picture with a map laid over it, in colours from half the limit (blue) to three times it (red)."""
    share = np.clip((over_limit - _FAINT) / (_STRONG - _FAINT), 0.0, 1.0)
    colours = cv2.applyColorMap((255 * share).astype(np.uint8), cv2.COLORMAP_TURBO)[..., ::-1]
    opacity = np.clip((over_limit - _FAINT) / 0.5, 0.0, 0.8)[..., None]
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)[..., None]
    return (grey * (1.0 - opacity) + colours * opacity).astype(np.uint8)


def tile(sample: D3Sample, mask: NDArray[np.bool_], ranked: NDArray[np.float32], record: SampleRecord) -> NDArray[np.uint8]:
    """A sample in colour, pseudo-3D and as heat map, the defect outlined, with each bank's score over its limit."""
    rows, columns = np.nonzero(outlined(sample.foreground, sample.name) | mask)
    pad = round(0.08 * max(np.ptp(rows), np.ptp(columns)))
    box = np.s_[max(rows.min() - pad, 0) : rows.max() + pad, max(columns.min() - pad, 0) : columns.max() + pad]
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    thick = max(1, round(max(np.ptp(rows), np.ptp(columns)) / 220))
    marked = [
        cv2.drawContours(picture.copy(), contours, -1, (255, 255, 255), thick)[box].astype(np.uint8)
        for picture in (sample.pseudo3d, overlay(sample.rgb, np.maximum(ranked - 1.0, 0.0)))
    ]
    row = np.hstack([_fitted(picture) for picture in (sample.rgb[box], *marked)])
    caption = np.full((_CAPTION, row.shape[1], 3), 24, np.uint8)
    category = record.name.split("/")[0]
    banks = "   ".join(f"{_SHORT[name]} {value:.2f}" for name, value in record.banks.items())
    lines = f"{category}: {record.anomaly_class}{_why_missed(record)}", f"score {record.score:.2f}   {banks}   (1 = limit)"
    for text, y in zip(lines, (13, 28), strict=True):
        cv2.putText(caption, text, (6, y), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (235, 235, 235), 1, cv2.LINE_AA)
    return np.vstack([caption, row])


def _why_missed(record: SampleRecord) -> str:
    """Which bank came nearest to its limit and where the map is largest; nothing for a defect that was found."""
    if record.over_limit:
        return ""
    nearest = max(record.banks, key=lambda name: record.banks[name])
    return f" - MISSED: {_SHORT[nearest]} nearest, map's peak {'on the defect' if record.peak_on_defect else 'elsewhere'}"


class HeatMaps:
    """Keeps a tile of the first sample of each defect of each category in a folder, and of every missed one in its folder ``missed``.

    Args:
        folder: made if missing.
        label: the variant whose maps are shown.
    """

    def __init__(self, folder: Path, label: str) -> None:
        self.folder, self.label = folder, label
        self._done: set[tuple[str, str]] = set()
        self.missed = folder / "missed"
        self.missed.mkdir(parents=True, exist_ok=True)

    def __call__(
        self,
        listed: DatasetSample,
        sample: D3Sample,
        mask: NDArray[np.bool_],
        maps: dict[str, NDArray[np.float32]],
        records: dict[str, SampleRecord],
    ) -> None:
        """Take a judged sample; see ``benchmark.Look``."""
        kind = (listed.sample_id.category, listed.sample_id.anomaly_class)
        if kind[1] == NORMAL or self.label not in maps:
            return
        record = records[self.label]
        is_first = kind not in self._done
        if not is_first and record.over_limit:
            return
        picture = tile(sample, mask, maps[self.label], record)
        if is_first:
            self._done.add(kind)
            write(self.folder / f"{kind[0]}-{kind[1]}.png", picture)
        if not record.over_limit:
            write(self.missed / f"{kind[0]}-{kind[1]}-{listed.sample_id.number:04d}.png", picture)

    def sheets(self) -> list[Path]:
        """``heat-maps.jpg`` of one sample of each defect, and ``missed.jpg`` of all that were missed, in the folder; those that have tiles."""
        made = (_sheet(tiles, self.folder / name) for tiles, name in ((self.folder, "heat-maps.jpg"), (self.missed, "missed.jpg")))
        return [path for path in made if path is not None]


def _sheet(folder: Path, path: Path) -> Path | None:
    """All tiles of a folder on one picture; None where there are none."""
    tiles = [picture for p in sorted(folder.glob("*-*.png")) if (picture := cv2.imread(str(p))) is not None]
    if not tiles:
        return None
    tiles += [np.full_like(tiles[0], 24)] * (-len(tiles) % SHEET_COLUMNS)
    lines = [np.hstack(tiles[i : i + SHEET_COLUMNS]) for i in range(0, len(tiles), SHEET_COLUMNS)]
    write(path, np.vstack(lines)[..., ::-1].astype(np.uint8))
    return path


def write(path: Path, rgb: NDArray[np.uint8]) -> None:
    """An RGB picture to a file of its suffix's kind."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, 70] if path.suffix == ".jpg" else []
    done, data = cv2.imencode(path.suffix, np.ascontiguousarray(rgb[..., ::-1]), quality)
    assert done
    path.write_bytes(data.tobytes())


def chart(results: Mapping[str, CategoryResult], protocol: str, labels: Sequence[str], path: Path) -> None:
    """A table of the three areas, shaded by value: methods across, categories down, the mean last."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2.2 + 1.3 * max(4, len(labels)), 1.6 + 0.34 * (len(results) + 1)), layout="constrained")
    for number, (key, title) in enumerate((("i_auroc", "I-AUROC"), ("p_auroc", "P-AUROC"), ("aupro", "AUPRO@0.3"))):
        values = np.full((len(results) + 1, len(labels)), math.nan)
        for row, result in enumerate(results.values()):
            for column, label in enumerate(labels):
                if label in result.variants:
                    of: Numbers = getattr(result.variants[label], protocol)
                    value = getattr(of, key)
                    values[row, column] = math.nan if value is None else value
        known = np.isfinite(values[:-1])
        values[-1] = np.where(known, values[:-1], 0.0).sum(axis=0) / np.where(known.any(axis=0), known.sum(axis=0), np.nan)
        axes = figure.add_subplot(1, 3, number + 1)
        axes.imshow(values, vmin=0.5, vmax=1.0, cmap="viridis", aspect="auto")
        for (row, column), value in np.ndenumerate(values):
            if np.isfinite(value):
                axes.text(column, row, f"{value:.3f}", ha="center", va="center", fontsize=6.5, color="white" if value < 0.85 else "black")
        axes.axhline(len(results) - 0.5, color="white", linewidth=2)
        axes.set_xticks(range(len(labels)), list(labels), rotation=40, ha="right", fontsize=7)
        axes.set_yticks(range(len(results) + 1), [*results, "mean"] if number == 0 else [""] * (len(results) + 1), fontsize=7)
        axes.set_title(title, fontsize=9)
    figure.savefig(path, dpi=130)


def chart_defects(kinds: Mapping[str, DefectKind], path: Path) -> None:
    """A line a kind of defect: each bank's median score, 1 at its limit, shaded; how many it put over its limit, and how many were found."""
    from matplotlib.figure import Figure

    banks = list(next(iter(kinds.values())).banks)
    medians = np.array([[kind.banks[name].median for name in banks] for kind in kinds.values()])
    figure = Figure(figsize=(3.4 + 1.3 * len(banks), 1.2 + 0.32 * len(kinds)), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(medians, vmin=0.0, vmax=2.0, cmap="RdYlBu_r", aspect="auto")
    for (row, column), value in np.ndenumerate(medians):
        seen = list(kinds.values())[row].banks[banks[column]].seen
        axes.text(column, row, f"{value:.2f}   ({seen:.0%})", ha="center", va="center", fontsize=8, color="black" if 0.3 < value < 1.7 else "white")
    axes.set_xticks(range(len(banks)), [_SHORT[name] for name in banks], fontsize=9)
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(kinds)), [f"{name.replace('_', ' ')}: {k.rejected} of {k.samples} rejected" for name, k in kinds.items()], fontsize=8)
    axes.set_xlabel("median score of the bank, 1 = its limit (share of the samples over it)", fontsize=8)
    figure.savefig(path, dpi=130)
