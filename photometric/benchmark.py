"""How far normals are from the truth on data by others.

Up to sixteen lights go through the station's own solver, told that the lights are distant. More than that no station has; there the
least absolute residuals over all lights that reach the pixel are taken, by iteratively reweighted least squares: with many lights, unlike
with four, the few that see a highlight or a shadow stand out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from photometric.bilateral_integration import integrate_bilaterally
from photometric.datasets import PhotometricObject
from photometric.integration import integrate_normals
from photometric.solver import PhotometricSolver
from rig_configs.calibration import Calibration, Pinhole, Residuals, ZoneCalibration
from rig_configs.errors import SampleError

STATION_LIGHTS = 16
"""Most zones of a station."""
FAR = 1e6
"""Distance of lights and camera, in pixels of the object: so far that all rays are parallel."""
SHADOW_SHARE = 0.05
"""A light whose signal is below this share of the brightest does not reach the pixel."""
_ROUNDS = 12
_PIXELS_AT_ONCE = 16384

F32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class BenchmarkResult:
    """What was solved of one object, and how far off it is."""

    name: str
    method: str
    """``station``: the station's solver; ``least-absolute``: that for more lights than a station has."""
    normals: F32
    """(H, W, 3) unit normals; (0, 0, 1) off the object."""
    height_px: F32
    """(H, W) integrated height in pixels, mean zero over the object; NaN off it."""
    error_deg: F32 | None
    """(H, W) angle to the truth, degrees; NaN off the object and where there is no truth. None without any."""

    @property
    def metrics(self) -> dict[str, float | int]:
        """Mean, median and 95th percentile of the angle, degrees, over every pixel of the object with a truth, and how many they are."""
        return {} if self.error_deg is None else metrics_of(self.error_deg)


def metrics_of(error_deg: F32) -> dict[str, float | int]:
    """Mean, median and 95th percentile, and the number of values; NaN left out."""
    known = error_deg[np.isfinite(error_deg)].astype(np.float64)
    if not len(known):
        raise SampleError("No pixel of the object has a true normal.", cure="Check that mask and truth are of the same object.", detail="truth")
    return {
        "mean_deg": float(known.mean()),
        "median_deg": float(np.median(known)),
        "p95_deg": float(np.percentile(known, 95)),
        "pixels": len(known),
    }


def run(thing: PhotometricObject, *, keep_steps: bool = False) -> BenchmarkResult:
    """Solve an object under all its lights and compare.

    Args:
        thing: the object.
        keep_steps: integrate the height so that it stops at steps.

    Raises:
        SampleError: fewer than three lights, or lights that do not tell normals.
    """
    if len(thing.images) < 3 or np.linalg.matrix_rank(thing.directions, tol=1e-3) < 3:
        raise SampleError(
            f"{len(thing.images)} lights of {thing.name} do not tell normals.", cure="Name three or more from different sides.", detail="lights"
        )
    method = "station" if len(thing.images) <= STATION_LIGHTS else "least-absolute"
    normals = _station(thing) if method == "station" else _many(thing)
    normals[~thing.mask] = (0, 0, 1)
    height = (integrate_bilaterally if keep_steps else integrate_normals)(normals, thing.mask, 1.0, FAR)
    error = None
    if thing.normals is not None:
        # by the chord, not the cosine, which in float32 cannot tell angles below 0.02°
        half_chord = 0.5 * np.linalg.norm(normals.astype(np.float64) - thing.normals, axis=2)
        known = thing.mask & (np.linalg.norm(thing.normals, axis=2) > 0.5)
        error = np.where(known, np.degrees(2 * np.arcsin(np.minimum(half_chord, 1))), np.nan).astype(np.float32)
    return BenchmarkResult(thing.name, method, normals, np.where(thing.mask, height, np.float32(np.nan)), error)


def _station(thing: PhotometricObject) -> F32:
    """By the station's solver, calibrated to distant lights of intensity 1."""
    pairs = [thing.luminance(k) for k in range(len(thing.images))]
    # The brightest pixel is full scale: saturation is told by masks, and what counts as dark is relative to the object.
    full = max(float(image[thing.mask].max()) for image, _ in pairs)
    if full <= 0:
        raise SampleError(f"The images of {thing.name} are black where the object is.", cure="Check images and mask.", detail="dark")
    solver = PhotometricSolver(_distant(thing), saturation_dn=2, near_light=False)
    for k, (image, saturated) in enumerate(pairs):
        solver.add(k, image / np.float32(full), exposure_us=1000.0, saturated=saturated)
    return solver.solve().normals


def _distant(thing: PhotometricObject) -> Calibration:
    H, W = thing.mask.shape
    low = [k for k, d in enumerate(thing.directions) if d[2] <= 0]
    if low:
        raise SampleError(
            f"Light {low[0]} of {thing.name} shines from behind.", cure="Leave it out, or flip lights-z if the data's z points away.", detail="lights"
        )
    camera = Pinhole(
        width_px=W, height_px=H, fx_px=FAR, fy_px=FAR, cx_px=(W - 1) / 2, cy_px=(H - 1) / 2, distortion=(0, 0, 0, 0, 0),
        rotation=((1, 0, 0), (0, -1, 0), (0, 0, -1)), translation_mm=(0, 0, FAR),
    )  # fmt: skip
    zones = tuple(
        ZoneCalibration(name=path.name, position_mm=(x * FAR, y * FAR, z * FAR), flat_field=(z, *(0.0,) * 14))
        for path, (x, y, z) in zip(thing.images, thing.directions.tolist(), strict=True)
    )
    nothing = Residuals(camera_rms_px=0, projector_rms_px=0, held_out_rms_um=0, light_rms_deg=0, flat_field_rms_percent=0)
    return Calibration(
        rig="benchmark", calibration_id=thing.name, created=datetime.now(UTC), is_simulated=False, camera=camera, projectors=(), zones=zones,
        black_level_dn=0, white_balance=(1, 1, 1), residuals=nothing, inputs_sha256="0" * 64,
    )  # fmt: skip


def _many(thing: PhotometricObject) -> F32:
    """By least absolute residuals."""
    K, count = len(thing.images), int(np.count_nonzero(thing.mask))
    signal, usable = np.empty((count, K), np.float32), np.empty((count, K), bool)
    for k in range(K):
        image, saturated = thing.luminance(k)
        signal[:, k], usable[:, k] = image[thing.mask], ~saturated[thing.mask]
    normals = np.zeros((*thing.mask.shape, 3), np.float32)
    normals[..., 2] = 1
    normals[thing.mask] = np.concatenate(
        [least_absolute(signal[i : i + _PIXELS_AT_ONCE], usable[i : i + _PIXELS_AT_ONCE], thing.directions) for i in range(0, count, _PIXELS_AT_ONCE)]
    )
    return normals


def least_absolute(signal: F32, usable: NDArray[np.bool_], directions: NDArray[np.float64]) -> F32:
    """Normals of the least absolute residuals |i_k - ρ n·l_k|.

    Args:
        signal: (M, K) what each light of intensity 1 shows.
        usable: (M, K) where to believe it.
        directions: (K, 3) unit vectors to the lights.

    Returns:
        (M, 3) float32 unit normals; (0, 0, 1) where fewer than three lights reach.
    """
    lit = usable & (signal > SHADOW_SHARE * signal.max(axis=1, keepdims=True))
    products = np.stack([directions[:, i] * directions[:, j] for i in range(3) for j in range(3)], axis=1)
    weight = lit.astype(np.float64)
    floor = 1e-3 * np.maximum(signal.max(axis=1, keepdims=True), 1e-12).astype(np.float64)
    solved = np.zeros((len(signal), 3))
    for _ in range(_ROUNDS):
        matrix = (weight @ products).reshape(-1, 3, 3)
        trace = np.trace(matrix, axis1=1, axis2=2)[:, None, None]
        right = (weight * signal) @ directions
        solved = np.linalg.solve(matrix + (1e-9 * trace + 1e-12) * np.eye(3), right[..., None])[..., 0]
        weight = lit / np.maximum(np.abs(signal - solved @ directions.T), floor) * floor
    length = np.linalg.norm(solved, axis=1, keepdims=True)
    good = (lit.sum(axis=1) >= 3)[:, None] & (length > 0)
    return np.where(good, solved / np.maximum(length, 1e-30), (0.0, 0.0, 1.0)).astype(np.float32)
