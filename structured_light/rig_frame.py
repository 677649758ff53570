"""From the adjustment's frame, the camera's, to the rig frame: right-handed, millimetres, origin on the reference plane under the optical axis,
x along image columns, z towards the camera."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from rig_configs.calibration import Pinhole, ProjectorCalibration
from rig_configs.errors import CalibrationFailed
from rig_configs.schema import RigConfig
from structured_light.bundle import Bundle, Optics

Device = TypeVar("Device", bound=Pinhole)

EVERY = 4
"""The plate's points are taken from every so many rows and columns: more would not place it better."""
LEAST_SEEN = 0.3
"""Share of those points that must be measured."""
OUTLIER_SIGMAS = 4.0
MAX_TILT_DEG = 1.0
"""The plate and the board's first pose lie on the same table."""


def in_rig_frame(rig: RigConfig, bundle: Bundle) -> tuple[Pinhole, tuple[ProjectorCalibration, ...]]:
    """The adjusted devices in the rig frame as the board has it: z = 0 is the plane of the first board pose, as the board was adjusted."""
    first = bundle.board_poses[0]
    up = -first.R[:, 2] if first.R[2, 2] > 0 else first.R[:, 2]  # in the camera's frame, towards the camera
    R, origin = _frame(up, first.translation_mm, np.eye(3), np.zeros(3))  # rig → camera
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


def on_plate(
    camera: Pinhole, projectors: Sequence[ProjectorCalibration], plate_mm: NDArray[np.float32]
) -> tuple[Pinhole, tuple[ProjectorCalibration, ...]]:
    """The same devices in the frame of the plate that lies on the reference plane, which they measured: it is flatter than a board, has no
    print, and millions of points say where it is.

    Args:
        camera: the camera, in the board's frame.
        projectors: the projectors, in the board's frame.
        plate_mm: (H, W, 3) points of the plate in the board's frame, mm; NaN where unknown.

    Raises:
        CalibrationFailed: next to nothing of the plate is measured, or it is tilted against the board.
    """
    seen = plate_mm[::EVERY, ::EVERY].reshape(-1, 3).astype(np.float64)
    points = seen[np.isfinite(seen[:, 2])]
    if len(points) < LEAST_SEEN * len(seen):
        raise CalibrationFailed(
            f"Only {len(points) / len(seen):.0%} of the field's points are measured on the matt white plate.",
            cure="Lay the plate so that it fills the field; check the fringe exposure.",
            detail="plate_unseen",
        )
    design = np.column_stack([np.ones(len(points)), points[:, :2]])
    kept, plane = np.ones(len(points), bool), np.zeros(3)
    for _ in range(3):
        plane = np.linalg.lstsq(design[kept], points[kept, 2], rcond=None)[0]
        off = np.abs(points[:, 2] - design @ plane)
        kept = off <= OUTLIER_SIGMAS * 1.4826 * np.median(off)
    up = np.array([-plane[1], -plane[2], 1.0]) / np.sqrt(1 + plane[1] ** 2 + plane[2] ** 2)
    tilt = float(np.degrees(np.arccos(up[2])))
    if tilt > MAX_TILT_DEG:
        raise CalibrationFailed(
            f"The matt white plate is tilted by {tilt:.1f}° against the board's first pose.",
            cure="Lay both flat on the reference plane, on nothing else, and calibrate again.",
            detail="plate_tilted",
        )
    turn, origin = _frame(up, np.array([0, 0, plane[0]]), camera.R, camera.centre_mm)

    def moved(device: Device) -> Device:
        R, t = device.R @ turn, device.R @ origin + device.t
        return device.model_copy(update={"rotation": tuple(map(tuple, R.tolist())), "translation_mm": tuple(t.tolist())})

    return moved(camera), tuple(moved(projector) for projector in projectors)


def _frame(
    up: NDArray[np.float64], point: NDArray[np.float64], R: NDArray[np.float64], centre: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Axes (columns) and origin of the rig frame whose z is ``up`` and whose z = 0 holds ``point``, for a camera turned by R at a centre: the
    origin lies on the camera's axis, x along its columns."""
    origin = centre + R[2] * (up @ (point - centre)) / (up @ R[2])
    x = R[0] - (up @ R[0]) * up
    x /= np.linalg.norm(x)
    return np.column_stack([x, np.cross(up, x), up]).astype(np.float64), origin


def _fields(optics: Optics, R: NDArray[np.float64], t: NDArray[np.float64]) -> dict:
    f, cx, cy, k1, k2, p1, p2 = optics.values.tolist()
    rotation = tuple(tuple(row) for row in R.tolist())
    return {
        "fx_px": f, "fy_px": f, "cx_px": cx, "cy_px": cy, "distortion": (k1, k2, p1, p2, 0.0), "rotation": rotation, "translation_mm": tuple(t.tolist()),
    }  # fmt: skip
