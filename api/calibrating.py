"""Calibrating a rig: captures of the board, the plate and the sphere, and what is computed of them.

Whoever lays the artefacts under the camera is a :class:`Guide`: a person who reads instructions, or the hand on the
simulated bench. What is computed sees the frames and the rig's drawing only.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from acquisition import pixel_formats
from acquisition.capture import Frame
from acquisition.rig import nobody
from acquisition.rig_process import AnyRig
from acquisition.sequence import AmbientStep, FringeStep, Sequence, ZoneStep, fringe_sequence
from api.calibrating_lights import LightArtefact, LightGuide, LightScans, Lit, find_zones
from api.fringes import four_eye, fringe_patterns
from photometric.calibration import ZonesFit, check_linearity, white_balance
from rig_configs.calibration import Calibration, Pinhole, ProjectorCalibration, Residuals, Vector3, ZoneCalibration
from rig_configs.schema import RigConfig
from structured_light.board import BoardCapture
from structured_light.board_scan import BoardScan, calibration_patterns
from structured_light.calibration import GeometryFit, board_poses, calibrate_geometry
from structured_light.drift import Drift, plane_drift
from structured_light.reconstructor import FourEye
from structured_light.rig_frame import on_plate

PLATE = "matt white plate"


class Guide(LightGuide, Protocol):
    """Lays the artefacts under the camera."""

    def board(self, pose: int, of: int, centre_mm: Vector3, rotation_rad: Vector3) -> None:
        """Hold the board roughly like this: the middle of its print, and its turn from lying flat and upright in the image, in the rig
        frame. Pose 0 lies exactly flat on the reference plane."""
        ...

    def plate(self) -> None:
        """Lay the matt white plate on the reference plane."""
        ...


@dataclass(frozen=True, slots=True)
class _Light:
    """The calibrated light."""

    fit: ZonesFit
    black_level_dn: float
    white_balance: Vector3

    @property
    def zones(self) -> tuple[ZoneCalibration, ...]:
        """The light zones."""
        return self.fit.zones


@dataclass(frozen=True, slots=True)
class _Eyes:
    """A geometry that points can be measured with, before its light is known."""

    camera: Pinhole
    projectors: tuple[ProjectorCalibration, ...]
    black_level_dn: float


@dataclass(frozen=True, slots=True)
class _Plate:
    """What the matt white plate on the reference plane says of the light."""

    lit: Lit
    black_level_dn: float


class Calibrator:
    """Captures and computes the calibration of one rig.

    Args:
        rig: the opened rig.
        guide: lays the artefacts.
        progress: told the share that is done and what is done now.
        cancelled: asked before every frame.
    """

    def __init__(
        self, rig: AnyRig, guide: Guide, progress: Callable[[float, str], None] = lambda _, __: None, cancelled: Callable[[], bool] = nobody
    ) -> None:
        self._rig = rig
        self._config: RigConfig = rig.config.with_eyes(None)  # every projector is calibrated, whichever take part in inspections
        self._guide = guide
        self._progress = progress
        self._cancelled = cancelled
        self._digest = hashlib.sha256()
        self._gammas: list[tuple[float, ...]] = []
        self.geometry: GeometryFit | None = None
        """The last fit of camera and projectors, for the report."""
        self.light: ZonesFit | None = None
        """The last fit of the light zones, for the report."""

    def all(self) -> Calibration:
        """Camera and projectors from the board, then the zones from plate and sphere.

        Raises:
            CalibrationFailed: the captures do not determine the rig; says which, and what to do.
            DeviceError, Cancelled: from the scans.
        """
        boards = len(board_poses(self._config))
        geometry = self._measure_boards({}, then=1 + self._guide.sphere_positions)
        plate = self._measure_plate(boards / (boards + 1 + self._guide.sphere_positions))
        geometry = self._on_plate(geometry, plate.black_level_dn)
        return self._calibration(geometry, self._measure_light(geometry.camera, plate, first=boards))

    def camera(self, before: Calibration) -> Calibration:
        """The camera's optics anew and where every device stands, after the camera was refocused or exchanged: the projectors' optics stay,
        and so does the light. Raises as :meth:`all`."""
        return self._calibration(self._measure_geometry({p.name: p for p in before.projectors}, before), before)

    def projectors(self, before: Calibration) -> Calibration:
        """The projectors' optics anew and where every device stands: the camera's optics and the light stay. Raises as :meth:`all`."""
        return self._calibration(self._measure_geometry({"camera": before.camera}, before), before)

    def lights(self, before: Calibration, artefact: LightArtefact = LightArtefact.MIRROR_SPHERE) -> Calibration:
        """The light zones, black level and white balance anew, after a lamp or an exposure changed. Raises as :meth:`all`.

        Args:
            before: the calibration in use: its camera is taken as it is, and for the raised plate so are its projectors.
            artefact: what the zones' positions are found with.
        """
        return self._calibration(before, self._measure_light(before.camera, self._measure_plate(0.0), artefact, before))

    def check(self, before: Calibration) -> Drift:
        """Whether a calibration still holds, from one scan of the white plate.

        Raises:
            ReconstructionError: the plate is not measured.
            DeviceError, Cancelled: from the scan.
        """
        config = self._config
        eyes = [four_eye(config, before, [only]) for only in range(len(config.projectors))]
        fused = four_eye(config, before)
        sequence = fringe_sequence(config, fringe_patterns(config, before.projectors))
        self._guide.plate()
        for index, frame in enumerate(self._frames(sequence)):
            self._progress(index / len(sequence), PLATE)
            if isinstance(frame.step, FringeStep):
                for eye in (eyes[frame.step.projector], fused):
                    eye.add(frame.step.projector, frame.step.pattern, pixel_formats.fringes(frame.pixels, config.camera.pixel_format))
        self._progress(1.0, "done")
        return plane_drift([eye.reconstruct().xyz_mm[..., 2] for eye in eyes], fused.reconstruct().xyz_mm)

    def _measure_geometry(self, held: Mapping[str, Pinhole], before: Calibration) -> GeometryFit:
        fit = self._measure_boards(held, then=1)
        self._progress(len(board_poses(self._config)) / (len(board_poses(self._config)) + 1), PLATE)
        self._guide.plate()
        fit = self._on_plate(fit, before.black_level_dn)
        self._progress(1.0, "done")
        return fit

    def _measure_boards(self, held: Mapping[str, Pinhole], then: int) -> GeometryFit:
        poses = board_poses(self._config)
        self._gammas.clear()
        fit = calibrate_geometry(self._config, self._boards(poses, len(poses) + then), held)
        gammas = np.median(self._gammas, axis=0).tolist()
        return replace(fit, projectors=tuple(p.model_copy(update={"gamma": g}) for p, g in zip(fit.projectors, gammas, strict=True)))

    def _on_plate(self, fit: GeometryFit, black_level_dn: float) -> GeometryFit:
        """The geometry in the frame of the plate that lies there now."""
        eyes = four_eye(self._config, _Eyes(fit.camera, fit.projectors, black_level_dn))
        camera, projectors = on_plate(fit.camera, fit.projectors, self._cloud(eyes, fit.projectors))
        self.geometry = replace(fit, camera=camera, projectors=projectors)
        return self.geometry

    def _measure_plate(self, done: float) -> _Plate:
        self._progress(done, PLATE)
        self._guide.plate()
        return _Plate(self._lit(self._config.sequence.light_exposure_us), self._black_level())

    def _measure_light(
        self,
        camera: Pinhole,
        plate: _Plate,
        artefact: LightArtefact = LightArtefact.MIRROR_SPHERE,
        before: Calibration | None = None,
        first: int = 0,
    ) -> _Light:
        config, captures = self._config, self._guide.sphere_positions
        total = first + 1 + captures

        def cloud() -> NDArray[np.float32]:
            assert before is not None  # only the plate is measured, and who has it raised has calibrated projectors
            return self._cloud(four_eye(config, before), before.projectors)

        scans = LightScans(self._lit, cloud, lambda share, what: self._progress((first + 1 + share * captures) / total, what))
        self.light = find_zones(artefact, config, camera, plate.lit, self._guide, scans)
        self._progress(1.0, "done")
        return _Light(self.light, plate.black_level_dn, white_balance(plate.lit.colour))

    def _cloud(self, eyes: FourEye, projectors: tuple[ProjectorCalibration, ...]) -> NDArray[np.float32]:
        """Points of what lies there, (H, W, 3) mm."""
        for frame in self._frames(fringe_sequence(self._config, fringe_patterns(self._config, projectors))):
            if isinstance(frame.step, FringeStep):
                eyes.add(frame.step.projector, frame.step.pattern, pixel_formats.fringes(frame.pixels, self._config.camera.pixel_format))
        return eyes.reconstruct().xyz_mm

    def _calibration(self, geometry: GeometryFit | Calibration, light: _Light | Calibration) -> Calibration:
        """What was measured now, and the rest as it was before."""
        created = datetime.now(UTC)
        seen = geometry.residuals if isinstance(geometry, Calibration) else geometry
        lit = light.residuals if isinstance(light, Calibration) else light.fit
        return Calibration(
            rig=self._config.name,
            calibration_id=f"{self._config.name}-{created:%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:6]}",
            created=created,
            is_simulated=self._config.is_simulated,
            camera=geometry.camera,
            projectors=geometry.projectors,
            zones=light.zones,
            black_level_dn=light.black_level_dn,
            white_balance=light.white_balance,
            residuals=Residuals(
                camera_rms_px=seen.camera_rms_px,
                projector_rms_px=seen.projector_rms_px,
                held_out_rms_um=seen.held_out_rms_um,
                light_rms_deg=lit.light_rms_deg,
                flat_field_rms_percent=lit.flat_field_rms_percent,
            ),
            uncertainty=geometry.uncertainty,
            inputs_sha256=self._digest.hexdigest(),
        )

    def _boards(self, poses: list[tuple[Vector3, Vector3]], total: int) -> Iterator[BoardCapture]:
        images = tuple(tuple(p) for p in calibration_patterns(self._config))
        fringes = [
            FringeStep(projector=p, pattern=i, exposure_us=self._config.sequence.fringe_exposure_us)
            for p in range(len(images))
            for i in range(len(images[p]))
        ]
        sequence = Sequence((*self._zone_steps(self._config.sequence.light_exposure_us), *fringes), images)
        for pose, (centre_mm, rotation_rad) in enumerate(poses):
            self._progress(pose / total, f"board, pose {pose + 1} of {len(poses)}")
            self._guide.board(pose, len(poses), centre_mm, rotation_rad)
            scan = BoardScan(self._config)
            with closing(self._frames(sequence)) as frames:
                for frame in frames:
                    pixels = pixel_formats.fringes(frame.pixels, self._config.camera.pixel_format)
                    if isinstance(frame.step, FringeStep):
                        scan.add(frame.step.projector, frame.step.pattern, pixels)
                    elif isinstance(frame.step, ZoneStep):
                        scan.add_light(pixels)
            capture = scan.capture()
            self._gammas.append(scan.gammas)
            yield capture
        self._progress(len(poses) / total, "solving camera and projectors")

    def _lit(self, exposure_us: float) -> Lit:
        lit = _LitFrames(self._config)
        none = tuple(() for _ in self._config.projectors)
        for frame in self._frames(Sequence(tuple(self._zone_steps(exposure_us)), none)):
            lit.add(frame)
        return lit.result()

    def _black_level(self) -> float:
        """Black level from the plate in the first zone's light at several exposures, DN; refuses a camera that is not linear."""
        exposures_us = [share * self._config.sequence.light_exposure_us for share in (0.25, 0.5, 0.75, 1.0)]
        steps = tuple(ZoneStep(zone=0, exposure_us=e) for e in exposures_us)
        none = tuple(() for _ in self._config.projectors)
        height, width = self._config.camera.height_px, self._config.camera.width_px
        middle = np.s_[height // 4 : -(height // 4), width // 4 : -(width // 4)]
        means_dn = [float(frame.pixels[middle].mean()) for frame in self._frames(Sequence(steps, none))]
        return check_linearity(means_dn, exposures_us, self._config.camera.pixel_format.full_scale_dn)

    def _zone_steps(self, exposure_us: float) -> list[AmbientStep | ZoneStep]:
        # One exposure for all: the black level then cancels exactly.
        return [AmbientStep(exposure_us=exposure_us), *(ZoneStep(zone=z, exposure_us=exposure_us) for z in range(len(self._config.lights.zones)))]

    def _frames(self, sequence: Sequence) -> Generator[Frame]:
        with closing(self._rig.scan(sequence, self._cancelled)) as scan:
            for frame in scan:
                self._digest.update(frame.step.key.encode())
                self._digest.update(np.ascontiguousarray(frame.pixels).data)
                yield frame


class _LitFrames:
    """Collects the ambient and zone frames of one artefact."""

    def __init__(self, config: RigConfig) -> None:
        self._format = config.camera.pixel_format
        self._ambient: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None
        self._zones: list[tuple[NDArray[np.float32], NDArray[np.float32]]] = []

    def add(self, frame: Frame) -> None:
        colour = pixel_formats.rgb(frame.pixels, self._format)
        pair = (pixel_formats.luminance(colour).astype(np.float32), colour.astype(np.float32))
        if isinstance(frame.step, AmbientStep):
            self._ambient = pair
        else:
            self._zones.append(pair)

    def result(self) -> Lit:
        assert self._ambient is not None
        colour = np.mean([z[1] for z in self._zones], axis=0, dtype=np.float32) - self._ambient[1]
        return Lit(self._ambient[0], [z[0] for z in self._zones], colour)
