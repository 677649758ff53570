"""The whole path from patterns to cloud on the simulated bench, which shares no projection or decoding code with the solver."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, maximum_filter, minimum_filter
from simulated_scan import FULL_SCALE_DN, demo_bench, relief, scan, true_calibration

from acquisition.simulation.bench import Bench
from rig_configs.fringes import FringeConfig
from structured_light.reconstructor import FourEye
from tests.benchmarks.eyes_compared import EYES, corner_bench, grooved_bench, seen_by, walls_by

DEFAULT = FringeConfig(steps=5, period_px=20)


def eye_of(bench: Bench, fringes: FringeConfig = DEFAULT, projectors: tuple[int, ...] = (0, 1, 2, 3)) -> FourEye:
    return FourEye(true_calibration(bench), fringes, FULL_SCALE_DN, projectors=projectors)


@pytest.fixture(scope="module")
def wavy() -> Bench:
    """A smooth part at 342 x 228 pixels."""
    bench = demo_bench(342)
    x, y = np.meshgrid(np.arange(-18, 18, 0.1), np.arange(-12, 12, 0.1))
    bench.place(relief(3 + np.sin(x / 3) * np.cos(y / 4), 0.1))
    return bench


def steps_of(z_mm: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Pixels beside a depth step: part of their light may come from the other side of it."""
    return binary_dilation(maximum_filter(z_mm, 3) - minimum_filter(z_mm, 3) > 0.5).astype(np.bool_)


@pytest.mark.parametrize("interreflection", [False, True])
def test_one_two_and_four_eyes_on_a_grooved_part(interreflection) -> None:
    """The paper's Fig. A5: each doubling of the projectors sees more, and sees it better."""
    bench = grooved_bench(interreflection)
    one, two, four = (seen_by(bench, used) for used in EYES.values())
    assert max(e.gross for e in (one, two, four)) < 2e-3
    assert one.coverage < two.coverage < four.coverage
    assert one.coverage < 0.93
    assert four.coverage >= 0.99
    assert one.median_um > two.median_um > four.median_um


def test_walls_that_light_each_other_stay_true_by_the_vote_of_four() -> None:
    """Interreflection hardly ever agrees between two directions, so four eyes need no fringes across the others to find it."""
    still, lit = (corner_bench(interreflection, 456) for interreflection in (False, True))
    one, four, unlit = walls_by(lit, (0,)), walls_by(lit, (0, 1, 2, 3)), walls_by(still, (0, 1, 2, 3))
    assert one.p95_um > 2 * four.p95_um
    assert four.p95_um < 1.5 * unlit.p95_um
    assert four.coverage > 0.99
    assert four.gross == 0


@pytest.mark.parametrize(
    ("fringes", "used"),
    [
        (DEFAULT, (0, 1, 2, 3)),
        (FringeConfig.model_validate({"steps": 6, "period_px": 20, "unwrapping": {"method": "hierarchical", "periods_px": (160, 1430)}}), (1,)),
        (FringeConfig(steps=5, period_px=20, smoothing=True), (2,)),
    ],
    ids=["gray", "hierarchical", "smoothed"],
)
def test_predicted_sigma_z_is_the_scatter_of_repeated_simulated_scans(wavy, fringes, used) -> None:
    eye = eye_of(wavy, fringes, used)
    clouds = [scan(wavy, eye, fringes, used) for _ in range(10)]
    inside = wavy.view.object_mask() & np.all([c.views == len(used) for c in clouds], axis=0)
    assert inside.mean() > 0.5
    measured = np.std([c.xyz_mm[..., 2][inside] for c in clouds], axis=0, ddof=1)
    predicted = np.mean([c.sigma_z_mm[inside] for c in clouds], axis=0)
    ratio = np.sqrt(np.mean(predicted**2) / np.mean(measured**2))
    assert 0.9 < ratio < 1.1


def test_the_projectors_gamma_is_measured_from_any_scan_and_undone_by_the_patterns(wavy) -> None:
    fringes = FringeConfig(steps=8, period_px=20)
    eye = eye_of(wavy, fringes)
    scan(wavy, eye, fringes)
    true = [p.gamma for p in wavy.truth.projectors]
    measured = list(eye.gammas.values())
    assert np.ptp(true) > 0.03
    np.testing.assert_allclose(measured, true, atol=0.01)
    scan(wavy, eye, fringes, responses=measured)
    np.testing.assert_allclose(list(eye.gammas.values()), 1, atol=0.01)


def test_two_exposures_fill_the_holes_of_one(wavy) -> None:
    """Exposed for the dark plate, the part saturates; exposed for the part, the plate is dark."""
    covered = []
    for exposures in ((1.0,), (0.1,), (1.0, 0.1)):
        fringes = FringeConfig(steps=5, period_px=20, exposures=exposures)
        eye = eye_of(wavy, fringes)
        cloud = scan(wavy, eye, fringes, exposure_us=30_000)
        truth = wavy.view.surface.xyz_mm[..., 2]
        away = ~steps_of(truth)
        assert np.mean(np.abs(cloud.xyz_mm[..., 2] - truth)[away & cloud.valid] > 0.1) < 2e-3
        covered.append(cloud.valid[away].mean())
    assert covered[2] > max(covered[:2])
    assert covered[2] > 0.97
