"""From a folder of images of somebody else's rig to an organised cloud."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from rig_configs.calibration import Pinhole, ProjectorCalibration
from rig_configs.errors import ReconstructionError
from structured_light.decoder import Decoded, FringeDecoder
from structured_light.foreign_calibration import Pair, load_pair
from structured_light.foreign_decoder import decode_axis
from structured_light.foreign_images import ImageFolder, open_images
from structured_light.foreign_pattern import CapturePattern, Role, Show
from structured_light.geometry import ray_slopes, undistort
from structured_light.patterns import Direction, FringePatterns
from structured_light.point_map import PointMap
from structured_light.triangulation import Heights, Triangulator, points

F32 = NDArray[np.float32]

ROWS_AT_ONCE = 128
FAR_PX = 1e6
CAMERA_BITS = (8, 10, 12, 14, 16)


@dataclass(frozen=True, slots=True)
class ForeignCloud:
    """What one camera and one projector of another rig measured."""

    points: PointMap
    """In the camera's own frame (x right, y down, z forward); with our own calibration.yaml, in the rig frame."""
    rgb: NDArray[np.uint8]
    """(H, W, 3) what the camera sees under the projector's light."""
    decoded: dict[Direction, Decoded]
    """What each direction's images say."""
    used: Direction
    """Which direction the heights come from: that with the smaller σ_z."""
    epipolar_px: float | None
    """With both directions: median disagreement of the other with the cloud, projector pixels. Large where the calibration is not
    this rig's, or the pattern description is wrong."""
    pair: Pair


def reconstruct_images(
    folder: Path,
    pattern: CapturePattern,
    calibration: Sequence[Path],
    *,
    unit_mm: float | None = None,
    projector: str | None = None,
    on_read: Callable[[Path], None] | None = None,
) -> ForeignCloud:
    """Reconstruct a folder of numbered images.

    Args:
        folder: the images.
        pattern: what they show.
        calibration: the calibration's file, or the camera's and the projector's.
        unit_mm: mm in one unit of the calibration's translation.
        projector: which projector, where our own calibration has several.
        on_read: told of every image before it is read.

    Raises:
        CaptureError: the images are not those of the pattern.
        CalibrationError: the calibration cannot be used, or is of other devices.
        ReconstructionError: no pixel could be measured.
    """
    images = open_images(folder, pattern, on_read)
    rgb, full_scale = _texture(images, pattern)
    height, width = rgb.shape[:2]
    pair = load_pair(calibration, (width, height), (pattern.projector.width_px, pattern.projector.height_px), unit_mm, projector)
    slopes = ray_slopes(pair.camera)
    decoded: dict[Direction, Decoded] = {axis: _decode(images, pattern, axis, full_scale, pair) for axis in pattern.axes}
    heights = {axis: Triangulator(pair.camera, _along(pair.projector, axis), slopes).heights(d.column, d.sigma_column) for axis, d in decoded.items()}
    used: Direction = min(pattern.axes, key=lambda axis: _median_sigma(heights[axis]))
    z, sigma = heights[used].z_mm, heights[used].sigma_z_mm
    xyz = points(z, slopes, pair.camera.centre_mm)
    known = np.isfinite(z)
    if pattern.depth_mm is not None:
        with np.errstate(invalid="ignore"):
            depth = xyz @ pair.camera.R[2].astype(np.float32) + np.float32(pair.camera.t[2])
            known &= (depth >= pattern.depth_mm[0]) & (depth <= pattern.depth_mm[1])
    epipolar = None
    for axis in set(decoded) - {used}:
        away = np.abs(seen_at(pair.projector, xyz, axis) - decoded[axis].column)
        both = known & np.isfinite(away)
        epipolar = float(np.median(away[both])) if both.any() else None
        unit = 0.0 if pattern.phase or pattern.gray is None else pattern.gray.unit_px / 2
        known &= ~(away > pattern.epipolar_px + unit)
    if epipolar is not None and epipolar > pattern.epipolar_px:
        raise ReconstructionError(
            f"Rows and columns disagree by {epipolar:.1f} projector pixels in the median.",
            cure="Check that R and T lead from camera to projector, that the calibration is of this set-up, and offset_px of the pattern.",
            detail="epipolar",
        )
    if not known.any():
        raise ReconstructionError(
            "No pixel could be measured.",
            cure="Check the pattern description (order of the images, bits, projector size), the calibration's direction from camera to projector, "
            "and whether the images show stripes.",
            detail="empty",
        )
    xyz[~known] = np.nan
    sigma[~known] = np.nan
    return ForeignCloud(PointMap(pair.points_out(xyz), sigma, known.astype(np.uint8)), rgb, decoded, used, epipolar, pair)


def seen_at(projector: Pinhole, xyz_mm: F32, axis: Direction) -> F32:
    """The projector's column (row) that lights points, (H, W, 3) mm in the solvers' frame → (H, W) projector pixels."""
    out = np.empty(xyz_mm.shape[:2], np.float32)
    rvec = np.asarray(cv2.Rodrigues(projector.R)[0])
    for rows in _bands(len(out)):
        flat = xyz_mm[rows].reshape(-1, 1, 3).astype(np.float64)
        pixels = np.asarray(cv2.projectPoints(np.nan_to_num(flat), rvec, projector.t, projector.K, projector.d)[0])
        # far off the projector the distortion polynomial means nothing, and may overflow
        out[rows] = np.clip(pixels[:, 0, 0 if axis == "columns" else 1], -FAR_PX, FAR_PX).reshape(out[rows].shape)
    out[np.isnan(xyz_mm[..., 2])] = np.nan
    return out


def _bands(height: int) -> Iterator[slice]:
    for start in range(0, height, ROWS_AT_ONCE):
        yield slice(start, start + ROWS_AT_ONCE)


def _median_sigma(heights: Heights) -> float:
    known = heights.sigma_z_mm[np.isfinite(heights.sigma_z_mm)]
    return float(np.median(known)) if len(known) else float("inf")


def _decode(images: ImageFolder, pattern: CapturePattern, axis: Direction, full_scale: float, pair: Pair) -> Decoded:
    station = pattern.station_patterns(axis)
    if station is not None:
        return _station_decode(images, station, axis, full_scale, pattern.min_contrast)
    coarse = None
    if pattern.gray is None and pattern.depth_mm is not None:
        coarse = _expected(pattern, axis, pair)
    return decode_axis(pattern, axis, images.grey, full_scale, coarse)


def _station_decode(images: ImageFolder, patterns: FringePatterns, axis: Direction, full_scale: float, min_contrast: float) -> Decoded:
    """The station's own patterns go through its own decoder."""
    shown = [role for role in images.paths if role.axis == axis]
    roles = sorted(shown, key=lambda role: (role.show is Show.BIT, role.index))
    decoder = FringeDecoder(patterns, full_scale, min_contrast * full_scale / 2)
    for index, role in enumerate(roles):
        decoder.add(index, images.grey(role))
    return decoder.decode()


def _expected(pattern: CapturePattern, axis: Direction, pair: Pair) -> F32 | None:
    """Where each pixel looks on the projector in the middle of the depth range; None where fringes count themselves.

    Raises:
        ReconstructionError: the range is so deep that a pixel may see two fringes of the same phase.
    """
    assert pattern.depth_mm is not None
    near, far = (_seen_at_depth(pair, depth, axis) for depth in pattern.depth_mm)
    widest = max(p.period(pattern.length(axis)) for p in pattern.phase)
    span = float(np.abs(far - near).max())
    if span < widest:
        return ((near + far) / 2).astype(np.float32)
    if pattern.separation_turns(axis) > 0.01:
        return None
    raise ReconstructionError(
        f"Between {pattern.depth_mm[0]:g} and {pattern.depth_mm[1]:g} mm a pixel sees {span:.0f} projector {axis}, but fringes repeat after "
        f"{widest:.0f}.",
        cure="Give a smaller depth_mm, or a capture with a Gray code or a second set of fringes.",
        detail="ambiguous",
    )


def _seen_at_depth(pair: Pair, depth_mm: float, axis: Direction) -> F32:
    camera = pair.camera
    out = np.empty((camera.height_px, camera.width_px), np.float32)
    for rows in _bands(camera.height_px):
        v, u = np.mgrid[rows.start : min(rows.stop, camera.height_px), 0 : camera.width_px]
        ideal = undistort(camera, np.column_stack([u.ravel(), v.ravel()]).astype(np.float64))
        in_camera = np.column_stack([ideal, np.ones(len(ideal))]) * depth_mm
        xyz = (in_camera - camera.t) @ camera.R
        out[rows] = seen_at(pair.projector, xyz.reshape(*u.shape, 3).astype(np.float32), axis)
    return out


def _along(projector: ProjectorCalibration, axis: Direction) -> ProjectorCalibration:
    """The projector with rows and columns exchanged where rows are decoded: the triangulation then finds rows where it has columns."""
    if axis == "columns":
        return projector
    k1, k2, p1, p2, k3 = projector.distortion
    (rx, ry, rz), (tx, ty, tz) = projector.rotation, projector.translation_mm
    turned = {
        "width_px": projector.height_px, "height_px": projector.width_px, "fx_px": projector.fy_px, "fy_px": projector.fx_px,
        "cx_px": projector.cy_px, "cy_px": projector.cx_px, "distortion": (k1, k2, p2, p1, k3), "rotation": (ry, rx, rz),
        "translation_mm": (ty, tx, tz),
    }  # fmt: skip
    return projector.model_copy(update=turned)


def _texture(images: ImageFolder, pattern: CapturePattern) -> tuple[NDArray[np.uint8], float]:
    """A picture for people and the camera's full scale: the white reference, else the mean of a set of fringes, else what is brightest."""
    axis = pattern.axes[0]
    white = Role(Show.WHITE)
    if white in images.paths:
        roles = [white]
    elif pattern.phase:
        roles = [Role(Show.PHASE, axis, k, 0) for k in range(pattern.phase[0].count)]
    else:
        roles = [Role(Show.BIT, axis, bit) for bit in range(pattern.bits(axis))]
    picture, top, wide = np.empty((0, 0), np.float32), 0, False
    for role in roles:
        image = images.colour(role)
        top, wide = max(top, int(image.max())), wide or image.dtype == np.uint16
        value = image.astype(np.float32)
        if picture.size == 0:
            picture = value
        elif picture.shape != value.shape:
            raise ReconstructionError(f"The image '{role}' differs in size or colour.", cure="Give images of one size.", detail="frame_size")
        else:
            picture = picture + value if role.show is Show.PHASE else np.maximum(picture, value)
    if roles[0].show is Show.PHASE:
        picture = picture / np.float32(len(roles))
    bits = pattern.camera_bits or (next(b for b in CAMERA_BITS if top < 1 << b) if wide else 8)
    shown = max(float(np.percentile(picture, 99.5)), 1.0) if wide else 255.0
    grey = np.clip(picture * np.float32(255 / shown), 0, 255).astype(np.uint8)
    return (grey if grey.ndim == 3 else np.repeat(grey[..., None], 3, axis=2)), float((1 << bits) - 1)
