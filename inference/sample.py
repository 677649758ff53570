"""The D³ sample: three modalities of one part on one pixel grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rig_configs.errors import SampleError


@dataclass(frozen=True, slots=True)
class D3Sample:
    """RGB, pseudo-3D and point cloud of one part, pixel by pixel the same place."""

    rgb: NDArray[np.uint8]
    """(H, W, 3) colour image."""
    pseudo3d: NDArray[np.uint8]
    """(H, W, 3) pseudo-3D image of photometric stereo."""
    xyz_mm: NDArray[np.float32]
    """(H, W, 3) points in the rig frame, mm; NaN where unknown."""
    foreground: NDArray[np.bool_]
    """(H, W) where the part is."""
    name: str = ""
    """Identity for messages: a serial number or a file stem."""
    ignored: NDArray[np.bool_] | None = None
    """(H, W) places that are not judged, on the part or beside it; none where everything is."""

    def __post_init__(self) -> None:
        grid = self.rgb.shape[:2]
        if self.ignored is not None and self.ignored.shape != grid:
            raise SampleError(
                f"What sample '{self.name}' ignores is {self.ignored.shape}, its pictures are {grid}.",
                cure="Give an array of (H, W).",
                detail="shape",
            )
        if self.rgb.shape != (*grid, 3) or self.pseudo3d.shape != (*grid, 3) or self.xyz_mm.shape != (*grid, 3) or self.foreground.shape != grid:
            raise SampleError(
                f"The modalities of sample '{self.name}' do not share one pixel grid: rgb {self.rgb.shape}, pseudo3d {self.pseudo3d.shape}, "
                f"xyz {self.xyz_mm.shape}, foreground {self.foreground.shape}.",
                cure="Give arrays of (H, W, 3), (H, W, 3), (H, W, 3) and (H, W).",
                detail="shape",
            )
