"""Speed of the fused photometric solve at 20 MP, against a memory copy and against what numpy offers, measured side by side.

The memory copy reads and writes, on all cores, as many bytes as the solve does: four uint16 images in; normals, albedo, residual,
number of lights and validity out.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numba import njit, prange

from photometric.integration import integrate_normals
from photometric.light_model import light_tables
from photometric.result import PhotometricResult
from photometric.solver import empty_result, solve_into
from rig_configs.calibration import Calibration, Pinhole, Residuals, ZoneCalibration

FULL = (3648, 5472)
FIELD_MM, DISTANCE_MM, EXPOSURE_US, SATURATION = 53.0, 200.0, 8000.0, 4095.0
CROP = (slice(1000, 1128), slice(2000, 2512))
POSITIONS = ((113.0, 2.0, 112.0), (-3.0, 115.0, 111.0), (-112.0, 1.0, 115.0), (4.0, -114.0, 113.0))


def _rounds(works: list[Callable[[], object]], repeats: int = 7) -> list[float]:
    """Best seconds of each, taken in turns, so that all of them see the machine in the same moods."""
    best = [np.inf] * len(works)
    for _ in range(repeats):
        for i, work in enumerate(works):
            start = time.perf_counter()
            work()
            best[i] = min(best[i], time.perf_counter() - start)
    return best


@njit(parallel=True)
def _copy(source, target):
    for i in prange(source.size):
        target[i] = source[i]


def _calibration() -> Calibration:
    H, W = FULL
    f = DISTANCE_MM * W / FIELD_MM
    camera = Pinhole(
        width_px=W, height_px=H, fx_px=f, fy_px=f, cx_px=(W - 1) / 2, cy_px=(H - 1) / 2, distortion=(0, 0, 0, 0, 0),
        rotation=((1, 0, 0), (0, -1, 0), (0, 0, -1)), translation_mm=(0, 0, DISTANCE_MM),
    )  # fmt: skip
    zones = []
    for k, position in enumerate(POSITIONS):
        tilt = 2 * FIELD_MM / 2 * np.array(position[:2]) / 160**2
        flat = [0.0] * 15
        flat[0], flat[1], flat[5] = 300.0, 300 * tilt[0], -300 * tilt[1] * H / W
        zones.append(ZoneCalibration(name=f"zone{k}", position_mm=position, flat_field=tuple(flat)))
    nothing = Residuals(camera_rms_px=0, projector_rms_px=0, held_out_rms_um=0, light_rms_deg=0, flat_field_rms_percent=0)
    return Calibration(
        rig="bench", calibration_id="bench", created=datetime.now(UTC), is_simulated=True, camera=camera, projectors=(), zones=tuple(zones),
        black_level_dn=64, white_balance=(1, 1, 1), residuals=nothing, inputs_sha256="0" * 64,
    )  # fmt: skip


def _row(name: str, value: float, unit: str, against: str, bar: float | None = None) -> dict:
    return {"name": name, "value": round(value, 3), "unit": unit, "against": against, "bar": bar, "holds": None if bar is None else value <= bar}


def _images(calibration: Calibration) -> list[np.ndarray]:
    """A matt white plane in each zone's light, (H, W) uint16, with noise."""
    H, W = FULL
    noise = np.random.default_rng(0).normal(0, 8, (64, W)).astype(np.float32)
    images = []
    for zone in calibration.zones:
        white = zone.flat_field_dn_per_ms(W, H) * np.float32(EXPOSURE_US / 1000 * 0.8)
        white.reshape(-1, 64, W)[:] += noise
        images.append((white + 64).astype(np.uint16))
    return images


def _extra_memory() -> dict[str, float]:
    """By how much memory grows during a solve beyond inputs and outputs, as a share of them; to be run in a process of its own."""
    calibration = _calibration()
    tables, frames = light_tables(calibration), [(image, EXPOSURE_US) for image in _images(calibration)]
    result, height = empty_result(FULL), np.full(FULL, 3, np.float32)
    written = [result.normals, result.albedo, result.residual, result.valid_lights, result.valid]
    held = sum(a.nbytes for a in [*(image for image, _ in frames), *written])
    extra: dict[str, float] = {}
    for name, z in (("plain", None), ("with_height", height)):
        for _ in range(2):  # the first time compiles, and touches the outputs' pages
            Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew at what is resident now
            before = _resident("VmRSS:")
            solve_into(frames, None, None, z, tables, calibration, SATURATION, result, near_light=True)
        extra[name] = (_resident("VmHWM:") - before) / (held + (z.nbytes if z is not None else 0))
    return extra


def _resident(what: str) -> int:
    """Memory of this process in bytes, as the kernel counts it."""
    return int(Path("/proc/self/status").read_text().partition(what)[2].split()[0]) * 1024


def _memory_rows() -> list[dict]:
    output = subprocess.run([sys.executable, "-m", __spec__.name], check=True, capture_output=True, text=True).stdout
    extra = json.loads(output.splitlines()[-1])
    against = "inputs and outputs, 5472x3648x4 uint16"
    return [
        _row("fused photometric solve, memory beyond inputs and outputs", extra["plain"], "of them", against, 0.1),
        _row("the same with the cloud's height", extra["with_height"], "of them", against, 0.1),
    ]


def rows() -> list[dict]:
    """Measured rows."""
    H, W = FULL
    calibration = _calibration()
    tables = light_tables(calibration)
    images = _images(calibration)
    frames = [(image, EXPOSURE_US) for image in images]
    masked = [image.copy() for image in images]
    masked[0][:, : W // 20] = 4095  # a twentieth of the pixels needs the second look
    excluded = np.zeros(FULL, np.uint16)
    result = empty_result(FULL)

    def solve(lit: list, mask: np.ndarray | None = None) -> PhotometricResult:
        solve_into(lit, None, mask, None, tables, calibration, SATURATION, result, near_light=True)
        return result

    moved = sum(image.nbytes for image in images) + sum(
        a.nbytes for a in (result.normals, result.albedo, result.residual, result.valid_lights, result.valid)
    )
    source, target = np.ones(moved // 8, np.float32), np.zeros(moved // 8, np.float32)
    solve(frames)
    _copy(source, target)
    z_mm = np.full(FULL, 3, np.float32)
    fused, weighted, raised, copied, plain, height = _rounds([
        lambda: solve(frames),
        lambda: solve([(image, EXPOSURE_US) for image in masked], excluded),
        lambda: solve_into(frames, None, None, z_mm, tables, calibration, SATURATION, result, near_light=True),
        lambda: _copy(source, target),
        lambda: np.copyto(target, source),
        lambda: integrate_normals(result.normals, result.valid, FIELD_MM / W, DISTANCE_MM, result.height_mm),
    ])  # fmt: skip

    L = np.array(POSITIONS) / np.linalg.norm(POSITIONS, axis=1, keepdims=True)
    crop = np.stack([image[CROP] for image in images]).astype(np.float32)
    flat = np.stack([zone.flat_field_dn_per_ms(W, H)[CROP] for zone in calibration.zones])
    share = H * W / crop[0].size

    def pinv() -> None:
        b = (crop - 64) / (flat * EXPOSURE_US / 1000) * L[:, 2, None, None].astype(np.float32)
        n = np.linalg.pinv(L).astype(np.float32) @ b.reshape(4, -1)
        n /= np.linalg.norm(n, axis=0)

    def lstsq() -> None:
        b = (crop - 64) / (flat * EXPOSURE_US / 1000) * L[:, 2, None, None].astype(np.float32)
        n = np.linalg.lstsq(L, b.reshape(4, -1), rcond=None)[0]
        n /= np.linalg.norm(n, axis=0)

    by_pinv, by_lstsq = (share * seconds for seconds in _rounds([pinv, lstsq], 3))
    copies, against = "memory copies of the same bytes", f"a copy on all cores that moves the same {moved / 1e6:.0f} MB, {copied * 1e3:.1f} ms"
    return [
        _row("fused photometric solve, 5472x3648x4 uint16", fused / copied, copies, against, 2.5),
        _row("fused photometric solve, masked, 5 % saturated", weighted / copied, copies, against, 3.0),
        _row("fused photometric solve with the cloud's height, cast shadows included", raised / copied, copies, against),
        *_memory_rows(),
        _row("fused photometric solve, time", fused * 1e3, "ms", f"numpy's copy of the same bytes on one core: {plain * 1e3:.1f} ms"),
        _row(
            "fused photometric solve, share of numpy pinv",
            fused / by_pinv,
            "",
            f"pinv with one direction a zone, {by_pinv * 1e3:.0f} ms (from a crop)",
        ),
        _row(
            "fused photometric solve, share of numpy lstsq",
            fused / by_lstsq,
            "",
            f"lstsq with one direction a zone, {by_lstsq * 1e3:.0f} ms (from a crop)",
        ),
        _row("height by DCT, 5472x3648", height * 1e3, "ms", "the fused solve"),
    ]


if __name__ == "__main__":
    print(json.dumps(_extra_memory()))
