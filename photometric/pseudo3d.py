"""The pseudo-3D picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from photometric.kernels import normals_to_rgb


def pseudo3d_image(normals: NDArray[np.float32], out: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
    """The normal map as a colour picture: red, green and blue are 128 + 127 times the normal's x, y and z.

    Args:
        normals: (H, W, 3) unit vectors in the rig frame.
        out: (H, W, 3) array to write into.

    Returns:
        (H, W, 3) RGB; a surface that faces the camera is (128, 128, 255).
    """
    picture = np.empty(normals.shape, np.uint8) if out is None else out
    normals_to_rgb(normals, picture)
    return picture
