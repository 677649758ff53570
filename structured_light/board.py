"""The ChArUco board as camera and projectors see it: corner positions, and the projector pixel that lights each corner."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from rig_configs.artefacts import BoardConfig
from rig_configs.cameras import PixelFormat
from rig_configs.errors import CalibrationFailed
from structured_light.corners import refine_corners

MIN_CORNERS = 12
REFINE_SHARE = 0.8
"""Half window of the corner refinement, as a share of the gap between a corner and the nearest marker."""
FIT_SHARE = 0.45
"""Half window of the local fit to the projector's coordinates, as a share of a square."""
FIT_STEPS = 24
"""Pixels of the half window that are used; more would cost time and gain nothing."""
MIN_FIT_SHARE = 0.6
"""Least share of that window that must show fringes."""


@dataclass(frozen=True, slots=True)
class BoardCapture:
    """One pose of the board, seen evenly lit and under the fringes of every projector."""

    luminance: NDArray[np.float32]
    """(H, W) evenly lit picture, DN, no mosaic."""
    columns: tuple[NDArray[np.float32], ...]
    """For each projector (H, W) its column, NaN where unknown."""
    rows: tuple[NDArray[np.float32], ...]
    """For each projector (H, W) its row, NaN where unknown."""
    sigmas: tuple[NDArray[np.float32], ...]
    """For each projector (H, W) the standard deviation of its column."""


@dataclass(frozen=True, slots=True)
class BoardObservation:
    """What a capture says about the board's corners."""

    ids: NDArray[np.int64]
    """(M,) which of the board's corners they are."""
    board_mm: NDArray[np.float64]
    """(M, 3) the corners on the board by its drawing, mm: x along its columns, y down its rows, z = 0."""
    camera_px: NDArray[np.float64]
    """(M, 2) where the camera sees them."""
    projector_px: NDArray[np.float64]
    """(P, M, 2) projector column and row that light the points seen at ``camera_px``; NaN where unknown."""
    jacobian: NDArray[np.float64]
    """(P, M, 2, 2) how those change with the camera pixel."""


def charuco_board(config: BoardConfig) -> cv2.aruco.CharucoBoard:
    """OpenCV's description of the board, mm."""
    dictionary = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, config.dictionary))
    return cv2.aruco.CharucoBoard((config.columns, config.rows), config.square_mm, config.marker_mm, dictionary)


def luminance(pixels: NDArray[np.number], pixel_format: PixelFormat) -> NDArray[np.float32]:
    """Brightness of a grey scene without mosaic, (H, W) float32, DN.

    The four places of a Bayer mosaic are brought to the same mean, as the scene is grey, and smoothed with [1 2 1] ⊗ [1 2 1] / 16, which is
    symmetric about every pixel: edges do not move.
    """
    image = np.array(pixels, np.float32)
    if not pixel_format.is_bayer:
        return image
    mean = image.mean()
    for place in (np.s_[::2, ::2], np.s_[::2, 1::2], np.s_[1::2, ::2], np.s_[1::2, 1::2]):
        image[place] *= mean / max(float(image[place].mean()), 1e-6)
    kernel = np.array([0.25, 0.5, 0.25], np.float32)
    return np.asarray(cv2.sepFilter2D(image, cv2.CV_32F, kernel, kernel, borderType=cv2.BORDER_REFLECT_101), np.float32)


def detect_board(image: NDArray[np.float32], config: BoardConfig) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Find the board's inner corners.

    Args:
        image: (H, W) evenly lit picture without mosaic, any scale.
        config: the board.

    Returns:
        ids (M,) of the corners, and (M, 2) their columns and rows, pixel centres at integers.

    Raises:
        CalibrationFailed: the board is not there, or too little of it.
    """
    low, high = np.percentile(image, (1, 99.5))
    scaled = np.clip((image - low) * (255 / max(float(high - low), 1e-6)), 0, 255).astype(np.float32)
    corners, ids, *_ = cv2.aruco.CharucoDetector(charuco_board(config)).detectBoard(scaled.astype(np.uint8))
    found = 0 if ids is None else len(ids)
    if found < MIN_CORNERS:
        total = (config.columns - 1) * (config.rows - 1)
        raise CalibrationFailed(
            f"Only {found} of the board's {total} corners were found.",
            cure=f"Lay the {config.columns} x {config.rows} board of {config.dictionary} into view, evenly lit, in focus and not overexposed.",
            detail="board_not_found",
        )
    ids = np.asarray(ids).reshape(-1).astype(np.int64)
    rough = np.asarray(corners, np.float64).reshape(-1, 2)
    board_mm = board_corners(config)[ids, :2]
    half = max(3, int(REFINE_SHARE * (config.square_mm - config.marker_mm) / 2 * _pixels_per_mm(board_mm, rough)))
    refined = refine_corners(scaled, rough, _directions(board_mm, rough), half)
    sharp = ~np.isnan(refined[:, 0])
    if np.count_nonzero(sharp) < MIN_CORNERS:
        raise CalibrationFailed(
            f"Only {np.count_nonzero(sharp)} of the {found} corners found are sharp enough to be located.",
            cure="Focus the camera, and keep the board within its depth of field.",
            detail="board_blurred",
        )
    return ids[sharp], refined[sharp]


def board_corners(config: BoardConfig) -> NDArray[np.float64]:
    """Inner corners by id, (M, 3) float64, mm: x along the board's columns, y down its rows, z = 0."""
    return np.asarray(charuco_board(config).getChessboardCorners(), np.float64).reshape(-1, 3)


def observe_board(capture: BoardCapture, config: BoardConfig) -> BoardObservation:
    """Find the corners and, by a fit to the fringes around each, the projector pixels that light them.

    Around a corner a plane's map from camera to projector pixel is smooth: a second-order polynomial over the window holds
    perspective and distortion, and averages noise over some thousand pixels (the local homographies of Moreno and Taubin,
    "Simple, accurate, and robust projector-camera calibration", 3DIMPVT 2012, with their curvature kept).

    Raises:
        CalibrationFailed: the board is not found.
    """
    ids, camera_px = detect_board(capture.luminance, config)
    board_mm = board_corners(config)[ids]
    half = max(4, round(FIT_SHARE * config.square_mm * _pixels_per_mm(board_mm[:, :2], camera_px)))
    count = len(capture.columns)
    projector_px = np.full((count, len(ids), 2), np.nan)
    jacobian = np.full((count, len(ids), 2, 2), np.nan)
    for p in range(count):
        for m, corner in enumerate(camera_px):
            local = _local_map(capture.columns[p], capture.rows[p], capture.sigmas[p], corner, half)
            if local is not None:
                projector_px[p, m], jacobian[p, m] = local
    return BoardObservation(ids, board_mm, camera_px, projector_px, jacobian)


def _pixels_per_mm(board_mm: NDArray[np.float64], pixels: NDArray[np.float64]) -> float:
    """Mean scale of the picture."""
    spread = [float(np.sqrt(np.linalg.det(np.cov(points.T)))) for points in (pixels, board_mm)]
    return float(np.sqrt(spread[0] / spread[1]))


def _directions(board_mm: NDArray[np.float64], pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Directions of the board's x and y at each corner of the picture, (M, 2, 2), by the homography through all."""
    H, _ = cv2.findHomography(board_mm, pixels)
    homogeneous = np.column_stack([board_mm, np.ones(len(board_mm))]) @ np.asarray(H).T
    w = homogeneous[:, 2:]
    return np.stack([(H[:2, i] - homogeneous[:, :2] / w * H[2, i]) / w for i in (0, 1)], axis=1)


def _local_map(
    columns: NDArray[np.float32], rows: NDArray[np.float32], sigmas: NDArray[np.float32], corner: NDArray[np.float64], half: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Projector pixel and its Jacobian at a corner, or None where too little of the window is measured."""
    x0, y0 = np.rint(corner).astype(int)
    height, width = columns.shape
    if x0 < half or y0 < half or x0 + half >= width or y0 + half >= height:
        return None
    step = max(1, half // FIT_STEPS)
    window = np.s_[y0 - half : y0 + half + 1 : step, x0 - half : x0 + half + 1 : step]
    u, v = columns[window], rows[window]
    known = ~(np.isnan(u) | np.isnan(v))
    if known.mean() < MIN_FIT_SHARE:
        return None
    dy, dx = np.nonzero(known)
    x, y = step * dx + (x0 - half - corner[0]), step * dy + (y0 - half - corner[1])
    scale = 1.0 / half
    xs, ys = x * scale, y * scale
    design = np.column_stack([np.ones_like(xs), xs, ys, xs * xs, xs * ys, ys * ys])
    target = np.column_stack([u[known], v[known]]).astype(np.float64)
    weight = 1 / np.maximum(sigmas[window][known].astype(np.float64), 1e-6) ** 2
    fit = _weighted_fit(design, target, weight)
    off = np.abs(target - design @ fit).max(axis=1) * np.sqrt(weight)
    weight[off > 5 * max(float(np.median(off)), 1e-9) / 0.6745] = 0  # what does not belong to the plane
    fit = _weighted_fit(design, target, weight)
    return fit[0], fit[1:3].T * scale


def _weighted_fit(design: NDArray[np.float64], target: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    weighted = design * weight[:, None]
    return np.linalg.solve(weighted.T @ design, weighted.T @ target).astype(np.float64)
