"""Speed of structured light against a memory copy of the same bytes, measured side by side."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from rig_configs.calibration import Calibration, Pinhole, ProjectorCalibration, Residuals
from rig_configs.fringes import FringeConfig
from structured_light.decoder import Decoded, FringeDecoder
from structured_light.patterns import FringePatterns
from structured_light.reconstructor import FourEye

FULL = (3648, 5472)
DEMO = (912, 1368)
BAND = 48
"""Rows after which a frame repeats; divides both heights."""


def _best(work: Callable[[], object], repeats: int = 5) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def _bands(patterns: FringePatterns, width: int) -> list[np.ndarray]:
    """Frames of a plane whose every row sees the pattern from end to end: a band of each, (BAND, width), with noise of its own."""
    position = np.linspace(8, patterns.length_px - 9, width)
    rng = np.random.default_rng(0)
    rows = (100 + 12 * np.interp(position, np.arange(len(p)), p) for p in patterns.profiles)
    return [np.rint(row + rng.normal(0, 12, (BAND, width))).astype(np.uint16) for row in rows]


def _fill(frame: np.ndarray, band: np.ndarray) -> np.ndarray:
    np.copyto(frame.reshape(-1, *band.shape), band)
    return frame


def _frames(patterns: FringePatterns, shape: tuple[int, int]) -> list[np.ndarray]:
    return [_fill(np.empty(shape, np.uint16), band) for band in _bands(patterns, shape[1])]


def _decode_row() -> dict:
    patterns = FringePatterns(FringeConfig(steps=8, period_px=16), 1920, 1080)
    frames = _frames(patterns, FULL)
    decoder = FringeDecoder(patterns, 4095, 40)
    result: list[Decoded | None] = [None]

    def decode() -> None:
        decoder.reset()
        for i, frame in enumerate(frames):
            decoder.add(i, frame)
        result[0] = decoder.decode(result[0])

    decode()
    copies = [np.ones_like(frame) for frame in frames]

    def copy() -> None:
        for frame, target in zip(frames, copies, strict=True):
            np.copyto(target, frame)

    copied = _best(copy)
    ratio = _best(decode) / copied
    return {
        "name": "fringe decode to projector column, 8 steps + Gray, 5472x3648",
        "value": round(ratio, 2),
        "unit": "memory copies of the same bytes",
        "against": f"numpy copy of {len(frames)} uint16 frames, {copied * 1000:.0f} ms",
        "bar": 6,
        "holds": ratio <= 6,
    }


def _numpy_row() -> dict:
    """The decoder against the usual lines of numpy, which keep no σ and no masks, on the same frames."""
    patterns = FringePatterns(FringeConfig(steps=8, period_px=16), 1920, 1080)
    frames = _frames(patterns, FULL)
    rows = 4 * BAND
    decoder = FringeDecoder(patterns, 4095, 40)
    angles = 2 * np.pi * np.arange(8) / 8
    columns: list[np.ndarray] = [np.empty(0)] * 2

    def ours() -> None:
        decoder.reset()
        for i, frame in enumerate(frames):
            decoder.add(i, frame)
        columns[0] = decoder.decode().column

    def numpys() -> None:
        stack = np.stack([frame[:rows] for frame in frames]).astype(np.float32)
        phase = np.arctan2(np.tensordot(np.sin(angles), stack[:8], 1), np.tensordot(np.cos(angles), stack[:8], 1))
        white = stack[8:] > stack[:8].mean(axis=0)
        binary = np.bitwise_xor.accumulate(white, axis=0)
        order, half = (np.tensordot(2 ** np.arange(len(b))[::-1], b, 1) for b in (binary[:-1], binary))
        # Zhang et al. 2012: the complementary bit's order where the phase is near a code edge.
        shifted = (half + 1) // 2
        turn = np.where(np.abs(phase) < np.pi / 2, order, shifted - (phase > 0))
        columns[1] = 16 * (turn + phase / (2 * np.pi))

    share = _best(ours, 3) / (_best(numpys, 3) * FULL[0] / rows)
    return {
        "name": "fringe decode, 8 steps + Gray, share of plain numpy's time",
        "value": round(share, 4),
        "unit": "",
        "against": "arctan2 of sums over a stack, Gray code by exclusive or; 5472x3648, numpy from a crop",
        "bar": None,
        "holds": None,
    }


def _calibration(shape: tuple[int, int], projector_px: tuple[int, int]) -> Calibration:
    camera = Pinhole(
        width_px=shape[1], height_px=shape[0], fx_px=5 * shape[1], fy_px=5 * shape[1], cx_px=(shape[1] - 1) / 2, cy_px=(shape[0] - 1) / 2,
        distortion=(0.1, 0, 0, 0, 0), rotation=((1, 0, 0), (0, -1, 0), (0, 0, -1)), translation_mm=(0, 0, 200),
    )  # fmt: skip
    c, s = np.cos(np.radians(30)), np.sin(np.radians(30))
    tilted = {"rotation": ((c, 0, -s), (0, -1, 0), (-s, 0, -c)), "translation_mm": (0, 0, 220), "distortion": (-0.1, 0, 0, 0, 0)}
    width, height = projector_px
    lens = {"fx_px": 3.67 * width, "fy_px": 3.67 * width, "cx_px": (width - 1) / 2, "cy_px": (height - 1) / 2}
    nothing = Residuals(camera_rms_px=0, projector_rms_px=0, held_out_rms_um=0, light_rms_deg=0, flat_field_rms_percent=0)
    return Calibration(
        rig="bench", calibration_id="bench", created=datetime.now(UTC), is_simulated=True, camera=camera,
        projectors=tuple(ProjectorCalibration(name=str(i), width_px=width, height_px=height, **lens, **tilted) for i in range(4)), zones=(),
        black_level_dn=64, white_balance=(1, 1, 1), residuals=nothing, inputs_sha256="0" * 64,
    )  # fmt: skip


def _scan_row() -> dict:
    fringes = FringeConfig(steps=5, period_px=20)
    frames = _frames(FringePatterns(fringes, 1280, 800), DEMO)
    eye = FourEye(_calibration(DEMO, (1280, 800)), fringes, 4095)

    def scan() -> None:
        eye.reset()
        for p in range(4):
            for i, frame in enumerate(frames):
                eye.add(p, i, frame)
        eye.reconstruct()

    scan()
    seconds = _best(scan)
    return {
        "name": "four projectors x 12 fringes to fused cloud, 1368x912",
        "value": round(seconds, 3),
        "unit": "s",
        "against": "the demo's whole judgement, trigger to verdict",
        "bar": 6,
        "holds": seconds <= 6,
    }


def _stream() -> dict[str, float]:
    """A scan at 20 megapixels of which one frame at a time is in memory, as a camera delivers it; to be run in a process of its own.

    Returns:
        seconds from the last frame to the cloud, of a part after the first; peak memory of the process, GiB.
    """
    fringes = FringeConfig(steps=8, period_px=16)
    patterns = FringePatterns(fringes, 1920, 1080)
    bands = _bands(patterns, FULL[1])
    eye = FourEye(_calibration(FULL, (1920, 1080)), fringes, 4095)
    frame = np.empty(FULL, np.uint16)
    spent = []
    for _ in range(4):
        eye.reset()
        start = time.perf_counter()
        for p in range(4):
            for i, band in enumerate(bands):
                _fill(frame, band)
                start = time.perf_counter()
                eye.add(p, i, frame)
        eye.reconstruct()
        spent.append(time.perf_counter() - start)
    return {"seconds": min(spent[1:]), "gib": _peak_gib()}


def _peak_gib() -> float:
    """Largest resident memory of this process; getrusage would count that of the process it was forked from."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 2**20


def _stream_rows() -> list[dict]:
    output = subprocess.run([sys.executable, "-m", __spec__.name, "--stream"], check=True, capture_output=True, text=True).stdout
    measured = json.loads(output.splitlines()[-1])
    name, against = "4 x 16 fringes at 5472x3648, streaming", "8 steps + Gray of 1920x1080 projectors; the second and later parts"
    return [
        {
            "name": f"{name}: last frame to cloud", "value": round(measured["seconds"], 2), "unit": "s", "against": against, "bar": 2,
            "holds": measured["seconds"] <= 2,
        },
        {
            "name": f"{name}: peak memory", "value": round(measured["gib"], 2), "unit": "GiB", "against": "resident, the whole process", "bar": 4,
            "holds": measured["gib"] <= 4,
        },
    ]  # fmt: skip


def rows() -> list[dict]:
    """The measurements: name, value, unit, against, bar, holds."""
    return [_decode_row(), _numpy_row(), _scan_row(), *_stream_rows()]


if __name__ == "__main__":
    if "--stream" in sys.argv:
        print(json.dumps(_stream()))
    else:
        for row in rows():
            print(row)
