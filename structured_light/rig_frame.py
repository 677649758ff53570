"""From the adjustment's frame, the camera's, to the rig frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rig_configs.calibration import Pinhole, ProjectorCalibration
from rig_configs.schema import RigConfig
from structured_light.bundle import Bundle, Optics


def in_rig_frame(rig: RigConfig, bundle: Bundle) -> tuple[Pinhole, tuple[ProjectorCalibration, ...]]:
    """The adjusted devices in the rig frame, which the first board pose and the camera's axis define: z = 0 is the plane of the board as it was
    adjusted, the origin lies under the optical axis, x along image columns."""
    first = bundle.board_poses[0]
    up = -first.R[:, 2] if first.R[2, 2] > 0 else first.R[:, 2]  # in the camera's frame, towards the camera
    origin = np.array([0, 0, (up @ first.translation_mm) / up[2]])
    x = np.array([1.0, 0, 0]) - up[0] * up
    x /= np.linalg.norm(x)
    R = np.column_stack([x, np.cross(up, x), up]).astype(np.float64)  # rig → camera
    camera = Pinhole(width_px=rig.camera.width_px, height_px=rig.camera.height_px, **_fields(bundle.camera, R, origin))
    projectors = tuple(
        ProjectorCalibration(
            name=config.name,
            width_px=config.width_px,
            height_px=config.height_px,
            **_fields(optics, pose.R @ R, pose.R @ origin + pose.translation_mm),
        )
        for config, optics, pose in zip(rig.projectors, bundle.projectors, bundle.projector_poses, strict=True)
    )
    return camera, projectors


def _fields(optics: Optics, R: NDArray[np.float64], t: NDArray[np.float64]) -> dict:
    f, cx, cy, k1, k2, p1, p2 = optics.values.tolist()
    rotation = tuple(tuple(row) for row in R.tolist())
    return {
        "fx_px": f, "fy_px": f, "cx_px": cx, "cy_px": cy, "distortion": (k1, k2, p1, p2, 0.0), "rotation": rotation, "translation_mm": tuple(t.tolist()),
    }  # fmt: skip
