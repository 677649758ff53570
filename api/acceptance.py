"""Accepting a rig: captures of a plane, a ball bar and a step, and what they say about it, in the manner of VDI/VDE 2634 part 2.

Whoever lays the artefacts is a :class:`AcceptanceGuide`: a person who reads instructions, or the hand on the simulated bench. What is
computed sees frames, calibration and certificates only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from acquisition import pixel_formats
from acquisition.rig import nobody
from acquisition.rig_process import AnyRig
from acquisition.sequence import FringeStep, fringe_sequence
from api.fringes import four_eye, fringe_patterns
from rig_configs.calibration import Calibration
from structured_light.acceptance import PlaneFit, SphereFit, StepFit, measure_plane, measure_spheres, measure_step, temporal_sigma
from structured_light.point_map import PointMap


class Artefact(StrEnum):
    """What a rig is accepted with."""

    PLANE = "plane"
    SPHERE = "sphere"
    STEP = "step"


POSITIONS = {Artefact.PLANE: 6, Artefact.SPHERE: 7, Artefact.STEP: 3}
"""Positions of each artefact: the guideline asks for at least 6 planes, 10 spheres (two a bar) and 7 distances."""
REPEATS = 10
"""Scans of one plane for the scatter in time."""


class AcceptanceGuide(Protocol):
    """Lays the artefacts under the camera."""

    def plane(self, position: int) -> None:
        """Hold the matt white plate so that it fills the field, level in position 0, then tilted by some degrees and higher."""
        ...

    def ball_bar(self, position: int) -> None:
        """Lay the ball bar on the dark plate, each time elsewhere and in another direction."""
        ...

    def step(self, position: int) -> None:
        """Put the gauge block on the matt white plate, each time elsewhere."""
        ...


@dataclass(slots=True)
class Acceptance:
    """What was measured; what was not asked for is empty."""

    planes: list[PlaneFit] = field(default_factory=list[PlaneFit])
    bars: list[tuple[SphereFit, SphereFit]] = field(default_factory=list[tuple[SphereFit, SphereFit]])
    steps: list[StepFit] = field(default_factory=list[StepFit])
    temporal_sigma_um: float | None = None
    predicted_over_measured: float | None = None

    def figures(self, calibration: Calibration, just_made: bool, diameter_mm: float, spacing_mm: float, step_mm: float) -> dict[str, object]:
        """The figures of the test, ready for JSON: of every position the worst, as the guideline has it."""
        spheres = [s for bar in self.bars for s in bar]
        out: dict[str, object] = {}
        if self.planes:
            out["plane"] = {
                "sigma_um": max(p.sigma_um for p in self.planes),
                "flatness_um": max(p.flatness_um for p in self.planes),
                "positions": [{"sigma_um": p.sigma_um, "flatness_um": p.flatness_um} for p in self.planes],
            }
            out["temporal_sigma_um"] = self.temporal_sigma_um
            out["predicted_over_measured"] = self.predicted_over_measured
            out["completeness"] = min(p.completeness for p in self.planes)
        if spheres:
            spacings_um = [1e3 * (float(np.linalg.norm(np.subtract(a.centre_mm, b.centre_mm))) - spacing_mm) for a, b in self.bars]
            sizes_um = [1e3 * (s.diameter_mm - diameter_mm) for s in spheres]
            out["sphere"] = {
                "form_um": max(s.form_um for s in spheres),
                "form_range_um": max(s.form_range_um for s in spheres),
                "size_error_um": max(sizes_um, key=abs),
                "spacing_error_um": max(spacings_um, key=abs),
                "positions": [{"form_um": s.form_um, "size_error_um": e} for s, e in zip(spheres, sizes_um, strict=True)],
                "spacings_um": spacings_um,
            }
        if self.steps:
            errors_um = [1e3 * (s.height_mm - step_mm) for s in self.steps]
            out["step"] = {"error_um": max(errors_um, key=abs), "positions_um": errors_um}
        if self.planes or spheres:
            out["outlier_rate"] = max(f.outlier_rate for f in (*self.planes, *spheres))
        out["calibration"] = {
            "self_made": calibration.uncertainty is not None,  # by calibrate, from captures; not taken over from elsewhere
            "just_made": just_made,
            "calibration_id": calibration.calibration_id,
            "is_simulated": calibration.is_simulated,
            "held_out_rms_um": calibration.residuals.held_out_rms_um,
        }
        return out


def scalars(figures: Mapping[str, object]) -> list[tuple[str, float]]:
    """The single numbers among :meth:`Acceptance.figures`, by their path."""
    rows: list[tuple[str, float]] = []
    for name, value in figures.items():
        if isinstance(value, dict):
            rows += [(f"{name} {key}", number) for key, number in scalars(cast("dict[str, object]", value))]
        elif isinstance(value, float):
            rows.append((name, value))
    return rows


class AcceptanceTest:
    """Captures the artefacts and measures them.

    Args:
        rig: the opened rig.
        calibration: what is accepted with it.
        guide: lays the artefacts.
        progress: told the share that is done and what is done now.
        cancelled: asked before every frame.
    """

    def __init__(
        self,
        rig: AnyRig,
        calibration: Calibration,
        guide: AcceptanceGuide,
        progress: Callable[[float, str], None] = lambda _, __: None,
        cancelled: Callable[[], bool] = nobody,
    ) -> None:
        config = rig.config
        self._rig = rig
        self._guide = guide
        self._progress = progress
        self._cancelled = cancelled
        self._artefacts = config.artefacts
        self._eye = four_eye(config, calibration)
        self._sequence = fringe_sequence(config, fringe_patterns(config, calibration.projectors))

    def run(self, artefacts: tuple[Artefact, ...], positions: dict[Artefact, int] | None = None, repeats: int = REPEATS) -> Acceptance:
        """Do the test.

        Args:
            artefacts: which artefacts.
            positions: how often each is laid; the guideline's least where not given.
            repeats: scans of the first plane, for the scatter in time; two or more.

        Raises:
            ReconstructionError: an artefact is not seen.
            DeviceError, Cancelled: from the scans.
        """
        positions = positions or POSITIONS
        result = Acceptance()
        scans = [(a, position) for a in artefacts for position in range(positions[a])]
        total = len(scans) + (repeats - 1 if Artefact.PLANE in artefacts else 0)
        done = 0
        for artefact, position in scans:
            self._progress(done / total, f"{artefact}, position {position + 1} of {positions[artefact]}")
            cloud = self._place_and_scan(artefact, position)
            done += 1
            if artefact is Artefact.PLANE:
                result.planes.append(measure_plane(cloud.xyz_mm, cloud.sigma_z_mm))
                if position == 0:
                    again: list[tuple[NDArray[np.float32], NDArray[np.float32]]] = []
                    for repeat in range(1, repeats):
                        self._progress(done / total, f"plane again, {repeat + 1} of {repeats}")
                        again.append(_sampled(self._scan()))
                        done += 1
                    z, predicted = (np.stack(maps) for maps in zip(_sampled(cloud), *again, strict=True))
                    result.temporal_sigma_um, result.predicted_over_measured = temporal_sigma(z, predicted)
            elif artefact is Artefact.SPHERE:
                left, right = measure_spheres(cloud.xyz_mm, cloud.sigma_z_mm, self._artefacts.ball_bar.diameter_mm, 2)
                result.bars.append((left, right))
            else:
                result.steps.append(measure_step(cloud.xyz_mm, self._artefacts.step_mm))
        self._progress(1.0, "done")
        return result

    def _place_and_scan(self, artefact: Artefact, position: int) -> PointMap:
        {Artefact.PLANE: self._guide.plane, Artefact.SPHERE: self._guide.ball_bar, Artefact.STEP: self._guide.step}[artefact](position)
        return self._scan()

    def _scan(self) -> PointMap:
        self._eye.reset()
        with closing(self._rig.scan(self._sequence, self._cancelled)) as frames:
            for frame in frames:
                if isinstance(frame.step, FringeStep):
                    pixels = pixel_formats.fringes(frame.pixels, self._rig.config.camera.pixel_format)
                    self._eye.add(frame.step.projector, frame.step.pattern, pixels)
        return self._eye.reconstruct()


def _sampled(cloud: PointMap) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """z and its σ at one pixel in nine, which is plenty for a scatter and bounds the memory of ten scans."""
    return cloud.xyz_mm[::3, ::3, 2].copy(), cloud.sigma_z_mm[::3, ::3].copy()
