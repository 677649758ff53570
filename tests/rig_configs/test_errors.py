"""Error codes are a contract with programs: they never change once released."""

import inspect

import pytest

from rig_configs import errors

CODES = {
    "D3Error": "error",
    "ConfigurationError": "configuration.invalid",
    "RigFileError": "rig.invalid",
    "CalibrationError": "calibration.invalid",
    "DeviceError": "device",
    "DeviceUnavailable": "device.unavailable",
    "FrameTimeout": "device.frame_timeout",
    "FrameFault": "device.frame_fault",
    "DataError": "data",
    "CaptureError": "capture.invalid",
    "ReconstructionError": "reconstruction.failed",
    "CalibrationFailed": "calibration.failed",
    "SampleError": "sample.invalid",
    "ModelError": "model.invalid",
    "Cancelled": "job.cancelled",
    "ServiceError": "service",
    "NotFound": "not_found",
    "Conflict": "conflict",
    "Unauthenticated": "unauthenticated",
    "Forbidden": "forbidden",
    "Unprocessable": "unprocessable",
}


def test_the_public_names_and_codes_are_pinned() -> None:
    found = {name: error.base_code for name, error in inspect.getmembers(errors, inspect.isclass) if error.__module__ == errors.__name__}
    assert found == CODES
    assert sorted(errors.__all__) == sorted(CODES)


@pytest.mark.parametrize("name", sorted(CODES))
def test_every_error_tells_what_happened_the_cure_and_a_code(name: str) -> None:
    error = getattr(errors, name)("The light is out.", cure="Plug it in.", detail="fine")
    assert isinstance(error, errors.D3Error)
    assert error.code == f"{CODES[name]}.fine"
    assert str(error) == f"The light is out. Plug it in. [{CODES[name]}.fine]"


@pytest.mark.parametrize("name", sorted(CODES))
def test_the_tree_drawn_at_the_top_of_the_module_names_every_error(name: str) -> None:
    assert name in (errors.__doc__ or "")
