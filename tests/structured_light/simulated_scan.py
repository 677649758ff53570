"""Scans of the simulated bench with a calibration that is the truth: what remains is the fringes' and the solver's own error."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acquisition.simulation.bench import Bench
from acquisition.simulation.materials import MATT_PLASTIC
from acquisition.simulation.optics import Lens
from acquisition.simulation.scene import SceneObject, grid_mesh
from rig_configs.calibration import Calibration, Pinhole, ProjectorCalibration, Residuals
from rig_configs.files import load_rig
from rig_configs.fringes import FringeConfig
from structured_light.patterns import FringePatterns
from structured_light.point_map import PointMap
from structured_light.reconstructor import FourEye

FULL_SCALE_DN = 4095


def demo_bench(width_px: int, field_mm: float | None = None, **simulation: Any) -> Bench:
    """The demo rig with another number of pixels, as built within its tolerances."""
    rig = load_rig("demo")
    nominal = rig.camera.nominal.model_copy(update={"field_width_mm": field_mm} if field_mm else {})
    camera = rig.camera.model_copy(update={"width_px": width_px, "height_px": width_px * 2 // 3, "nominal": nominal})
    assert rig.simulation is not None
    return Bench(rig.model_copy(update={"camera": camera, "simulation": rig.simulation.model_copy(update=simulation)}))


def true_calibration(bench: Bench) -> Calibration:
    """What a perfect calibration would find."""
    nothing = Residuals(camera_rms_px=0, projector_rms_px=0, held_out_rms_um=0, light_rms_deg=0, flat_field_rms_percent=0)
    truth = bench.truth
    return Calibration(
        rig="truth", calibration_id="truth", created=datetime.now(UTC), is_simulated=True, camera=Pinhole(**_lens(truth.camera.lens)),
        projectors=tuple(ProjectorCalibration(name=p.name, **_lens(p.lens)) for p in truth.projectors), zones=(), black_level_dn=64,
        white_balance=(1, 1, 1), residuals=nothing, inputs_sha256="0" * 64,
    )  # fmt: skip


def _lens(lens: Lens) -> dict[str, Any]:
    K = lens.K
    return {
        "width_px": lens.width_px, "height_px": lens.height_px, "fx_px": K[0, 0], "fy_px": K[1, 1], "cx_px": K[0, 2], "cy_px": K[1, 2],
        "distortion": tuple(lens.d), "rotation": tuple(map(tuple, lens.R)), "translation_mm": tuple(lens.t),
    }  # fmt: skip


def scan(
    bench: Bench,
    eye: FourEye,
    fringes: FringeConfig,
    projectors: Sequence[int] = (0, 1, 2, 3),
    exposure_us: float = 6000,
    responses: Sequence[float] = (1.0, 1.0, 1.0, 1.0),
) -> PointMap:
    """Show every pattern of some projectors and solve what the camera sees."""
    eye.reset()
    for p in projectors:
        lens = bench.truth.projectors[p].lens
        for i, image in enumerate(_images(FringePatterns(fringes, lens.width_px, lens.height_px, response=responses[p]))):
            bench.set_pattern(p, image)
            eye.add(p, i, bench.expose(exposure_us * fringes.exposure_factor(i)).pixels)
        bench.set_pattern(p, None)
    return eye.reconstruct()


@lru_cache(maxsize=8)
def _images(patterns: FringePatterns) -> list[NDArray[np.uint8]]:
    return patterns.images


def relief(height_mm: NDArray[np.float64], step_mm: float) -> SceneObject:
    """A plastic part with a height above the plate at each grid point, 0 where there is none, centred under the camera."""
    h, w = height_mm.shape
    albedo = np.full((h, w, 3), 0.5, np.float32)
    origin = (-step_mm * (w - 1) / 2, -step_mm * (h - 1) / 2)
    return SceneObject("relief", (grid_mesh(height_mm.astype(np.float32), albedo, origin, step_mm, 0.0, MATT_PLASTIC),))


def v_groove(step_mm: float = 0.05) -> SceneObject:
    """A block, 24 x 16 mm, with a right-angled groove, 12 mm wide and 6 mm deep, whose walls light each other."""
    x, y = np.meshgrid(np.arange(-13, 13, step_mm), np.arange(-9, 9, step_mm))
    return relief(np.where((np.abs(x) < 12) & (np.abs(y) < 8), 0.3 + np.minimum(np.abs(x), 6.0), 0.0), step_mm)


def grooved_part(step_mm: float = 0.05) -> SceneObject:
    """A block, 24 x 16 x 5 mm, with grooves across and along it, 1.2 to 3 mm wide and 2.5 mm deep."""
    x, y = np.meshgrid(np.arange(-13, 13, step_mm), np.arange(-9, 9, step_mm))
    height = np.where((np.abs(x) < 12) & (np.abs(y) < 8), 5.0, 0.0)
    for at, width in ((-9.0, 1.2), (-5.5, 1.8), (-1.0, 2.4), (4.0, 3.0)):
        height[(np.abs(x - at) < width / 2) & (np.abs(y) < 6.5)] = 2.5
    height[(np.abs(y - 1) < 1) & (x > 6.5) & (x < 11)] = 2.5
    return relief(height, step_mm)
