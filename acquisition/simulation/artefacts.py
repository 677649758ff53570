"""What a rig is calibrated with, on the simulated bench: ChArUco board, matt white plate, mirror sphere."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from acquisition.simulation.materials import MATT_WHITE, MIRROR
from acquisition.simulation.scene import F32, Mesh, SceneObject, rectangle
from rig_configs.schema import BoardConfig, RigConfig

_INK_OF_WHITE = 0.15 / 0.8
_MARGIN_MM = 2.0


def white_plate() -> SceneObject:
    """A matt white plate, albedo 0.8, larger than any field, at z = 0."""
    corners = np.array([[-80, 80, 0], [80, 80, 0], [80, -80, 0], [-80, -80, 0]], np.float64)
    return SceneObject("white_plate", (rectangle(corners, MATT_WHITE),), on_plate=False)


def charuco_board(
    rig: RigConfig, centre_mm: tuple[float, float, float] = (0, 0, 0), rotation_rad: tuple[float, float, float] = (0, 0, 0)
) -> SceneObject:
    """The rig's ChArUco board, printed in dark ink (0.15) on matt white (0.8), and nothing else in sight.

    Args:
        rig: whose board, and how fine its print must be for the camera's pixels.
        centre_mm: the middle of the print in the rig frame.
        rotation_rad: turn from lying flat and upright in the image, a rotation vector in the rig frame.
    """
    config = rig.artefacts.board
    per_square = int(np.ceil(config.square_mm / (0.6 * rig.camera.pixel_pitch_mm) / 15)) * 15
    texture = _print(config, per_square)
    half = (config.columns * config.square_mm / 2 + _MARGIN_MM, config.rows * config.square_mm / 2 + _MARGIN_MM)
    corners = np.array([[-half[0], half[1], 0], [half[0], half[1], 0], [half[0], -half[1], 0], [-half[0], -half[1], 0]])
    turn, _ = cv2.Rodrigues(np.asarray(rotation_rad, np.float64))
    R, t = np.asarray(turn, np.float64), np.asarray(centre_mm, np.float64)
    return SceneObject("charuco_board", (rectangle(corners @ R.T + t, MATT_WHITE, texture),), on_plate=False, R=R, t=t)


def _print(config: BoardConfig, per_square: int) -> F32:
    """The board as a factor on the white's albedo, with a margin, as sharp as the camera can tell."""
    dictionary = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, config.dictionary))
    board = cv2.aruco.CharucoBoard((config.columns, config.rows), config.square_mm, config.marker_mm, dictionary)
    picture = board.generateImage((config.columns * per_square, config.rows * per_square), marginSize=0)
    margin = round(_MARGIN_MM * per_square / config.square_mm)
    picture = cv2.copyMakeBorder(picture, margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=(255,))
    ink = _INK_OF_WHITE + (1 - _INK_OF_WHITE) * picture.astype(np.float32) / 255
    return np.asarray(cv2.GaussianBlur(ink, (0, 0), 0.7), np.float32)


def mirror_sphere(rig: RigConfig, x_mm: float = 0, y_mm: float = 0) -> SceneObject:
    """The rig's mirror sphere, resting on the dark plate at (x, y)."""
    radius = rig.artefacts.sphere_diameter_mm / 2
    return SceneObject("mirror_sphere", (sphere_mesh(radius, np.array([x_mm, y_mm, radius])),))


def sphere_mesh(radius_mm: float, centre_mm: NDArray[np.float64]) -> Mesh:
    """A polished sphere, the upper half finely, from circles of latitude around z."""
    polar, azimuth = np.linspace(0, np.pi, 400), np.linspace(0, 2 * np.pi, 721)
    p, a = np.meshgrid(polar, azimuth, indexing="ij")
    normals = np.stack([np.sin(p) * np.cos(a), np.sin(p) * np.sin(a), np.cos(p)], -1).reshape(-1, 3)
    index = np.arange(p.size).reshape(p.shape)
    i, j, k, m = index[:-1, :-1].ravel(), index[1:, :-1].ravel(), index[1:, 1:].ravel(), index[:-1, 1:].ravel()
    triangles = np.concatenate([np.stack([i, j, k], 1), np.stack([i, k, m], 1)]).astype(np.uint32)
    albedo = np.tile(np.array(MIRROR.albedo, np.float32), (len(normals), 1))
    return Mesh((radius_mm * normals + centre_mm).astype(np.float32), normals.astype(np.float32), triangles, MIRROR, albedo)
