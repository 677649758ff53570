"""Chessboard corners to a hundredth of a pixel.

Around a corner a sharp lens shows I = a + b · erf(d₁/√2 s) · erf(d₂/√2 s) with d₁, d₂ the distances from the two edges through
it and s the blur: the picture of an ideal corner under a Gaussian point spread. Fitted by Gauss-Newton, the crossing of the edges
is free of the bias that gradient methods have where edges run along pixel rows.

References:
    Duda, A. and Frese, U., "Accurate detection and localization of checkerboard corners for calibration", BMVC 2018.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

ITERATIONS = 12


def refine_corners(image: NDArray[np.float32], corners: NDArray[np.float64], directions: NDArray[np.float64], half: int) -> NDArray[np.float64]:
    """Refine corners by fitting the blurred-corner model.

    Args:
        image: (H, W) brightness.
        corners: (M, 2) columns and rows to within a pixel.
        directions: (M, 2, 2) directions of the two edges in the image.
        half: half window, pixels; no other edge may lie in it.

    Returns:
        (M, 2) refined; NaN where the fit fails or leaves its start by more than half the window.
    """
    return np.array([_refine(image, c, d, half) for c, d in zip(corners, directions, strict=True)])


def _refine(image: NDArray[np.float32], corner: NDArray[np.float64], directions: NDArray[np.float64], half: int) -> NDArray[np.float64]:
    x0, y0 = np.rint(corner).astype(int)
    height, width = image.shape
    lost = np.array([np.nan, np.nan])
    if x0 < half or y0 < half or x0 + half >= width or y0 + half >= height:
        return lost
    patch = image[y0 - half : y0 + half + 1, x0 - half : x0 + half + 1].astype(np.float64).ravel()
    v, u = np.mgrid[-half : half + 1, -half : half + 1].reshape(2, -1).astype(np.float64)
    x, y = corner - (x0, y0)
    # an edge is kept as the angle of its normal
    t1, t2 = np.arctan2(directions[:, 0], -directions[:, 1])
    s = 1.0
    for _ in range(ITERATIONS):
        distances, tangents = zip(
            *(((u - x) * np.cos(t) + (v - y) * np.sin(t), -(u - x) * np.sin(t) + (v - y) * np.cos(t)) for t in (t1, t2)), strict=True
        )
        e1, e2 = (erf(d / (np.sqrt(2) * s)) for d in distances)
        g1, g2 = (np.sqrt(2 / np.pi) / s * np.exp(-0.5 * (d / s) ** 2) for d in distances)
        linear = np.column_stack([np.ones_like(u), u, v, e1 * e2])
        level, *_ = np.linalg.lstsq(linear, patch, rcond=None)
        b = level[3]
        along1, along2 = b * g1 * e2, b * e1 * g2
        design = np.column_stack(
            [
                linear,
                -along1 * np.cos(t1) - along2 * np.cos(t2),
                -along1 * np.sin(t1) - along2 * np.sin(t2),
                along1 * tangents[0],
                along2 * tangents[1],
                -(along1 * distances[0] + along2 * distances[1]) / s,
            ]
        )
        step, *_ = np.linalg.lstsq(design, patch - linear @ level, rcond=None)
        dx, dy, d1, d2, ds = step[4:]
        x, y, t1, t2 = x + dx, y + dy, t1 + d1, t2 + d2
        s = float(np.clip(s + ds, 0.3, half))
        if not np.hypot(x, y) < half / 2 + 1:
            return lost
        if np.hypot(dx, dy) < 1e-4:
            return np.array([x0 + x, y0 + y])
    return lost
