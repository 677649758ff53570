"""What a rig *is*: the schema of ``rig.yaml``.

Frames and units: the rig frame is right-handed, in millimetres, with its origin on the reference plane under the
optical axis, x along image columns, y up the image (against rows) and z towards the camera. Suffixes carry units.
"""

from __future__ import annotations

from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from rig_configs.fringes import FringeConfig
from rig_configs.simulation import FaultKind, SimulationConfig
from rig_configs.strict import Strict


class PixelFormat(StrEnum):
    """Pixel formats by their GenICam PFNC names. 10 and 12 bit formats are stored right-aligned in 16 bits."""

    MONO8 = "Mono8"
    MONO10 = "Mono10"
    MONO12 = "Mono12"
    BAYER_RG8 = "BayerRG8"
    BAYER_RG10 = "BayerRG10"
    BAYER_RG12 = "BayerRG12"
    RGB8 = "RGB8"

    @property
    def bits(self) -> int:
        """Bits a pixel, of RGB a channel."""
        return next(bits for bits in (12, 10, 8) if self.value.endswith(str(bits)))

    @property
    def is_bayer(self) -> bool:
        """Whether a pixel sees one of three colours through an RGGB mosaic."""
        return self.value.startswith("Bayer")

    @property
    def is_rgb(self) -> bool:
        """Whether a frame has three channels a pixel, (H, W, 3)."""
        return self.value.startswith("RGB")

    @property
    def full_scale_dn(self) -> int:
        """The largest value a pixel can have, in digital numbers."""
        return (1 << self.bits) - 1


# ---------------------------------------------------------------------------------------------------------- camera


class CameraNominal(Strict):
    """Where the drawing says the camera is; calibration starts here and finds the truth."""

    working_distance_mm: float = Field(gt=0, description="Distance from the camera's centre of projection to the reference plane, mm.")
    field_width_mm: float = Field(gt=0, description="Width of the reference plane that the image's columns cover, mm.")


class CameraBase(Strict):
    """What every camera has, whatever drives it."""

    width_px: int = Field(ge=64, le=20000, description="Image columns.")
    height_px: int = Field(ge=64, le=20000, description="Image rows.")
    pixel_format: PixelFormat = Field(description="Pixel format by its GenICam name.")
    gain_db: float = Field(default=0.0, ge=0, le=48, description="Analogue gain, dB; each 6 dB halve the light that saturates a pixel.")
    nominal: CameraNominal = Field(description="Nominal placement, the start value of calibration.")

    @property
    def frame_shape(self) -> tuple[int, ...]:
        """Shape of a frame: (H, W), or (H, W, 3) of an RGB format."""
        return (self.height_px, self.width_px, 3) if self.pixel_format.is_rgb else (self.height_px, self.width_px)

    @property
    def pixel_pitch_mm(self) -> float:
        """Nominal size of a pixel on the reference plane, mm."""
        return self.nominal.field_width_mm / self.width_px


class SimulatedCamera(CameraBase):
    """A camera that looks at the simulated bench."""

    driver: Literal["simulated"] = Field(description="Which driver talks to the camera.")


class ReplayCamera(CameraBase):
    """A camera that gives back the frames of a saved capture."""

    driver: Literal["replay"] = Field(description="Which driver talks to the camera.")
    capture: Path = Field(description="Folder of the saved capture; a relative path starts at the rig file.")


CameraConfig = Annotated[SimulatedCamera | ReplayCamera, Field(discriminator="driver")]

# ---------------------------------------------------------------------------------------------------------- lights


class ZoneNominal(Strict):
    """Where the drawing says a light zone is."""

    azimuth_deg: float = Field(ge=-360, le=360, description="Direction to the zone in the reference plane, from +x towards +y, degrees.")
    elevation_deg: float = Field(gt=0, lt=90, description="Angle of the zone above the reference plane, degrees.")
    distance_mm: float = Field(gt=0, description="Distance from the rig's origin to the zone, mm.")


class ZoneConfig(Strict):
    """One zone of the light."""

    name: str = Field(min_length=1, description="Name that people see, for example 'east'.")
    nominal: ZoneNominal = Field(description="Nominal placement, the start value of calibration.")


class LightsBase(Strict):
    """What every zone light has, whatever drives it."""

    zones: tuple[ZoneConfig, ...] = Field(
        min_length=3, max_length=16, description="The zones in firing order; photometric stereo needs three or more."
    )


class SimulatedLights(LightsBase):
    """Zones that shine on the simulated bench."""

    driver: Literal["simulated"] = Field(description="Which driver talks to the light controller.")


class ReplayLights(LightsBase):
    """Zones whose effect is already in a saved capture."""

    driver: Literal["replay"] = Field(description="Which driver talks to the light controller.")


LightsConfig = Annotated[SimulatedLights | ReplayLights, Field(discriminator="driver")]

# ------------------------------------------------------------------------------------------------------ projectors


class ProjectorNominal(Strict):
    """Where the drawing says a projector is. Its columns advance in the plane of incidence, so that vertical fringes
    measure height."""

    azimuth_deg: float = Field(ge=-360, le=360, description="Direction to the projector in the reference plane, from +x towards +y, degrees.")
    tilt_deg: float = Field(gt=0, lt=80, description="Angle between the projector's axis and the reference plane's normal, degrees.")
    distance_mm: float = Field(gt=0, description="Distance from the rig's origin to the projector, mm.")
    field_width_mm: float = Field(gt=0, description="Width that the projector's columns cover at that distance, mm.")


class ProjectorBase(Strict):
    """What every projector has, whatever drives it."""

    name: str = Field(min_length=1, description="Name that people see, for example 'north-east'.")
    width_px: int = Field(ge=16, le=8192, description="Projector columns.")
    height_px: int = Field(ge=16, le=8192, description="Projector rows.")
    fringe_angle_deg: float = Field(
        default=0.0,
        ge=-180,
        le=180,
        description="Direction across the fringes, from columns towards rows, degrees; 0 is vertical fringes, 90 horizontal ones. "
        "Best is the direction in which a rising surface moves the picture.",
    )
    response: float | tuple[float, ...] = Field(
        default=1.0,
        description="Measured light against grey level, which the fringe patterns undo: γ of (grey/255)^γ, "
        "or rising samples at evenly spaced grey levels from black to white.",
    )
    nominal: ProjectorNominal = Field(description="Nominal placement, the start value of calibration.")

    @model_validator(mode="after")
    def _response_can_be_undone(self) -> ProjectorBase:
        curve = self.response
        if isinstance(curve, float) and not 0.2 <= curve <= 5:
            raise ValueError("response is a γ from 0.2 to 5, or a list of samples")
        if isinstance(curve, tuple) and (len(curve) < 2 or any(b <= a for a, b in pairwise(curve))):
            raise ValueError("response needs two or more samples, each larger than the one before")
        return self


class SimulatedProjector(ProjectorBase):
    """A projector that shines on the simulated bench."""

    driver: Literal["simulated"] = Field(description="Which driver talks to the projector.")


class ReplayProjector(ProjectorBase):
    """A projector whose effect is already in a saved capture."""

    driver: Literal["replay"] = Field(description="Which driver talks to the projector.")


ProjectorConfig = Annotated[SimulatedProjector | ReplayProjector, Field(discriminator="driver")]

# -------------------------------------------------------------------------------------------------------- sequence


class SequenceConfig(Strict):
    """What is captured of each part, and how long each frame is exposed."""

    ambient_exposure_us: float = Field(gt=0, description="Exposure of the frame with every light off, µs.")
    light_exposure_us: float = Field(gt=0, description="Exposure of each light zone's frame, µs.")
    fringe_exposure_us: float = Field(gt=0, description="Exposure of each fringe frame, µs.")
    fringes: FringeConfig = Field(description="The fringe patterns.")
    height_range_mm: tuple[float, float] | None = Field(
        default=None,
        description="Least and greatest height over the reference plane that a part can have, mm: points outside are false readings and left out.",
    )

    @model_validator(mode="after")
    def _range_rises(self) -> SequenceConfig:
        if self.height_range_mm is not None and self.height_range_mm[0] >= self.height_range_mm[1]:
            raise ValueError("height_range_mm must rise: give the least height first")
        return self


class TimingConfig(Strict):
    """How long the station waits before it calls a device lost."""

    frame_timeout_s: float = Field(gt=0, le=60, description="Longest wait for a triggered frame, seconds.")


# ------------------------------------------------------------------------------------------------------- artefacts


class BoardConfig(Strict):
    """The ChArUco board that camera and projectors are calibrated with."""

    columns: int = Field(ge=4, le=100, description="Chessboard squares along the board's x.")
    rows: int = Field(ge=4, le=100, description="Chessboard squares along the board's y.")
    square_mm: float = Field(gt=0, description="Side of a square, mm.")
    marker_mm: float = Field(gt=0, description="Side of the ArUco marker in a white square, mm.")
    dictionary: str = Field(pattern=r"^DICT_\w+$", description="OpenCV's name of the ArUco dictionary.")


class BallBarConfig(Strict):
    """Two matt spheres of one size at a known distance, by their certificate."""

    diameter_mm: float = Field(gt=0, description="Diameter of each sphere, mm.")
    spacing_mm: float = Field(gt=0, description="Distance between their centres, mm.")


class ArtefactsConfig(Strict):
    """What a rig is calibrated and accepted with, beside a matt white plate."""

    board: BoardConfig = Field(description="The ChArUco board.")
    sphere_diameter_mm: float = Field(gt=0, description="Diameter of the mirror sphere that finds the light zones, mm.")
    matt_sphere_diameter_mm: float = Field(default=8.0, gt=0, description="Diameter of the matt white sphere that finds the light zones, mm.")
    plate_spacers_mm: tuple[float, ...] = Field(
        default=(),
        description="Certified heights of the spacers that lift the matt white plate to find the light zones, mm, rising; two or more. "
        "Left out, the plate's heights are measured with the projectors.",
    )
    ball_bar: BallBarConfig = Field(default=BallBarConfig(diameter_mm=8.0, spacing_mm=20.0), description="The ball bar of the acceptance test.")
    step_mm: float = Field(default=2.0, gt=0, description="Height of the gauge block of the acceptance test, mm.")


# -------------------------------------------------------------------------------------------------------------- rig


class RigConfig(Strict):
    """One inspection rig: a camera, a zone light, projectors, and what they do for a part."""

    name: str = Field(min_length=1, pattern=r"^[a-z0-9_]+$", description="Name of the rig: lower case, digits and underscores.")
    camera: CameraConfig = Field(description="The camera.")
    lights: LightsConfig = Field(description="The zone light.")
    projectors: tuple[ProjectorConfig, ...] = Field(min_length=1, max_length=8, description="The projectors in firing order.")
    sequence: SequenceConfig = Field(description="What is captured of each part.")
    timing: TimingConfig = Field(description="How long the station waits.")
    artefacts: ArtefactsConfig = Field(description="What the rig is calibrated with.")
    simulation: SimulationConfig | None = Field(default=None, description="The simulated bench; needed by 'simulated' drivers.")

    @property
    def is_simulated(self) -> bool:
        """Whether any frame comes from a simulation."""
        return self.simulation is not None

    @model_validator(mode="after")
    def _devices_fit(self) -> RigConfig:
        devices = [self.camera, self.lights, *self.projectors]
        if any(device.driver == "simulated" for device in devices) and self.simulation is None:
            raise ValueError("a 'simulated' driver needs a 'simulation' section; add one, or choose another driver")
        if len({device.driver for device in devices}) > 1:
            raise ValueError("simulated, replayed and real devices cannot see each other; give all devices the same driver")
        for what, names in (("zone", [z.name for z in self.lights.zones]), ("projector", [p.name for p in self.projectors])):
            if len(set(names)) < len(names):
                raise ValueError(f"two {what}s have the same name; give each its own")
        return self

    @model_validator(mode="after")
    def _faults_name_devices(self) -> RigConfig:
        zones, projectors = [z.name for z in self.lights.zones], [p.name for p in self.projectors]
        for fault in self.simulation.faults if self.simulation else ():
            known = ["camera", "lights", *projectors] if fault.kind is FaultKind.UNPLUGGED else [*zones, *projectors]
            if fault.device is not None and fault.device not in known:
                raise ValueError(f"a '{fault.kind}' fault names '{fault.device}'; name one of {', '.join(known)}")
        return self
