"""What a camera is, for each driver that can talk to one."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from rig_configs.strict import Strict


class PixelFormat(StrEnum):
    """Pixel formats by their GenICam PFNC names. 10 and 12 bit formats are stored right-aligned in 16 bits."""

    MONO8 = "Mono8"
    MONO10 = "Mono10"
    MONO12 = "Mono12"
    MONO16 = "Mono16"
    BAYER_RG8 = "BayerRG8"
    BAYER_RG10 = "BayerRG10"
    BAYER_RG12 = "BayerRG12"
    BAYER_GB8 = "BayerGB8"
    BAYER_GB10 = "BayerGB10"
    BAYER_GB12 = "BayerGB12"
    BAYER_GR8 = "BayerGR8"
    BAYER_GR10 = "BayerGR10"
    BAYER_GR12 = "BayerGR12"
    BAYER_BG8 = "BayerBG8"
    BAYER_BG10 = "BayerBG10"
    BAYER_BG12 = "BayerBG12"
    RGB8 = "RGB8"

    @property
    def bits(self) -> int:
        """Bits a pixel, of RGB a channel."""
        return next(bits for bits in (16, 12, 10, 8) if self.value.endswith(str(bits)))

    @property
    def is_bayer(self) -> bool:
        """Whether a pixel sees one of three colours through a mosaic."""
        return self.value.startswith("Bayer")

    @property
    def is_rgb(self) -> bool:
        """Whether a frame has three channels a pixel, (H, W, 3)."""
        return self.value.startswith("RGB")

    @property
    def full_scale_dn(self) -> int:
        """The largest value a pixel can have, in digital numbers."""
        return (1 << self.bits) - 1


class WireFormat(StrEnum):
    """How a GenICam camera sends its pixels, by PFNC names: a trailing ``p`` packs them without gaps, least significant bit first."""

    MONO8 = "Mono8"
    MONO10 = "Mono10"
    MONO10P = "Mono10p"
    MONO12 = "Mono12"
    MONO12P = "Mono12p"
    MONO16 = "Mono16"
    BAYER_RG8 = "BayerRG8"
    BAYER_RG10 = "BayerRG10"
    BAYER_RG10P = "BayerRG10p"
    BAYER_RG12 = "BayerRG12"
    BAYER_RG12P = "BayerRG12p"
    BAYER_GB8 = "BayerGB8"
    BAYER_GB10 = "BayerGB10"
    BAYER_GB10P = "BayerGB10p"
    BAYER_GB12 = "BayerGB12"
    BAYER_GB12P = "BayerGB12p"
    BAYER_GR8 = "BayerGR8"
    BAYER_GR10 = "BayerGR10"
    BAYER_GR10P = "BayerGR10p"
    BAYER_GR12 = "BayerGR12"
    BAYER_GR12P = "BayerGR12p"
    BAYER_BG8 = "BayerBG8"
    BAYER_BG10 = "BayerBG10"
    BAYER_BG10P = "BayerBG10p"
    BAYER_BG12 = "BayerBG12"
    BAYER_BG12P = "BayerBG12p"
    RGB8 = "RGB8"

    @property
    def pixel_format(self) -> PixelFormat:
        """The same pixels as the rest of the station sees them, right-aligned in 8 or 16 bits."""
        return PixelFormat(self.value.removesuffix("p"))

    @property
    def is_packed(self) -> bool:
        """Whether pixels share bytes."""
        return self.value.endswith("p")

    @property
    def bits_per_pixel(self) -> int:
        """Bits that a pixel, of RGB all of it, takes on the wire."""
        seen = self.pixel_format
        return 24 if seen.is_rgb else seen.bits if self.is_packed or seen.bits == 8 else 16

    @property
    def family(self) -> str:
        """``mono``, ``bayer`` or ``rgb``: what the sensor must be."""
        seen = self.pixel_format
        return "rgb" if seen.is_rgb else "bayer" if seen.is_bayer else "mono"

    @property
    def pfnc(self) -> int:
        """The format's number in the Pixel Format Naming Convention (PFNC 2.4): colour or not, bits a pixel, and a running number."""
        colour = 0x0200_0000 if self.pixel_format.is_rgb else 0x0100_0000
        return colour | self.bits_per_pixel << 16 | _PFNC_NUMBERS[self.value]


_PFNC_NUMBERS = {
    "Mono8": 0x01, "Mono10": 0x03, "Mono10p": 0x46, "Mono12": 0x05, "Mono12p": 0x47, "Mono16": 0x07, "RGB8": 0x14,
    "BayerGR8": 0x08, "BayerRG8": 0x09, "BayerGB8": 0x0A, "BayerBG8": 0x0B,
    "BayerGR10": 0x0C, "BayerRG10": 0x0D, "BayerGB10": 0x0E, "BayerBG10": 0x0F,
    "BayerGR12": 0x10, "BayerRG12": 0x11, "BayerGB12": 0x12, "BayerBG12": 0x13,
    "BayerBG10p": 0x52, "BayerGB10p": 0x54, "BayerGR10p": 0x56, "BayerRG10p": 0x58,
    "BayerBG12p": 0x53, "BayerGB12p": 0x55, "BayerGR12p": 0x57, "BayerRG12p": 0x59,
}  # fmt: skip


class TriggerSource(StrEnum):
    """What starts the exposure of a step that the station commands."""

    NONE = "none"
    """Nothing: the camera runs freely, and the first frame that surely began after the light was set is taken."""
    SOFTWARE = "software"


class TriggerLine(StrEnum):
    """An input of the camera."""

    LINE0 = "line0"
    LINE1 = "line1"
    LINE2 = "line2"
    LINE3 = "line3"


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


# The simulated sensor has one mosaic and at most 12 bits.
SIMULATED_FORMATS = tuple(f for f in PixelFormat if f.bits <= 12 and (not f.is_bayer or f.value.startswith("BayerRG")))


class SimulatedCamera(CameraBase):
    """A camera that looks at the simulated bench."""

    driver: Literal["simulated"] = Field(description="Which driver talks to the camera.")

    @model_validator(mode="after")
    def _is_made(self) -> SimulatedCamera:
        if self.pixel_format not in SIMULATED_FORMATS:
            raise ValueError(f"the simulated sensor gives {', '.join(SIMULATED_FORMATS)}, not {self.pixel_format}")
        return self


class ReplayCamera(CameraBase):
    """A camera that gives back the frames of a saved capture."""

    driver: Literal["replay"] = Field(description="Which driver talks to the camera.")
    capture: Path = Field(description="Folder of the saved capture; a relative path starts at the rig file.")


_OWNED_NODES = frozenset(
    {"Width", "Height", "OffsetX", "OffsetY", "PixelFormat", "ExposureTime", "Gain", "TriggerMode", "TriggerSource", "AcquisitionMode"}
)


class GenicamCamera(CameraBase):
    """A real camera, through its maker's GenTL producer. It is chosen by what it says of itself, never by its place in a list."""

    driver: Literal["genicam"] = Field(description="Which driver talks to the camera.")
    producer: Path | None = Field(
        default=None, description="The maker's GenTL producer, a .cti file; left out, every one on GENICAM_GENTL64_PATH is searched."
    )
    serial: str | None = Field(default=None, min_length=1, description="Serial number of the camera.")
    user_id: str | None = Field(default=None, min_length=1, description="Name given to the camera with its maker's tool (DeviceUserID).")
    model: str | None = Field(default=None, min_length=1, description="Model name of the camera; enough where there is one of it.")
    trigger: TriggerSource = Field(
        default=TriggerSource.SOFTWARE,
        description="What starts an exposure that the station commands: 'software', or 'none' where the camera has no trigger.",
    )
    trigger_line: TriggerLine | None = Field(
        default=None, description="The input that TRIG_OUT_1 of projectors with trigger 'trig_out' is wired to: it starts their exposures."
    )
    wire_format: WireFormat | None = Field(
        default=None, description="How pixels travel, such as Mono12p for a pixel_format of Mono12; left out, as pixel_format is named."
    )
    offset_x_px: int = Field(default=0, ge=0, description="First image column on the sensor.")
    offset_y_px: int = Field(default=0, ge=0, description="First image row on the sensor.")
    fixed_exposure_us: float | None = Field(
        default=None, gt=0, description="For a camera whose exposure cannot be set: what it always is, µs; the sequence must ask for the same."
    )
    nodes: dict[str, bool | int | float | str] = Field(
        default={},
        description="Further nodes of the camera by name, written in this order before all others at each scan and read back; true runs a command.",
    )
    buffers: int | None = Field(default=None, ge=3, le=4096, description="Frame buffers; left out, two more than the burst, as memory allows.")

    @property
    def on_wire(self) -> WireFormat:
        """How pixels travel."""
        return self.wire_format or WireFormat(self.pixel_format.value)

    @model_validator(mode="after")
    def _is_chosen(self) -> GenicamCamera:
        if not (self.serial or self.user_id or self.model):
            raise ValueError("a genicam camera needs 'serial', 'user_id' or 'model'; rig check lists what is there")
        if self.on_wire.pixel_format is not self.pixel_format:
            raise ValueError(f"wire_format {self.on_wire} gives {self.on_wire.pixel_format} pixels, pixel_format says {self.pixel_format}")
        if owned := sorted(self.nodes.keys() & _OWNED_NODES):
            raise ValueError(f"nodes names {', '.join(owned)}, which the camera's other fields and the sequence set; leave it out")
        return self


CameraConfig = Annotated[SimulatedCamera | ReplayCamera | GenicamCamera, Field(discriminator="driver")]
