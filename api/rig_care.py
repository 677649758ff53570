"""Looking after the rig between inspections: preview, self-test, check of the calibration, captures, its files."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np

from acquisition import pixel_formats
from acquisition.capture import Capture, Frame
from acquisition.rig import nobody
from acquisition.sequence import AmbientStep, FringeStep, Sequence, ZoneStep
from api.calibrating import Calibrator, Guide
from api.pictures import encode
from api.recipe_files import write_text
from api.rig_files import configuration_of, report_file
from api.rig_timing import timing_of
from api.schemas import Reason
from api.schemas_recipes import RigSequence
from api.schemas_rig import (
    CalibratedDevice,
    CalibrationStatus,
    CaptureInfo,
    CheckedDevice,
    CheckedStep,
    DriftReport,
    RigConfiguration,
    ScanTiming,
    SelfTest,
)
from api.station import Station, unheard
from api.store.clock import now
from rig_configs.errors import Cancelled, Conflict, D3Error, NotFound, Unprocessable
from structured_light.drift import LIMIT_UM

DARK = "dark"
_PREVIEW_WIDTH = 1024
_CAPTURES = "/api/v1/rig/captures"
_REPORT = "/api/v1/rig/calibration/report.html"


class RigCare:
    """What engineers do with a rig.

    Args:
        station: whose rig.
        folder: folder of the rig's files; none where it has none.
        data_dir: where captures and the last check are kept.
        calibration_days: age from which a calibration is warned of.
    """

    def __init__(self, station: Station, folder: Path | None, data_dir: Path, calibration_days: float) -> None:
        self._station = station
        self._folder = folder
        self._captures = data_dir / "captures"
        self._last_check = data_dir / "calibration_check.json"
        self._calibration_days = calibration_days

    # ------------------------------------------------------------------------------------------------------ preview

    def lights(self) -> list[str]:
        """In what light a preview can be seen."""
        config = self._station.rig.config
        return [DARK, *(zone.name for zone in config.lights.zones), *(projector.name for projector in config.projectors)]

    def preview(self, light: str) -> bytes | None:
        """One frame as a JPEG, or none while the rig does something else; then all is dark again.

        Raises:
            NotFound: no such light.
            DeviceError: a device failed.
        """
        config = self._station.rig.config
        if light not in self.lights():
            raise NotFound(f"The rig has no light '{light}'.", cure=f"Choose one of: {', '.join(self.lights())}.", detail="light")
        if not self._station.on_rig.acquire(blocking=False):
            return None
        try:
            frame = self._frames(*self._steps_for(light))[-1]
        finally:
            self._station.on_rig.release()
        form, black = config.camera.pixel_format, self._station.calibration.black_level_dn
        linear = (pixel_formats.rgb(frame.pixels, form).astype(np.float32) - black) / (form.full_scale_dn - black)
        colour = 255 * np.clip(linear, 0, 1) ** (1 / 2.2)  # as screens want it; or a part would be all but black
        height, width = colour.shape[:2]
        share = min(1.0, _PREVIEW_WIDTH / width)
        small = cv2.resize(colour, (round(width * share), round(height * share)), interpolation=cv2.INTER_AREA)
        return encode(".jpg", np.clip(small, 0, 255).astype(np.uint8))

    def _steps_for(self, light: str) -> tuple[AmbientStep | ZoneStep | FringeStep, ...]:
        timing, zones = self._station.rig.config.sequence, len(self._station.rig.config.lights.zones)
        if light == DARK:
            return (AmbientStep(exposure_us=timing.light_exposure_us),)
        index = self.lights().index(light) - 1
        if index < zones:
            return (ZoneStep(zone=index, exposure_us=timing.light_exposure_us),)
        if not self._station.equipment.room.patterns()[index - zones]:
            raise Conflict(
                f"Projector '{light}' takes no part in the present recipe's sequence.",
                cure="Change over to a recipe that uses it.",
                detail="projector",
            )
        # Fringes, which it holds already. The rig compares them with a dark frame of before.
        exposure_us = timing.fringe_exposure_us * timing.fringes.exposure_factor(0)
        return AmbientStep(exposure_us=timing.ambient_exposure_us), FringeStep(projector=index - zones, pattern=0, exposure_us=exposure_us)

    def _frames(self, *steps: AmbientStep | ZoneStep | FringeStep) -> list[Frame]:
        # With the patterns that the projectors hold already, or the next inspection would have to load its own again.
        patterns = self._station.equipment.room.patterns()
        with closing(self._station.rig.scan(Sequence(steps, patterns), nobody)) as scan:
            return list(scan)

    # ---------------------------------------------------------------------------------------------------- self-test

    def self_test(self, progress: Callable[[float, str], None] = unheard, cancelled: Callable[[], bool] = nobody) -> SelfTest:
        """Ask every device what it is, let every zone shine, and see that all goes dark.

        Args:
            progress: told the share that is done and what is tried now.
            cancelled: asked before every step.

        Raises:
            Conflict: the rig does something else.
            Cancelled: between two steps; all is dark.
        """
        station, steps, devices = self._station, list[CheckedStep](), list[CheckedDevice]()

        def devices_answer() -> None:
            for info in station.rig.describe():
                devices.append(CheckedDevice(kind=info.kind, name=info.name, model=info.model, serial=info.serial, details=info.details))

        def zones_shine() -> None:
            exposure_us = station.rig.config.sequence.light_exposure_us
            zones = range(len(station.rig.config.lights.zones))
            self._frames(AmbientStep(exposure_us=exposure_us), *(ZoneStep(zone=zone, exposure_us=exposure_us) for zone in zones))

        def all_goes_dark() -> None:
            for problem in station.rig.safe():
                raise problem

        with self._on_rig():
            tried = (("devices answer", devices_answer), ("every zone shines", zones_shine), ("all goes dark", all_goes_dark))
            for number, (name, work) in enumerate(tried):
                if cancelled():
                    raise Cancelled("The self-test was stopped.", cure="Start it again when wanted.")
                progress(number / len(tried), name)
                steps.append(_tried(name, work))
        return SelfTest(is_ok=all(step.is_ok for step in steps), devices=devices, steps=steps)

    @contextmanager
    def _on_rig(self) -> Generator[None]:
        if not self._station.on_rig.acquire(blocking=False):
            raise Conflict("The rig is in use.", cure="Try again when the inspection is over.", detail="rig_in_use")
        try:
            yield
        finally:
            self._station.on_rig.release()

    # -------------------------------------------------------------------------------------------------- calibration

    def calibration(self) -> CalibrationStatus:
        """What is known of the rig, and whether it still holds."""
        calibration = self._station.calibration
        age_days = (now() - calibration.created).total_seconds() / 86_400
        check = self._checked(calibration.calibration_id)
        warnings: list[Reason] = []
        if age_days > self._calibration_days:
            warnings.append(
                Reason(
                    code="calibration.old",
                    message=f"The calibration is {age_days:.0f} days old.",
                    cure="Check it with the white plate; where it does not hold, calibrate the rig again.",
                )
            )
        if check is not None and not check.holds:
            who = ", ".join(check.drifted) or "the camera"
            warnings.append(
                Reason(
                    code="calibration.invalid.drifted",
                    message=f"The calibration no longer holds: {who} disagrees.",
                    cure="Check that device's mount, then calibrate the rig again: d3station calibrate all",
                )
            )
        residuals, uncertainty = calibration.residuals, calibration.uncertainty
        return CalibrationStatus(
            calibration_id=calibration.calibration_id,
            created=calibration.created,
            age_days=age_days,
            is_simulated=calibration.is_simulated,
            camera_rms_px=residuals.camera_rms_px,
            projector_rms_px=residuals.projector_rms_px,
            held_out_rms_um=residuals.held_out_rms_um,
            light_rms_deg=residuals.light_rms_deg,
            flat_field_rms_percent=residuals.flat_field_rms_percent,
            devices=[CalibratedDevice.model_validate(device.model_dump()) for device in uncertainty.devices] if uncertainty else [],
            made_from_sha256=calibration.inputs_sha256,
            warn_after_days=self._calibration_days,
            report_url=_REPORT if report_file(self._folder, calibration.calibration_id) else None,
            height_median_um=uncertainty.height_median_um if uncertainty else None,
            last_check=check,
            warnings=warnings,
        )

    def calibration_report(self) -> Path:
        """The report of the calibration in use, an HTML file. Raises NotFound."""
        found = report_file(self._folder, self._station.calibration.calibration_id)
        if found is None:
            raise NotFound(
                "No report of this calibration lies beside the rig's files.",
                cure="d3station calibrate writes calibration.html there; copy it beside calibration.yaml.",
                detail="calibration_report",
            )
        return found

    def check_calibration(self, ask: Callable[[str], None], progress: Callable[[float, str], None], cancelled: Callable[[], bool]) -> DriftReport:
        """Scan the white plate, and see whether the projectors agree on where it lies.

        Args:
            ask: asks a person for something, and waits until it is done; not used where a simulated bench's hand does it.
            progress: told the share that is done and what is done now.
            cancelled: asked before every frame.

        Raises:
            ReconstructionError: the plate is not measured.
            DeviceError, Cancelled: from the scan.
        """
        lay = self._station.equipment.lay_plate
        if lay is None:
            ask("Lay the matt white plate on the reference plane, then continue.")
        with self._station.on_rig:
            calibration = self._station.calibration
            guide = cast("Guide", _Plate(lay or _laid))
            drift = Calibrator(self._station.rig, guide, progress, cancelled).check(calibration)
            names = [projector.name for projector in self._station.rig.config.projectors]
        report = DriftReport(
            at=now(),
            calibration_id=calibration.calibration_id,
            holds=drift.holds,
            limit_um=LIMIT_UM,
            projectors_um=dict(zip(names, drift.projectors_um, strict=True)),
            drifted=[names[index] for index in drift.drifted],
            flatness_um=drift.flatness_um,
        )
        write_text(self._last_check, report.model_dump_json())
        return report

    def _checked(self, calibration_id: str) -> DriftReport | None:
        try:
            report = DriftReport.model_validate_json(self._last_check.read_bytes())
        except (OSError, ValueError):
            return None
        return report if report.calibration_id == calibration_id else None

    # ----------------------------------------------------------------------------------------------------- captures

    def refuse_taken(self, name: str) -> None:
        """Raises Conflict for the name of a capture that is kept."""
        if (self._captures / name).exists():
            raise Conflict(f"There is a capture '{name}' already.", cure="Choose another name.", detail="capture")

    def capture(self, name: str, progress: Callable[[float, str], None] = unheard, cancelled: Callable[[], bool] = nobody) -> CaptureInfo:
        """Capture what lies on the rig, and keep it.

        Args:
            name: its name.
            progress: told the share that is done and which frame has come.
            cancelled: asked before every frame.

        Raises:
            Conflict: there is one of this name, or the rig does something else.
            DeviceError, Cancelled: from the scan; nothing is kept.
        """
        self.refuse_taken(name)
        folder = self._captures / name
        with self._on_rig(), self._station.equipment.room.lend(RigSequence()) as reconstructor:
            count = len(reconstructor.sequence)
        with self._on_rig():
            for number, frame in enumerate(self._station.frames(cancelled, keep=folder)):
                progress((number + 1) / count, frame.step.key)
        return _info(folder)

    def captures(self) -> list[CaptureInfo]:
        """The captures that are kept, newest first."""
        folders = self._captures.iterdir() if self._captures.is_dir() else ()
        found = [_info(folder) for folder in folders if folder.is_dir() and not folder.name.endswith(".partial")]
        return sorted(found, key=lambda info: info.created, reverse=True)

    def capture_folder(self, name: str) -> Path:
        """Where a capture is. Raises NotFound."""
        if name not in {info.name for info in self.captures()}:
            raise NotFound(f"There is no capture '{name}'.", cure="GET /api/v1/rig/captures lists them.", detail="capture")
        return self._captures / name

    # ------------------------------------------------------------------------------------------------ configuration

    def reload(self) -> None:
        """Read the rig's files again; see :meth:`api.station.Station.reload`."""
        self._station.reload()

    def configuration(self) -> RigConfiguration:
        """The rig's files, whether they could be used, and what they would change. Raises Unprocessable where it has none."""
        if self._folder is None:
            raise Unprocessable("This station's rig comes from no files.", cure="Start the service with --rig.", detail="reload")
        return configuration_of(self._folder, self._station.rig.config)

    def timing(self, link_mb_s: float) -> ScanTiming:
        """The last scan's steps as planned and as they were."""
        return timing_of(self._station.rig.config, self._station.last_scan, link_mb_s)


class _Plate:
    """Lays the plate, and is asked for nothing else."""

    sphere_positions = 0

    def __init__(self, lay: Callable[[], None]) -> None:
        self._lay = lay

    def plate(self) -> None:
        self._lay()

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"a check of the calibration lays no {name}")


def _laid() -> None:
    """A person has laid it."""


def _tried(name: str, work: Callable[[], None]) -> CheckedStep:
    try:
        work()
    except D3Error as error:
        return CheckedStep(name=name, is_ok=False, reason=Reason(code=error.code, message=error.message, cure=error.cure))
    return CheckedStep(name=name, is_ok=True, reason=None)


def _info(folder: Path) -> CaptureInfo:
    record = Capture(folder).record
    size = sum(path.stat().st_size for path in folder.iterdir())
    return CaptureInfo(name=folder.name, created=record.created, frames=len(record.frames), size_bytes=size, url=f"{_CAPTURES}/{folder.name}.zip")
