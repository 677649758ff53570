"""How the calibrated zones light the scene, sampled at the nodes of a coarse grid of square cells.

The Lambertian model: a surface of albedo ρ and normal n at point X answers zone k with ``i_k = c ρ E_k(X) n·l_k(X)``, DN/ms,
where l_k is the unit direction from X to the zone and E_k falls with the square of the distance. The matt white plate at z = 0
(ρ = 1, n = z) answered ``F_k = c E_k l_kz``: the zone's flat field. Hence with ``g_k = l_kz(X₀)/F_k · r_k²(X)/r_k²(X₀)``, X₀ on the
plate in the same pixel, ``b_k = g_k i_k = ρ n·l_k``, and least squares gives ``ρ n = (LᵀL)⁻¹ Lᵀ b`` (the paper's equation).

All of this varies so slowly over the field that the kernel interpolates it bilinearly within cells: at 40 cells across, the
normals differ from those of exact directions by less than 1e-4 rad.

Reference: R. J. Woodham, Photometric method for determining surface orientation from multiple images, Opt. Eng. 19 (1980).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photometric.camera import points_at_height
from photometric.drop_rule import LEAST_DETERMINANT
from rig_configs.calibration import Calibration
from rig_configs.errors import ReconstructionError

CELLS_ACROSS = 40

Array = NDArray[np.float64]


def polynomial_terms(u: Array, v: Array) -> Array:
    """The 15 terms u^i v^j, j = 0..4, i = 0..4-j (i fastest), of a flat field: (...,) → (..., 15)."""
    return np.stack([u**i * v**j for j in range(5) for i in range(5 - j)], axis=-1)


@dataclass(frozen=True, slots=True)
class LightTables:
    """The light model at the nodes of the grid; node (r, c) is pixel (r·cell, c·cell). K is the number of zones."""

    cell_px: int
    """Side of a cell, pixels; a power of two."""
    transform: NDArray[np.float32]
    """(rows, K·K, columns): the K×K matrix that takes signals i (DN/ms) to ρn (first three rows) and to the K-3 misfit
    components, an orthonormal basis of what no normal can explain."""
    lights: NDArray[np.float32]
    """(rows, 4·K, columns): for each zone g_k and the three components of l_k."""
    spare: NDArray[np.float32]
    """(rows, K, columns): 1 where the other zones span all directions without this one, else 0."""
    least_check: float
    """Smallest length of a zone's column in the misfit basis: a zone whose signal is off by δ shows a misfit ≥ δ·least_check."""


def cell_size_px(width_px: int) -> int:
    """Side of the grid's cells for an image of this width: a power of two, so that the kernel's inner loops fill registers."""
    return 1 << max(2, int(np.log2(width_px / CELLS_ACROSS)))


def light_tables(calibration: Calibration, *, z_mm: float = 0.0, near: bool = True) -> LightTables:
    """Sample the light model on a surface at height ``z_mm``.

    Args:
        calibration: the rig's calibration.
        z_mm: height of the surface above the reference plane, mm.
        near: directions from every node to the zones' positions; else one direction a zone, from the rig's origin.

    Raises:
        ReconstructionError: a flat field is not positive over the image, or the zones do not span three directions.
    """
    camera = calibration.camera
    W, H = camera.width_px, camera.height_px
    cell = cell_size_px(W)
    columns, rows = np.meshgrid(np.arange(-(-W // cell) + 1) * cell, np.arange(-(-H // cell) + 1) * cell)
    pixels = np.stack([columns, rows], axis=-1).astype(np.float64)
    terms = polynomial_terms(2 * pixels[..., 0] / (W - 1) - 1, 2 * pixels[..., 1] / (H - 1) - 1)
    flat = np.stack([terms @ np.array(zone.flat_field) for zone in calibration.zones], axis=-1)
    if not (np.isfinite(flat).all() and (flat > 0).all()):
        dead = [zone.name for zone, f in zip(calibration.zones, np.moveaxis(flat, -1, 0), strict=True) if not (f > 0).all()]
        raise ReconstructionError(
            f"The flat field of zone {', '.join(dead)} is not positive over the whole image.",
            cure="Calibrate the lights again: d3station calibrate lights",
            detail="flat_field",
        )
    positions = np.array([zone.position_mm for zone in calibration.zones])
    on_plate = points_at_height(camera, pixels, 0.0)
    on_surface = points_at_height(camera, pixels, z_mm)
    if not near:
        on_plate, on_surface = np.zeros_like(on_plate), np.zeros_like(on_surface)
    to_plate = positions - on_plate[..., None, :]  # (rows, columns, K, 3)
    to_surface = positions - on_surface[..., None, :]
    r2_plate = (to_plate**2).sum(-1)
    r2_surface = (to_surface**2).sum(-1)
    L = to_surface / np.sqrt(r2_surface)[..., None]
    g = to_plate[..., 2] / np.sqrt(r2_plate) / flat * (r2_surface / r2_plate)

    if np.linalg.cond(L).max() > 1e3:
        raise ReconstructionError(
            "The light zones lie in one plane with the part: they cannot tell its slopes.",
            cure="Calibrate the lights again, and check that three zones shine from different sides.",
            detail="directions",
        )
    K = len(positions)
    inverse = np.linalg.pinv(L)  # (rows, columns, 3, K)
    # One basis of the misfit space, turned as little as possible from node to node, so that it can be interpolated.
    middle = np.linalg.svd(L[L.shape[0] // 2, L.shape[1] // 2])[0][:, 3:].T
    u, _, vt = np.linalg.svd(middle @ (np.eye(K) - L @ inverse), full_matrices=False)
    check = u @ vt
    transform = np.concatenate([inverse, check], axis=-2) * g[..., None, :]
    least = float(np.sqrt((check**2).sum(-2)).min()) if K > 3 else 1.0
    lights = np.concatenate([g[..., None], L], axis=-1)
    others = [np.delete(L, k, axis=-2) for k in range(K)]
    spare = np.stack([np.linalg.det(np.moveaxis(rest, -1, -2) @ rest) > LEAST_DETERMINANT for rest in others], axis=-1)
    return LightTables(cell, _nodes(transform), _nodes(lights), _nodes(spare[..., None]), least)


def _nodes(values: Array) -> NDArray[np.float32]:
    """(rows, columns, a, b) → (rows, a·b, columns), so that a row of cells lies together."""
    rows, columns = values.shape[:2]
    return np.ascontiguousarray(np.moveaxis(values.reshape(rows, columns, -1), 1, 2), np.float32)
