"""The fringes of a rig's inspections: what its projectors show, and what decodes it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rig_configs.calibration import Calibration
from rig_configs.schema import RigConfig
from structured_light.patterns import FringePatterns
from structured_light.reconstructor import FourEye


def fringe_patterns(rig: RigConfig) -> list[tuple[NDArray[np.uint8], ...]]:
    """For each projector of a rig its patterns, (height, width) uint8, turned and pre-corrected as rig.yaml has it."""
    fringes = rig.sequence.fringes
    return [tuple(FringePatterns(fringes, p.width_px, p.height_px, p.fringe_angle_deg, p.response).images) for p in rig.projectors]


def four_eye(rig: RigConfig, calibration: Calibration, projectors: Sequence[int] | None = None) -> FourEye:
    """What decodes them; where ``projectors`` are given, from their frames alone."""
    full = rig.camera.pixel_format.full_scale_dn
    angles = [p.fringe_angle_deg for p in rig.projectors]
    return FourEye(
        calibration,
        rig.sequence.fringes,
        saturation_dn=full,
        projectors=projectors,
        angles_deg=angles,
        height_range_mm=rig.sequence.height_range_mm,
    )
