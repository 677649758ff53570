"""The simulated bench behind the ``simulated`` drivers: what its rig is made of, and how far that is from the drawing."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, model_validator

from rig_configs.strict import Strict

Reflectance = Annotated[float, Field(ge=0, le=1)]


class SensorNoise(Strict):
    """Photon-transfer model of the simulated sensor (EMVA 1288 terms)."""

    full_well_e: float = Field(gt=0, description="Electrons at the largest digital number, at a gain of 0 dB.")
    read_noise_e: float = Field(ge=0, description="Standard deviation of the read noise, electrons.")
    black_level_dn: float = Field(ge=0, description="Offset of the dark image, digital numbers.")
    prnu_percent: float = Field(default=0.0, ge=0, le=20, description="Photo response non-uniformity: spread of the pixels' sensitivity, per cent.")
    dsnu_e: float = Field(default=0.0, ge=0, description="Dark signal non-uniformity: spread of the pixels' offset, electrons.")


class CameraOptics(Strict):
    """The simulated camera's lens."""

    blur_px: float = Field(default=0.5, gt=0.2, le=8, description="Standard deviation of the point spread in focus, pixels.")
    pupil_mm: float = Field(default=0.0, ge=0, description="Diameter of the entrance pupil, mm; 0 is sharp at every depth.")
    focus_mm: float = Field(default=0.0, description="Height of the plane of best focus above the reference plane, mm.")
    vignetting: float = Field(default=0.06, ge=0, lt=1, description="Loss of light at the image's corner, as a share.")


class ZoneOptics(Strict):
    """The simulated light zones: small discs that shine along their axes."""

    radius_mm: float = Field(default=3.0, ge=0, description="Radius of the shining disc, mm: penumbrae and highlights grow with it; 0 is a point.")
    lobe: float = Field(default=1.0, ge=0, le=50, description="Radiant intensity falls as cos^lobe off the axis; 1 is a bare diffuser.")


class ProjectorOptics(Strict):
    """The simulated projectors' lenses and chips."""

    blur_px: float = Field(default=0.8, gt=0.3, le=8, description="Standard deviation of the point spread in focus, projector pixels.")
    pupil_mm: float = Field(default=0.0, ge=0, description="Diameter of the exit pupil, mm; 0 is sharp at every depth.")
    focus_mm: float = Field(default=0.0, description="Distance of the plane of best focus from the rig's origin, towards the projector, mm.")
    leak: float = Field(default=0.002, ge=0, lt=1, description="Light of a black pixel, as a share of a white one's: one over the chip's contrast.")
    pattern_period_us: float | None = Field(
        default=None, gt=0, description="Time in which the chip's binary planes make one grey picture, µs; left out, it shines steadily."
    )


class OpticsConfig(Strict):
    """Lenses and lamps of the simulated rig, before its tolerances."""

    camera: CameraOptics = Field(default=CameraOptics(), description="The camera's lens.")
    zones: ZoneOptics = Field(default=ZoneOptics(), description="The light zones.")
    projectors: ProjectorOptics = Field(default=ProjectorOptics(), description="The projectors.")


class DriftConfig(Strict):
    """How the light wanders from scan to scan, smoothly and about its mean."""

    power_percent: float = Field(default=0.0, ge=0, le=20, description="Standard deviation of each light zone's power, per cent.")
    ambient_percent: float = Field(default=0.0, ge=0, le=100, description="Standard deviation of the light of the room, per cent.")
    scans: int = Field(default=20, ge=1, description="Scans from which on the light has forgotten what it was.")


class Tolerances(Strict):
    """How far the simulated rig was built from its drawing. The bench draws the truth from these by the seed; nobody
    else knows it."""

    position_mm: float = Field(ge=0, description="Standard deviation of every device's position, mm.")
    angle_deg: float = Field(ge=0, description="Standard deviation of every device's pointing, degrees.")
    focal_percent: float = Field(ge=0, description="Standard deviation of focal lengths, per cent.")
    principal_point_px: float = Field(ge=0, description="Standard deviation of principal points, pixels.")
    distortion: float = Field(ge=0, description="Standard deviation of the first radial coefficient, scaled to the image corner.")
    power_percent: float = Field(ge=0, description="Standard deviation of the power of light zones and projectors, per cent.")
    board_print_um: float = Field(default=2.0, ge=0, description="Standard deviation of each corner's position on the calibration board, µm.")
    board_bow_um: float = Field(default=5.0, ge=0, description="Bow of the calibration board from its middle to its shorter edges, µm.")
    gamma: float = Field(ge=0, description="Standard deviation of the projectors' gamma about 1 after their own correction.")
    lobe_percent: float = Field(default=0.0, ge=0, le=50, description="Standard deviation of the light zones' lobe exponent, per cent.")
    skew: float = Field(
        default=0.0, ge=0, le=0.5, description="Standard deviation of the light zones' lopsidedness: change of intensity a radian off the axis."
    )


class FaultKind(StrEnum):
    """What can go wrong on the simulated bench."""

    DROPPED = "dropped"
    """The camera exposes and counts the frame, and never delivers it."""
    LATE = "late"
    """The frame arrives after the station has stopped waiting for it."""
    DUPLICATED = "duplicated"
    """The frame is delivered twice."""
    INCOMPLETE = "incomplete"
    """Lines of the frame are missing, and the camera says so."""
    SATURATED = "saturated"
    """Every pixel of the frame is at full scale."""
    BLACK = "black"
    """Every pixel of the frame is 0."""
    DARK = "dark"
    """A zone or projector takes commands and sends no light."""
    LAGGING = "lagging"
    """A zone or projector does at each exposure what it should have done at the one before."""
    UNPLUGGED = "unplugged"
    """A device does not answer."""

    @property
    def is_of_a_frame(self) -> bool:
        """Whether it strikes one frame, not a device."""
        return self not in (FaultKind.DARK, FaultKind.LAGGING, FaultKind.UNPLUGGED)


class FaultConfig(Strict):
    """A fault that strikes by itself, to see what the station makes of it."""

    kind: FaultKind = Field(description="What goes wrong.")
    device: str | None = Field(
        default=None,
        description="For 'dark' and 'lagging' the name of a zone or projector, for 'unplugged' 'camera', 'lights' or a projector's name.",
    )
    scan: int = Field(default=1, ge=1, description="The first scan that it strikes, counted from 1.")
    every: int | None = Field(default=None, ge=1, description="Strike again every so many scans; left out, it strikes once.")
    frame: int = Field(default=1, ge=1, description="The frame of the scan, counted from 1, that it spoils, or from which on the device fails.")

    @model_validator(mode="after")
    def _device_where_one_is_meant(self) -> FaultConfig:
        if self.kind.is_of_a_frame and self.device is not None:
            raise ValueError(f"a '{self.kind}' fault is one of a frame; leave 'device' out")
        if not self.kind.is_of_a_frame and self.device is None:
            raise ValueError(f"a '{self.kind}' fault needs a 'device'; name one")
        return self

    def strikes(self, scan: int, frame: int) -> bool:
        """Whether it is there at a frame of a scan, both counted from 1."""
        due = scan == self.scan if self.every is None else scan >= self.scan and (scan - self.scan) % self.every == 0
        return due and (frame == self.frame if self.kind.is_of_a_frame else frame >= self.frame)


UpAxis = Literal["+x", "-x", "+y", "-y", "+z", "-z"]


class SimulatedPart(Strict):
    """A part of the user's own that the simulated bench can hold."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,99}$", description="Its name, which is its recipe's too.")
    mesh: str = Field(min_length=1, description="Its mesh file (.stl, .ply, .obj, .glb), relative to the rig's folder.")
    material: str = Field(default="matt_plastic", description="What it is made of; docs/parts.md lists the materials.")
    scale_to_mm: float | None = Field(
        default=None, gt=0, description="Millimetres a unit of the file; left out, 1, and 1000 for .glb, which is in metres."
    )
    up: UpAxis | None = Field(default=None, description="Axis of the file that faces the camera; left out, +z, and +y for .glb.")
    colour: tuple[Reflectance, Reflectance, Reflectance] | None = Field(
        default=None, description="Linear diffuse reflectance of red, green and blue, in place of the mesh's own colours."
    )
    tolerance_mm: float = Field(default=0.02, ge=0, le=1, description="Standard deviation of each dimension from part to part, mm.")


class SimulationConfig(Strict):
    """The simulated bench behind the ``simulated`` drivers."""

    seed: int = Field(ge=0, description="Seed of the rig's build tolerances: the same seed is the same rig.")
    ambient: float = Field(ge=0, le=1, description="Light of the room, as a share of one light zone's.")
    noise: SensorNoise = Field(description="Noise of the camera's sensor.")
    tolerances: Tolerances = Field(description="Build tolerances of the rig.")
    optics: OpticsConfig = Field(default=OpticsConfig(), description="Lenses and lamps.")
    drift: DriftConfig = Field(default=DriftConfig(), description="How the light wanders from scan to scan; none by default.")
    interreflection: bool = Field(default=False, description="Whether surfaces light each other, by one bounce; frames then cost several times more.")
    faults: tuple[FaultConfig, ...] = Field(default=(), description="Faults that strike by themselves.")
    parts: tuple[SimulatedPart, ...] = Field(default=(), description="Parts of the user's own, beside those that the bench knows.")
