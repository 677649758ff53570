"""The simulated bench behind the ``simulated`` drivers: what its rig is made of, and how far that is from the drawing."""

from __future__ import annotations

from pydantic import Field

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


class SimulationConfig(Strict):
    """The simulated bench behind the ``simulated`` drivers."""

    seed: int = Field(ge=0, description="Seed of the rig's build tolerances: the same seed is the same rig.")
    ambient: float = Field(ge=0, le=1, description="Light of the room, as a share of one light zone's.")
    noise: SensorNoise = Field(description="Noise of the camera's sensor.")
    tolerances: Tolerances = Field(description="Build tolerances of the rig.")
