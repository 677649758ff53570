"""``python -m tests.benchmarks.fringe_alternatives``: fringe sequences of equally many frames, side by side on the simulated bench.

One projector looks at a smooth part; its calibration is the truth, so that what is left is the fringes' own. Each sequence is
scanned twelve times in focus, twelve times with the projector two pixels out of focus, and twelve times with a sixth of the light.
The table is Markdown; docs/decisions/0005-fringes.md holds one, and the choice made by it.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.ndimage import binary_erosion

from acquisition.simulation.bench import Bench
from acquisition.simulation.scene import SceneObject
from rig_configs.errors import D3Error
from rig_configs.files import load_rig
from rig_configs.fringes import FringeConfig
from structured_light.patterns import FringePatterns
from structured_light.reconstructor import FourEye
from tests.structured_light.simulated_scan import FULL_SCALE_DN, relief, scan, true_calibration

REPEATS = 12
WIDTH_PX = 342
EXPOSURE_US, DIM_US = 6000, 1000
DEFOCUS_PX = 2.0
SLIP_MM = 0.15
"""Well above any noise, well below the height of one period."""


def _more(method: str, *periods: float, steps: int) -> dict[str, Any]:
    return {"unwrapping": {"method": method, "periods_px": periods, "steps": steps}}


ALTERNATIVES: dict[str, list[dict[str, Any]]] = {
    "demo": [
        {"steps": 4, "period_px": 10},
        {"steps": 5, "period_px": 20},
        {"steps": 6, "period_px": 40},
        {"steps": 6, "period_px": 20, **_more("hierarchical", 160, 1430, steps=3)},
        {"steps": 4, "period_px": 10, **_more("hierarchical", 110, 1430, steps=4)},
        {"steps": 4, "period_px": 20, **_more("heterodyne", 22.67, 25.7, steps=4)},
        {"steps": 8, "period_px": 20, **_more("hierarchical", 1430, steps=4)},
    ],
    "reference_20mp": [
        {"steps": 7, "period_px": 8},
        {"steps": 7, "period_px": 12},
        {"steps": 8, "period_px": 16},
        {"steps": 9, "period_px": 32},
        {"steps": 8, "period_px": 16, **_more("hierarchical", 170, 2140, steps=4)},
        {"steps": 10, "period_px": 16, **_more("hierarchical", 170, 2140, steps=3)},
        {"steps": 6, "period_px": 16, **_more("heterodyne", 17.507, 19.155, steps=5)},
    ],
}


@dataclass(frozen=True, slots=True)
class Found:
    """What twelve scans show."""

    sigma_um: float
    """Scatter of z, RMS over the pixels."""
    ratio: float
    """Predicted over measured."""
    systematic_um: float
    """RMS of the mean of the scans less the truth: gamma, blur, rounding to grey levels."""
    measured: float
    """Share of the part's pixels that are measured."""
    slips: int
    """Pixels that any scan put on another order."""


def _part() -> SceneObject:
    x, y = np.meshgrid(np.arange(-17, 17, 0.1), np.arange(-11, 11, 0.1))
    return relief(3 + np.sin(x / 3) * np.cos(y / 4), 0.1)


def _bench(rig: str, blur_px: float | None) -> Bench:
    config = load_rig(rig)
    camera = config.camera.model_copy(update={"width_px": WIDTH_PX, "height_px": WIDTH_PX * 2 // 3})
    simulation = config.simulation
    assert simulation is not None
    if blur_px is not None:
        projectors = simulation.optics.projectors.model_copy(update={"blur_px": blur_px})
        simulation = simulation.model_copy(update={"optics": simulation.optics.model_copy(update={"projectors": projectors})})
    bench = Bench(config.model_copy(update={"camera": camera, "simulation": simulation}))
    bench.place(_part())
    return bench


def _try(bench: Bench, fringes: FringeConfig, exposure_us: float) -> Found | None:
    eye = FourEye(true_calibration(bench), fringes, FULL_SCALE_DN, projectors=(0,))
    clouds = [scan(bench, eye, fringes, (0,), exposure_us) for _ in range(REPEATS)]
    z = np.stack([c.xyz_mm[..., 2] for c in clouds])
    truth = bench.view.surface.xyz_mm[..., 2]
    lit = bench.view.object_mask() & bench.view.visible_from_projector(0)
    part = binary_erosion(lit & (truth > 1.5), iterations=3).astype(np.bool_)
    if np.isnan(z[:, part]).mean() > 0.5:
        return None
    always = part & ~np.isnan(z).any(axis=0)
    error = z - truth
    slips = int(np.sum((np.abs(error) > SLIP_MM).any(axis=0) & part))
    sound = always & ~(np.abs(error) > SLIP_MM).any(axis=0)
    scatter = np.sqrt(np.mean(np.var(z[:, sound], axis=0, ddof=1)))
    predicted = np.sqrt(np.mean([c.sigma_z_mm[sound] ** 2 for c in clouds]))
    mean_error = error[:, sound].mean(axis=0)
    systematic = np.sqrt(max(np.mean(mean_error**2) - scatter**2 / REPEATS, 0))
    return Found(1000 * scatter, predicted / scatter, 1000 * systematic, float(np.mean(~np.isnan(z[:, part]))), slips)


def _name(fringes: FringeConfig, frames: int | str) -> str:
    further = fringes.unwrapping
    how = "Gray" if further.method == "gray" else f"{further.method} {', '.join(f'{p:g}' for p in further.periods_px)} px × {further.steps}"
    return f"{frames} | {fringes.steps} × {fringes.period_px} px | {how}"


def _cell(bench: Bench, fringes: FringeConfig, exposure_us: float) -> str:
    try:
        found = _try(bench, fringes, exposure_us)
    except D3Error as refusal:
        return f"refused: {refusal.code}"
    if found is None:
        return "less than half is measured"
    return f"{found.sigma_um:.1f} ({found.ratio:.2f}) / {found.systematic_um:.1f} / {found.measured:.1%} / {found.slips}"


def main(rigs: list[str]) -> None:
    """Print a table for each rig."""
    for rig in rigs or list(ALTERNATIVES):
        sharp, blurred = _bench(rig, None), _bench(rig, DEFOCUS_PX)
        print(f"\n{rig}: σ_z µm (predicted/measured) / systematic µm / measured / slips\n")
        print("| frames | fringes | orders | in focus | 2 px out of focus | a sixth of the light |\n|---|---|---|---|---|---|")
        lens = sharp.truth.projectors[0].lens
        for description in ALTERNATIVES[rig]:
            fringes = FringeConfig.model_validate(description)
            try:
                frames = FringePatterns(fringes, lens.width_px, lens.height_px).count
            except D3Error as refusal:
                print(f"| {_name(fringes, '–')} | refused: {refusal.message} | | |")
                continue
            cells = [_cell(b, fringes, e) for b, e in ((sharp, EXPOSURE_US), (blurred, EXPOSURE_US), (sharp, DIM_US))]
            print(f"| {_name(fringes, frames)} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
