"""Joint bundle adjustment of one camera, several projectors and the poses of a board.

Everything is expressed in the camera's frame, so that no gauge is left to fix: unknown are the camera's optics, each projector's
optics and pose (camera → projector), and each board pose (board → camera). A device's optics are one focal length, the
principal point and Brown-Conrady k1, k2, p1, p2. With fields of view of some ten degrees these trade against each other, so weak
priors about the drawing hold what the data leave open; what they hold does not move a triangulated point.

A projector's pixel was read off where the camera saw a corner, not where the corner truly is. Its residual therefore follows
the local map to the predicted camera pixel, and the camera's corner noise does not leak into the projectors.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from structured_light.board import BoardObservation

OPTICS = 7
POSE = 6
FOCAL_PRIOR = 0.03
"""Standard deviation of a focal length about its drawing, as a share."""
CENTRE_PRIOR = 0.015
"""Standard deviation of a principal point about the image's middle, as a share of the width."""
CORNER_PRIORS = (0.02, 0.004, 0.004, 0.004)
"""Standard deviation of k1 r³, k2 r⁵, p1 r², p2 r² at the image's corner, as shares of the corner's distance r."""
CAMERA_SIGMA_PX = 0.03
PROJECTOR_SIGMA_PX = 0.01
SOFT_SIGMAS = 3.0
MAX_STEPS = 100
MAX_DAMPING = 1e8


@dataclass(frozen=True)
class Optics:
    """Optics of a device as the adjustment knows them, and where their priors lie."""

    nominal: NDArray[np.float64]
    """(7,) f, cx, cy in pixels, and k1, k2, p1, p2, by the drawing."""
    scale: NDArray[np.float64]
    """(7,) standard deviation of each prior; also the unit in which it is adjusted."""
    unknown: NDArray[np.float64] = field(default_factory=lambda: np.zeros(OPTICS))
    """(7,) deviation from nominal, in those units."""

    @property
    def values(self) -> NDArray[np.float64]:
        """(7,) f, cx, cy, k1, k2, p1, p2."""
        return self.nominal + self.scale * self.unknown

    @classmethod
    def of_drawing(cls, width_px: int, height_px: int, focal_px: float) -> Optics:
        """Nominal optics: a pin-hole without distortion whose principal point is the image's middle."""
        r = np.hypot(width_px, height_px) / 2 / focal_px
        powers = np.array([r**2, r**4, r, r])
        scale = np.array([FOCAL_PRIOR * focal_px, CENTRE_PRIOR * width_px, CENTRE_PRIOR * width_px, *(np.array(CORNER_PRIORS) / powers)])
        return cls(np.array([focal_px, (width_px - 1) / 2, (height_px - 1) / 2, 0, 0, 0, 0]), scale)


@dataclass(frozen=True)
class Pose:
    """A rigid motion x → R x + t."""

    rotation_vector: NDArray[np.float64]
    """(3,) rotation vector, rad."""
    translation_mm: NDArray[np.float64]
    """(3,) mm."""

    @property
    def R(self) -> NDArray[np.float64]:  # noqa: N802 - the field's own name
        """(3, 3)."""
        return Rotation.from_rotvec(self.rotation_vector).as_matrix()

    def __call__(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Move points (M, 3)."""
        return points @ self.R.T + self.translation_mm


@dataclass(frozen=True)
class Bundle:
    """Everything that is adjusted, and how well it fits."""

    camera: Optics
    projectors: tuple[Optics, ...]
    projector_poses: tuple[Pose, ...]
    """Camera → projector."""
    board_poses: tuple[Pose, ...]
    """Board → camera."""
    camera_rms_px: float = float("nan")
    projector_rms_px: float = float("nan")


def project(optics: NDArray[np.float64], points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Pixels of points in the device's frame, with derivatives.

    Args:
        optics: (7,) f, cx, cy, k1, k2, p1, p2.
        points: (M, 3) mm.

    Returns:
        (M, 2) pixels, (M, 2, 3) derivatives by the point, (M, 2, 7) by the optics.
    """
    f, cx, cy, k1, k2, p1, p2 = optics
    depth = 1 / points[:, 2]
    x, y = points[:, 0] * depth, points[:, 1] * depth
    r2, zero, one = x * x + y * y, np.zeros_like(x), np.ones_like(x)
    radial, growth = 1 + r2 * (k1 + r2 * k2), k1 + 2 * k2 * r2
    xd = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
    yd = y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y
    xx = radial + 2 * x * x * growth + 2 * p1 * y + 6 * p2 * x
    xy = 2 * x * y * growth + 2 * p1 * x + 2 * p2 * y
    yy = radial + 2 * y * y * growth + 6 * p1 * y + 2 * p2 * x
    by_point = f * depth[:, None, None] * np.stack([np.stack([xx, xy, -(xx * x + xy * y)], -1), np.stack([xy, yy, -(xy * x + yy * y)], -1)], axis=1)
    by_optics = np.stack(
        [
            np.stack([xd, one, zero, f * x * r2, f * x * r2**2, 2 * f * x * y, f * (r2 + 2 * x * x)], -1),
            np.stack([yd, zero, one, f * y * r2, f * y * r2**2, f * (r2 + 2 * y * y), 2 * f * x * y], -1),
        ],
        axis=1,
    )
    return np.column_stack([f * xd + cx, f * yd + cy]), by_point, by_optics


def adjust(start: Bundle, observations: list[BoardObservation]) -> Bundle:
    """Least-squares fit of everything at once, with a soft loss beyond 3 σ.

    The σ of camera and projector pixels are estimated from the first fit's own residuals and used in the second.
    """
    bundle = start
    camera_sigma, projector_sigma = CAMERA_SIGMA_PX, PROJECTOR_SIGMA_PX
    for _ in range(2):
        problem = _Problem(bundle, observations, camera_sigma, projector_sigma)
        x = _levenberg_marquardt(problem, problem.pack())
        camera, projector = problem.pixel_errors(x)
        camera_sigma, projector_sigma = (max(1.4826 * float(np.median(np.abs(e))), 1e-4) for e in (camera, projector))
        bundle = replace(problem.unpack(x), camera_rms_px=_rms(camera), projector_rms_px=_rms(projector))
    return bundle


def _levenberg_marquardt(problem: _Problem, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Minimise Σ ρ(r) with ρ = 2 s² (√(1 + (r/s)²) − 1) by iteratively reweighted normal equations, which are small and well scaled here."""
    residuals = problem.residuals(x)
    cost, damping = _soft_cost(residuals), 1e-3
    for _ in range(MAX_STEPS):
        jacobian = problem.jacobian(x)
        weighted = jacobian / np.sqrt(1 + (residuals / SOFT_SIGMAS) ** 2)[:, None]
        normal, gradient = weighted.T @ jacobian, weighted.T @ residuals
        while True:
            step = np.linalg.solve(normal + damping * np.diag(np.diag(normal)), -gradient)
            moved = problem.residuals(x + step)
            new_cost = _soft_cost(moved)
            if new_cost < cost or damping > MAX_DAMPING:
                break
            damping *= 8
        gain = cost - new_cost
        if not gain > 0:
            break
        x, residuals, cost, damping = x + step, moved, new_cost, max(damping / 8, 1e-9)
        if gain < 1e-7 * cost:
            break
    return x


def _soft_cost(residuals: NDArray[np.float64]) -> float:
    return float(2 * SOFT_SIGMAS**2 * np.sum(np.sqrt(1 + (residuals / SOFT_SIGMAS) ** 2) - 1))


def _rms(errors: NDArray[np.float64]) -> float:
    """Root mean square distance of (n, 2) errors."""
    return float(np.sqrt(np.mean(np.sum(errors**2, axis=1)))) if len(errors) else 0.0


class _Problem:
    """The adjustment as one vector of unknowns: optics in units of their priors, poses as increments of their start."""

    def __init__(self, start: Bundle, observations: list[BoardObservation], camera_sigma: float, projector_sigma: float) -> None:
        self.start, self.observations = start, observations
        self.weights = 1 / camera_sigma, 1 / projector_sigma
        self.devices = len(start.projectors)
        self.known = [[~np.isnan(o.projector_px[p, :, 0]) for p in range(self.devices)] for o in observations]

    def pack(self) -> NDArray[np.float64]:
        s = self.start
        poses = [np.concatenate([p.rotation_vector, p.translation_mm]) for p in (*s.projector_poses, *s.board_poses)]
        return np.concatenate([o.unknown for o in (s.camera, *s.projectors)] + poses)

    def unpack(self, x: NDArray[np.float64]) -> Bundle:
        optics = x[: OPTICS * (self.devices + 1)].reshape(-1, OPTICS)
        poses = [Pose(p[:3].copy(), p[3:].copy()) for p in x[optics.size :].reshape(-1, POSE)]
        s = self.start
        projectors = tuple(replace(o, unknown=u.copy()) for o, u in zip(s.projectors, optics[1:], strict=True))
        return Bundle(replace(s.camera, unknown=optics[0].copy()), projectors, tuple(poses[: self.devices]), tuple(poses[self.devices :]))

    def residuals(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        camera, projector = self.pixel_errors(x)
        priors = x[: OPTICS * (self.devices + 1)]
        return np.concatenate([camera.ravel() * self.weights[0], projector.ravel() * self.weights[1], priors])

    def pixel_errors(self, x: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(n, 2) errors in the camera and (m, 2) in the projectors, pixels."""
        b = self.unpack(x)
        camera, projector = [], []
        for o, board, known in zip(self.observations, b.board_poses, self.known, strict=True):
            points = board(o.board_mm)
            off = project(b.camera.values, points)[0] - o.camera_px
            camera.append(off)
            for p, (optics, pose) in enumerate(zip(b.projectors, b.projector_poses, strict=True)):
                k = known[p]
                read = o.projector_px[p, k] + np.einsum("mij,mj->mi", o.jacobian[p, k], off[k])
                projector.append(project(optics.values, pose(points[k]))[0] - read)
        return np.concatenate(camera), np.concatenate(projector)

    def jacobian(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        b = self.unpack(x)
        camera, projector = [], []
        optics_columns = [slice(OPTICS * i, OPTICS * (i + 1)) for i in range(self.devices + 1)]
        first = OPTICS * (self.devices + 1)
        pose_columns = [slice(first + POSE * i, first + POSE * (i + 1)) for i in range(self.devices + len(self.observations))]
        for i, (o, board, known) in enumerate(zip(self.observations, b.board_poses, self.known, strict=True)):
            points, by_board = board(o.board_mm), _by_pose(board, o.board_mm)
            _, by_point, by_optics = project(b.camera.values, points)
            rows = np.zeros((len(points), 2, len(x)))
            rows[:, :, optics_columns[0]] = by_optics * b.camera.scale
            rows[:, :, pose_columns[self.devices + i]] = by_point @ by_board
            camera.append(rows)
            for p, (optics, pose) in enumerate(zip(b.projectors, b.projector_poses, strict=True)):
                k = known[p]
                _, by_moved, by_projector = project(optics.values, pose(points[k]))
                block = -(o.jacobian[p, k] @ rows[k].reshape(-1, 2, len(x)))
                block[:, :, optics_columns[p + 1]] += by_projector * optics.scale
                block[:, :, pose_columns[p]] += by_moved @ _by_pose(pose, points[k])
                block[:, :, pose_columns[self.devices + i]] += by_moved @ pose.R @ by_board[k]
                projector.append(block)
        size = len(x)
        priors = np.eye(first, size)
        return np.concatenate(
            [np.concatenate(camera).reshape(-1, size) * self.weights[0], np.concatenate(projector).reshape(-1, size) * self.weights[1], priors]
        )


def _by_pose(pose: Pose, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Derivative of a moved point by rotation vector and translation, (M, 3, 6)."""
    out = np.zeros((len(points), 3, POSE))
    out[:, :, :3] = -_cross(points @ pose.R.T) @ _left_jacobian(pose.rotation_vector)
    out[:, :, 3:] = np.eye(3)
    return out


def _cross(v: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cross-product matrices, (..., 3) → (..., 3, 3)."""
    out = np.zeros((*v.shape, 3))
    out[..., 0, 1], out[..., 0, 2], out[..., 1, 2] = -v[..., 2], v[..., 1], -v[..., 0]
    return out - np.swapaxes(out, -1, -2)


def _left_jacobian(w: NDArray[np.float64]) -> NDArray[np.float64]:
    """∂ of the rotation (as a small left rotation) by its vector (Barfoot, "State Estimation for Robotics", 7.83)."""
    angle = float(np.linalg.norm(w))
    if angle < 1e-8:
        return np.eye(3) + 0.5 * _cross(w)
    a = w / angle
    s = np.sin(angle) / angle
    return s * np.eye(3) + (1 - s) * np.outer(a, a) + (1 - np.cos(angle)) / angle * _cross(a)
