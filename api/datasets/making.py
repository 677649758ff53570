"""Making one sample: a part is laid on the bench, scanned, solved, and compared with what is really there.

The one module outside the simulation that reaches its truth: for the defects' masks, and to measure and draw the noise of clouds.
Nothing of it goes into a solver.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from acquisition import pixel_formats
from acquisition.rig import nobody
from acquisition.sequence import FringeStep, Sequence, ZoneStep
from acquisition.simulation.parts import random_pose
from acquisition.simulation.truth import Truth, defect_mask, truth_of
from api.composition import open_rig
from api.datasets.noise import Conditions, MeasuredErrors, NoiseModel, NoiseTable
from api.datasets.plan import PlannedSample
from api.reconstruction import Reconstruction, Reconstructor
from inference.datasets import names
from inference.datasets.writing import SampleContent
from photometric.colour import ColourImage
from rig_configs.calibration import Calibration
from rig_configs.errors import ReconstructionError, RigFileError
from rig_configs.files import load_calibration, load_rig, rig_folder
from rig_configs.schema import RigConfig
from structured_light.geometry import ray_slopes
from structured_light.point_map import PointMap
from structured_light.triangulation import points

if TYPE_CHECKING:
    from acquisition.capture import Frame
    from acquisition.simulation.parts import Part, PartKind

MOST_ATTEMPTS = 8
LEAST_DEFECT_PX = 8


@dataclass(frozen=True, slots=True)
class _Scan:
    result: Reconstruction
    zones: tuple[NDArray[np.uint8], ...]
    """Colour pictures under each zone alone."""


def simulated_rig(rig: str | Path) -> tuple[RigConfig, Calibration, Path]:
    """A simulated rig that a data set can be made on, with its calibration and folder; faults that it is configured to have are left out.

    Raises:
        ConfigurationError: the rig or its calibration is wrong, the rig is not simulated, or it does not have four zones.
    """
    folder = rig_folder(rig)
    config = load_rig(folder)
    if config.simulation is None:
        raise RigFileError(
            f"Rig '{config.name}' is not simulated.", cure="Generate data sets on a simulated rig, such as demo.", detail="not_simulated"
        )
    if len(config.lights.zones) != len(names.LIGHTS) - 1:
        raise RigFileError(
            f"Rig '{config.name}' has {len(config.lights.zones)} light zones; the Real-IAD D³ layout has a place for four.",
            cure="Generate on a rig with four zones.",
            detail="zones",
        )
    config = config.model_copy(update={"simulation": config.simulation.model_copy(update={"faults": ()})})
    return config, load_calibration(folder), folder


class SampleMaker:
    """Makes samples on one simulated rig, one after another; each hangs on its seed alone, not on those before it.

    Args:
        rig: name of a shipped rig, or path of a folder.
        kinds: the products by name.
        noise: for quick samples, what takes the place of the fringes.
    """

    def __init__(self, rig: str | Path, kinds: dict[str, PartKind], noise: NoiseTable | None = None) -> None:
        config, calibration, folder = simulated_rig(rig)
        opened = open_rig(config, folder)
        assert opened.bench is not None
        self._rig, self._bench = opened.rig, opened.bench
        self._kinds = kinds
        self._format = config.camera.pixel_format
        self._reconstructor = Reconstructor(config, calibration)
        full = self._reconstructor.sequence
        self._quick = Sequence(tuple(s for s in full.steps if not isinstance(s, FringeStep)), tuple(() for _ in full.patterns))
        # One zone at a time, each against its own flat field.
        self._colours = [ColourImage(calibration.model_copy(update={"zones": (zone,)})) for zone in calibration.zones]
        self._camera = calibration.camera
        self._slopes = ray_slopes(calibration.camera)
        self._noise = NoiseModel(noise, len(config.projectors)) if noise is not None else None

    def close(self) -> None:
        """Release the rig."""
        self._rig.close()

    def make(self, planned: PlannedSample, run_seed: int, cancelled: Callable[[], bool] = nobody) -> SampleContent:
        """Make a sample.

        Raises:
            ReconstructionError: no surface is found, or the camera cannot see the defect of any of the parts tried.
            Cancelled: ``cancelled`` said so.
        """
        for attempt in range(MOST_ATTEMPTS):
            seed = planned.seed(run_seed, attempt)
            self._place(planned, seed)
            mask = defect_mask(self._bench) if planned.defect else None
            if mask is not None and np.count_nonzero(mask) < LEAST_DEFECT_PX:
                continue  # on the far side or in a groove: no camera could be asked to find it
            scan = self._scan(cancelled, None if self._noise is None else seed)
            lights: dict[str, NDArray[np.uint8]] = dict(zip(names.LIGHTS, (*scan.zones, scan.result.rgb), strict=True))
            return SampleContent(lights, scan.result.photometric.pseudo3d, scan.result.points.xyz_mm, mask)
        raise ReconstructionError(
            f"The camera cannot see the defect of {planned.sample_id} in {MOST_ATTEMPTS} parts drawn for it.",
            cure="Take another seed, or leave that category out.",
            detail="defect_unseen",
        )

    def measure(self, planned: PlannedSample, run_seed: int, cancelled: Callable[[], bool] = nobody) -> tuple[MeasuredErrors, NDArray[np.float32]]:
        """Scan a part with all fringes, and compare its cloud with the truth.

        Returns:
            the errors, and the true heights, (H, W) float32, mm.
        """
        self._place(planned, planned.seed(run_seed))
        scan = self._scan(cancelled, None)
        truth = truth_of(self._bench)
        z = truth.xyz_mm[..., 2]
        error = 1e3 * (scan.result.points.xyz_mm[..., 2] - z)
        return MeasuredErrors(_conditions(truth, scan.zones), error.astype(np.float32)), z

    def _place(self, planned: PlannedSample, seed: int) -> Part:
        part = self._kinds[planned.sample_id.category].make(seed, planned.defect)
        self._bench.place(part.placed(random_pose(np.random.default_rng([seed, 4]))))
        self._bench.reseed(seed)
        return part

    def _scan(self, cancelled: Callable[[], bool], noise_seed: int | None) -> _Scan:
        """Scan what lies there; with a noise seed, without fringes."""
        self._reconstructor.reset()
        for colour in self._colours:
            colour.reset()
        sequence = self._reconstructor.sequence if noise_seed is None else self._quick
        with closing(self._rig.scan(sequence, cancelled)) as frames:
            for frame in frames:
                self._reconstructor.add(frame)
                if not isinstance(frame.step, FringeStep):
                    self._colour(frame)
        zones = tuple(colour.picture() for colour in self._colours)
        cloud = None if noise_seed is None else self._cloud(zones, noise_seed)
        return _Scan(self._reconstructor.finish(cloud), zones)

    def _colour(self, frame: Frame) -> None:
        picture = pixel_formats.rgb(frame.pixels, self._format)
        if isinstance(frame.step, ZoneStep):
            self._colours[frame.step.zone].add(picture, frame.exposure_us)
        else:
            for colour in self._colours:
                colour.add_ambient(picture, frame.exposure_us)

    def _cloud(self, zones: tuple[NDArray[np.uint8], ...], seed: int) -> PointMap:
        """The true geometry as a scan might give it."""
        assert self._noise is not None
        truth = truth_of(self._bench)
        conditions = _conditions(truth, zones)
        z = self._noise.height(truth.xyz_mm[..., 2], conditions, np.random.default_rng([seed, 5]))
        views = np.where(np.isnan(z), 0, conditions.projectors).astype(np.uint8)
        sigma = np.full(z.shape, np.nan, np.float32)  # no fringes, no prediction
        return PointMap(points(z, self._slopes, self._camera.centre_mm), sigma, views)


def _conditions(truth: Truth, zones: tuple[NDArray[np.uint8], ...]) -> Conditions:
    with np.errstate(invalid="ignore"):
        slant = np.degrees(np.arccos(np.clip(truth.normals[..., 2], 0, 1))).astype(np.float32)
    brightness = np.asarray(np.mean([zone @ np.array([0.25, 0.5, 0.25], np.float32) for zone in zones], axis=0), np.float32)
    seen = np.asarray(np.sum(truth.visible_from_projector, axis=0), np.intp)
    return Conditions(seen, slant, brightness, np.asarray(np.isfinite(truth.xyz_mm).all(-1), np.bool_), truth.object_mask)
