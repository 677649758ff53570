"""``python -m tests.benchmarks.light_artefacts``: how true the light zones are that each artefact finds, against the bench's own.

On the demo rig, and on one a third as fine whose geometry is known. The table is Markdown; docs/decisions/0006-light-models.md holds one.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from acquisition.simulation.guide import BenchGuide
from acquisition.simulation.optics import TrueZone
from api.calibrating import Calibrator
from api.calibrating_lights import LightArtefact
from api.composition import open_rig
from rig_configs.calibration import ZoneCalibration
from rig_configs.files import load_calibration, load_rig, rig_folder
from tests.system.known_rig import write_known_rig

SEEDS = (1, 2)
CASES = {
    "mirror-sphere": ("plate, sphere at 7 places", LightArtefact.MIRROR_SPHERE, 7),
    "matt-sphere": ("plate, sphere at 7 places", LightArtefact.MATT_SPHERE, 7),
    "matt-sphere, once": ("plate, sphere at one place", LightArtefact.MATT_SPHERE, 1),
    "plate": ("plate at 3 heights, measured by the projectors", LightArtefact.PLATE, 7),
}


def _off(found: ZoneCalibration, true: TrueZone, field_mm: tuple[float, float]) -> tuple[float, float]:
    """Largest angle over the field between the directions to the two, degrees, and their distance, mm."""
    x, y = np.meshgrid(*(np.linspace(-side / 2, side / 2, 9) for side in field_mm))
    points = np.stack([x, y, np.zeros_like(x)], -1)
    a, b = np.asarray(found.position_mm) - points, true.position_mm - points
    cosine = np.sum(a * b, -1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)
    return float(np.degrees(np.arccos(np.clip(cosine.min(), -1, 1)))), float(np.linalg.norm(found.position_mm - true.position_mm))


def worst(rig: str | Path, artefact: LightArtefact, places: int) -> tuple[float, float]:
    """The worst zone of all seeds: angle, degrees, and distance, mm."""
    folder = rig_folder(rig)
    config = load_rig(folder)
    field_mm = config.camera.nominal.field_width_mm, config.camera.pixel_pitch_mm * config.camera.height_px
    off: list[tuple[float, float]] = []
    for seed in SEEDS:
        opened = open_rig(config, folder, seed)
        assert opened.bench is not None
        guide = BenchGuide(opened.bench, config, seed)
        guide.sphere_positions = places
        zones = Calibrator(opened.rig, guide).lights(load_calibration(folder), artefact).zones
        off += [_off(found, true, field_mm) for found, true in zip(zones, opened.bench.truth.zones, strict=True)]
        opened.rig.close()
    return max(angle for angle, _ in off), max(distance for _, distance in off)


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        coarse = write_known_rig(Path(folder))
        print("| `calibrate lights --from` | captures | demo | a third as fine |\n|---|---|---|---|")
        for name, (captures, artefact, places) in CASES.items():
            cells = ["{:.2f}°, {:.1f} mm".format(*worst(rig, artefact, places)) for rig in ("demo", coarse)]
            print(f"| `{name.partition(',')[0]}` | {captures} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
