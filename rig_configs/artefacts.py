"""What a rig is calibrated and accepted with."""

from __future__ import annotations

from pydantic import Field

from rig_configs.strict import Strict


class BoardConfig(Strict):
    """The ChArUco board that camera and projectors are calibrated with."""

    columns: int = Field(ge=4, le=100, description="Chessboard squares along the board's x.")
    rows: int = Field(ge=4, le=100, description="Chessboard squares along the board's y.")
    square_mm: float = Field(gt=0, description="Side of a square, mm.")
    marker_mm: float = Field(gt=0, description="Side of the ArUco marker in a white square, mm.")
    dictionary: str = Field(pattern=r"^DICT_\w+$", description="OpenCV's name of the ArUco dictionary.")


class BallBarConfig(Strict):
    """Two matt spheres of one size at a known distance, by their certificate."""

    diameter_mm: float = Field(gt=0, description="Diameter of each sphere, mm.")
    spacing_mm: float = Field(gt=0, description="Distance between their centres, mm.")


class ArtefactsConfig(Strict):
    """What a rig is calibrated and accepted with, beside a matt white plate."""

    board: BoardConfig = Field(description="The ChArUco board.")
    sphere_diameter_mm: float = Field(gt=0, description="Diameter of the mirror sphere that finds the light zones, mm.")
    matt_sphere_diameter_mm: float = Field(default=8.0, gt=0, description="Diameter of the matt white sphere that finds the light zones, mm.")
    plate_spacers_mm: tuple[float, ...] = Field(
        default=(),
        description="Certified heights of the spacers that lift the matt white plate to find the light zones, mm, rising; two or more. "
        "Left out, the plate's heights are measured with the projectors.",
    )
    ball_bar: BallBarConfig = Field(default=BallBarConfig(diameter_mm=8.0, spacing_mm=20.0), description="The ball bar of the acceptance test.")
    step_mm: float = Field(default=2.0, gt=0, description="Height of the gauge block of the acceptance test, mm.")
