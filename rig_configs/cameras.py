"""What a camera is, for each driver that can talk to one."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

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
