"""Registration in the plane: how a part lies against another one of its kind.

A part stands on the reference plane, so a turn and a shift are all that can differ, and its height over the plane shows both: the
outline, where it falls to zero, and every step on top. All turns are tried on a small height image, for nobody says how a part is laid
down; the best few are refined by maximising the correlation coefficient, which a defect of a few per cent of the area hardly moves.
A part that looks the same after a turn may be registered in any of them, and its heights agree in each.

Reference:
    Evangelidis & Psarakis, "Parametric image alignment using enhanced correlation coefficient maximization", 2008.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Transform = NDArray[np.float32]
"""(2, 3) of OpenCV: (x, y, 1) in px of one image to (x, y) in px of another."""
_TURNS = 36
_COARSE_PX = 64
"""Long side of the image on which all turns are tried; 10° move its border by five pixels, half of that to the nearest one tried."""
_REFINED = 3
_BLUR_PX = 1.5
_CRITERIA = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 60, 1e-5)


def registered(height: NDArray[np.float32], onto: NDArray[np.float32]) -> Transform:
    """The turn and shift under which a height image fits another one best.

    Args:
        height: (H, W) float32 over the reference plane, 0 off the part.
        onto: (H', W') of another part of the same kind, at the same scale.

    Returns:
        From px of ``onto`` to px of ``height``; use it with ``moved``. The middles of both, unturned, where neither shows any shape.
    """
    shrink = min(1.0, _COARSE_PX / max(*height.shape, *onto.shape))
    small, small_onto = (_shrunk(image, shrink) for image in (height, onto))
    centre, centre_onto = _centre(small), _centre(small_onto)
    tried: list[tuple[float, int, Transform]] = []
    for turn in range(_TURNS):
        angle = 2.0 * np.pi * turn / _TURNS
        rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        transform = np.hstack([rotation, (centre - rotation @ centre_onto)[:, None]]).astype(np.float32)
        tried.append((_correlation(moved(small, transform, small_onto.shape), small_onto), turn, transform))
    best = sorted(tried, key=lambda one: (-one[0], one[1]))[:_REFINED]
    refined = [_refined(small, small_onto, transform) for _, _, transform in best]
    _, transform = max(refined, key=lambda one: one[0])
    return _refined(_blurred(height), _blurred(onto), _of_whole(transform, shrink))[1] if shrink < 1.0 else transform


def moved(image: NDArray[np.float32], transform: Transform, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """An image resampled bilinearly, 0 beyond its border: pixel (x, y) of the result is what lies at ``transform`` of it."""
    size = (shape[1], shape[0])
    return np.asarray(cv2.warpAffine(image, transform, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP), np.float32)


def inverse(transform: Transform) -> Transform:
    """The way back."""
    return np.asarray(cv2.invertAffineTransform(transform), np.float32)


def _blurred(image: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), _BLUR_PX), np.float32)


def _shrunk(image: NDArray[np.float32], factor: float) -> NDArray[np.float32]:
    if factor == 1.0:
        return _blurred(image)
    size = (max(1, round(image.shape[1] * factor)), max(1, round(image.shape[0] * factor)))
    # Exactly by the factor, whatever the rounded size: both images must keep one scale.
    scaling = np.array([[factor, 0.0, 0.5 * (factor - 1.0)], [0.0, factor, 0.5 * (factor - 1.0)]], np.float32)
    return np.asarray(cv2.warpAffine(cv2.GaussianBlur(image, (0, 0), _BLUR_PX / factor), scaling, size, flags=cv2.INTER_LINEAR), np.float32)


def _of_whole(transform: Transform, factor: float) -> Transform:
    """A transform between images shrunk by ``factor`` as one between the whole images; pixel centres are at whole numbers."""
    offset = 0.5 * (factor - 1.0)
    whole = transform.copy()
    whole[:, 2] = (transform[:, :2].sum(axis=1) * offset + transform[:, 2] - offset) / factor
    return whole


def _centre(image: NDArray[np.float32]) -> NDArray[np.float64]:
    """Middle of what stands out of the plane, x and y; of the image where nothing does."""
    rows, columns = np.nonzero(np.abs(image) > 1e-3)
    if not len(rows):
        return 0.5 * (np.array(image.shape[::-1], np.float64) - 1.0)
    return np.array([columns.mean(), rows.mean()])


def _correlation(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).sum() / (np.linalg.norm(a) * np.linalg.norm(b) + 1e-12))


def _refined(image: NDArray[np.float32], onto: NDArray[np.float32], start: Transform) -> tuple[float, Transform]:
    """Correlation and transform; the start itself where the maximum cannot be reached from it."""
    # OpenCV takes the angle of its start by the arc sine, so that a start beyond a quarter turn is lost: what is left after it is sought.
    turned, everywhere = moved(image, start, onto.shape), np.ones(onto.shape, np.uint8)
    try:
        correlation, rest = cv2.findTransformECC(onto, turned, np.eye(2, 3, dtype=np.float32), cv2.MOTION_EUCLIDEAN, _CRITERIA, everywhere, 1)
    except cv2.error:
        return _correlation(turned, onto), start
    return float(correlation), np.hstack([start[:, :2] @ rest[:, :2], start[:, :2] @ rest[:, 2:] + start[:, 2:]]).astype(np.float32)
