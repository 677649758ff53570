"""Every layout by its name, and finding out which one a folder has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from inference.datasets import archive, eyecandies, folders, mvtec_3d, real_iad_d3, real_iad_d3_tree
from inference.datasets.dataset import Dataset
from inference.datasets.file_sample import PICTURES, category_folders
from rig_configs.errors import NotFound, SampleError

REAL_IAD_D3 = "real-iad-d3"


@dataclass(frozen=True, slots=True)
class Layout:
    """A way in which data sets lie on disk."""

    name: str
    open: Callable[[Path], Dataset]
    looks_like: Callable[[Path], bool]
    """Whether a folder has it, by a look at its names."""


def _has_splits(root: Path) -> bool:
    try:
        real_iad_d3.RealIadD3(root)
    except NotFound:
        return False
    return True


def _classes(root: Path) -> list[Path]:
    return [p for category in category_folders(root) for p in (category / "train").iterdir() if p.is_dir()]


def _holds(root: Path, *wanted: str) -> bool:
    return any(all((of_class / name).is_dir() for name in wanted) for of_class in _classes(root))


def _is_plain(root: Path) -> bool:
    if _holds(root, "xyz"):
        return False
    return _holds(root, "rgb") or any(p.suffix.lower() in PICTURES for c in _classes(root) if c.name != "data" for p in c.iterdir())


LAYOUTS: dict[str, Layout] = {
    layout.name: layout
    for layout in (
        Layout(REAL_IAD_D3, real_iad_d3.RealIadD3, _has_splits),
        Layout(real_iad_d3_tree.LAYOUT, real_iad_d3_tree.open_real_iad_d3_tree, lambda root: _holds(root, "rgb", "xyz", "ps")),
        Layout(mvtec_3d.LAYOUT, mvtec_3d.open_mvtec_3d, lambda root: _holds(root, "rgb", "xyz") and not _holds(root, "ps")),
        Layout(
            eyecandies.LAYOUT, eyecandies.open_eyecandies, lambda root: any(any(c.glob("train/data/*_depth.png")) for c in category_folders(root))
        ),
        Layout(folders.LAYOUT, folders.open_folders, _is_plain),
        Layout(archive.LAYOUT, archive.Archive, lambda root: any(root.glob(f"{archive.DAYS}/*/xyz.tiff"))),
    )
}


def detect(root: Path) -> str:
    """Name of the layout that a folder has.

    Raises:
        NotFound: none, or no such folder.
        SampleError: it may be more than one.
    """
    found = [layout.name for layout in LAYOUTS.values() if root.is_dir() and layout.looks_like(root)]
    if not found:
        raise NotFound(
            f"{root} holds no data set of a known layout.", cure=f"Known are: {', '.join(LAYOUTS)}; docs/data.md shows each.", detail="dataset"
        )
    if len(found) > 1:
        raise SampleError(f"{root} may have the layout {' or '.join(found)}.", cure="Say which with --layout.", detail="layout")
    return found[0]


def open_dataset(root: Path, layout: str | None = None) -> Dataset:
    """Open a data set.

    Args:
        root: its folder.
        layout: one of ``LAYOUTS``; found out where not given.

    Raises:
        NotFound: no data set is there, or no such layout.
        SampleError: the layout is ambiguous, or the lists of the set cannot be read.
    """
    name = layout or detect(root)
    if name not in LAYOUTS:
        raise NotFound(f"There is no layout '{name}'.", cure=f"Choose one of: {', '.join(LAYOUTS)}.", detail="layout")
    return LAYOUTS[name].open(root)
