"""Which pixels a light cannot reach because the part stands in its way, predicted from the part's own height map.

A ray from a light at ``P`` to a surface point is seen by the camera at ``C`` as a straight line of the picture, which starts at the
picture of the light. In the plane of that line let β be the angle at P between the directions to C and to a surface point: going
outwards from the light's picture, a point is reached exactly where β is smaller than at all points before it. So one march along
every line, with the greatest cos β so far, finds every shadow, at one step a pixel and at any height of light and camera; the
shadow of a surface on itself is found like that of a wall on the ground.

Lines are laid one a pixel along the image's far edge; towards the light they lie closer together.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from photometric.camera import project
from rig_configs.calibration import Pinhole
from rig_configs.errors import ReconstructionError

TOLERANCE_MM = 0.1
"""How far an obstacle must stick into the ray, mm: a few times the noise of a cloud, and the size of the details it may have wrong."""


def cast_shadows(
    height_mm: NDArray[np.float32], light_mm: tuple[float, float, float], camera: Pinhole, tolerance_mm: float = TOLERANCE_MM
) -> NDArray[np.bool_]:
    """Pixels that a light does not reach.

    The lens's distortion is left out: over the length of a shadow it bends a line by far less than a pixel.

    Args:
        height_mm: (H, W) height of the surface above the reference plane, mm; NaN where unknown, which shades nothing.
        light_mm: position of the light in the rig frame, mm.
        camera: the calibrated camera.
        tolerance_mm: how far an obstacle must stick into the ray to a point to shade it.

    Returns:
        (H, W) bool; False where the height is unknown.

    Raises:
        ReconstructionError: the height map is not of the camera's size, or the light is not between camera and reference plane.
    """
    if height_mm.shape != (camera.height_px, camera.width_px):
        raise ReconstructionError(
            f"The height map is of shape {height_mm.shape}, the camera's images are {(camera.height_px, camera.width_px)}.",
            cure="Give the height on the camera's pixel grid.",
            detail="shape",
        )
    centre, light = camera.centre_mm, np.asarray(light_mm, np.float64)
    if not 0 < light[2] < centre[2]:
        raise ReconstructionError(
            f"The light at {light_mm} mm is not between the reference plane and the camera.",
            cure="Calibrate the lights again: d3station calibrate lights",
            detail="directions",
        )
    ideal = camera.model_copy(update={"distortion": (0.0, 0.0, 0.0, 0.0, 0.0)})
    u, v = project(ideal, light)
    shadow = np.zeros(height_mm.shape, np.bool_)
    # March along the axis on which the light is further from the image's middle, on a view of the image that has it as columns.
    middle_u, middle_v = (camera.width_px - 1) / 2, (camera.height_px - 1) / 2
    turned = abs(v - middle_v) > abs(u - middle_u)
    z, out = (height_mm.T, shadow.T) if turned else (height_mm, shadow)
    ray = np.linalg.inv(camera.K @ camera.R)  # pixel (u, v, 1) → direction in the rig frame
    if turned:
        ray, u, v = ray[:, [1, 0, 2]], v, u
    to_camera = (centre - light) / np.linalg.norm(centre - light)
    _march(z, float(u), float(v), ray, centre, light, to_camera, tolerance_mm, out)
    return shadow


@njit(cache=True, error_model="numpy", parallel=True, nogil=True)
def _march(z, light_u, light_v, ray, centre, light, to_camera, tolerance, out):
    """March every line from the side of the light to the far side; see the module.

    Args:
        z: (H, W) float32 height; any strides.
        light_u: column at which the light is seen; beyond the image's middle.
        light_v: row at which it is seen.
        ray: (3, 3) pixel to direction in the rig frame.
        centre: (3,) the camera.
        light: (3,) the light.
        to_camera: (3,) unit vector from light to camera.
        tolerance: mm.
        out: (H, W) bool, False; written.
    """
    H, W = z.shape
    forwards = light_u < 0.5 * (W - 1)
    near, far = (0, W - 1) if forwards else (W - 1, 0)
    near_reach, far_reach = abs(near - light_u) + 1.0, abs(far - light_u) + 1.0
    # Rows at the far side whose lines cross the image anywhere.
    stretch = max(far_reach / near_reach, 1.0) if (light_u < 0 or light_u > W - 1) else far_reach
    lowest = int(np.floor(min(0.0, light_v + (0 - light_v) * stretch)))
    highest = int(np.ceil(max(H - 1.0, light_v + (H - 1 - light_v) * stretch)))
    for line in prange(highest - lowest + 1):
        target = lowest + line
        slope = (target - light_v) / (far - light_u)
        horizon = -2.0
        for n in range(W):
            x = n if forwards else W - 1 - n
            if (x < light_u) == forwards and x != light_u:
                continue  # still on the light's other side
            row = int(np.rint(light_v + slope * (x - light_u)))
            if row < 0 or row >= H or not np.isfinite(z[row, x]):
                continue
            d0 = ray[0, 0] * x + ray[0, 1] * row + ray[0, 2]
            d1 = ray[1, 0] * x + ray[1, 1] * row + ray[1, 2]
            d2 = ray[2, 0] * x + ray[2, 1] * row + ray[2, 2]
            s = (z[row, x] - centre[2]) / d2
            p0, p1, p2 = centre[0] + s * d0 - light[0], centre[1] + s * d1 - light[1], z[row, x] - light[2]
            r = np.sqrt(p0 * p0 + p1 * p1 + p2 * p2)
            cosine = (p0 * to_camera[0] + p1 * to_camera[1] + p2 * to_camera[2]) / r
            if horizon > cosine:
                out[row, x] = True
            # An obstacle counts from where it sticks out by the tolerance on: its angle less what that is at its distance.
            sine = np.sqrt(max(1.0 - cosine * cosine, 0.0))
            horizon = max(horizon, cosine - sine * tolerance / r)
