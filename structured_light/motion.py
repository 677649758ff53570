"""Whether the part lay still from one projector's frames to the next one's: each pair's heights of it are held against each other.

The plate does not move with the part, and most of a part may be flat: a part pushed sideways contradicts itself at its edges and slopes
alone, where gloss, interreflection and mixed pixels contradict each other on a part that lies still, too. But these do so by chance, and
even more when one projector's heights are shifted; heights of a part that moved agree better when shifted back. So nothing needs to be
known of the part or its surface.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rig_configs.errors import ReconstructionError
from structured_light.fusion import MODEL_FLOOR_MM, VOTE_SIGMAS
from structured_light.triangulation import Heights

PART_ABOVE_MM = 0.3
"""What is lower over the reference plane than this is the plate."""
SAMPLES = 200_000
"""Pixels that are looked at."""
MIN_SAMPLES = 300
"""Fewer pixels of the part that two projectors see tell nothing."""
SHIFTS_MM = (0.06, 0.24)
"""How far heights are shifted to see whether they then agree better; at least a pixel."""
MAX_RISE_MM = 0.01
"""Median difference of a part's heights from which on it moved up or down; over the plate's, which calibration alone causes."""
MAX_CONTRADICTED = 0.25
"""Share of the part's pixels that may contradict each other; on glossy parts that lie still it is up to 0.13."""
BETTER = 0.9
"""Ratio of that share with and without the shift below which the part moved sideways; of one that lies still it hardly falls below 1, which
it may be where the part is the same all along the shift."""
GAIN = 0.05
"""Least share of the part's pixels on which the shift must settle the contradiction: besides five standard deviations of their number."""
_SHIFTS = ((0, 0), (-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))


def refuse_motion(heights: Sequence[Heights], names: Sequence[str], pitch_mm: float) -> None:
    """Refuse heights of a part that moved.

    Args:
        heights: one for each projector, all (H, W), in firing order.
        names: the projectors.
        pitch_mm: size of a camera pixel on the part, mm.

    Raises:
        ReconstructionError: between two projectors' frames the part moved, up or down by more than :data:`MAX_RISE_MM`, or sideways so that
            a shift settles what they contradict; or the calibration no longer holds.
    """
    reaches = [max(1, round(shift / pitch_mm)) for shift in SHIFTS_MM]
    n = len(heights)
    moved: list[tuple[int, int, str]] = []
    for i in range(n if n > 2 else n - 1):
        j = (i + 1) % n
        how = next((how for reach in reaches if (how := _motion(heights[i], heights[j], reach))), "")
        if how:
            moved.append((i, j, how))
    # Once around, all ways add up to nothing: a part that moved from one to the next has moved back in another pair.
    if moved and len(moved) >= min(2, n - 1):
        i, j, how = moved[0]
        raise ReconstructionError(
            f"The part moved between the frames of projector '{names[i]}' and those of '{names[j]}': {how}.",
            cure="Hold the part still while it is captured, and look for vibration; if it lay still, calibrate the rig again.",
            detail="moved",
        )


def _motion(one: Heights, other: Heights, reach: int) -> str:
    """How the part moved, in words; none where it did not, or too little of it is seen."""
    height, width = one.z_mm.shape
    stride = max(1, math.isqrt(height * width // SAMPLES))

    def sampled(image: NDArray[np.float32], dy: int, dx: int) -> NDArray[np.float32]:
        return image[reach * (1 + dy) : height - reach * (1 - dy) : stride, reach * (1 + dx) : width - reach * (1 - dx) : stride]

    here, sigma = sampled(one.z_mm, 0, 0), sampled(one.sigma_z_mm, 0, 0)
    there = [sampled(other.z_mm, *shift) for shift in _SHIFTS]
    seen = np.isfinite(here) & np.all([np.isfinite(z) for z in there], axis=0)
    part = seen & (here > PART_ABOVE_MM)
    if np.count_nonzero(part) < MIN_SAMPLES:
        return ""
    plate = seen & (np.abs(here) < PART_ABOVE_MM)
    rise_mm = float(np.median((there[0] - here)[part]))
    if np.count_nonzero(plate) >= MIN_SAMPLES:
        rise_mm -= float(np.median((there[0] - here)[plate]))
    contradicted = []
    for shift, z in zip(_SHIFTS, there, strict=True):
        limit = MODEL_FLOOR_MM + VOTE_SIGMAS * np.hypot(sigma[part], sampled(other.sigma_z_mm, *shift)[part])
        contradicted.append(float(np.mean(np.abs(z[part] - here[part]) > limit)))
    still, shifted = contradicted[0], min(contradicted[1:])
    if abs(rise_mm) > MAX_RISE_MM:
        return f"its heights differ by {1e3 * rise_mm:.0f} µm"
    if still > MAX_CONTRADICTED:
        return f"its heights differ on {still:.0%} of it"
    if shifted < BETTER * still and still - shifted > max(GAIN, 5 * math.sqrt(still / np.count_nonzero(part))):
        return f"its heights differ on {still:.0%} of it, and on {shifted:.0%} where one picture is shifted sideways"
    return ""
