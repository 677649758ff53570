"""What a zone light is, for each driver that can talk to its controller."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rig_configs.strict import Strict


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
