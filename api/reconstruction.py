"""From the frames of a scan to the three modalities on one pixel grid, while the frames arrive."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from acquisition import pixel_formats
from acquisition.capture import Frame
from acquisition.sequence import AmbientStep, FringeStep, Sequence, inspection_sequence
from api.fringes import four_eye, fringe_patterns
from inference.foreground import foreground_of
from inference.sample import D3Sample
from photometric.colour import ColourImage
from photometric.result import PhotometricResult
from photometric.solver import PhotometricSolver
from rig_configs.calibration import Calibration
from rig_configs.schema import RigConfig
from structured_light.point_map import PointMap
from structured_light.reconstructor import Coverage


@dataclass(frozen=True, slots=True)
class Reconstruction:
    """The three modalities of one part, and the seconds that each solver took."""

    rgb: NDArray[np.uint8]
    """(H, W, 3) sRGB."""
    photometric: PhotometricResult
    points: PointMap
    foreground: NDArray[np.bool_]
    """(H, W) where the part is."""
    photometric_s: float
    structured_light_s: float
    coverage: Coverage | None = None
    """What each projector measured; none where the cloud does not come from this scan's fringes."""

    def sample(self, name: str = "") -> D3Sample:
        """What D³M judges."""
        return D3Sample(self.rgb, self.photometric.pseudo3d, self.points.xyz_mm, self.foreground, name)


class Reconstructor:
    """Accumulates the frames of one scan, and again of the next.

    Args:
        rig: the rig.
        calibration: what is known of it.
        sequence: the rig's inspection sequence where it was made already; a rig that is given the same one again has its patterns loaded.
    """

    def __init__(self, rig: RigConfig, calibration: Calibration, sequence: Sequence | None = None) -> None:
        self._format = rig.camera.pixel_format
        self.sequence = sequence or inspection_sequence(rig, fringe_patterns(rig, calibration.projectors))
        self._solver = PhotometricSolver(calibration, saturation_dn=self._format.full_scale_dn)
        self._colour = ColourImage(calibration)
        self._four_eye = four_eye(rig, calibration)
        self.reset()

    def reset(self) -> None:
        """Forget the frames of an unfinished scan."""
        self._solver.reset()
        self._colour.reset()
        self._four_eye.reset()
        self._photometric_s = 0.0
        self._structured_light_s = 0.0

    def add(self, frame: Frame) -> None:
        """Take one frame; the part of the work that needs no other frame is done at once, under the capture of the next."""
        start = time.perf_counter()
        if isinstance(frame.step, FringeStep):
            self._four_eye.add(frame.step.projector, frame.step.pattern, pixel_formats.fringes(frame.pixels, self._format))
            self._structured_light_s += time.perf_counter() - start
            return
        colour = pixel_formats.rgb(frame.pixels, self._format)
        luminance = pixel_formats.luminance(colour)
        if isinstance(frame.step, AmbientStep):
            self._solver.add_ambient(luminance, frame.exposure_us)
            self._colour.add_ambient(colour, frame.exposure_us)
        else:
            self._solver.add(frame.step.zone, luminance, frame.exposure_us, saturated=pixel_formats.saturated(frame.pixels, self._format))
            self._colour.add(colour, frame.exposure_us)
        self._photometric_s += time.perf_counter() - start

    def points(self) -> PointMap:
        """The point cloud of the fringe frames. Raises ReconstructionError."""
        start = time.perf_counter()
        points = self._four_eye.reconstruct()
        self._structured_light_s += time.perf_counter() - start
        return points

    def finish(self, points: PointMap | None = None) -> Reconstruction:
        """The result of the whole scan; the next one can begin.

        Args:
            points: the cloud, where it does not come from this scan's fringes.

        Raises:
            ReconstructionError: frames are missing, or give no surface.
        """
        points = points or self.points()
        start = time.perf_counter()
        # The cloud tells how near each point is to the lights, which on a part some millimetres high matters.
        photometric = self._solver.solve(points.xyz_mm[..., 2])
        rgb = self._colour.picture()
        self._photometric_s += time.perf_counter() - start
        part, seconds = foreground_of(points.xyz_mm), (self._photometric_s, self._structured_light_s)
        result = Reconstruction(rgb, photometric, points, part, *seconds, self._four_eye.coverage)
        self.reset()
        return result
