"""Drift is what projectors disagree by over the field, whatever the noise of a pixel and wherever the plate lies."""

from __future__ import annotations

import numpy as np
import pytest

from rig_configs.errors import ReconstructionError
from structured_light.drift import LIMIT_UM, plane_drift


def heights(offsets_um: list[float], bend_um: float = 0.0) -> tuple[list[np.ndarray], np.ndarray]:
    rng = np.random.default_rng(1)
    x, y = np.meshgrid(np.linspace(-20, 20, 360), np.linspace(13, -13, 240))
    plate = 0.004 + 0.001 * x + 1e-3 * bend_um * (x / 20) ** 2
    z = [(plate + 1e-3 * off + 0.004 * rng.standard_normal(x.shape)).astype(np.float32) for off in offsets_um]
    z[1][:60] = np.nan
    return z, np.stack([x, y, np.nanmean(z, axis=0)], -1).astype(np.float32)


def test_noise_tilt_and_height_of_the_plate_are_no_drift() -> None:
    drift = plane_drift(*heights([0, 0, 0, 0]))
    assert drift.holds
    assert drift.drifted == ()
    assert drift.plate_um == pytest.approx(4, abs=0.2)
    assert drift.plate_tilt_mrad == pytest.approx(1, abs=0.05)
    assert max(drift.projectors_um) < 1


@pytest.mark.parametrize("who", [0, 1, 3])
def test_the_projector_that_moved_is_named(who: int) -> None:
    offsets = [0.0] * 4
    offsets[who] = 9.0
    drift = plane_drift(*heights(offsets))
    assert not drift.holds
    assert drift.drifted == (who,)
    assert drift.projectors_um[who] == pytest.approx(9, abs=1)


def test_two_that_moved_are_both_named() -> None:
    assert plane_drift(*heights([0, 0, 30, -14])).drifted == (2, 3)


def test_a_bent_field_is_no_projector_s_fault() -> None:
    drift = plane_drift(*heights([0, 0, 0, 0], bend_um=12))
    assert drift.flatness_um > LIMIT_UM
    assert not drift.holds
    assert drift.drifted == ()


def test_a_plate_that_is_not_there_is_said() -> None:
    z, xyz = heights([0, 0, 0])
    z[2][:] = np.nan
    with pytest.raises(ReconstructionError, match="Projector 3"):
        plane_drift(z, xyz)
    with pytest.raises(ReconstructionError, match="nobody to agree with"):
        plane_drift(z[:1], xyz)
