"""What is known of a rig: the schema of ``calibration.yaml``, and the one definition of a camera and a projector.

Both are pin-holes with Brown-Conrady distortion in OpenCV's convention: camera axes x right, y down, z forward; pixel
centres at integer coordinates; ``x_cam = R x_rig + t``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rig_configs.strict import Strict

Vector3 = tuple[float, float, float]
Matrix3 = tuple[Vector3, Vector3, Vector3]
Coefficients = Annotated[tuple[float, ...], Field(min_length=15, max_length=15)]


class Pinhole(Strict):
    """A calibrated pin-hole: a camera, or a projector as an inverse camera."""

    width_px: int = Field(gt=0, description="Columns.")
    height_px: int = Field(gt=0, description="Rows.")
    fx_px: float = Field(gt=0, description="Focal length along columns, pixels.")
    fy_px: float = Field(gt=0, description="Focal length along rows, pixels.")
    cx_px: float = Field(description="Principal point, column.")
    cy_px: float = Field(description="Principal point, row.")
    distortion: tuple[float, float, float, float, float] = Field(description="Brown-Conrady k1, k2, p1, p2, k3 in OpenCV's order.")
    rotation: Matrix3 = Field(description="R of x_device = R x_rig + t, row by row.")
    translation_mm: Vector3 = Field(description="t of x_device = R x_rig + t, mm.")

    @property
    def K(self) -> NDArray[np.float64]:  # noqa: N802 - the field's own name
        """Camera matrix, (3, 3) float64, pixels."""
        return np.array([[self.fx_px, 0, self.cx_px], [0, self.fy_px, self.cy_px], [0, 0, 1]], np.float64)

    @property
    def R(self) -> NDArray[np.float64]:  # noqa: N802
        """Rotation rig → device, (3, 3) float64."""
        return np.array(self.rotation, np.float64)

    @property
    def t(self) -> NDArray[np.float64]:
        """Translation rig → device, (3,) float64, mm."""
        return np.array(self.translation_mm, np.float64)

    @property
    def d(self) -> NDArray[np.float64]:
        """Distortion k1, k2, p1, p2, k3, (5,) float64."""
        return np.array(self.distortion, np.float64)

    @property
    def centre_mm(self) -> NDArray[np.float64]:
        """Centre of projection in the rig frame, (3,) float64, mm."""
        return -self.R.T @ self.t


class ProjectorCalibration(Pinhole):
    """A calibrated projector."""

    name: str = Field(description="Name of the projector in rig.yaml.")
    gamma: float = Field(
        default=1.0,
        ge=0.2,
        le=5,
        description="γ that its light still showed with rig.yaml's response undone; an inspection's fringe patterns undo it, too.",
    )


class ZoneCalibration(Strict):
    """A calibrated light zone: where it is, and how strongly a matt white reference plane answers to it."""

    name: str = Field(description="Name of the zone in rig.yaml.")
    position_mm: Vector3 = Field(description="Position of the zone's centre in the rig frame, mm.")
    flat_field: Coefficients = Field(
        description="Answer of the matt white reference plane, DN/ms above black, as a polynomial of degree 4 in the image: coefficients of "
        "u^i v^j for j = 0..4, i = 0..4-j (i fastest), u and v from -1 to 1 across columns and rows."
    )

    def flat_field_dn_per_ms(self, width_px: int, height_px: int) -> NDArray[np.float32]:
        """The flat field on a pixel grid, (H, W) float32, DN/ms."""
        v, u = np.meshgrid(np.linspace(-1, 1, height_px), np.linspace(-1, 1, width_px), indexing="ij")
        out = np.zeros((height_px, width_px))
        k = 0
        for j in range(5):
            for i in range(5 - j):
                out += self.flat_field[k] * u**i * v**j
                k += 1
        return out.astype(np.float32)


class Residuals(Strict):
    """How well the calibration explains captures it was, and was not, made of."""

    camera_rms_px: float = Field(ge=0, description="RMS reprojection error of board corners in the camera, pixels.")
    projector_rms_px: float = Field(ge=0, description="RMS reprojection error of board corners in the projectors, projector pixels.")
    held_out_rms_um: float = Field(ge=0, description="RMS distance of a triangulated board pose, which the fit did not see, from its plane, µm.")
    light_rms_deg: float = Field(ge=0, description="RMS angle between measured and modelled light directions, degrees.")
    flat_field_rms_percent: float = Field(ge=0, description="RMS residual of the flat-field polynomials, per cent.")


class DeviceUncertainty(Strict):
    """Standard deviations of a device's calibrated parameters, from the noise of the captures."""

    name: str = Field(description="'camera', or the projector's name in rig.yaml.")
    focal_px: float = Field(ge=0, description="Focal length, pixels. Trades against the distance: large does not mean that points are wrong.")
    principal_point_px: float = Field(ge=0, description="Principal point, pixels. Trades against the pointing.")
    position_um: Vector3 = Field(description="Centre of projection along x, y, z, µm.")
    pointing_mdeg: float = Field(ge=0, description="Direction of the optical axis, thousandths of a degree.")


class Uncertainty(Strict):
    """What the noise of the captures leaves open in the geometry."""

    devices: tuple[DeviceUncertainty, ...] = Field(description="The camera, then the projectors in the rig's order.")
    height_median_um: float = Field(
        ge=0, description="By how much the calibration alone may put a height on the reference plane off, median over the field, 1 σ, µm."
    )
    height_max_um: float = Field(ge=0, description="The same where it is largest, µm.")


class Calibration(Strict):
    """Everything measured about one rig."""

    rig: str = Field(description="Name of the rig this belongs to.")
    calibration_id: str = Field(min_length=1, description="Identity of this calibration; stored with every inspection.")
    created: datetime = Field(description="When it was made.")
    is_simulated: bool = Field(description="Whether the captures it was made of came from a simulation.")
    camera: Pinhole = Field(description="The camera.")
    projectors: tuple[ProjectorCalibration, ...] = Field(description="The projectors, in the rig's order.")
    zones: tuple[ZoneCalibration, ...] = Field(description="The light zones, in the rig's order.")
    black_level_dn: float = Field(ge=0, description="Mean of the dark image, digital numbers.")
    white_balance: Vector3 = Field(description="Gains of red, green and blue that make the matt white plane grey; green is 1.")
    residuals: Residuals = Field(description="How well it fits.")
    uncertainty: Uncertainty | None = Field(default=None, description="Standard deviations of the geometry; none for one from elsewhere.")
    inputs_sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 over the captures it was made of.")
