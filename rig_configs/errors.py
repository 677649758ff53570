"""The one exception tree of the station.

    D3Error
    ├── ConfigurationError      a file a person wrote is wrong
    │   ├── RigFileError            rig.invalid
    │   └── CalibrationError        calibration.invalid
    ├── DeviceError             a camera, light or projector did not do its part
    │   ├── DeviceUnavailable       device.unavailable
    │   ├── FrameTimeout            device.frame_timeout
    │   └── FrameFault              device.frame_fault
    ├── DataError               data is there, but cannot be used
    │   ├── CaptureError            capture.invalid
    │   ├── ReconstructionError     reconstruction.failed
    │   ├── CalibrationFailed       calibration.failed
    │   ├── SampleError             sample.invalid
    │   └── ModelError              model.invalid
    ├── Cancelled               job.cancelled
    └── ServiceError            the service cannot do what was asked
        ├── NotFound                not_found
        ├── Conflict                conflict
        ├── Unauthenticated         unauthenticated
        ├── Forbidden               forbidden
        └── Unprocessable           unprocessable

Every error says what happened (``message``), and what to do about it (``cure``), and has a ``code`` that never changes
once released: programs react to the code, people read the rest. A raiser may give a finer code below the class's own,
such as ``device.frame_fault.saturated``.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "CalibrationError",
    "CalibrationFailed",
    "Cancelled",
    "CaptureError",
    "ConfigurationError",
    "Conflict",
    "D3Error",
    "DataError",
    "DeviceError",
    "DeviceUnavailable",
    "Forbidden",
    "FrameFault",
    "FrameTimeout",
    "ModelError",
    "NotFound",
    "ReconstructionError",
    "RigFileError",
    "SampleError",
    "ServiceError",
    "Unauthenticated",
    "Unprocessable",
]


class D3Error(Exception):
    """Base of every error the station raises on purpose.

    Args:
        message: what happened and where, one sentence, no stack trace words.
        cure: what the reader can do now.
        detail: a finer part of the code, appended to the class's own with a dot.
    """

    base_code: ClassVar[str] = "error"

    def __init__(self, message: str, *, cure: str, detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure
        self.code = f"{self.base_code}.{detail}" if detail else self.base_code

    def __str__(self) -> str:
        return f"{self.message} {self.cure} [{self.code}]"


class ConfigurationError(D3Error):
    """A file that a person wrote is wrong."""

    base_code = "configuration.invalid"


class RigFileError(ConfigurationError):
    """A ``rig.yaml`` does not describe a rig."""

    base_code = "rig.invalid"


class CalibrationError(ConfigurationError):
    """A ``calibration.yaml`` is missing, broken or of another rig."""

    base_code = "calibration.invalid"


class DeviceError(D3Error):
    """A camera, light or projector did not do its part."""

    base_code = "device"


class DeviceUnavailable(DeviceError):
    """A device cannot be opened, or went away."""

    base_code = "device.unavailable"


class FrameTimeout(DeviceError):
    """A triggered frame did not arrive in time."""

    base_code = "device.frame_timeout"


class FrameFault(DeviceError):
    """A frame arrived that must not be used: duplicate, incomplete, saturated, black or of the wrong step."""

    base_code = "device.frame_fault"


class DataError(D3Error):
    """Data is there, but cannot be used."""

    base_code = "data"


class CaptureError(DataError):
    """A capture folder is incomplete, damaged or of another rig."""

    base_code = "capture.invalid"


class ReconstructionError(DataError):
    """Frames do not give a surface."""

    base_code = "reconstruction.failed"


class CalibrationFailed(DataError):
    """Calibration captures do not determine the rig."""

    base_code = "calibration.failed"


class SampleError(DataError):
    """A D³ sample has no part on it, or does not fit the model."""

    base_code = "sample.invalid"


class ModelError(DataError):
    """A model file is missing, damaged or of another recipe."""

    base_code = "model.invalid"


class Cancelled(D3Error):
    """Long work was stopped because somebody asked for it."""

    base_code = "job.cancelled"


class ServiceError(D3Error):
    """The service cannot do what was asked."""

    base_code = "service"


class NotFound(ServiceError):
    """What was named does not exist."""

    base_code = "not_found"


class Conflict(ServiceError):
    """What was asked contradicts the present state."""

    base_code = "conflict"


class Unauthenticated(ServiceError):
    """Nobody is signed in, or the key is wrong."""

    base_code = "unauthenticated"


class Forbidden(ServiceError):
    """Signed in, but without the role for this."""

    base_code = "forbidden"


class Unprocessable(ServiceError):
    """The request is well-formed and still cannot be acted on."""

    base_code = "unprocessable"
