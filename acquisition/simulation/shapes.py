"""Height fields of moulded and stamped bodies: outlines as signed distances (negative inside), rounded edges, surface texture."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from acquisition.simulation.materials import Material

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

STEP_MM = 0.04
FLOOR_MM = -0.5
"""Lower edge of the skirts, under the plate so that a part that lies a little tilted leaves no gap."""
_DRAFT_MM = 0.06


@dataclass(frozen=True, slots=True)
class Body:
    """A part's form and colour on a grid in its own x and y; z is zero where it rests."""

    height_mm: F64
    """(h, w), FLOOR_MM where there is nothing."""
    albedo: F64
    """(h, w, 3)."""
    material: Material
    origin_mm: tuple[float, float]
    """x, y of grid point (0, 0)."""
    inlay: Material | None = None
    """A second material, such as of contacts, where ``inlaid``."""
    inlaid: NDArray[np.bool_] | None = None
    """(h, w)."""
    pieces: NDArray[np.uint8] | None = None
    """(h, w) which separate piece (1, 2, …) is on top, such as a pin or a lever; 0 is the body itself."""
    below_mm: F64 | None = None
    """(h, w) height without the piece on top."""


def grid(width_mm: float, depth_mm: float) -> tuple[F64, F64]:
    """x and y of a grid over a centred rectangle with some room around it, each (h, w), mm."""
    columns, rows = round((width_mm / 2 + 0.8) / STEP_MM), round((depth_mm / 2 + 0.8) / STEP_MM)
    x, y = np.meshgrid(np.arange(-columns, columns + 1) * STEP_MM, np.arange(-rows, rows + 1) * STEP_MM)
    return x.astype(np.float64), y.astype(np.float64)


def box(x: F64, y: F64, left: float, right: float, bottom: float, top: float, radius: float = 0.0) -> F64:
    """Signed distance to a rectangle with rounded corners."""
    qx = np.abs(x - (left + right) / 2) - (right - left) / 2 + radius
    qy = np.abs(y - (bottom + top) / 2) - (top - bottom) / 2 + radius
    return np.hypot(np.maximum(qx, 0), np.maximum(qy, 0)) + np.minimum(np.maximum(qx, qy), 0) - radius


def raised(distance: F64, height: F64 | float, edge_radius: float) -> F64:
    """Top of a body with the outline ``distance`` ≤ 0: flat at ``height``, its edge rounded, its wall nearly upright down to the floor."""
    inside = np.clip(-distance, 0, edge_radius)
    top = height - edge_radius + np.sqrt(np.maximum(edge_radius**2 - (edge_radius - inside) ** 2, 0))
    fall = np.clip(distance / _DRAFT_MM, 0, 1)
    return top + (FLOOR_MM - top) * fall


def sunk(height: F64, distance: F64, level: float, chamfer: float = 0.0) -> F64:
    """Cut a pocket with the outline ``distance`` ≤ 0 down to ``level``, its rim chamfered at 45°."""
    cut = np.where(distance > 0, height - chamfer + distance, level)
    wall = np.clip(1 + distance / _DRAFT_MM, 0, 1)
    inner = level + (height - chamfer - level) * wall
    return np.minimum(height, np.where(distance > 0, np.maximum(cut, level), np.maximum(inner, level)))


def smoothstep(x: F64) -> F64:
    """0 to 1 as x goes from 0 to 1, with level ends."""
    t = np.clip(x, 0, 1)
    return t * t * (3 - 2 * t)


def texture(rng: np.random.Generator, shape: tuple[int, int], sigma_x_mm: float, sigma_y_mm: float) -> F64:
    """Smooth random field of standard deviation 1 with the given correlation lengths."""
    noise = cv2.GaussianBlur(rng.standard_normal(shape), (0, 0), sigma_x_mm / STEP_MM, sigmaY=sigma_y_mm / STEP_MM)
    return noise / noise.std()


def lettering(x: F64, y: F64, text: str, centre_mm: tuple[float, float], cap_height_mm: float) -> F64:
    """How far each grid point is covered by a line of text, 0 to 1, edges a grid step soft."""
    scale, thickness = 3.0, 7
    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, thickness)
    margin = 12
    picture = np.zeros((height + 2 * margin, width + 2 * margin), np.uint8)
    cv2.putText(picture, text, (margin, height + margin), cv2.FONT_HERSHEY_SIMPLEX, scale, 255, thickness, cv2.LINE_AA)
    pitch = cap_height_mm / height
    soft = cv2.GaussianBlur(picture.astype(np.float32) / 255, (0, 0), 0.5 * STEP_MM / pitch)
    column = (x - centre_mm[0]) / pitch + soft.shape[1] / 2
    row = -(y - centre_mm[1]) / pitch + soft.shape[0] / 2
    return cv2.remap(soft, column.astype(np.float32), row.astype(np.float32), cv2.INTER_LINEAR, borderValue=0).astype(np.float64)
