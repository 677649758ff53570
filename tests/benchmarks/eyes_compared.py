"""``python -m tests.benchmarks.eyes_compared``: one, two and four projectors on a grooved part, as the paper's Fig. A5 compares them, and
on the walls of a right-angled groove, which light each other.

The tables are Markdown; docs/decisions/0005-fringes.md holds both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, maximum_filter, minimum_filter

from acquisition.simulation.bench import Bench
from acquisition.simulation.truth import truth_of
from rig_configs.fringes import FringeConfig
from structured_light.reconstructor import FourEye
from tests.structured_light.simulated_scan import FULL_SCALE_DN, demo_bench, grooved_part, scan, true_calibration, v_groove

FRINGES = FringeConfig(steps=5, period_px=20)
EYES = {"1": (0,), "2, opposite": (0, 2), "4": (0, 1, 2, 3)}
GROSS_MM = 0.1


@dataclass(frozen=True, slots=True)
class Seen:
    """What some of the projectors measure of the points that the camera and any projector see, a pixel off depth steps."""

    coverage: float
    median_um: float
    p95_um: float
    gross: float
    """Share of the points measured that are more than GROSS_MM off."""


def grooved_bench(interreflection: bool) -> Bench:
    """The demo's bench at half its pixels a side, with the grooved part on it."""
    bench = demo_bench(684, interreflection=interreflection)
    bench.place(grooved_part())
    return bench


def corner_bench(interreflection: bool, width_px: int = 684) -> Bench:
    """The same, with the right-angled groove."""
    bench = demo_bench(width_px, interreflection=interreflection)
    bench.place(v_groove())
    return bench


def seen_by(bench: Bench, used: tuple[int, ...]) -> Seen:
    """Scan with some of the projectors and compare with the truth."""
    truth = truth_of(bench)
    z = truth.xyz_mm[..., 2]
    # Beside a step, part of a pixel's light may come from its other side.
    steps = binary_dilation(maximum_filter(z, 3) - minimum_filter(z, 3) > 0.5)
    visible = truth.object_mask & np.any(truth.visible_from_projector, axis=0) & ~steps
    return _compare(bench, used, visible)


def walls_by(bench: Bench, used: tuple[int, ...]) -> Seen:
    """Scan the right-angled groove with some of the projectors and compare its walls with the truth."""
    xyz = bench.view.surface.xyz_mm
    return _compare(bench, used, (np.abs(xyz[..., 0]) > 0.15) & (np.abs(xyz[..., 0]) < 5) & (np.abs(xyz[..., 1]) < 7))


def _compare(bench: Bench, used: tuple[int, ...], visible: NDArray[np.bool_]) -> Seen:
    z = bench.view.surface.xyz_mm[..., 2]
    cloud = scan(bench, FourEye(true_calibration(bench), FRINGES, FULL_SCALE_DN, projectors=used), FRINGES, used)
    error_um = 1e3 * np.abs(cloud.xyz_mm[..., 2] - z)[cloud.valid & visible]
    return Seen(
        float(np.mean(cloud.valid[visible])),
        float(np.median(error_um)),
        float(np.percentile(error_um, 95)),
        float(np.mean(error_um > 1e3 * GROSS_MM)),
    )


def main() -> None:
    """Print the tables, in brackets with interreflection."""
    _table([grooved_bench(interreflection) for interreflection in (False, True)], seen_by)
    print()
    _table([corner_bench(interreflection) for interreflection in (False, True)], walls_by)


def _table(benches: list[Bench], compare: Callable[[Bench, tuple[int, ...]], Seen]) -> None:
    print("| projectors | coverage | median error | 95 % below | more than 0.1 mm off |\n|---|---|---|---|---|")
    for name, used in EYES.items():
        a, b = (compare(bench, used) for bench in benches)
        print(
            f"| {name} | {a.coverage:.1%} ({b.coverage:.1%}) | {a.median_um:.1f} µm ({b.median_um:.1f}) | {a.p95_um:.1f} µm ({b.p95_um:.1f}) "
            f"| {a.gross:.3%} ({b.gross:.3%}) |",
            flush=True,
        )


if __name__ == "__main__":
    main()
