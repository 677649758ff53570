"""The captures that light zones are found with: a sphere at several places, or the raised plate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from photometric.calibration import ZonesFit, calibrate_zones, check_drawing
from photometric.matt_sphere import calibrate_zones_by_matt_sphere
from photometric.raised_plate import PlatePose, RaisedPlate, calibrate_zones_by_plate, plate_pose
from rig_configs.calibration import Pinhole
from rig_configs.lights import ZoneNominal
from rig_configs.schema import RigConfig

LIFTS = (0.2, 0.4)
"""Heights over the reference plane that the plate is asked for where there are no spacers, as shares of the field's width."""
MATT_SPHERE_EXPOSURE = 0.5
"""Share of the light exposure: where the matt sphere faces a zone it is brighter than the plate."""


class LightArtefact(StrEnum):
    """What light zones are found with, beside the matt white plate on the reference plane."""

    MIRROR_SPHERE = "mirror-sphere"
    """Highlights on a mirror sphere at several places."""
    MATT_SPHERE = "matt-sphere"
    """Shading of a matt white sphere at several places."""
    PLATE = "plate"
    """The plate itself, raised."""


class LightGuide(Protocol):
    """Lays the artefacts under the camera."""

    sphere_positions: int
    """At how many places a sphere is captured."""

    def sphere(self, position: int) -> None:
        """Put the mirror sphere on the dark plate."""
        ...

    def matt_sphere(self, position: int) -> None:
        """Put the matt white sphere on the dark plate."""
        ...

    def raised_plate(self, height_mm: float) -> None:
        """Hold the matt white plate level at about this height over the reference plane, or exactly by spacers where the rig has some."""
        ...


@dataclass(frozen=True, slots=True)
class Lit:
    """Frames of one artefact under ambient light and every zone."""

    ambient: NDArray[np.float32]
    """(H, W) luminance, DN."""
    zones: list[NDArray[np.float32]]
    """(H, W) luminance a zone, DN."""
    colour: NDArray[np.float32]
    """(H, W, 3) mean of the zones less ambient, DN."""


@dataclass(frozen=True, slots=True)
class LightScans:
    """How the calibrator scans what lies there."""

    lit: Callable[[float], Lit]
    """Ambient light and every zone at an exposure, µs."""
    cloud: Callable[[], NDArray[np.float32]]
    """Points, (H, W, 3) mm, NaN where unknown."""
    progress: Callable[[float, str], None]
    """Told the share of the captures that is done, and what is done now."""


def find_zones(artefact: LightArtefact, config: RigConfig, camera: Pinhole, plate: Lit, guide: LightGuide, scans: LightScans) -> ZonesFit:
    """Capture what the zones are found with, and find them.

    Args:
        artefact: what they are found with.
        config: the rig.
        camera: its calibrated camera.
        plate: the matt white plate on the reference plane.
        guide: lays the artefacts.
        scans: how they are scanned.

    Raises:
        CalibrationFailed: the captures do not determine the light, or it is not where the drawing has it.
        DeviceError, Cancelled: from the scans.
    """
    find = {LightArtefact.MIRROR_SPHERE: _by_mirror_sphere, LightArtefact.MATT_SPHERE: _by_matt_sphere, LightArtefact.PLATE: _by_plate}[artefact]
    fit = find(config, camera, plate, guide, scans)
    check_drawing(fit.zones, np.array([_direction(zone.nominal) for zone in config.lights.zones]))
    return fit


def _by_mirror_sphere(config: RigConfig, camera: Pinhole, plate: Lit, guide: LightGuide, scans: LightScans) -> ZonesFit:
    exposure_us = config.sequence.light_exposure_us
    spheres = _spheres("mirror sphere", guide.sphere, exposure_us, guide, scans)
    full = config.camera.pixel_format.full_scale_dn
    diameter_mm = config.artefacts.sphere_diameter_mm
    return calibrate_zones(camera, _names(config), [s.zones for s in spheres], plate.zones, plate.ambient, exposure_us, diameter_mm, full)


def _by_matt_sphere(config: RigConfig, camera: Pinhole, plate: Lit, guide: LightGuide, scans: LightScans) -> ZonesFit:
    exposure_us = MATT_SPHERE_EXPOSURE * config.sequence.light_exposure_us
    spheres = _spheres("matt sphere", guide.matt_sphere, exposure_us, guide, scans)
    return calibrate_zones_by_matt_sphere(
        camera,
        _names(config),
        [s.zones for s in spheres],
        [s.ambient for s in spheres],
        exposure_us,
        config.artefacts.matt_sphere_diameter_mm,
        plate.zones,
        plate.ambient,
        config.sequence.light_exposure_us,
        config.camera.pixel_format.full_scale_dn,
    )


def _by_plate(config: RigConfig, camera: Pinhole, plate: Lit, guide: LightGuide, scans: LightScans) -> ZonesFit:
    exposure_us = config.sequence.light_exposure_us
    spacers = config.artefacts.plate_spacers_mm
    heights_mm = spacers or [lift * config.camera.nominal.field_width_mm for lift in LIFTS]
    plates = [RaisedPlate(plate.zones, plate.ambient, PlatePose(0.0))]
    for index, height_mm in enumerate(heights_mm):
        scans.progress(index / len(heights_mm), f"matt white plate, {height_mm:g} mm high")
        guide.raised_plate(height_mm)
        lit = scans.lit(exposure_us)
        plates.append(RaisedPlate(lit.zones, lit.ambient, PlatePose(height_mm) if spacers else plate_pose(scans.cloud())))
    return calibrate_zones_by_plate(camera, _names(config), plates, exposure_us, config.camera.pixel_format.full_scale_dn)


def _spheres(what: str, lay: Callable[[int], None], exposure_us: float, guide: LightGuide, scans: LightScans) -> list[Lit]:
    spheres: list[Lit] = []
    for position in range(guide.sphere_positions):
        scans.progress(position / guide.sphere_positions, f"{what}, position {position + 1} of {guide.sphere_positions}")
        lay(position)
        spheres.append(scans.lit(exposure_us))
    return spheres


def _names(config: RigConfig) -> list[str]:
    return [zone.name for zone in config.lights.zones]


def _direction(nominal: ZoneNominal) -> tuple[float, float, float]:
    azimuth, elevation = np.radians(nominal.azimuth_deg), np.radians(nominal.elevation_deg)
    return float(np.cos(elevation) * np.cos(azimuth)), float(np.cos(elevation) * np.sin(azimuth)), float(np.sin(elevation))
