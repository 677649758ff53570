"""Normals of simulated objects by each light model, against what was really there: in the middle of the field, and at its corners."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from acquisition import pixel_formats
from acquisition.rig import nobody
from acquisition.sequence import AmbientStep, FringeStep, inspection_sequence
from api.composition import OpenRig, open_rig
from api.fringes import four_eye, fringe_patterns
from photometric.result import PhotometricResult
from photometric.solver import PhotometricSolver
from rig_configs.calibration import Calibration
from rig_configs.errors import RigFileError
from rig_configs.files import load_calibration, load_rig, rig_folder
from rig_configs.schema import RigConfig

if TYPE_CHECKING:
    from acquisition.simulation.scene import SceneObject

PART = "connector_housing_female"
_PART_MM = (15.0, 12.0)
_CONE_MM = (5.0, 3.5)
"""Radius and height: a slope of 35°."""
_PLANE_MM = 6.0
_PLANE_TILT_RAD = (0.12, -0.16, 0.0)
"""A slope of 11°: what lies as the white plate of the calibration is exact by any model."""
_MARGIN_MM = 1.5
MODELS = {
    "constant": "constant directions",
    "near_plane": "near light on the reference plane",
    "near_cloud": "near light with the cloud's heights",
}
"""Key and name of each light model."""


@dataclass(frozen=True, slots=True)
class Score:
    """Angular errors of one object at one place by one light model."""

    object: str
    place: str
    """``middle`` or ``corners`` of the field."""
    model: str
    mean_deg: float
    median_deg: float
    p95_deg: float
    pixels: int


@dataclass(frozen=True, slots=True)
class _Laid:
    object: str
    place: str
    """``field``: fills it."""
    what: SceneObject


def run(
    rig: str | Path,
    seed: int,
    progress: Callable[[float, str], None],
    cancelled: Callable[[], bool] = nobody,
    look: Callable[[str, list[NDArray[np.float32]]], None] = lambda _, __: None,
) -> tuple[Calibration, list[Score]]:
    """Scan the objects on a simulated rig, and score every light model's normals.

    The rig's calibration.yaml, made of captures, is all that the models know.

    Args:
        rig: name of a shipped rig, or path of a folder.
        seed: seed of the sensor's noise and of the part.
        progress: told the share that is done and what is done now.
        cancelled: asked before every frame.
        look: shown each scan's name and its error maps, one a light model, (H, W) degrees, NaN where there is nothing to compare.

    Raises:
        ConfigurationError: the rig is not simulated, or its calibration is wrong.
        ReconstructionError: the frames give no normals.
        Cancelled: ``cancelled`` said so.
    """
    folder = rig_folder(rig)
    config, calibration = load_rig(folder), load_calibration(folder)
    if not config.is_simulated:
        raise RigFileError(
            f"Rig '{config.name}' is not simulated: nobody knows the true normals.",
            cure="Take a simulated rig, such as demo.",
            detail="not_simulated",
        )
    opened = open_rig(config, folder, seed)
    errors: dict[tuple[str, str, str], list[NDArray[np.float32]]] = {}
    try:
        scans = list(_objects(config, seed))
        for index, laid in enumerate(scans):
            progress(index / len(scans), f"{laid.object}, {laid.place}")
            maps = _errors(opened, config, calibration, laid.what, cancelled)
            look(f"{index:02d}_{laid.object}_{laid.place}", list(maps.values()))
            for model, off in maps.items():
                for place, region in _regions(off.shape, laid.place):
                    errors.setdefault((laid.object, place, model), []).append(off[region & np.isfinite(off)])
        progress(1.0, "done")
    finally:
        opened.rig.close()
    return calibration, [_score(*key, np.concatenate(parts)) for key, parts in errors.items()]


def _objects(config: RigConfig, seed: int) -> Iterator[_Laid]:
    from acquisition.simulation.artefacts import flat_plate, matt_cone, matt_sphere
    from acquisition.simulation.parts import Pose, part_kind

    half = np.array([config.camera.width_px, config.camera.height_px]) * config.camera.pixel_pitch_mm / 2
    part = part_kind(PART).make(seed)
    diameter_mm = config.artefacts.matt_sphere_diameter_mm
    kinds: list[tuple[str, tuple[float, float], Callable[[float, float], SceneObject]]] = [
        ("sphere", (diameter_mm, diameter_mm), lambda x, y: matt_sphere(config, x, y)),
        ("cone", (2 * _CONE_MM[0], 2 * _CONE_MM[0]), lambda x, y: matt_cone(*_CONE_MM, x, y)),
        (PART, _PART_MM, lambda x, y: part.placed(Pose(x, y))),
    ]
    yield _Laid("plane", "field", flat_plate(_PLANE_MM, _PLANE_TILT_RAD))
    for name, size_mm, lay in kinds:
        x, y = np.maximum(half - np.array(size_mm) / 2 - _MARGIN_MM, 0)
        yield _Laid(name, "middle", lay(0.0, 0.0))
        for side in (-1, 1):
            yield _Laid(name, "corners", lay(side * float(x), side * float(y)))


def _regions(shape: tuple[int, ...], place: str) -> list[tuple[str, NDArray[np.bool_]]]:
    """What fills the field is scored in the middle and in the corners of it; what lies in one of them, as a whole."""
    if place != "field":
        return [(place, np.ones(shape, np.bool_))]
    v, u = np.meshgrid(np.abs(np.linspace(-1, 1, shape[0])), np.abs(np.linspace(-1, 1, shape[1])), indexing="ij")
    return [("middle", (u < 0.3) & (v < 0.3)), ("corners", (u > 0.7) & (v > 0.7))]


def _errors(
    opened: OpenRig, config: RigConfig, calibration: Calibration, what: SceneObject, cancelled: Callable[[], bool]
) -> dict[str, NDArray[np.float32]]:
    """Angular error of every light model, (H, W) degrees, NaN where there is no normal or nothing to compare."""
    from acquisition.simulation.scoring import normal_errors_deg

    bench = opened.bench
    assert bench is not None
    bench.place(what)
    results = _solve(opened, config, calibration, cancelled)
    # Pixels that every model has: else one could win by leaving out what is difficult.
    common = np.all([result.valid for result in results.values()], axis=0)
    off = normal_errors_deg(bench, *(result.normals for result in results.values()))
    return {model: np.where(common, values, np.float32(np.nan)) for model, values in zip(results, off, strict=True)}


def _solve(opened: OpenRig, config: RigConfig, calibration: Calibration, cancelled: Callable[[], bool]) -> dict[str, PhotometricResult]:
    pixels = config.camera.pixel_format
    constant = PhotometricSolver(calibration, pixels.full_scale_dn, near_light=False)
    near = PhotometricSolver(calibration, pixels.full_scale_dn)
    eyes = four_eye(config, calibration)
    with closing(opened.rig.scan(inspection_sequence(config, fringe_patterns(config, calibration.projectors)), cancelled)) as frames:
        for frame in frames:
            if isinstance(frame.step, FringeStep):
                eyes.add(frame.step.projector, frame.step.pattern, pixel_formats.fringes(frame.pixels, pixels))
                continue
            luminance = pixel_formats.luminance(pixel_formats.rgb(frame.pixels, pixels))
            for solver in (constant, near):
                if isinstance(frame.step, AmbientStep):
                    solver.add_ambient(luminance, frame.exposure_us)
                else:
                    solver.add(frame.step.zone, luminance, frame.exposure_us, saturated=pixel_formats.saturated(frame.pixels, pixels))
    heights_mm = eyes.reconstruct().xyz_mm[..., 2]
    return {"constant": constant.solve(), "near_plane": near.solve(), "near_cloud": near.solve(heights_mm)}


def _score(thing: str, place: str, model: str, errors_deg: NDArray[np.float32]) -> Score:
    mean, median, p95 = errors_deg.mean(dtype=np.float64), np.median(errors_deg), np.percentile(errors_deg, 95)
    return Score(thing, place, model, float(mean), float(median), float(p95), len(errors_deg))
