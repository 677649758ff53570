"""Scores of what the station measured on a bench: errors go out of the simulation, the truth stays in it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from acquisition.simulation.bench import BenchAccess
from acquisition.simulation.truth import truth_of


def normal_errors_deg(bench: BenchAccess, *normals: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Angles between measured and true normals of what lies on a bench now.

    Args:
        bench: the bench.
        normals: measurements, (H, W, 3) unit vectors in the rig frame each.

    Returns:
        For each (H, W) float32 angle, degrees; NaN where the camera does not see the object, or a light zone does not reach it: what is
        compared there would be how shadows are handled.
    """
    truth = truth_of(bench)
    compared = truth.object_mask & np.all(truth.visible_from_zone, axis=0)
    return [np.where(compared, _angle_deg(measured, truth.normals), np.nan).astype(np.float32) for measured in normals]


def _angle_deg(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float64]:
    # By the chord: the cosine of a small angle knows little of it.
    chord = np.linalg.norm(a.astype(np.float64) - b, axis=-1)
    return np.degrees(2 * np.arcsin(np.clip(chord / 2, 0, 1)))
