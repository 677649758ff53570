"""Relative height from normals.

The slopes between neighbouring pixels are those of a height map ẑ in the least-squares sense: ∇²ẑ = div g with nothing
flowing through the image's edge, which the cosine transform solves in closed form (DCT Poisson; Simchony, Chellappa, Shao,
Direct analytical methods for solving Poisson equations in computer vision problems, PAMI 12, 1990). Seen through a pin-hole
camera, what integrates exactly is the logarithm of depth, so that the result is right away from the optical axis, too.

Limits: steps and undercuts, whose slope the camera does not see, come out as too gentle ramps that bend their neighbourhood;
invalid pixels count as level, and what lies beyond them may be too high or too low; a bias of the normals of 1° that is smooth
over the field bends the height by tens of micrometres. The height is for looking at fine relief; trueness is the cloud's.
"""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from photometric.kernels import divergence

LEAST_FACING = 0.1
"""Smallest cosine between normal and viewing ray that is believed (84°): a steeper slope is cut to it."""


def integrate_normals(
    normals: NDArray[np.float32],
    valid: NDArray[np.bool_],
    pixel_pitch_mm: float,
    camera_distance_mm: float,
    out: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Integrate normals to relative height.

    Args:
        normals: (H, W, 3) unit vectors in the rig frame (y against rows).
        valid: (H, W) where to believe them.
        pixel_pitch_mm: size of a pixel on the reference plane, mm.
        camera_distance_mm: distance of the camera's centre of projection from the reference plane, mm.
        out: (H, W) array to write into.

    Returns:
        (H, W) height in mm, mean zero over the valid pixels.
    """
    H, W = valid.shape
    height = np.empty((H, W), np.float32) if out is None else out
    divergence(normals, valid, np.float32(pixel_pitch_mm), np.float32(camera_distance_mm), np.float32(LEAST_FACING), height)
    workers = min(8, os.cpu_count() or 1)
    spectrum = np.asarray(fft.dctn(height, type=2, norm="ortho", overwrite_x=True, workers=workers))
    laplacian = (2 * np.cos(np.pi * np.arange(H) / H) - 2)[:, None] + (2 * np.cos(np.pi * np.arange(W) / W) - 2)[None, :]
    laplacian[0, 0] = 1.0
    spectrum /= laplacian.astype(np.float32)
    spectrum[0, 0] = 0.0
    log_depth = np.asarray(fft.idctn(spectrum, type=2, norm="ortho", overwrite_x=True, workers=workers))
    count = int(np.count_nonzero(valid))
    if count:
        log_depth -= np.float32(np.mean(log_depth, where=valid, dtype=np.float64))
    np.multiply(log_depth, np.float32(-1 / camera_distance_mm), out=log_depth)
    np.expm1(log_depth, out=log_depth)
    np.multiply(log_depth, np.float32(-camera_distance_mm), out=height)
    if count:
        height -= np.float32(np.mean(height, where=valid, dtype=np.float64))
    return height
