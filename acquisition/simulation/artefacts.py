"""What a rig is calibrated with, on the simulated bench: ChArUco board, matt white plate, mirror and matt spheres; and what its
methods are tried on: a ball bar, a gauge block, a cone."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from acquisition.simulation.materials import MATT_WHITE, MIRROR, Material
from acquisition.simulation.scene import F32, Mesh, SceneObject, rectangle
from rig_configs.artefacts import BoardConfig
from rig_configs.schema import RigConfig

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

    It is the same imperfect board whenever it is laid: its corners are off by the print's tolerance, and it is bowed.

    Args:
        rig: whose board, and how fine its print must be for the camera's pixels.
        centre_mm: the middle of the print in the rig frame.
        rotation_rad: turn from lying flat and upright in the image, a rotation vector in the rig frame.
    """
    texture = _print(rig.artefacts.board, _texels_per_square(rig))
    turn, _ = cv2.Rodrigues(np.asarray(rotation_rad, np.float64))
    R, t = np.asarray(turn, np.float64), np.asarray(centre_mm, np.float64)
    return SceneObject("charuco_board", (_sheet(rig, texture).moved(R, t),), on_plate=False, R=R, t=t)


def board_shape(rig: RigConfig) -> NDArray[np.float64]:
    """Where the corners of the board's squares truly are, (rows + 1, columns + 1, 3) mm from the print's middle, x along its columns, y up:
    off by the print's tolerance, and bowed."""
    assert rig.simulation is not None
    config, tolerances = rig.artefacts.board, rig.simulation.tolerances
    rng = np.random.default_rng([rig.simulation.seed, 21])
    x = (np.arange(config.columns + 1) - config.columns / 2) * config.square_mm
    y = (config.rows / 2 - np.arange(config.rows + 1)) * config.square_mm
    corners = np.stack([*np.meshgrid(x, y), np.zeros((config.rows + 1, config.columns + 1))], -1)
    # A dish or a saddle: two curvatures, the stronger of which gives the full bow along the longer side.
    bend = rng.uniform(0.3, 1.0, 2) * rng.choice([-1, 1], 2)
    bend /= np.abs(bend).max()
    corners[..., 2] = 1e-3 * tolerances.board_bow_um * (bend[0] * (corners[..., 0] / x[-1]) ** 2 + bend[1] * (corners[..., 1] / x[-1]) ** 2)
    corners[..., 2] -= corners[..., 2].mean()
    corners[..., :2] += 1e-3 * tolerances.board_print_um * rng.standard_normal((*corners.shape[:2], 2))
    return corners.astype(np.float64)


def _sheet(rig: RigConfig, texture: F32) -> Mesh:
    """The board as it was made, flat about z = 0, with its print and a margin."""
    config = rig.artefacts.board
    shape = np.pad(board_shape(rig), ((1, 1), (1, 1), (0, 0)), mode="edge")
    shape[0, :, 1] += _MARGIN_MM
    shape[-1, :, 1] -= _MARGIN_MM
    shape[:, 0, 0] -= _MARGIN_MM
    shape[:, -1, 0] += _MARGIN_MM
    rows, columns = shape.shape[:2]
    height, width = texture.shape
    margin = round(_MARGIN_MM * _texels_per_square(rig) / config.square_mm)
    u = np.r_[0, np.linspace(margin, width - margin, columns - 2), width]
    v = np.r_[0, np.linspace(margin, height - margin, rows - 2), height]
    dz_dv, dz_du = np.gradient(shape[..., 2], config.square_mm)
    normals = np.stack([-dz_du, dz_dv, np.ones_like(dz_du)], -1)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    index = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = (index[i].ravel() for i in (np.s_[:-1, :-1], np.s_[1:, :-1], np.s_[1:, 1:], np.s_[:-1, 1:]))
    return Mesh(
        shape.reshape(-1, 3).astype(np.float32),
        normals.reshape(-1, 3).astype(np.float32),
        np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)]).astype(np.uint32),
        MATT_WHITE,
        np.tile(np.array(MATT_WHITE.albedo, np.float32), (rows * columns, 1)),
        texture,
        np.stack(np.meshgrid(u, v), -1).reshape(-1, 2).astype(np.float32),
    )


def _texels_per_square(rig: RigConfig) -> int:
    return int(np.ceil(rig.artefacts.board.square_mm / (0.6 * rig.camera.pixel_pitch_mm) / 15)) * 15


def _print(config: BoardConfig, per_square: int) -> F32:
    """The board as a factor on the white's albedo, with a margin, as sharp as the camera can tell."""
    dictionary = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, config.dictionary))
    board = cv2.aruco.CharucoBoard((config.columns, config.rows), config.square_mm, config.marker_mm, dictionary)
    picture = board.generateImage((config.columns * per_square, config.rows * per_square), marginSize=0)
    margin = round(_MARGIN_MM * per_square / config.square_mm)
    picture = cv2.copyMakeBorder(picture, margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=(255,))
    ink = _INK_OF_WHITE + (1 - _INK_OF_WHITE) * picture.astype(np.float32) / 255
    return np.asarray(cv2.GaussianBlur(ink, (0, 0), 0.7), np.float32)


def flat_plate(height_mm: float, rotation_rad: tuple[float, float, float]) -> SceneObject:
    """The matt white plate, held at a height and turned about the rig's origin."""
    turn, _ = cv2.Rodrigues(np.asarray(rotation_rad, np.float64))
    mesh = white_plate().meshes[0].moved(np.asarray(turn, np.float64), np.array([0, 0, height_mm]))
    return SceneObject("flat_plate", (mesh,), on_plate=False)


def ball_bar(rig: RigConfig, x_mm: float, y_mm: float, angle_rad: float) -> SceneObject:
    """Two matt white spheres on the dark plate, their centres one spacing apart, the middle between them at (x, y)."""
    config = rig.artefacts.ball_bar
    along = np.array([np.cos(angle_rad), np.sin(angle_rad), 0]) * config.spacing_mm / 2
    middle = np.array([x_mm, y_mm, config.diameter_mm / 2])
    balls = tuple(sphere_mesh(config.diameter_mm / 2, middle + side * along, MATT_WHITE) for side in (-1, 1))
    return SceneObject("ball_bar", balls)


def step_block(rig: RigConfig, x_mm: float, y_mm: float, angle_rad: float) -> SceneObject:
    """A matt white gauge block, a third of the field wide, wrung onto the matt white plate."""
    side = rig.camera.nominal.field_width_mm / 6
    corners = side * np.array([[-1, 1, 0], [1, 1, 0], [1, -1, 0], [-1, -1, 0]], np.float64)
    top, floor = corners + np.array([0, 0, rig.artefacts.step_mm]), corners
    walls = [np.stack([top[i], top[(i + 1) % 4], floor[(i + 1) % 4], floor[i]]) for i in range(4)]
    turn, _ = cv2.Rodrigues(np.array([0.0, 0.0, angle_rad]))
    faces = (rectangle(face, MATT_WHITE).moved(np.asarray(turn, np.float64), np.array([x_mm, y_mm, 0])) for face in (top, *walls))
    return SceneObject("step_block", (*faces, white_plate().meshes[0]), on_plate=False)


def mirror_sphere(rig: RigConfig, x_mm: float = 0, y_mm: float = 0) -> SceneObject:
    """The rig's mirror sphere, resting on the dark plate at (x, y)."""
    radius = rig.artefacts.sphere_diameter_mm / 2
    return SceneObject("mirror_sphere", (sphere_mesh(radius, np.array([x_mm, y_mm, radius]), MIRROR),))


def matt_sphere(rig: RigConfig, x_mm: float = 0, y_mm: float = 0) -> SceneObject:
    """The rig's matt white sphere, resting on the dark plate at (x, y)."""
    radius = rig.artefacts.matt_sphere_diameter_mm / 2
    return SceneObject("matt_sphere", (sphere_mesh(radius, np.array([x_mm, y_mm, radius]), MATT_WHITE),))


def matt_cone(radius_mm: float, height_mm: float, x_mm: float = 0, y_mm: float = 0) -> SceneObject:
    """A matt white cone on the dark plate, its axis at (x, y)."""
    azimuth = np.linspace(0, 2 * np.pi, 721)
    slope = height_mm / radius_mm
    outward = np.stack([slope * np.cos(azimuth), slope * np.sin(azimuth), np.ones_like(azimuth)], -1) / np.hypot(slope, 1)
    rim = np.stack([radius_mm * np.cos(azimuth), radius_mm * np.sin(azimuth), np.zeros_like(azimuth)], -1)
    tip = np.tile([0, 0, height_mm], (len(azimuth), 1))
    i = np.arange(len(azimuth) - 1)
    triangles = np.stack([i, i + 1, i + len(azimuth)], 1).astype(np.uint32)
    vertices = np.concatenate([rim, tip]) + np.array([x_mm, y_mm, 0])
    normals = np.concatenate([outward, outward]).astype(np.float32)
    mesh = Mesh(vertices.astype(np.float32), normals, triangles, MATT_WHITE, np.tile(np.array(MATT_WHITE.albedo, np.float32), (len(vertices), 1)))
    return SceneObject("matt_cone", (mesh,))


def sphere_mesh(radius_mm: float, centre_mm: NDArray[np.float64], material: Material) -> Mesh:
    """A sphere of circles of latitude around z."""
    polar, azimuth = np.linspace(0, np.pi, 400), np.linspace(0, 2 * np.pi, 721)
    p, a = np.meshgrid(polar, azimuth, indexing="ij")
    normals = np.stack([np.sin(p) * np.cos(a), np.sin(p) * np.sin(a), np.cos(p)], -1).reshape(-1, 3)
    index = np.arange(p.size).reshape(p.shape)
    i, j, k, m = index[:-1, :-1].ravel(), index[1:, :-1].ravel(), index[1:, 1:].ravel(), index[:-1, 1:].ravel()
    triangles = np.concatenate([np.stack([i, j, k], 1), np.stack([i, k, m], 1)]).astype(np.uint32)
    albedo = np.tile(np.array(material.albedo, np.float32), (len(normals), 1))
    return Mesh((radius_mm * normals + centre_mm).astype(np.float32), normals.astype(np.float32), triangles, material, albedo)
