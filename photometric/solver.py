"""The photometric solver: an accumulator of a scan's light frames."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from photometric.camera import pixel_pitch_mm
from photometric.cast_shadows import cast_shadows
from photometric.four_lights import solve_four_lights
from photometric.integration import integrate_normals
from photometric.kernels import solve_images
from photometric.light_model import LightTables, light_tables
from photometric.pseudo3d import pseudo3d_image
from photometric.result import PhotometricResult
from photometric.streaming import empty_aligned, streamable
from rig_configs.calibration import Calibration
from rig_configs.errors import ReconstructionError

LEAST_SIGNAL = 1 / 1024
"""A light that adds less than this share of full scale to a pixel tells nothing of it."""

Luminance = NDArray[Any]


class PhotometricSolver:
    """Takes the frames of a scan as they arrive, and gives normals, albedo and relative height at the end.

    The solver keeps references to the images, not copies: do not write to them before :meth:`solve` has returned. One solver
    serves one scan at a time; :meth:`reset` makes it ready for the next. Building one samples the light model, so keep it.

    Args:
        calibration: the rig's calibration.
        saturation_dn: digital number at and above which a pixel is saturated.
        near_light: light directions of every pixel from the zones' positions; else the paper's constant directions, taken at
            the middle of the field.

    Raises:
        ReconstructionError: the calibration's zones cannot tell slopes.
    """

    def __init__(self, calibration: Calibration, saturation_dn: int, *, near_light: bool = True) -> None:
        self._calibration = calibration
        self._saturation_dn = float(saturation_dn)
        self._near_light = near_light
        self._shape = (calibration.camera.height_px, calibration.camera.width_px)
        self._tables = light_tables(calibration, near=near_light)
        self._zones: dict[int, tuple[Luminance, float]] = {}
        self._ambient: tuple[Luminance, float] | None = None
        self._excluded: NDArray[np.uint16] | None = None

    def reset(self) -> None:
        """Forget every frame."""
        self._zones = {}
        self._ambient = None
        self._excluded = None

    def add_ambient(self, luminance: Luminance, exposure_us: float) -> None:
        """Take the frame with every light off. Without one, only the black level is subtracted.

        Args:
            luminance: (H, W) uint8, uint16 or float32, DN with black level.
            exposure_us: its exposure, µs; it may differ from the zones' exposures.

        Raises:
            ReconstructionError: wrong shape or type, or a second ambient frame.
        """
        if self._ambient is not None:
            raise ReconstructionError("A second ambient frame was given.", cure="Reset the solver before the next scan's frames.", detail="duplicate")
        self._ambient = (self._checked(luminance, exposure_us, "the ambient frame"), exposure_us)

    def add(self, zone: int, luminance: Luminance, exposure_us: float, saturated: NDArray[np.bool_] | None = None) -> None:
        """Take the frame of one light zone.

        Args:
            zone: index of the zone in the calibration.
            luminance: (H, W) uint8, uint16 or float32, DN with black level.
            exposure_us: its exposure, µs.
            saturated: (H, W) bool, pixels to leave out beside those whose luminance is saturated (a colour that clipped).

        Raises:
            ReconstructionError: no such zone, a zone given twice, wrong shape or type.
        """
        names = [z.name for z in self._calibration.zones]
        if not 0 <= zone < len(names):
            raise ReconstructionError(
                f"Light zone {zone} is not in the calibration, which has zones 0 to {len(names) - 1}.",
                cure="Calibrate the rig with all its zones.",
                detail="unknown_zone",
            )
        if zone in self._zones:
            raise ReconstructionError(
                f"Zone '{names[zone]}' was given twice.", cure="Reset the solver before the next scan's frames.", detail="duplicate"
            )
        image = self._checked(luminance, exposure_us, f"the frame of zone '{names[zone]}'")
        if saturated is not None:
            self._check_shape(saturated, f"the saturation mask of zone '{names[zone]}'")
            if self._excluded is None:
                self._excluded = np.zeros(self._shape, np.uint16)
            self._excluded |= saturated.astype(np.uint16) << np.uint16(zone)
        self._zones[zone] = (image, exposure_us)

    def solve(self, height_mm: NDArray[np.float32] | None = None, into: PhotometricResult | None = None) -> PhotometricResult:
        """Solve the frames given so far.

        Args:
            height_mm: (H, W) height of the surface above the reference plane, mm, NaN where unknown (taken as 0): corrects light
                directions and distances of a tall part, and with four lights tells where to expect their shadows.
            into: an earlier result of the same size that is no longer needed; its arrays are written anew and returned.

        Returns:
            Normals, albedo, relative height, residual, validity and pseudo-3D picture.

        Raises:
            ReconstructionError: a zone's frame is missing, or the frames' types differ.
        """
        zones = self._calibration.zones
        missing = [zone.name for k, zone in enumerate(zones) if k not in self._zones]
        if missing:
            raise ReconstructionError(
                f"The frame of light zone {', '.join(missing)} is missing.", cure="Scan the part again.", detail="missing_zones"
            )
        result = into if into is not None else empty_result(self._shape)
        self._check_shape(result.albedo, "the result to write into")
        solve_into(
            [self._zones[k] for k in range(len(zones))],
            self._ambient,
            self._excluded,
            height_mm,
            self._tables,
            self._calibration,
            self._saturation_dn,
            result,
            near_light=self._near_light,
        )
        camera = self._calibration.camera
        integrate_normals(result.normals, result.valid, pixel_pitch_mm(camera), float(camera.centre_mm[2]), out=result.height_mm)
        pseudo3d_image(result.normals, out=result.pseudo3d)
        return result

    def _checked(self, luminance: Luminance, exposure_us: float, what: str) -> Luminance:
        self._check_shape(luminance, what)
        if luminance.dtype not in (np.uint8, np.uint16, np.float32):
            raise ReconstructionError(f"{what} is of type {luminance.dtype}.", cure="Give uint8, uint16 or float32.", detail="type")
        if not exposure_us > 0:
            raise ReconstructionError(f"{what} has an exposure of {exposure_us} µs.", cure="Give the exposure that was used.", detail="exposure")
        return np.ascontiguousarray(luminance)

    def _check_shape(self, image: NDArray[Any], what: str) -> None:
        if image.shape != self._shape:
            raise ReconstructionError(
                f"{what} is of shape {image.shape}; the calibrated camera has {self._shape}.",
                cure="Scan with the camera that was calibrated, at the same region of interest.",
                detail="shape",
            )


def solve_into(
    frames: list[tuple[Luminance, float]],
    ambient: tuple[Luminance, float] | None,
    excluded: NDArray[np.uint16] | None,
    height_mm: NDArray[np.float32] | None,
    tables: LightTables,
    calibration: Calibration,
    saturation_dn: float,
    result: PhotometricResult,
    *,
    near_light: bool,
) -> None:
    """The fused part of :meth:`PhotometricSolver.solve`: normals, albedo, residual and validity, written into ``result``."""
    images = [image for image, _ in frames] + ([ambient[0]] if ambient is not None else [])
    if len({image.dtype for image in images}) > 1:
        raise ReconstructionError("The frames of a scan have different types.", cure="Give all of them in the same type.", detail="type")
    shaded, raised, top = np.empty((0, 0), np.uint8), tables, 1.0
    height = np.empty((0, 0), np.float32) if height_mm is None else np.ascontiguousarray(height_mm, np.float32)
    if height.size:
        if len(frames) == 4:
            shaded = np.zeros(height.shape, np.uint8)
            for k, zone in enumerate(calibration.zones):
                shaded |= cast_shadows(height, zone.position_mm, calibration.camera).view(np.uint8) << np.uint8(k)
        top = max(1.0, float(np.fmax.reduce(height, axis=None)))  # in this order NaN, unknown everywhere, gives 1
        raised = light_tables(calibration, z_mm=top, near=near_light)
    shared = (
        np.float32(calibration.black_level_dn),
        np.array([1e3 / exposure for _, exposure in frames], np.float32),
        np.float32(1e3 / ambient[1] if ambient is not None else 0.0),
        np.float32(saturation_dn),
        np.float32(saturation_dn * LEAST_SIGNAL),
        tables.cell_px,
        tables.transform,
        tables.lights,
    )
    lit = images[: len(frames)]
    dark = ambient[0] if ambient is not None else np.empty((0, 0), images[0].dtype)
    banned = excluded if excluded is not None else np.empty((0, 0), np.uint16)
    written = (result.normals, result.albedo, result.residual, result.valid_lights, result.valid)
    flat = tuple(array.reshape(-1) for array in written)
    if len(frames) == 4:
        solve_four_lights(
            result.albedo.shape[1], tuple(image.reshape(-1) for image in lit), dark.reshape(-1), banned.reshape(-1), shaded.reshape(-1), height.reshape(-1),
            np.float32(1 / top), *shared,
            tables.spare, raised.transform - tables.transform, flat[0], flat[1], flat[2], flat[3], flat[4],
            streamable(result.albedo.shape[1], tables.cell_px, *written[:3]),
        )  # fmt: skip
    else:
        relief = np.nan_to_num(height / np.float32(top), nan=0.0)
        solve_images(
            tuple(lit), dark, banned, relief, *shared, raised.transform - tables.transform, raised.lights - tables.lights,
            np.float32(tables.least_check), *written,
        )  # fmt: skip


def empty_result(shape: tuple[int, int]) -> PhotometricResult:
    """Arrays for a result of an image of this shape, not yet written."""
    return PhotometricResult(
        normals=empty_aligned((*shape, 3), np.float32),
        albedo=empty_aligned(shape, np.float32),
        height_mm=np.empty(shape, np.float32),
        residual=empty_aligned(shape, np.float32),
        valid_lights=np.empty(shape, np.uint8),
        valid=np.empty(shape, np.bool_),
        pseudo3d=np.empty((*shape, 3), np.uint8),
    )
