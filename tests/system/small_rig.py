"""The demo rig with fewer pixels, in a folder of its own: what is measured with it takes seconds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from acquisition.simulation.guide import BenchGuide
from api.calibrating import Calibrator
from api.composition import open_rig
from rig_configs.calibration import Calibration
from rig_configs.files import SHIPPED, load_rig, save_calibration


def write_small_rig(folder: Path, name: str, width_px: int, *, seed: int | None = None, **sequence: Any) -> Path:
    """Write the demo's rig.yaml with another name and width.

    Args:
        folder: the rig's folder.
        name: the rig's name.
        width_px: width of its camera; the height keeps the demo's proportion.
        seed: another build of the rig than the demo's.
        sequence: what its sequence has otherwise.

    Returns:
        the folder.
    """
    content = yaml.safe_load((SHIPPED / "demo" / "rig.yaml").read_text())
    content["name"] = name
    content["camera"].update(width_px=width_px, height_px=width_px * 2 // 3)
    content["sequence"].update(sequence)
    if seed is not None:
        content["simulation"]["seed"] = seed
    (folder / "rig.yaml").write_text(yaml.safe_dump(content))
    return folder


def calibrate_small_rig(folder: Path, progress: Callable[[float, str], None] = lambda *_: None) -> Calibration:
    """Calibrate a rig from nothing but its own simulated captures, as ``d3station calibrate all`` does, and write its calibration.yaml."""
    config = load_rig(folder)
    opened = open_rig(config, folder, noise_seed=3)
    assert opened.bench is not None
    try:
        calibration = Calibrator(opened.rig, BenchGuide(opened.bench, config, 5), progress).all()
    finally:
        opened.rig.close()
    save_calibration(calibration, folder)
    return calibration
