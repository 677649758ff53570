"""``python -m tests.benchmarks.gamma_undone``: what a projector's gamma does to heights, by number of phase steps, and what is left of it once
the patterns undo it.

One projector looks at a smooth part, its calibration is the truth. The table is Markdown; docs/decisions/0005-fringes.md holds one.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import binary_erosion

from rig_configs.errors import D3Error
from rig_configs.files import load_rig
from rig_configs.fringes import FringeConfig
from structured_light.reconstructor import FourEye
from tests.structured_light.simulated_scan import FULL_SCALE_DN, demo_bench, relief, scan, true_calibration

REPEATS = 6
WIDTH_PX = 342


def cell(spread: float, steps: int, *, undone: bool) -> tuple[float, str]:
    """The γ of one of the bench's projectors, the one furthest from 1, and what scans with it show."""
    simulation = load_rig("demo").simulation
    assert simulation is not None
    bench = demo_bench(WIDTH_PX, tolerances=simulation.tolerances.model_copy(update={"gamma": spread}))
    x, y = np.meshgrid(np.arange(-17, 17, 0.1), np.arange(-11, 11, 0.1))
    bench.place(relief(3 + np.sin(x / 3) * np.cos(y / 4), 0.1))
    gammas = [p.gamma for p in bench.truth.projectors]
    used = int(np.argmax(np.abs(np.array(gammas) - 1)))
    fringes = FringeConfig(steps=steps, period_px=20)
    eye = FourEye(true_calibration(bench), fringes, FULL_SCALE_DN, projectors=(used,))
    truth = bench.view.surface.xyz_mm[..., 2]
    inside = binary_erosion(bench.view.object_mask(), iterations=4)
    try:
        z = np.stack([scan(bench, eye, fringes, (used,), responses=gammas if undone else [1.0] * 4).xyz_mm[..., 2][inside] for _ in range(REPEATS)])
    except D3Error as error:
        return gammas[used], f"refused: {error.code}"
    seen = np.isfinite(z).all(axis=0)
    off_um = 1e3 * np.sqrt(np.mean((z.mean(axis=0) - truth[inside])[seen] ** 2))
    scatter_um = 1e3 * np.sqrt(z.var(axis=0, ddof=1)[seen].mean())
    return gammas[used], f"{off_um:.1f} / {scatter_um:.1f} / {seen.mean():.1%}"


def main() -> None:
    """Print the table: RMS of the mean less the truth, µm / scatter, µm / share measured; as it is, then undone."""
    steps = (3, 4, 5, 8)
    print(f"| γ | {' | '.join(f'{n} steps | undone' for n in steps)} |\n|{'---|' * (1 + 2 * len(steps))}")
    for spread in (0.0, 0.04, 0.2, 0.6):
        cells = [cell(spread, n, undone=undone) for n in steps for undone in (False, True)]
        print(f"| {cells[0][0]:.2f} | {' | '.join(text for _, text in cells)} |", flush=True)


if __name__ == "__main__":
    main()
