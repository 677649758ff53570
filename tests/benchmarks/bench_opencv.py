"""Gray code decoded by the station and by OpenCV's structured_light, on the same images in one run.

OpenCV's is in its contrib package, which must not stand beside the station's OpenCV: pip puts it into a folder of its own. Where it cannot,
there is no row.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np

CAMERA, PROJECTOR = (912, 1368), (768, 1024)
APART = Path(sys.prefix) / "opencv-contrib"
PACKAGE = f"opencv-contrib-python-headless=={'.'.join(cv2.__version__.split('.')[:3])}.*"
REPEATS = 3


def rows() -> list[dict]:
    """Measured rows."""
    if not (APART / "cv2").exists():
        pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps", "--target", str(APART), PACKAGE]
        if subprocess.run(pip, capture_output=True, check=False).returncode != 0:
            print(f"{PACKAGE} cannot be installed here: no comparison with OpenCV's decoder.", file=sys.stderr)
            return []
    with TemporaryDirectory() as folder:
        file = Path(folder) / "images.npy"
        child = [sys.executable, __file__, str(file)]
        answer = subprocess.run(child, env=os.environ | {"PYTHONPATH": str(APART)}, check=True, capture_output=True, text=True).stdout
        opencvs = json.loads(answer)["seconds"]
        ours, seen = _ours(np.load(file))
    return [
        {
            "name": "Gray code of both directions, 1368x912, share of OpenCV's time", "value": round(ours / opencvs, 4), "unit": "",
            "against": f"structured_light's decode of {len(seen)} images, half of what it takes for its two cameras, {opencvs:.2f} s; "
            "the station also gives σ and masks", "bar": None, "holds": None,
        }
    ]  # fmt: skip


def _ours(images: np.ndarray) -> tuple[float, np.ndarray]:
    from structured_light.foreign_decoder import decode_axis
    from structured_light.foreign_pattern import CapturePattern

    size = {"width_px": PROJECTOR[1], "height_px": PROJECTOR[0]}
    pattern = CapturePattern.model_validate({"projector": size, "axes": ("columns", "rows"), "gray": {"inverses": "each"}, "camera_bits": 8})
    of_role = dict(zip(pattern.roles, images, strict=True))
    best = np.inf
    for _ in range(REPEATS):
        start = time.perf_counter()
        columns, lines = (decode_axis(pattern, axis, of_role.__getitem__, 255).column for axis in pattern.axes)
        best = min(best, time.perf_counter() - start)
    # A comparison of speed is one only where what is fast is right, too.
    v, u = np.indices(CAMERA) * (np.array(PROJECTOR) / CAMERA)[:, None, None]
    assert np.nanmax(np.abs(columns - np.floor(u))) <= 1
    assert np.nanmax(np.abs(lines - np.floor(v))) <= 1
    return best, images


def _opencvs(file: Path) -> float:
    """Make the images, decode them as OpenCV does, and leave them for the station; runs on the contrib package's cv2."""
    pattern = cv2.structured_light.GrayCodePattern.create(PROJECTOR[1], PROJECTOR[0])  # pyright: ignore[reportAttributeAccessIssue]
    _, shown = pattern.generate()
    images = [cv2.resize(20 + (image // 255) * 200, CAMERA[::-1], interpolation=cv2.INTER_NEAREST).astype(np.uint8) for image in shown]
    black, white = (np.full(CAMERA, level, np.uint8) for level in (20, 220))
    best = np.inf
    for _ in range(REPEATS):
        start = time.perf_counter()
        pattern.decode([images, images], blackImages=[black, black], whiteImages=[white, white])
        best = min(best, time.perf_counter() - start)
    np.save(file, np.stack(images))
    return best / 2


if __name__ == "__main__":
    print(json.dumps({"seconds": _opencvs(Path(sys.argv[1]))}))
