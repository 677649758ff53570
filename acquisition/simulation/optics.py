"""The true optics of a simulated rig: what was really built, not what the drawing or a calibration says.

Drawn from the nominal rig and its tolerances by the rig's seed. This is the bench's own definition of a camera and a
projector; it shares no code with the solvers, so that a mistake in one of them shows instead of cancelling out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from acquisition.simulation import kernels
from rig_configs.cameras import PixelFormat
from rig_configs.errors import RigFileError
from rig_configs.lights import ZoneConfig
from rig_configs.projectors import ProjectorConfig
from rig_configs.schema import RigConfig
from rig_configs.simulation import CameraOptics, ProjectorOptics, Tolerances, ZoneOptics

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]

# A zone that faces a matt white plate (albedo 0.8) at 45° from 160 mm fills 60 % of the sensor's full well in 8 ms, and a
# projector at full white from 220 mm and 30° in 6 ms: as the integrator of a rig dims lamps to suit its exposures.
# Unit: share of the full well a second that a perfect white facet yields, times mm².
WHITE_PLATE_ALBEDO = 0.8
ZONE_INTENSITY = 0.60 / (WHITE_PLATE_ALBEDO * np.cos(np.radians(45)) * 8e-3) * 160.0**2
PROJECTOR_INTENSITY = 0.60 / (WHITE_PLATE_ALBEDO * np.cos(np.radians(30)) * 6e-3) * 220.0**2
AMBIENT_OF_A_ZONE = ZONE_INTENSITY * np.cos(np.radians(45)) / 160.0**2

# Answer of the sensor's red, green and blue pixels to the white of lamps and projectors; green sees best.
BAYER_RESPONSE = (0.80, 1.0, 0.68)


@dataclass(frozen=True, slots=True)
class Lens:
    """A pin-hole with Brown-Conrady distortion: OpenCV's axes and pixel centres, ``x_device = R x_rig + t``."""

    width_px: int
    height_px: int
    K: F64
    """(3, 3) pixels."""
    d: F64
    """(5,) k1, k2, p1, p2, k3."""
    R: F64
    """(3, 3) rig → device."""
    t: F64
    """(3,) mm."""

    @property
    def centre_mm(self) -> F64:
        """Centre of projection in the rig frame, (3,) mm."""
        return -self.R.T @ self.t

    @property
    def axis(self) -> F64:
        """Optical axis in the rig frame, (3,) unit vector."""
        return self.R[2].copy()

    def project(self, xyz_mm: F32) -> F32:
        """Image of points.

        Args:
            xyz_mm: (H, W, 3) float32 points in the rig frame, mm.

        Returns:
            (H, W, 2) float32 column and row, pixels; NaN behind the device.
        """
        out = np.empty((*xyz_mm.shape[:2], 2), np.float32)
        kernels.project(xyz_mm, self.K, self.d, self.R, self.t, out)
        return out

    def ray_directions(self) -> F32:
        """Direction in the rig frame of the ray through every pixel's centre, (H, W, 3) float32 unit vectors."""
        out = np.empty((self.height_px, self.width_px, 3), np.float32)
        kernels.ray_directions(self.K, self.d, self.R, out)
        return out

    def depth(self, xyz_mm: F32) -> F32:
        """Depth of points (H, W, 3) along the axis, (H, W) float32 mm; the origin's where there is no point before the device."""
        out = np.full(xyz_mm.shape[:2], self.t[2], np.float32)
        kernels.depth(xyz_mm, self.axis, self.t[2], out)
        return out


@dataclass(frozen=True, slots=True)
class TrueCamera:
    """The camera as built."""

    lens: Lens
    pixel_format: PixelFormat
    vignetting: float
    """Loss of light at the image's corner, as a share."""
    blur_px: float
    """Standard deviation of the point spread in focus, pixels."""
    pupil_mm: float
    """Diameter of the entrance pupil."""
    focus_mm: float
    """Depth of best focus along the axis."""


@dataclass(frozen=True, slots=True)
class TrueZone:
    """A light zone as built: a small disc that shines along its axis."""

    name: str
    position_mm: F64
    axis: F64
    """Unit vector in the rig frame the zone faces along."""
    intensity: float
    """Along the axis; see ZONE_INTENSITY."""
    lobe: float
    """Radiant intensity falls as cos^lobe off the axis; 1 is a bare diffuser."""
    skew: F64
    """(3,) at right angles to the axis: its intensity leans by so much a radian in that direction."""
    radius_mm: float
    """Radius of the disc."""


@dataclass(frozen=True, slots=True)
class TrueProjector:
    """A projector as built: an inverse camera."""

    name: str
    lens: Lens
    intensity: float
    """At full white along the axis; see PROJECTOR_INTENSITY."""
    gamma: float
    """Light = (grey level / 255)^gamma."""
    blur_px: float
    """Standard deviation of the point spread in focus, projector pixels."""
    pupil_mm: float
    """Diameter of the exit pupil."""
    focus_mm: float
    """Depth of best focus along the axis."""
    leak: float
    """Light of a black pixel, as a share of a white one's: a micro-mirror chip's contrast."""
    pattern_period_us: float | None
    """Time in which binary planes make one grey picture; None is steady light."""


@dataclass(frozen=True, slots=True)
class TrueRig:
    """Everything about the rig that shapes a picture."""

    camera: TrueCamera
    zones: tuple[TrueZone, ...]
    projectors: tuple[TrueProjector, ...]
    ambient: float
    """Irradiance of the room, in the units of a zone's on the reference plane."""
    interreflection: bool
    """Whether surfaces light each other."""


def build_rig(rig: RigConfig) -> TrueRig:
    """Build the rig within its tolerances, the same for the same seed.

    The rig frame is the one the as-built camera defines: its axis meets the reference plane in the origin and its columns
    run along x. So the camera's own misplacement shows as tilt and distance.

    Raises:
        RigFileError: the rig has no ``simulation`` section.
    """
    if rig.simulation is None:
        raise RigFileError(f"Rig '{rig.name}' has no simulation section.", cure="Add one to rig.yaml, or use real drivers.")
    simulation, tolerances = rig.simulation, rig.simulation.tolerances
    rng = np.random.default_rng(simulation.seed)
    camera = _camera(rig, simulation.optics.camera, tolerances, rng)
    zones = [_zone(z, simulation.optics.zones, tolerances, rng) for z in rig.lights.zones]
    projectors = tuple(_projector(p, simulation.optics.projectors, tolerances, rng) for p in rig.projectors)
    # Drawn apart, so that a rig without these tolerances is the one it was before there were any.
    rng = np.random.default_rng([simulation.seed, 23])
    patterned = tuple(_radiance_pattern(z, tolerances, rng) for z in zones)
    return TrueRig(camera, patterned, projectors, simulation.ambient * AMBIENT_OF_A_ZONE, simulation.interreflection)


def _camera(rig: RigConfig, optics: CameraOptics, tolerances: Tolerances, rng: np.random.Generator) -> TrueCamera:
    config = rig.camera
    tilt = np.tan(np.radians(tolerances.angle_deg) * rng.standard_normal(2))
    forward = np.array([tilt[0], tilt[1], -1.0])
    forward /= np.linalg.norm(forward)
    right = np.array([-forward[2], 0.0, forward[0]])
    right /= np.linalg.norm(right)
    R = np.stack([right, np.cross(forward, right), forward])
    distance = config.nominal.working_distance_mm + tolerances.position_mm * rng.standard_normal()
    focal = config.width_px * config.nominal.working_distance_mm / config.nominal.field_width_mm
    lens = _lens(config.width_px, config.height_px, focal, R, -forward * distance, tolerances, rng)
    return TrueCamera(lens, config.pixel_format, optics.vignetting, optics.blur_px, optics.pupil_mm, lens.t[2] - optics.focus_mm)


def _zone(config: ZoneConfig, optics: ZoneOptics, tolerances: Tolerances, rng: np.random.Generator) -> TrueZone:
    azimuth, elevation = np.radians(config.nominal.azimuth_deg), np.radians(config.nominal.elevation_deg)
    direction = np.array([np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)])
    position = config.nominal.distance_mm * direction + tolerances.position_mm * rng.standard_normal(3)
    axis = _small_rotation(tolerances.angle_deg, rng) @ -direction
    power = max(0.1, 1 + tolerances.power_percent / 100 * rng.standard_normal())
    return TrueZone(config.name, position, axis, ZONE_INTENSITY * power, optics.lobe, np.zeros(3), optics.radius_mm)


def _radiance_pattern(zone: TrueZone, tolerances: Tolerances, rng: np.random.Generator) -> TrueZone:
    lobe = max(0.0, zone.lobe * (1 + tolerances.lobe_percent / 100 * rng.standard_normal()))
    lean = tolerances.skew * rng.standard_normal(3)
    return replace(zone, lobe=lobe, skew=lean - (lean @ zone.axis) * zone.axis)


def _projector(config: ProjectorConfig, optics: ProjectorOptics, tolerances: Tolerances, rng: np.random.Generator) -> TrueProjector:
    nominal = config.nominal
    azimuth, tilt = np.radians(nominal.azimuth_deg), np.radians(nominal.tilt_deg)
    outward = np.array([np.cos(azimuth), np.sin(azimuth), 0.0])
    direction = np.sin(tilt) * outward + np.array([0, 0, np.cos(tilt)])
    columns = outward - (outward @ direction) * direction
    columns /= np.linalg.norm(columns)
    R = _small_rotation(tolerances.angle_deg, rng) @ np.stack([columns, np.cross(-direction, columns), -direction])
    position = nominal.distance_mm * direction + tolerances.position_mm * rng.standard_normal(3)
    focal = config.width_px * nominal.distance_mm / nominal.field_width_mm
    lens = _lens(config.width_px, config.height_px, focal, R, position, tolerances, rng)
    power = max(0.1, 1 + tolerances.power_percent / 100 * rng.standard_normal())
    gamma = 1 + tolerances.gamma * rng.standard_normal()
    return TrueProjector(
        config.name, lens, PROJECTOR_INTENSITY * power, gamma, optics.blur_px, optics.pupil_mm, lens.t[2] - optics.focus_mm,
        optics.leak, optics.pattern_period_us,
    )  # fmt: skip


def _lens(width: int, height: int, focal: float, R: F64, position: F64, tolerances: Tolerances, rng: np.random.Generator) -> Lens:
    focal *= 1 + tolerances.focal_percent / 100 * rng.standard_normal()
    cx, cy = (width - 1) / 2, (height - 1) / 2
    K = np.array([[focal, 0, cx], [0, focal, cy], [0, 0, 1]])
    K[:2, 2] += tolerances.principal_point_px * rng.standard_normal(2)
    corner = np.hypot(cx, cy) / focal
    k1, k2 = tolerances.distortion * rng.standard_normal(2) * (1 / corner**2, 0.2 / corner**4)
    p1, p2 = 0.1 * tolerances.distortion * rng.standard_normal(2) / corner
    return Lens(width, height, K, np.array([k1, k2, p1, p2, 0.0]), R, -R @ position)


def _small_rotation(sigma_deg: float, rng: np.random.Generator) -> F64:
    rotation, _ = cv2.Rodrigues(np.radians(sigma_deg) * rng.standard_normal(3))
    return np.asarray(rotation, np.float64)
