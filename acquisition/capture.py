"""A capture: every frame of one part, kept losslessly in a folder.

Layout::

    capture.json          what was captured, of which part, with which rig, and each frame's step and SHA-256
    zone0.tiff …          one TIFF a frame, the camera's digital numbers as delivered

The folder is written under a temporary name and renamed when whole, so a capture that exists is complete.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import tifffile
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from acquisition.devices import Pixels
from acquisition.sequence import AmbientStep, FringeStep, Step, ZoneStep
from rig_configs.errors import CaptureError
from rig_configs.schema import RigConfig

CAPTURE_FILE = "capture.json"


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of a scan: the step it belongs to and what the camera delivered."""

    step: AmbientStep | ZoneStep | FringeStep
    pixels: Pixels
    """(H, W), or (H, W, 3) of an RGB format; uint8 or uint16, digital numbers."""
    frame_id: int
    timestamp_ns: int
    exposure_us: float
    arrived_ms: float
    """From the scan's first command to the frame's arrival, ms, by the clock of the machine that has the devices."""


class FrameRecord(BaseModel):
    """What capture.json says of a frame."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    step: Step = Field(description="What shone.")
    file: str = Field(pattern=r"^[\w.-]+\.tiff$", description="File in the capture's folder.")
    frame_id: int = Field(description="The camera's frame counter.")
    timestamp_ns: int = Field(description="The camera's clock at the start of exposure, ns.")
    exposure_us: float = Field(gt=0, description="Exposure that was used, µs.")
    arrived_ms: float = Field(ge=0, description="From the scan's first command to the frame's arrival, ms.")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the frame's file.")


class CaptureRecord(BaseModel):
    """The content of capture.json."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    version: int = Field(default=1, ge=1, le=1, description="Version of this layout.")
    created: datetime = Field(description="When the capture was made (UTC).")
    rig: RigConfig = Field(description="The rig that made it.")
    rig_sha256: str = Field(description="SHA-256 of the rig's configuration.")
    calibration_id: str | None = Field(description="Calibration in force; none while calibrating.")
    calibration_sha256: str | None = Field(description="SHA-256 of that calibration.")
    recipe: str | None = Field(default=None, description="Recipe, where one was named.")
    serial: str | None = Field(default=None, description="Serial number of the part, where one was named.")
    is_simulated: bool = Field(description="Whether the frames came from a simulated rig.")
    frames: tuple[FrameRecord, ...] = Field(min_length=1, description="The frames in capture order.")


class CaptureWriter:
    """Writes the frames of a scan as they pass, and the record when all went well.

    Use as a context manager around the scan; leaving it by an exception, or before :meth:`finish`, leaves nothing behind.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._partial = folder.with_name(folder.name + ".partial")
        self._records: list[FrameRecord] = []

    def __enter__(self) -> CaptureWriter:
        if self.folder.exists():
            raise CaptureError(f"{self.folder} exists already.", cure="Choose another folder; captures are never overwritten.", detail="exists")
        shutil.rmtree(self._partial, ignore_errors=True)
        self._partial.mkdir(parents=True)
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._partial, ignore_errors=True)

    def write(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """Pass frames through, each written before it is passed on."""
        for frame in frames:
            self.add(frame)
            yield frame

    def add(self, frame: Frame) -> None:
        """Write one frame."""
        path = self._partial / f"{frame.step.key}.tiff"
        tifffile.imwrite(path, frame.pixels, photometric="rgb" if frame.pixels.ndim == 3 else "minisblack", metadata=None)
        self._records.append(
            FrameRecord(
                step=frame.step,
                file=path.name,
                frame_id=frame.frame_id,
                timestamp_ns=frame.timestamp_ns,
                exposure_us=frame.exposure_us,
                arrived_ms=round(frame.arrived_ms, 3),
                sha256=_sha256(path),
            )
        )

    def finish(
        self,
        *,
        rig: RigConfig,
        rig_sha256: str,
        calibration_id: str | None,
        calibration_sha256: str | None,
        recipe: str | None = None,
        serial: str | None = None,
    ) -> CaptureRecord:
        """Write the record and give the folder its name."""
        record = CaptureRecord(
            created=datetime.now(UTC),
            rig=rig,
            rig_sha256=rig_sha256,
            calibration_id=calibration_id,
            calibration_sha256=calibration_sha256,
            recipe=recipe,
            serial=serial,
            is_simulated=rig.is_simulated,
            frames=tuple(self._records),
        )
        with (self._partial / CAPTURE_FILE).open("w", encoding="utf-8") as file:
            file.write(record.model_dump_json(indent=1))
            file.flush()
            os.fsync(file.fileno())
        self._partial.rename(self.folder)
        return record


class Capture:
    """A saved capture, opened for reading; frames are read one at a time, and checked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        path = folder / CAPTURE_FILE
        if not path.is_file():
            raise CaptureError(
                f"{folder} is not a capture: it has no {CAPTURE_FILE}.", cure="Name a folder that 'rig capture' wrote.", detail="missing"
            )
        try:
            self.record = CaptureRecord.model_validate_json(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, ValidationError) as cause:
            raise CaptureError(f"{path} cannot be read: {cause}", cure="Restore the capture from its source, or capture again.") from cause
        self._by_key = {record.step.key: record for record in self.record.frames}

    def __len__(self) -> int:
        return len(self.record.frames)

    def frames(self) -> Iterator[Frame]:
        """The frames in capture order.

        Raises:
            CaptureError: a frame is missing or not what was captured.
        """
        for record in self.record.frames:
            yield self._read(record)

    def frame(self, key: str) -> Frame:
        """The frame of one step, by the step's key. Raises CaptureError."""
        record = self._by_key.get(key)
        if record is None:
            raise CaptureError(f"{self.folder} has no frame of step {key}.", cure="Replay it with the sequence it was captured with.", detail="step")
        return self._read(record)

    def _read(self, record: FrameRecord) -> Frame:
        path = self.folder / record.file
        if not path.is_file():
            raise CaptureError(f"{path} is missing.", cure="Restore the capture from its source, or capture again.", detail="missing")
        if _sha256(path) != record.sha256:
            raise CaptureError(
                f"{path} is not what was captured: its SHA-256 differs.",
                cure="Restore the capture from its source, or capture again.",
                detail="damaged",
            )
        pixels = tifffile.imread(path)
        camera = self.record.rig.camera
        wanted = np.uint16 if camera.pixel_format.bits > 8 else np.uint8
        if pixels.shape != camera.frame_shape or pixels.dtype != wanted:
            raise CaptureError(
                f"{path} is {pixels.shape} {pixels.dtype}, the rig's camera gives {camera.frame_shape} {np.dtype(wanted)}.",
                cure="Restore the capture from its source, or capture again.",
                detail="shape",
            )
        return Frame(record.step, pixels, record.frame_id, record.timestamp_ns, record.exposure_us, record.arrived_ms)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
