"""The simulated bench behind the ``simulated`` drivers: what its rig is made of, and how far that is from the drawing."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field, model_validator

from rig_configs.strict import Strict


class SensorNoise(Strict):
    """Photon-transfer model of the simulated sensor (EMVA 1288 terms)."""

    full_well_e: float = Field(gt=0, description="Electrons at the largest digital number, at a gain of 0 dB.")
    read_noise_e: float = Field(ge=0, description="Standard deviation of the read noise, electrons.")
    black_level_dn: float = Field(ge=0, description="Offset of the dark image, digital numbers.")


class Tolerances(Strict):
    """How far the simulated rig was built from its drawing. The bench draws the truth from these by the seed; nobody
    else knows it."""

    position_mm: float = Field(ge=0, description="Standard deviation of every device's position, mm.")
    angle_deg: float = Field(ge=0, description="Standard deviation of every device's pointing, degrees.")
    focal_percent: float = Field(ge=0, description="Standard deviation of focal lengths, per cent.")
    principal_point_px: float = Field(ge=0, description="Standard deviation of principal points, pixels.")
    distortion: float = Field(ge=0, description="Standard deviation of the first radial coefficient, scaled to the image corner.")
    power_percent: float = Field(ge=0, description="Standard deviation of the power of light zones and projectors, per cent.")
    gamma: float = Field(ge=0, description="Standard deviation of the projectors' gamma about 1 after their own correction.")


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
    DARK = "dark"
    """A zone or projector takes commands and sends no light."""
    LAGGING = "lagging"
    """A zone or projector does at each exposure what it should have done at the one before."""
    UNPLUGGED = "unplugged"
    """A device does not answer."""

    @property
    def is_of_a_frame(self) -> bool:
        """Whether it strikes one frame, not a device."""
        return self in (FaultKind.DROPPED, FaultKind.LATE, FaultKind.DUPLICATED, FaultKind.INCOMPLETE, FaultKind.SATURATED)


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


class SimulationConfig(Strict):
    """The simulated bench behind the ``simulated`` drivers."""

    seed: int = Field(ge=0, description="Seed of the rig's build tolerances: the same seed is the same rig.")
    ambient: float = Field(ge=0, le=1, description="Light of the room, as a share of one light zone's.")
    noise: SensorNoise = Field(description="Noise of the camera's sensor.")
    tolerances: Tolerances = Field(description="Build tolerances of the rig.")
    faults: tuple[FaultConfig, ...] = Field(default=(), description="Faults that strike by themselves.")
