"""The fringes of a rig's inspections: what its projectors show, and what decodes it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rig_configs.calibration import ProjectorCalibration
from rig_configs.errors import ReconstructionError
from rig_configs.schema import RigConfig
from structured_light.geometry import Geometry
from structured_light.patterns import FringePatterns
from structured_light.reconstructor import FourEye


def fringe_patterns(rig: RigConfig, calibrated: Sequence[ProjectorCalibration]) -> list[tuple[NDArray[np.uint8], ...]]:
    """For each projector of a rig its patterns, (height, width) uint8, turned as rig.yaml has it; its response and the γ that calibration
    found beyond it are undone."""
    fringes = rig.sequence.fringes
    return [
        tuple(FringePatterns(fringes, p.width_px, p.height_px, p.fringe_angle_deg, p.response, found.gamma).images)
        for p, found in zip(rig.projectors, calibrated, strict=True)
    ]


def four_eye(rig: RigConfig, calibration: Geometry, projectors: Sequence[int] | None = None) -> FourEye:
    """What decodes them, from the frames of the projectors that take part, or of those given."""
    full = rig.camera.pixel_format.full_scale_dn
    angles = [p.fringe_angle_deg for p in rig.projectors]
    return FourEye(
        calibration,
        rig.sequence.fringes,
        saturation_dn=full,
        projectors=rig.eyes if projectors is None else projectors,
        angles_deg=angles,
        height_range_mm=rig.sequence.height_range_mm,
    )


def choose_projectors(rig: RigConfig, wanted: str) -> RigConfig:
    """The same rig, of which only some projectors take part, to see what one, two or four eyes see.

    Args:
        rig: the rig.
        wanted: names with commas between; or how many, which are spread evenly over the firing order: 2 of 4 stand opposite.

    Raises:
        ReconstructionError: no such projector takes part, or not so many do.
    """
    names = [rig.projectors[i].name for i in rig.eyes]
    if wanted.strip().isdecimal() and 0 < (count := int(wanted)) <= len(names):
        return rig.with_eyes(tuple(names[i * len(names) // count] for i in range(count)))
    chosen = tuple(name.strip() for name in wanted.split(","))
    if unknown := [name for name in chosen if name not in names]:
        raise ReconstructionError(
            f"'{unknown[0]}' is none of this capture's projectors.",
            cure=f"Name some of {', '.join(names)}, or how many of these {len(names)}.",
            detail="projectors",
        )
    return rig.with_eyes(chosen)
