"""What a projector is, for each driver that can talk to one."""

from __future__ import annotations

from enum import StrEnum
from itertools import pairwise
from pathlib import Path
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

    @property
    def plays(self) -> bool:
        """Whether it shows a series of patterns by itself and triggers the camera for each."""
        return False

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


class DlpController(StrEnum):
    """The controller chip of a DLP projector."""

    DLPC350 = "dlpc350"
    """LightCrafter 4500: 912 x 1140 mirrors in a diamond; shows what is in its flash."""
    DLPC900 = "dlpc900"
    """LightCrafter 6500 (1920 x 1080) and 9000 (2560 x 1600); patterns are uploaded."""


class DlpTrigger(StrEnum):
    """Who says when the next pattern comes."""

    SOFTWARE = "software"
    """Each step is a command; the pattern repeats with the period until the next one."""
    TRIG_IN = "trig_in"
    """Camera-master: an edge on TRIG_IN_1 shows the next pattern for one exposure. Patterns are shown in the order loaded."""
    TRIG_OUT = "trig_out"
    """Projector-master: the patterns follow each other with the period, and TRIG_OUT_1 starts the camera's exposure of each."""


class DlpLed(StrEnum):
    """Which of the projector's LEDs lights the patterns."""

    RED = "red"
    GREEN = "green"
    BLUE = "blue"
    WHITE = "white"


DLP_SIZES: dict[DlpController, tuple[tuple[int, int], ...]] = {
    DlpController.DLPC350: ((912, 1140),),
    DlpController.DLPC900: ((1920, 1080), (2560, 1600)),
}
"""(columns, rows) of the mirror arrays behind each controller."""

DLP_SHORTEST_US: dict[DlpController, dict[int, int]] = {
    DlpController.DLPC350: {1: 235, 8: 8333},
    DlpController.DLPC900: {1: 105, 8: 4046},
}
"""Shortest exposure, µs, by bits a pixel. DLPC350: Texas Instruments' DLP SDK for the LightCrafter 4500; DLPC900: Texas Instruments'
answers in its forum (threads 953168 and 994135)."""

DLP_LONGEST_US: dict[DlpController, int] = {DlpController.DLPC350: 200_000_000, DlpController.DLPC900: (1 << 24) - 1}
"""Longest exposure, µs: the DLP SDK's limit, and the 24 bits of the DLPC900's pattern definition (DLPU018)."""

DLPC350_GAP_US = 230
"""The DLPC350 needs this long to put the mirrors into the dark between two exposures (DLPU010, command 0x1A29)."""


class DlpProjectorConfig(ProjectorBase):
    """A Texas Instruments DLP projector on USB, which times its patterns to the microsecond."""

    driver: Literal["dlp"] = Field(description="Which driver talks to the projector.")
    controller: DlpController = Field(description="The controller: dlpc350 (LightCrafter 4500) or dlpc900 (6500, 9000).")
    link: str = Field(
        pattern=r"^(hid:[0-9a-fA-F]{4}:[0-9a-fA-F]{4}(:.+)?|unix:/.+)$",
        description="Where it is: 'hid:0451:6401' by USB vendor and product, 'hid:0451:6401:SERIAL' where there are several; "
        "'unix:/path' is the socket of an emulated one.",
    )
    exposure_us: int = Field(gt=0, description="Time that a pattern is lit, µs.")
    period_us: int = Field(gt=0, description="Time from one pattern's start to the next one's, µs; the exposure, or more where it is dark between.")
    bit_depth: Literal[1, 8] = Field(
        default=8,
        description="Bits of the deepest pattern: 8 for grey fringes; with 1 only black-and-white patterns are shown, and exposures can be short.",
    )
    trigger: DlpTrigger = Field(
        default=DlpTrigger.SOFTWARE, description="Who says when the next pattern comes: the station, the camera, or the projector, which is fastest."
    )
    led: DlpLed = Field(default=DlpLed.WHITE, description="Which LED lights the patterns.")
    manifest: Path | None = Field(
        default=None,
        description="What is in the flash of a dlpc350: the manifest.json that was written with the images; a relative path starts at the rig file.",
    )
    answer_timeout_s: float = Field(default=0.5, gt=0, le=1.0, description="Longest wait for an answer of the projector, seconds.")

    @property
    def plays(self) -> bool:
        """Whether it shows a series of patterns by itself and triggers the camera for each."""
        return self.trigger is DlpTrigger.TRIG_OUT

    def exposure_problem(self, camera_us: float) -> str | None:
        """What is wrong with a camera's exposure of grey patterns, in words; None where it fits.

        Mirrors know only on and off: a grey level is right only over a whole pattern. A camera that the projector does not trigger
        must expose for a whole number of periods; one on a trigger line for the whole exposure, and not into the next pattern.

        Args:
            camera_us: the camera's exposure, µs.
        """
        if self.bit_depth == 1 and self.exposure_us == self.period_us:
            return None
        if self.trigger is DlpTrigger.SOFTWARE:
            periods = max(1, round(camera_us / self.period_us))
            fits = abs(camera_us - periods * self.period_us) <= 0.005 * camera_us
            return None if fits else f"{camera_us:g} µs are not a whole number of the projector's periods of {self.period_us} µs"
        fits = self.exposure_us <= camera_us <= self.period_us
        return None if fits else f"{camera_us:g} µs are not from {self.exposure_us} to {self.period_us} µs, the projector's exposure and period"

    @model_validator(mode="after")
    def _controller_can_do_it(self) -> DlpProjectorConfig:
        sizes, shortest = DLP_SIZES[self.controller], DLP_SHORTEST_US[self.controller][self.bit_depth]
        if (self.width_px, self.height_px) not in sizes:
            raise ValueError(
                f"a {self.controller} shows {' or '.join(f'{w} x {h}' for w, h in sizes)} pixels, not {self.width_px} x {self.height_px}"
            )
        if (self.controller is DlpController.DLPC350) != (self.manifest is not None):
            raise ValueError("a dlpc350 needs 'manifest', the list of what is in its flash; a dlpc900 takes none, its patterns are uploaded")
        if not shortest <= self.exposure_us <= DLP_LONGEST_US[self.controller]:
            raise ValueError(
                f"exposure_us is {self.exposure_us}; a {self.controller} exposes {self.bit_depth}-bit patterns for "
                f"{shortest} to {DLP_LONGEST_US[self.controller]} µs"
            )
        return self

    @model_validator(mode="after")
    def _dark_time_fits(self) -> DlpProjectorConfig:
        dark = self.period_us - self.exposure_us
        if dark < 0:
            raise ValueError(f"period_us ({self.period_us}) is shorter than exposure_us ({self.exposure_us})")
        if self.controller is not DlpController.DLPC350:
            return self
        if 0 < dark < DLPC350_GAP_US:
            raise ValueError(f"exposure_us must equal period_us or be at least {DLPC350_GAP_US} µs shorter; it is {dark} µs shorter")
        if dark == 0 and self.trigger is not DlpTrigger.SOFTWARE:
            raise ValueError(
                f"with trigger '{self.trigger}' the dlpc350 is dark between patterns: make exposure_us {DLPC350_GAP_US} µs shorter than period_us, or more"
            )
        return self


class ScreenProjectorConfig(ProjectorBase):
    """Any projector that a computer sees as a display: a full-screen window shows the patterns."""

    driver: Literal["screen"] = Field(description="Which driver talks to the projector.")
    display: int = Field(default=0, ge=0, description="Number of the display, counted from 0; its resolution must be width_px x height_px.")
    x_display: str | None = Field(default=None, description="X server that has the display, for example ':0'; left out, the one of the environment.")
    latency_s: float = Field(
        default=0.025, ge=0, le=1, description="Wait from a window's change until the projector surely shows it, seconds; measure it for yours."
    )
    answer_timeout_s: float = Field(default=1.0, gt=0, le=1.5, description="Longest wait for the window to change, seconds.")


ProjectorConfig = Annotated[SimulatedProjector | ReplayProjector | DlpProjectorConfig | ScreenProjectorConfig, Field(discriminator="driver")]
