"""What a projector is, for each driver that can talk to one."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from rig_configs.strict import Strict


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
