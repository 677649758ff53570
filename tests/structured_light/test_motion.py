"""A part that moves while it is scanned, on a plate that does not: noticed and told, on the simulated bench."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from simulated_scan import FULL_SCALE_DN, demo_bench, grooved_part, true_calibration

from acquisition.simulation.bench import Bench
from acquisition.simulation.parts import part_kind, random_pose
from acquisition.simulation.scene import SceneObject
from rig_configs.errors import ReconstructionError
from rig_configs.fringes import FringeConfig
from structured_light.patterns import FringePatterns
from structured_light.reconstructor import FourEye

FRINGES = FringeConfig(steps=5, period_px=20)
Place = Callable[[int, int], tuple[float, float, float]]


@pytest.fixture(scope="module")
def bench() -> Bench:
    return demo_bench(342)


def made(kind: str) -> SceneObject:
    return grooved_part(0.1) if kind == "grooved" else part_kind(kind).make(31, None).placed(random_pose(np.random.default_rng([31, 4])))


def scan(bench: Bench, part: SceneObject, place: Place, used: tuple[int, ...] = (0, 1, 2, 3)) -> float:
    """Scan a part that lies at ``place(projector, pattern)`` mm beside where it should; gives the share of the picture that has a point."""
    eye = FourEye(true_calibration(bench), FRINGES, FULL_SCALE_DN, projectors=used)
    last = None
    for p in used:
        lens = bench.truth.projectors[p].lens
        for i, image in enumerate(FringePatterns(FRINGES, lens.width_px, lens.height_px).images):
            if (now := place(p, i)) != last:
                bench.place(replace(part, meshes=tuple(m.moved(np.eye(3), np.array(now)) for m in part.meshes)))
                last = now
            bench.set_pattern(p, image)
            eye.add(p, i, bench.expose(6000).pixels)
        bench.set_pattern(p, None)
    eye.reconstruct()
    assert eye.coverage is not None
    return eye.coverage.fused


# Of the bench's parts those whose eyes contradict each other most while they lie still, and one that is plain.
@pytest.mark.parametrize("kind", ["grooved", "audio_jack_socket", "crimp_st_cable_mount_box", "dc_power_connector"])
def test_a_part_that_lies_still_is_never_said_to_move(bench: Bench, kind: str) -> None:
    assert scan(bench, made(kind), lambda p, i: (0, 0, 0)) > 0.95


@pytest.mark.parametrize("kind", ["connector_housing_female", "fork_crimp_terminal"])
@pytest.mark.parametrize("moved", [(0.1, 0, 0), (0, 0.1, 0), (0, 0, 0.02)])
def test_a_part_that_moves_from_one_projectors_frames_to_the_nexts_is_refused(bench: Bench, kind: str, moved: tuple[float, float, float]) -> None:
    with pytest.raises(ReconstructionError, match="moved between the frames of projector 'north_west' and those of 'south_west'") as told:
        scan(bench, made(kind), lambda p, i: moved if p >= 2 else (0, 0, 0))
    assert told.value.code == "reconstruction.failed.moved"
    assert "vibration" in told.value.cure


@pytest.mark.parametrize("used", [(0,), (0, 1, 2, 3)], ids=["mono", "four eyes"])
@pytest.mark.parametrize("kind", ["grooved", "fork_crimp_terminal"])
def test_a_vibrating_part_is_refused_with_any_number_of_eyes(bench: Bench, kind: str, used: tuple[int, ...]) -> None:
    shaken = np.random.default_rng(0).normal(0, 0.05, (4, 12, 3))  # mm, anew at each frame
    with pytest.raises(ReconstructionError) as told:
        scan(bench, made(kind), lambda p, i: tuple(shaken[p, i]), used)
    assert told.value.code in ("reconstruction.failed.phase_steps", "reconstruction.failed.fringe_orders", "reconstruction.failed.moved")
    assert "still" in told.value.cure


@pytest.mark.parametrize("kind", ["grooved", "connector_housing_female"])
def test_a_single_jerk_within_one_projectors_frames_is_refused(bench: Bench, kind: str) -> None:
    with pytest.raises(ReconstructionError) as told:
        scan(bench, made(kind), lambda p, i: (0.3, 0, 0) if (p, i) >= (1, 2) else (0, 0, 0))
    assert told.value.code in ("reconstruction.failed.phase_steps", "reconstruction.failed.moved")
