"""Geometric calibration: camera and projectors from captures of a ChArUco board at several poses.

In the first capture the board lies flat on the reference plane, as near as a board is flat: it defines z = 0, until the rig measures the
matt white plate there (:func:`structured_light.rig_frame.on_plate`). The last is held out of the fit and judges it: the plane that the
calibrated rig measures there should be flat.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from rig_configs.calibration import Pinhole, ProjectorCalibration, Uncertainty
from rig_configs.errors import CalibrationFailed
from rig_configs.schema import RigConfig
from structured_light.board import BoardCapture, BoardObservation, board_corners, detect_board, observe_board
from structured_light.bundle import Bundle, Optics, Pose, adjust
from structured_light.fusion import fuse
from structured_light.geometry import ray_slopes
from structured_light.rig_frame import in_rig_frame
from structured_light.triangulation import Triangulator, points
from structured_light.uncertainty import uncertainty_of

MIN_POSES = 5
MIN_TILT_DEG = 5.0
MAX_FIRST_TILT_DEG = 10.0
MAX_DISTANCE_SHARE = 0.2
"""How far the working distance found may be from the drawing's; a wrong board size shows here, and nowhere else."""
MIN_PROJECTOR_CORNERS = 60
EDGE_PX, EVEN_SHARE = 5, 0.7
"""The print is even where the darkest pixel of so small a window is at least this share of the brightest."""
OUTLIER_RATIO = 4.0
"""A pose whose residuals are this many times those of the middle pose moved, or was read wrongly."""
FITS_PX = 2.0
"""A fit whose projector residual exceeds this is not one."""


@dataclass(frozen=True, slots=True)
class GeometryFit:
    """A calibrated geometry and how well it explains captures it was, and was not, made of."""

    camera: Pinhole
    projectors: tuple[ProjectorCalibration, ...]
    camera_rms_px: float
    """RMS distance of board corners from where the fit puts them in the camera, pixels."""
    projector_rms_px: float
    """The same in the projectors, projector pixels."""
    held_out_rms_um: float
    """RMS distance of the held-out pose's measured points from the board's own surface, µm."""
    poses: int
    """Poses that the fit saw."""
    dropped: tuple[int, ...]
    """Poses, counted from 0, that do not agree with the others and were left out."""
    uncertainty: Uncertainty
    """What the noise of the captures leaves open."""
    bundle: Bundle
    """The adjustment itself, for the report."""
    observations: tuple[BoardObservation, ...]
    """What it was adjusted to."""


def board_poses(rig: RigConfig) -> list[tuple[tuple[float, float, float], tuple[float, float, float]]]:
    """Where to hold the board: centre (mm) and rotation vector (rad) about lying flat and upright in the image, both in the rig frame.

    First flat on the reference plane, then tilted eight ways and raised, last the pose that is held out. The board is always turned some
    degrees in its plane: edges along pixel rows are located worse.
    """
    board = rig.artefacts.board
    half = max(board.columns, board.rows) * board.square_mm / 2
    tilt = np.radians(18)
    lift = half * float(np.sin(tilt)) + 0.5
    poses = [(0.0, (0.0, 0.0, 0.1)), (lift, (0.0, 0.0, -0.1))]
    for i in range(8):
        axis = np.pi / 4 * i
        poses.append((lift + (2.0 if i % 2 else 0.0), (tilt * float(np.cos(axis)), tilt * float(np.sin(axis)), 0.12 if i % 2 else -0.12)))
    poses.append((lift, (tilt / 2, -tilt / 3, 0.15)))
    return [((0.0, 0.0, z), rotation) for z, rotation in poses]


def calibrate_geometry(rig: RigConfig, captures: Iterable[BoardCapture], held: Mapping[str, Pinhole] | None = None) -> GeometryFit:
    """Calibrate camera and projectors.

    Args:
        rig: the rig; its nominal placement is the start, its board is the measure.
        captures: poses of the board: first flat on the reference plane, last the one held out; taken one at a time.
        held: devices whose optics stay as an earlier calibration found them, ``camera`` or a projector's name; where they stand is found anew.

    Returns:
        devices in the rig frame: z = 0 in the first capture's board, origin under the optical axis, x along image columns.

    Raises:
        CalibrationFailed: too few poses, poses too alike, a projector that lights too little of the board, or a fit that does not fit;
            a first capture that does not lie flat, or a capture without the board.
    """
    observations: list[BoardObservation] = []
    held_out: BoardCapture | None = None
    for capture in captures:
        if held_out is not None:
            observations.append(observe_board(held_out, rig.artefacts.board))
        held_out = capture
    if held_out is None or len(observations) < MIN_POSES:
        raise CalibrationFailed(
            f"Calibration got {len(observations) + (held_out is not None)} poses of the board.",
            cure=f"Capture at least {MIN_POSES + 1}: flat, tilted to all sides, and one to check with.",
            detail="too_few_poses",
        )
    bundle, kept = _adjust_without_outliers(_start(rig, observations, held or {}), observations)
    if not bundle.projector_rms_px < FITS_PX or not bundle.camera_rms_px < FITS_PX:
        raise CalibrationFailed(
            f"No geometry explains the captures: {bundle.camera_rms_px:.2f} px in the camera, {bundle.projector_rms_px:.2f} px in the projectors.",
            cure="Check the board's size in rig.yaml and the rig's nominal placement, and that nothing moved within a pose.",
            detail="no_fit",
        )
    camera, projectors = in_rig_frame(rig, bundle)
    nominal, found = rig.camera.nominal.working_distance_mm, float(np.linalg.norm(camera.t))
    if abs(found - nominal) > MAX_DISTANCE_SHARE * nominal:
        raise CalibrationFailed(
            f"The camera would be {found:.0f} mm from the reference plane, the drawing says {nominal:.0f} mm.",
            cure="Correct artefacts.board.square_mm, or camera.nominal, in rig.yaml.",
            detail="scale",
        )
    return GeometryFit(
        camera=camera,
        projectors=projectors,
        camera_rms_px=bundle.camera_rms_px,
        projector_rms_px=bundle.projector_rms_px,
        held_out_rms_um=_held_out_rms_um(rig, camera, projectors, bundle.board_offsets_mm, held_out),
        poses=len(kept),
        dropped=tuple(i for i in range(len(observations)) if i not in kept),
        uncertainty=uncertainty_of(rig, bundle),
        bundle=bundle,
        observations=tuple(observations[i] for i in kept),
    )


def _adjust_without_outliers(start: Bundle, observations: list[BoardObservation]) -> tuple[Bundle, list[int]]:
    """Adjust, leave the pose out that agrees least as long as one is an outlier, and adjust again.

    Returns:
        the adjustment, and which poses it was made of.

    Raises:
        CalibrationFailed: the first pose is the outlier, or too few poses are left.
    """
    kept = list(range(len(observations)))
    while True:
        bundle = adjust(replace(start, board_poses=tuple(start.board_poses[i] for i in kept)), [observations[i] for i in kept])
        errors = np.array([_typical_error(c, p) for c, p in zip(bundle.camera_errors_px, bundle.projector_errors_px, strict=True)])
        worst = int(np.argmax(errors))
        if errors[worst] < OUTLIER_RATIO * np.median(errors):
            return bundle, kept
        if kept[worst] == 0:
            raise CalibrationFailed(
                f"The first pose of the board does not agree with the others: {errors[worst]:.2f} px against {np.median(errors):.2f} px.",
                cure="Lay the board flat on the reference plane, keep it still, and capture again: this pose defines z = 0.",
                detail="first_pose_outlier",
            )
        if len(kept) <= MIN_POSES:
            raise CalibrationFailed(
                f"The poses of the board do not agree with each other; pose {kept[worst] + 1} least, by {errors[worst]:.2f} px.",
                cure="Keep the board still during each pose and capture again.",
                detail="poses_disagree",
            )
        kept.pop(worst)


def _typical_error(camera: NDArray[np.float64], projectors: tuple[NDArray[np.float64], ...]) -> float:
    """RMS of a pose's residuals in camera and projectors, pixels."""
    squares = np.concatenate([np.sum(e**2, axis=1) for e in (camera, *projectors)])
    return float(np.sqrt(np.nanmean(squares)))


def _held_out_rms_um(
    rig: RigConfig, camera: Pinhole, projectors: tuple[ProjectorCalibration, ...], offsets_mm: NDArray[np.float64], capture: BoardCapture
) -> float:
    """RMS distance of a measured board from its own, slightly bowed surface, µm, within the hull of its corners.

    Raises:
        CalibrationFailed: the board is not found, or not measured.
    """
    ids, corners = detect_board(capture.luminance, rig.artefacts.board)
    board_mm = board_corners(rig.artefacts.board)
    inside = np.zeros(capture.luminance.shape, np.uint8)
    hull = cv2.convexHull(np.rint(corners).astype(np.int32).reshape(-1, 1, 2))
    cv2.fillConvexPoly(inside, np.asarray(hull), 1)
    slopes = ray_slopes(camera)
    heights = [
        Triangulator(camera, p, slopes).heights(column, sigma) for p, column, sigma in zip(projectors, capture.columns, capture.sigmas, strict=True)
    ]
    fused = fuse(heights)
    measured = (inside > 0) & (fused.views > 1) & _evenly_printed(capture.luminance)
    cloud = points(fused.z_mm, slopes, camera.centre_mm)[measured].astype(np.float64)
    if len(cloud) < 1000:
        raise CalibrationFailed(
            "The held-out pose of the board could not be measured by two projectors.",
            cure="Place the last pose within the light of all projectors.",
            detail="held_out",
        )
    # Where on the board each point lies, and how far the board's surface is there from a plane: smooth, so the noise of single corners goes.
    to_board, _ = cv2.findHomography(corners, board_mm[ids, :2])
    pixels = np.stack(np.nonzero(measured)[::-1], -1).reshape(-1, 1, 2).astype(np.float64)
    bow = _quadratic(np.asarray(cv2.perspectiveTransform(pixels, to_board), np.float64).reshape(-1, 2)) @ _fit(
        _quadratic(board_mm[:, :2]), offsets_mm[:, 2]
    )
    centred = cloud - cloud.mean(axis=0)
    normal = np.linalg.svd(centred.T @ centred)[0][:, 2]
    off = centred @ (normal * np.sign(normal[2])) + bow  # the board's own z points away from the camera
    plane = np.column_stack([np.ones(len(centred)), centred[:, :2]])
    return float(1000 * np.sqrt(np.mean((off - plane @ _fit(plane, off)) ** 2)))


def _evenly_printed(luminance: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Where no edge of the print is near, (H, W): there the lens mixes bright ground into the fringes on dark ink, which shifts them on any
    board, however well the rig is calibrated."""
    around = np.ones((EDGE_PX, EDGE_PX), np.uint8)
    return cv2.erode(luminance, around) > EVEN_SHARE * cv2.dilate(luminance, around)


def _quadratic(xy: NDArray[np.float64]) -> NDArray[np.float64]:
    x, y = xy.T
    return np.column_stack([np.ones_like(x), x, y, x * x, x * y, y * y])


def _fit(design: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.linalg.lstsq(design, values, rcond=None)[0].astype(np.float64)


def _start(rig: RigConfig, observations: list[BoardObservation], held: Mapping[str, Pinhole]) -> Bundle:
    """Start values: nominal optics, board poses by the camera alone, projector poses by resection of the board points."""
    nominal = rig.camera.nominal
    focal_px = rig.camera.width_px * nominal.working_distance_mm / nominal.field_width_mm
    camera = Optics.held(held["camera"]) if "camera" in held else Optics.of_drawing(rig.camera.width_px, rig.camera.height_px, focal_px)
    boards = tuple(_resect(camera, o.board_mm, o.camera_px) for o in observations)
    normals = np.array([pose.R[:, 2] for pose in boards])
    spread = np.degrees(np.arccos(np.clip(normals @ normals.T, -1, 1))).max()
    if spread < MIN_TILT_DEG:
        raise CalibrationFailed(
            f"The board was never tilted more than {spread:.1f}°.", cure="Tilt it by 10 to 20° to every side.", detail="poses_too_alike"
        )
    tilt = float(np.degrees(np.arccos(min(abs(normals[0, 2]), 1.0))))
    if tilt > MAX_FIRST_TILT_DEG:
        raise CalibrationFailed(
            f"In the first capture the board is tilted by {tilt:.0f}°.",
            cure="Lay the board flat on the reference plane for the first capture: it defines z = 0.",
            detail="first_pose_tilted",
        )
    projectors, poses = [], []
    for p, config in enumerate(rig.projectors):
        focal_px = config.width_px * config.nominal.distance_mm / config.nominal.field_width_mm
        optics = Optics.held(held[config.name]) if config.name in held else Optics.of_drawing(config.width_px, config.height_px, focal_px)
        seen = [~np.isnan(o.projector_px[p, :, 0]) for o in observations]
        if (count := int(sum(s.sum() for s in seen))) < MIN_PROJECTOR_CORNERS:
            raise CalibrationFailed(
                f"Projector '{config.name}' lights only {count} corners of the board in all poses together.",
                cure="Check its focus, exposure and aim, and place the board within its light.",
                detail="projector_unseen",
            )
        where = np.concatenate([pose(o.board_mm[s]) for pose, o, s in zip(boards, observations, seen, strict=True)])
        read = np.concatenate([o.projector_px[p, s] for o, s in zip(observations, seen, strict=True)])
        projectors.append(optics)
        poses.append(_resect(optics, where, read, cv2.SOLVEPNP_SQPNP))
    return Bundle(camera, tuple(projectors), tuple(poses), boards, np.zeros(board_corners(rig.artefacts.board).shape))


def _resect(optics: Optics, where_mm: NDArray[np.float64], pixels: NDArray[np.float64], method: int = cv2.SOLVEPNP_IPPE) -> Pose:
    f, cx, cy = optics.values[:3]
    found, rotation, translation = cv2.solvePnP(where_mm, pixels, np.array([[f, 0, cx], [0, f, cy], [0, 0, 1.0]]), np.zeros(5), flags=method)
    if not found:
        raise CalibrationFailed("No pose explains where the board's corners appear.", cure="Check the board's size in rig.yaml.", detail="no_fit")
    return Pose(np.asarray(rotation, np.float64).ravel(), np.asarray(translation, np.float64).ravel())
