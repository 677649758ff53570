"""What a zone light is, for each driver that can talk to its controller."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

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


class SerialProtocolBase(Strict, ABC):
    """What a family of serial light controllers can do; checked before anything is sent."""

    default_baud: ClassVar[int]
    channel_numbers: ClassVar[range]
    top_intensity: ClassVar[int] = 255
    """Largest intensity of a steady light, in the controller's own steps."""
    top_flash_intensity: ClassVar[int] = 255
    """Largest intensity of a flash."""

    @abstractmethod
    def objection_to(self, intensity: int, strobe: Strobe | None) -> str | None:
        """Why the controller could not do this, None where it can. What the LED bears is another matter."""


class CcsProtocol(SerialProtocolBase):
    """The '@' family: CCS, VS Technology, Wordop and others."""

    name: Literal["ccs"] = Field(description="The controller's protocol.")
    unit: int = Field(default=0, ge=0, le=99, description="The controller's unit number, where several share a line.")
    answer_checksum: bool = Field(
        default=True, description="Whether answers carry unit number and checksum, as commands do. Set false for a controller that stops after 'O'."
    )
    strobe_preset: int | None = Field(
        default=None, ge=1, le=10, description="Strobe only: which of the controller's ten flash widths is nearest to pulse_us; see its manual."
    )

    default_baud: ClassVar[int] = 38400
    channel_numbers: ClassVar[range] = range(100)

    def objection_to(self, intensity: int, strobe: Strobe | None) -> str | None:
        """Flash widths are presets; there is no delay."""
        if strobe is None:
            return None if self.strobe_preset is None else "strobe_preset is for mode strobe; remove it, or choose that mode"
        if self.strobe_preset is None:
            return "the '@' family flashes by presets; give protocol.strobe_preset, from 1 to 10, and pulse_us as the manual says it"
        return "the '@' family has no strobe delay; set delay_us to 0" if strobe.delay_us else None


class GardasoftProtocol(SerialProtocolBase):
    """Gardasoft RT controllers."""

    name: Literal["gardasoft"] = Field(description="The controller's protocol.")

    default_baud: ClassVar[int] = 115200
    channel_numbers: ClassVar[range] = range(1, 9)
    top_intensity: ClassVar[int] = 100
    top_flash_intensity: ClassVar[int] = 1000
    # Intensity up to, longest flash in µs, largest duty: what the RT's manual allows. The controller ignores triggers that come too fast,
    # and a frame would be dark.
    flash_limits: ClassVar[tuple[tuple[int, int, float], ...]] = (
        (100, 999_000, 1.0),
        (200, 30_000, 0.3),
        (300, 10_000, 0.2),
        (500, 2_000, 0.1),
        (1000, 1_000, 0.05),
    )

    def objection_to(self, intensity: int, strobe: Strobe | None) -> str | None:
        """Flashes brighter than the rating are short and rare."""
        if strobe is None:
            return None
        pulse_us, duty = next((pulse, duty) for top, pulse, duty in self.flash_limits if intensity <= top)
        if strobe.pulse_us > pulse_us or strobe.duty > duty:
            return (
                f"at {intensity} % a Gardasoft RT allows flashes of {pulse_us} µs and a duty of {duty:.0%}, "
                f"not {strobe.pulse_us} µs and {strobe.duty:.1%}; dim it, or flash shorter or more rarely"
            )
        return None


class DollarProtocol(SerialProtocolBase):
    """The family of eight-byte commands that begin with '$'."""

    name: Literal["dollar"] = Field(description="The controller's protocol.")
    expect_answer: bool = Field(
        default=True,
        description="Whether the controller answers '$' or '&'. Where it is silent, set false: then nothing is checked, and a fault shows in the frames.",
    )

    default_baud: ClassVar[int] = 9600
    channel_numbers: ClassVar[range] = range(1, 10)

    def objection_to(self, intensity: int, strobe: Strobe | None) -> str | None:
        """There is no strobe."""
        return None if strobe is None else "the '$' family cannot flash; choose mode continuous"


class TmsProtocol(SerialProtocolBase):
    """TMS Lite LC-18 controllers."""

    name: Literal["tms"] = Field(description="The controller's protocol.")
    board: int = Field(default=0, ge=0, le=9, description="Address of the slave board that the light is plugged into.")

    default_baud: ClassVar[int] = 115200
    channel_numbers: ClassVar[range] = range(1, 5)

    def objection_to(self, intensity: int, strobe: Strobe | None) -> str | None:
        """Flashes last multiples of 10 µs up to 99.99 ms; there is no delay."""
        if strobe is None:
            return None
        if strobe.delay_us:
            return "TMS Lite LC-18-SQ has no strobe delay; set delay_us to 0"
        fits = strobe.pulse_us % 10 == 0 and strobe.pulse_us <= 99_990
        return None if fits else "TMS Lite flashes last from 10 to 99990 µs in steps of 10; choose such a pulse_us"


class Continuous(Strict):
    """A zone that is on shines until it is turned off."""

    kind: Literal["continuous"] = Field(default="continuous", description="How a zone shines.")


class Strobe(Strict):
    """A zone that is on flashes once at each trigger of the controller, wired to the camera's strobe output."""

    kind: Literal["strobe"] = Field(description="How a zone shines.")
    pulse_us: int = Field(ge=1, le=999_000, description="Duration of a flash, µs.")
    delay_us: int = Field(default=0, ge=0, le=999_000, description="Time from the trigger to the flash, µs.")
    period_us: int = Field(ge=1, description="Shortest time from one trigger to the next, µs: a frame's time of the camera, or more.")

    @property
    def duty(self) -> float:
        """Largest share of the time that a zone is lit."""
        return self.pulse_us / self.period_us

    @model_validator(mode="after")
    def _one_flash_ends_before_the_next(self) -> Strobe:
        if self.delay_us + self.pulse_us > self.period_us:
            raise ValueError("delay_us and pulse_us must fit into period_us; shorten the flash, or trigger more rarely")
        return self


class LedLimits(Strict):
    """What the LEDs of a zone bear, from their data sheet."""

    rated_intensity: int | None = Field(
        default=None,
        ge=1,
        description="Largest intensity that they bear for ever, in the controller's steps; left out, it is 255, of Gardasoft 100 %.",
    )
    overdrive_pulse_us: int | None = Field(default=None, ge=1, description="Longest flash above the rated intensity, µs.")
    overdrive_duty_percent: float | None = Field(default=None, gt=0, lt=100, description="Largest share of the time above it, per cent.")

    def objection_to(self, intensity: int, rated: int, strobe: Strobe | None) -> str | None:
        """Why the LEDs would not bear it, None where they do; ``rated`` is the rating in the controller's steps."""
        if intensity <= rated:
            return None
        if strobe is None:
            return f"intensity {intensity} is above the LED's rating of {rated} and would burn it; dim it, or choose mode strobe"
        if self.overdrive_pulse_us is None or self.overdrive_duty_percent is None:
            return (
                f"intensity {intensity} is above the LED's rating of {rated}; "
                "give limits.overdrive_pulse_us and limits.overdrive_duty_percent from its data sheet"
            )
        if strobe.pulse_us > self.overdrive_pulse_us:
            return f"a flash of {strobe.pulse_us} µs is longer than the overdriven LED bears, {self.overdrive_pulse_us} µs; shorten pulse_us"
        if 100 * strobe.duty > self.overdrive_duty_percent:
            return (
                f"a duty of {strobe.duty:.1%} is more than the overdriven LED bears, {self.overdrive_duty_percent:g} %; "
                "shorten pulse_us, or lengthen period_us"
            )
        return None


class LightChannel(Strict):
    """The controller's channel that a zone is plugged into."""

    channel: int = Field(ge=0, description="Number of the channel, as the controller counts.")
    intensity: int = Field(ge=1, description="How bright, in the controller's own steps: 1 to 255, of Gardasoft per cent of the light's rating.")
    limits: LedLimits = Field(default=LedLimits(), description="What the zone's LEDs bear.")


class SerialLightsConfig(LightsBase):
    """Zones behind a controller on a serial line."""

    driver: Literal["serial"] = Field(description="Which driver talks to the light controller.")
    port: str = Field(min_length=1, description="The serial port; a name under /dev/serial/by-id stays the same over restarts.")
    protocol: Annotated[CcsProtocol | GardasoftProtocol | DollarProtocol | TmsProtocol, Field(discriminator="name")] = Field(
        description="What the controller understands."
    )
    baud: Literal[9600, 19200, 38400, 57600, 115200] | None = Field(
        default=None, description="Bits a second; left out, it is what the protocol's controllers are delivered with."
    )
    channels: tuple[LightChannel, ...] = Field(description="The channel of each zone, in the order of the zones.")
    mode: Annotated[Continuous | Strobe, Field(discriminator="kind")] = Field(default=Continuous(), description="How a zone shines.")
    answer_timeout_ms: int = Field(default=100, ge=5, le=200, description="Longest silence before an answer counts as missing, ms.")
    attempts: int = Field(default=3, ge=1, le=5, description="How often a command is sent before the controller counts as lost.")

    @property
    def strobe(self) -> Strobe | None:
        """How zones flash, None where they shine steadily."""
        return self.mode if isinstance(self.mode, Strobe) else None

    @property
    def baud_rate(self) -> int:
        """Bits a second on the line."""
        return self.baud or self.protocol.default_baud

    @model_validator(mode="after")
    def _channels_fit(self) -> SerialLightsConfig:
        if len(self.channels) != len(self.zones):
            raise ValueError(f"{len(self.zones)} zones have {len(self.channels)} channels; give channels one entry for each zone, in their order")
        numbers = [c.channel for c in self.channels]
        if len(set(numbers)) < len(numbers):
            raise ValueError("two zones have the same channel; give each its own")
        for zone, channel in zip(self.zones, self.channels, strict=True):
            if objection := self._objection_to(channel):
                raise ValueError(f"zone '{zone.name}': {objection}")
        return self

    def _objection_to(self, channel: LightChannel) -> str | None:
        protocol, strobe = self.protocol, self.strobe
        known = protocol.channel_numbers
        if channel.channel not in known:
            return f"there is no channel {channel.channel}; the protocol's channels are {known.start} to {known.stop - 1}"
        top = protocol.top_intensity if strobe is None else protocol.top_flash_intensity
        if channel.intensity > top:
            return f"intensity {channel.intensity} is more than the controller knows; the largest is {top}"
        rated = channel.limits.rated_intensity or protocol.top_intensity
        return protocol.objection_to(channel.intensity, strobe) or channel.limits.objection_to(channel.intensity, rated, strobe)


LightsConfig = Annotated[SimulatedLights | ReplayLights | SerialLightsConfig, Field(discriminator="driver")]
