"""The rig frame: where the plate lies is z = 0, under the camera's axis."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from rig_configs.errors import CalibrationFailed
from rig_configs.files import load_calibration
from structured_light.rig_frame import on_plate


def plate(height_mm: float, slope: tuple[float, float], holes: float = 0.1) -> np.ndarray:
    """(H, W, 3) points of a plane in the frame of the demo's calibration, some unknown and some wildly wrong."""
    rng = np.random.default_rng(1)
    x, y = np.meshgrid(np.linspace(-20, 20, 400), np.linspace(13, -13, 300))
    z = height_mm + slope[0] * x + slope[1] * y + rng.normal(0, 0.003, x.shape)
    z[rng.random(x.shape) < holes] = np.nan
    z[rng.random(x.shape) < 0.02] += 1.0
    return np.stack([x, y, z], axis=-1).astype(np.float32)


def test_the_plate_becomes_the_reference_plane_and_the_devices_keep_their_places_to_each_other() -> None:
    before = load_calibration("demo")
    height, slope = 0.4, (0.004, -0.002)
    camera, projectors = on_plate(before.camera, before.projectors, plate(height, slope))
    # The camera's axis meets the new plane at the new origin, and its columns run along x.
    axis, centre = camera.R[2], camera.centre_mm
    np.testing.assert_allclose((centre - axis * centre[2] / axis[2])[:2], 0, atol=1e-9)
    assert abs(camera.R[0, 1]) < 1e-12
    # Points of the plate as any device sees them: they are at z = 0 now.
    on_it = np.array([[x, y, height + slope[0] * x + slope[1] * y] for x, y in ((0, 0), (15, 3), (-7, 11))])
    seen = on_it @ before.camera.R.T + before.camera.t
    assert np.abs(((seen - camera.t) @ camera.R)[:, 2]).max() < 2e-4
    for old, new in zip(before.projectors, projectors, strict=True):
        relative = old.R @ before.camera.R.T, old.t - old.R @ before.camera.R.T @ before.camera.t
        np.testing.assert_allclose(new.R @ camera.R.T, relative[0], atol=1e-12)
        np.testing.assert_allclose(new.t - new.R @ camera.R.T @ camera.t, relative[1], atol=1e-9)
        assert new.name == old.name
        assert np.linalg.det(new.R) == pytest.approx(1)
        assert Rotation.from_matrix(new.R).magnitude() > 0


def test_a_plate_that_is_not_there_or_stands_on_something_is_refused() -> None:
    before = load_calibration("demo")
    with pytest.raises(CalibrationFailed, match="measured") as unseen:
        on_plate(before.camera, before.projectors, plate(0, (0, 0), holes=0.9))
    assert unseen.value.code.endswith("plate_unseen")
    with pytest.raises(CalibrationFailed, match="tilted") as tilted:
        on_plate(before.camera, before.projectors, plate(0, (0.05, 0)))
    assert tilted.value.code.endswith("plate_tilted")
