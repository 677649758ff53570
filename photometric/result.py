"""What photometric stereo gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class PhotometricResult:
    """Normals, albedo and relative height on the camera's pixel grid, in the rig frame."""

    normals: NDArray[np.float32]
    """(H, W, 3) unit vectors in the rig frame; (0, 0, 1) where not valid."""
    albedo: NDArray[np.float32]
    """(H, W) reflectance relative to the matt white reference plane; 0 where not valid."""
    height_mm: NDArray[np.float32]
    """(H, W) relative height by integration of the normals, mm, mean zero over the valid pixels."""
    residual: NDArray[np.float32]
    """(H, W) RMS misfit of the Lambertian model over the lights, relative to the matt white reference plane."""
    valid_lights: NDArray[np.uint8]
    """(H, W) how many lights the normal comes from: those neither dark, saturated, in shadow nor on a highlight; 0 where not valid."""
    valid: NDArray[np.bool_]
    """(H, W) whether at least three lights were usable: neither dark nor saturated."""
    pseudo3d: NDArray[np.uint8]
    """(H, W, 3) the pseudo-3D picture: the normal map as RGB, 128 + 127·n."""
