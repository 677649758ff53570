"""Joint bundle adjustment of one camera, several projectors, the poses of a board and the board itself.

Everything is expressed in the camera's frame, so that no gauge is left to fix: unknown are the camera's optics, each projector's
optics and pose (camera → projector), each board pose (board → camera), and where the board's corners really are: no print is true
to a micrometre, and no board is flat. A device's optics are one focal length, the principal point and Brown-Conrady k1, k2, p1, p2.
With fields of view of some ten degrees these trade against each other, so weak priors about the drawing hold what the data leave
open; what they hold does not move a triangulated point. The board's priors are its maker's tolerances.

A projector's pixel was read off where the camera saw a corner, not where the corner truly is. Its residual therefore follows
the local map to the predicted camera pixel, and the camera's corner noise does not leak into the projectors.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, identity, vstack
from scipy.spatial.transform import Rotation

from rig_configs.calibration import Pinhole
from structured_light.board import BoardObservation

OPTICS = 7
POSE = 6
FOCAL_PRIOR = 0.03
"""Standard deviation of a focal length about its drawing, as a share."""
CENTRE_PRIOR = 0.015
"""Standard deviation of a principal point about the image's middle, as a share of the width."""
CORNER_PRIORS = (0.02, 0.004, 0.004, 0.004)
"""Standard deviation of k1 r³, k2 r⁵, p1 r², p2 r² at the image's corner, as shares of the corner's distance r."""
HELD_SHARE = 1e-3
"""Priors of optics that are held, as a share of those of a drawing."""
BOARD_SIGMAS_MM = (0.003, 0.003, 0.006)
"""Standard deviation of a corner about the board's drawing along x, y, z: the tolerance of a good print, and of a flat board."""
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

    @classmethod
    def held(cls, lens: Pinhole) -> Optics:
        """Optics that stay what an earlier calibration found: priors a thousand times tighter than a drawing's."""
        free = cls.of_drawing(lens.width_px, lens.height_px, lens.fx_px)
        return cls(np.array([lens.fx_px, lens.cx_px, lens.cy_px, *lens.distortion[:4]]), HELD_SHARE * free.scale)


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
    board_offsets_mm: NDArray[np.float64]
    """(C, 3) by how much each corner of the board, by its id, is off its drawing."""
    camera_rms_px: float = float("nan")
    projector_rms_px: float = float("nan")
    camera_errors_px: tuple[NDArray[np.float64], ...] = ()
    """For each pose (M, 2) what the camera's residuals are."""
    projector_errors_px: tuple[tuple[NDArray[np.float64], ...], ...] = ()
    """For each pose and projector (M, 2) residuals, NaN where the projector's pixel is not known."""
    covariance: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0)))
    """(n, n) of the vector that :meth:`vector` gives."""

    def vector(self) -> NDArray[np.float64]:
        """(n,) all unknowns: optics of camera and projectors in units of their priors, poses of projectors and boards as rotation
        vector (rad) and translation (mm), the board's offsets in units of their priors."""
        poses = [np.concatenate([p.rotation_vector, p.translation_mm]) for p in (*self.projector_poses, *self.board_poses)]
        offsets = (self.board_offsets_mm / BOARD_SIGMAS_MM).ravel()
        return np.concatenate([o.unknown for o in (self.camera, *self.projectors)] + poses + [offsets])

    def with_vector(self, x: NDArray[np.float64]) -> Bundle:
        """The same bundle with other unknowns, (n,) as :meth:`vector` gives them."""
        devices = len(self.projectors)
        optics = x[: OPTICS * (devices + 1)].reshape(-1, OPTICS)
        last = optics.size + POSE * (devices + len(self.board_poses))
        poses = [Pose(p[:3].copy(), p[3:].copy()) for p in x[optics.size : last].reshape(-1, POSE)]
        return replace(
            self,
            camera=replace(self.camera, unknown=optics[0].copy()),
            projectors=tuple(replace(o, unknown=u.copy()) for o, u in zip(self.projectors, optics[1:], strict=True)),
            projector_poses=tuple(poses[:devices]),
            board_poses=tuple(poses[devices:]),
            board_offsets_mm=x[last:].reshape(-1, 3) * BOARD_SIGMAS_MM,
        )


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
        x, normal = _levenberg_marquardt(problem, bundle.vector())
        camera, projector = problem.pixel_errors(x)
        camera_sigma, projector_sigma = (max(1.4826 * float(np.nanmedian(np.abs(np.concatenate(e)))), 1e-4) for e in (camera, _flat(projector)))
        bundle = replace(
            bundle.with_vector(x),
            camera_rms_px=_rms(np.concatenate(camera)),
            projector_rms_px=_rms(np.concatenate(_flat(projector))),
            camera_errors_px=tuple(camera),
            projector_errors_px=tuple(tuple(p) for p in projector),
            covariance=np.linalg.inv(normal),
        )
    return bundle


def _flat(errors: list[list[NDArray[np.float64]]]) -> list[NDArray[np.float64]]:
    return [one for of_pose in errors for one in of_pose]


def _levenberg_marquardt(problem: _Problem, x: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Minimise Σ ρ(r) with ρ = 2 s² (√(1 + (r/s)²) − 1) by iteratively reweighted normal equations, which are small and well scaled here.

    Returns:
        the unknowns, and their normal matrix.
    """
    residuals = problem.residuals(x)
    cost, damping = _soft_cost(residuals), 1e-3
    normal = np.eye(len(x))
    for _ in range(MAX_STEPS):
        jacobian = problem.jacobian(x)
        weighted = (jacobian.T / np.sqrt(1 + (residuals / SOFT_SIGMAS) ** 2)).tocsr()
        normal, gradient = np.asarray((weighted @ jacobian).todense()), weighted @ residuals
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
    return x, normal


def _soft_cost(residuals: NDArray[np.float64]) -> float:
    return float(2 * SOFT_SIGMAS**2 * np.sum(np.sqrt(1 + (residuals / SOFT_SIGMAS) ** 2) - 1))


def _rms(errors: NDArray[np.float64]) -> float:
    """Root mean square distance of (n, 2) errors, but for those that are NaN."""
    squares = np.sum(errors**2, axis=1)
    known = np.isfinite(squares)
    return float(np.sqrt(np.mean(squares[known]))) if known.any() else 0.0


class _Problem:
    """The adjustment as a sparse least-squares problem in :meth:`Bundle.vector`."""

    def __init__(self, start: Bundle, observations: list[BoardObservation], camera_sigma: float, projector_sigma: float) -> None:
        self.start, self.observations = start, observations
        self.weights = 1 / camera_sigma, 1 / projector_sigma
        self.devices = len(start.projectors)
        self.known = [[~np.isnan(o.projector_px[p, :, 0]) for p in range(self.devices)] for o in observations]
        self.first_pose = OPTICS * (self.devices + 1)
        self.first_offset = self.first_pose + POSE * (self.devices + len(observations))

    def residuals(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        camera, projector = self.pixel_errors(x)
        projector_known = [e[k] for of_pose, known in zip(projector, self.known, strict=True) for e, k in zip(of_pose, known, strict=True)]
        scaled = [np.concatenate(e).ravel() * w for e, w in zip((camera, projector_known), self.weights, strict=True)]
        return np.concatenate([*scaled, x[: self.first_pose], x[self.first_offset :]])

    def pixel_errors(self, x: NDArray[np.float64]) -> tuple[list[NDArray[np.float64]], list[list[NDArray[np.float64]]]]:
        """For each pose (M, 2) errors in the camera, and (M, 2) in each projector, pixels; NaN where the projector's pixel is not known."""
        b = self.start.with_vector(x)
        camera, projector = [], []
        for o, board in zip(self.observations, b.board_poses, strict=True):
            points = board(o.board_mm + b.board_offsets_mm[o.ids])
            off = project(b.camera.values, points)[0] - o.camera_px
            camera.append(off)
            read = o.projector_px + np.einsum("pmij,mj->pmi", o.jacobian, off)
            pairs = zip(b.projectors, b.projector_poses, strict=True)
            projector.append([project(optics.values, pose(points))[0] - read[p] for p, (optics, pose) in enumerate(pairs)])
        return camera, projector

    def jacobian(self, x: NDArray[np.float64]) -> csr_matrix:
        b = self.start.with_vector(x)
        camera, projector = [], []
        for i, (o, board, known) in enumerate(zip(self.observations, b.board_poses, self.known, strict=True)):
            own = o.board_mm + b.board_offsets_mm[o.ids]
            points, by_board = board(own), _by_pose(board, own)
            _, by_point, by_optics = project(b.camera.values, points)
            # Every row of a corner touches the same columns: optics and poses of two devices at most, one board pose, one offset.
            pose_at = self.first_pose + POSE * (self.devices + i) + np.arange(POSE)
            offset_at = self.first_offset + 3 * o.ids[:, None] + np.arange(3)
            shift = board.R * BOARD_SIGMAS_MM
            of_camera = (by_optics * b.camera.scale, by_point @ by_board, by_point @ shift)
            camera.append(self._rows(of_camera, (np.arange(OPTICS), pose_at, offset_at), self.weights[0], len(x)))
            for p, (optics, pose) in enumerate(zip(b.projectors, b.projector_poses, strict=True)):
                k = known[p]
                _, by_moved, by_projector = project(optics.values, pose(points[k]))
                follow = -o.jacobian[p, k]
                of_projector = (
                    by_projector * optics.scale,
                    by_moved @ _by_pose(pose, points[k]),
                    follow @ of_camera[0][k],
                    by_moved @ pose.R @ by_board[k] + follow @ of_camera[1][k],
                    by_moved @ pose.R @ shift + follow @ of_camera[2][k],
                )
                at = (OPTICS * (p + 1) + np.arange(OPTICS), self.first_pose + POSE * p + np.arange(POSE), np.arange(OPTICS), pose_at, offset_at[k])
                projector.append(self._rows(of_projector, at, self.weights[1], len(x)))
        priors = [csr_matrix(identity(len(x)))[rows] for rows in (slice(self.first_pose), slice(self.first_offset, None))]
        return csr_matrix(vstack([*camera, *projector, *priors], format="csr"))

    @staticmethod
    def _rows(blocks: tuple[NDArray[np.float64], ...], columns: tuple[NDArray[np.integer], ...], weight: float, width: int) -> csr_matrix:
        """(M, 2, k) blocks and the columns of each, (k,) or (M, k), as 2 M sparse rows."""
        values = np.concatenate(blocks, axis=2)
        corners = len(values)
        at = np.concatenate([np.broadcast_to(c, (corners, c.shape[-1])) for c in columns], axis=1)
        where = np.repeat(at[:, None, :], 2, axis=1)
        starts = values.shape[2] * np.arange(2 * corners + 1)
        return csr_matrix((weight * values.ravel(), where.ravel(), starts), shape=(2 * corners, width))


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
