"""``python -m tests.benchmarks.modality_contrast``: how far a defect stands out of good parts in each modality, through the real solvers.

Scanned on the demo rig at half its pixels a side. The table is Markdown; docs/parts.md holds one.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from acquisition.drivers.simulated import open_simulated
from acquisition.rig import Rig
from acquisition.simulation.parts import PART_KINDS, Part, Pose
from acquisition.simulation.truth import defect_mask
from api.reconstruction import Reconstructor
from rig_configs.files import load_calibration, load_rig
from tests.structured_light.simulated_scan import true_calibration

SCALE = 0.5
GOOD_SEEDS = range(100, 105)
SEEDS = (1, 2)
PAIRS = (
    ("connector_housing_female", "stain", "rgb"),
    ("crimp_st_cable_mount_box", "stain", "rgb"),
    ("lego_pin_connector_plate", "shallow_dent", "pseudo3d"),
    ("miniature_lifting_motor", "shallow_dent", "pseudo3d"),
    ("common_mode_filter", "wrong_height", "xyz"),
    ("lattice_block_plug", "wrong_height", "xyz"),
    ("dc_power_connector", "wrong_height", "xyz"),
)
"""Parts and defects that one modality alone shows, and which."""


class SmallScanner:
    """The demo rig at half its pixels a side, its geometry known, its light as the shipped calibration has it."""

    def __init__(self) -> None:
        demo, shipped = load_rig("demo"), load_calibration("demo")
        size = {"width_px": round(SCALE * demo.camera.width_px), "height_px": round(SCALE * demo.camera.height_px)}
        config = demo.model_copy(update={"camera": demo.camera.model_copy(update=size)})
        device, lights, projectors, self.bench = open_simulated(config)
        # What is asked is what each modality shows, not how well a rig is calibrated: the geometry is the bench's own.
        true = true_calibration(self.bench)
        calibration = shipped.model_copy(update={"camera": true.camera, "projectors": true.projectors})
        self.rig = Rig(config, device, lights, projectors)
        self.reconstructor = Reconstructor(config, calibration)

    def scan(self, part: Part) -> dict[str, NDArray[np.float64]]:
        """RGB and pseudo-3D, 0-1, and height, mm, of a part in the middle, each (H, W, channels), smoothed to what an eye sees."""
        self.bench.place(part.placed(Pose()))
        for frame in self.rig.scan(self.reconstructor.sequence):
            self.reconstructor.add(frame)
        result = self.reconstructor.finish()
        pictures: dict[str, NDArray[Any]] = {
            "rgb": result.rgb / 255,
            "pseudo3d": result.photometric.pseudo3d / 255,
            "xyz": result.points.xyz_mm[..., 2:].astype(np.float64),
        }
        return {
            name: np.asarray(cv2.GaussianBlur(picture, (0, 0), 1.0), np.float64).reshape(*picture.shape[:2], -1) for name, picture in pictures.items()
        }


def contrasts(scanner: SmallScanner, kind: str, defect: str, seed: int) -> dict[str, tuple[float, float]]:
    """How far a defective part, and its good twin of the same seed, are from the mean of good ones where the defect is: for each modality
    the median over the defect's pixels, in standard deviations among the good."""
    good = [scanner.scan(PART_KINDS[kind].make(other)) for other in GOOD_SEEDS]
    twin, bad = (scanner.scan(PART_KINDS[kind].make(seed, what)) for what in (None, defect))
    mask = defect_mask(scanner.bench)
    found: dict[str, tuple[float, float]] = {}
    for name, of_bad in bad.items():
        of_good = np.stack([g[name][mask] for g in good])
        mean, spread = of_good.mean(0), np.sqrt(np.nanmean(of_good.var(0).sum(-1)))
        off = [float(np.nanmedian(np.linalg.norm(picture[mask] - mean, axis=-1)) / spread) for picture in (of_bad, twin[name])]
        found[name] = off[0], off[1]
    return found


def main() -> None:
    """Print the table, means over SEEDS."""
    scanner = SmallScanner()
    print("| Part and defect | RGB | pseudo-3D | height |\n| --- | --- | --- | --- |")
    for kind, defect, modality in PAIRS:
        found = [contrasts(scanner, kind, defect, seed) for seed in SEEDS]
        cells = []
        for name in ("rgb", "pseudo3d", "xyz"):
            bad, twin = np.mean([f[name] for f in found], axis=0)
            cells.append(f"{f'**{bad:.1f}**' if name == modality else f'{bad:.1f}'} ({twin:.1f})")
        print(f"| {kind}, {defect} | {' | '.join(cells)} |".replace("_", " "), flush=True)
    scanner.rig.close()


if __name__ == "__main__":
    main()
