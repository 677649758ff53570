"""The GenICam driver on other people's GenTL producers, unmodified: viky.cti of genicam 1.6.0, and TLSimu.cti of genicam 1.5.0."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import genicam
import numpy as np
import pytest

from acquisition.drivers.genicam_camera import GenicamCamera
from rig_configs.cameras import GenicamCamera as Config
from rig_configs.errors import DeviceUnavailable, FrameFault, FrameTimeout

OLD_WHEEL = "genicam==1.5.0"


@pytest.fixture(scope="session")
def tlsimu() -> Path:
    """TLSimu.cti, out of the wheel of an older genicam; fetched once with pip into the environment."""
    folder = Path(sys.prefix, "gentl-tests", OLD_WHEEL.replace("==", "-"))
    if not (folder / "TLSimu.cti").exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as fetched:
            command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", "--python-version=3.11"]
            done = subprocess.run([*command, "--dest", fetched, OLD_WHEEL], capture_output=True, text=True, check=False)
            if done.returncode:
                pytest.fail(f"pip cannot fetch {OLD_WHEEL}, whose TLSimu.cti this test needs: {done.stderr.strip()[-400:]}")
            unpacked = Path(fetched, "unpacked")
            unpacked.mkdir()
            with zipfile.ZipFile(next(Path(fetched).glob("*.whl"))) as wheel:
                for name in wheel.namelist():
                    if name.endswith((".cti", "libVirtualFG.so")):
                        (unpacked / Path(name).name).write_bytes(wheel.read(name))
            try:
                unpacked.rename(folder)
            except OSError:
                assert (folder / "TLSimu.cti").exists(), "another test run fetched something else"
    return folder / "TLSimu.cti"


def config(producer: Path, **changes: Any) -> Config:
    fields: dict[str, Any] = {
        "driver": "genicam", "producer": producer, "width_px": 128, "height_px": 128, "pixel_format": "Mono8", "fixed_exposure_us": 5000,
        "nominal": {"working_distance_mm": 100, "field_width_mm": 40},
    }  # fmt: skip
    return Config.model_validate(fields | changes)


VIKY = Path(genicam.__path__[0], "viky.cti")


@pytest.fixture
def viky() -> Iterator[GenicamCamera]:
    camera = GenicamCamera(config(VIKY, serial="1", trigger="none", nodes={"AcquisitionFrameRate": 200.0}))
    yield camera
    camera.close()


def test_viky_runs_freely_and_gives_whole_frames(viky: GenicamCamera) -> None:
    for _ in range(2):
        viky.arm(3)
        frames = []
        for _ in range(3):
            viky.trigger(5000.0)
            frames.append(viky.fetch(5.0))
        viky.disarm()
        assert [frame.frame_id for frame in frames] == [1, 2, 3]
        assert all(frame.pixels.shape == (128, 128) and frame.pixels.dtype == np.uint8 for frame in frames)
        assert frames[0].timestamp_ns < frames[1].timestamp_ns < frames[2].timestamp_ns
        assert len({frame.pixels.tobytes() for frame in frames}) > 1  # its balls bounce


def test_viky_is_named_and_told_apart(viky: GenicamCamera) -> None:
    assert viky.info.details["transport"] == "Custom"
    states = {state.name: state for state in viky.nodes()}
    assert (states["Width"].value, states["Width"].wanted, states["Width"].differs) == ("400", "128", True)
    viky.close()
    with pytest.raises(DeviceUnavailable) as caught:
        GenicamCamera(config(VIKY, model="Viky", trigger="none")).arm(1)
    assert caught.value.code == "device.unavailable.ambiguous"
    assert caught.value.message.count("Viky, serial") == 3


def test_viky_cannot_be_triggered_or_exposed_and_that_is_said(viky: GenicamCamera) -> None:
    viky.arm(1)
    with pytest.raises(DeviceUnavailable) as caught:
        viky.trigger(9000.0)
    assert caught.value.code == "device.unavailable.node_refused"
    viky.close()
    triggered = GenicamCamera(config(VIKY, serial="2"))
    with pytest.raises(DeviceUnavailable) as caught:
        triggered.arm(1)
    triggered.close()
    assert caught.value.code == "device.unavailable.node_missing"
    assert "TriggerMode" in caught.value.message


def test_a_producer_that_another_camera_of_the_process_uses_is_told(viky: GenicamCamera) -> None:
    viky.arm(1)
    second = GenicamCamera(config(VIKY, serial="2", trigger="none"))
    with pytest.raises(DeviceUnavailable) as caught:
        second.arm(1)
    assert caught.value.code == "device.unavailable.producer_failed"
    viky.trigger(5000.0)
    viky.fetch(5.0)
    viky.close()
    second.arm(1)
    second.close()


@pytest.mark.parametrize(("serial", "pixel_format", "shape"), [("SN_InterfaceA_0", "Mono8", (128, 128)), ("SN_InterfaceB_1", "RGB8", (128, 128, 3))])
def test_tlsimu_gives_a_frame_a_trigger(serial: str, pixel_format: str, shape: tuple[int, ...], tlsimu: Path) -> None:
    camera = GenicamCamera(config(tlsimu, serial=serial, pixel_format=pixel_format))
    try:
        assert camera.info.serial == serial
        for _ in range(2):
            camera.arm(3)
            frames = []
            for _ in range(3):
                camera.trigger(5000.0)
                frames.append(camera.fetch(5.0))
            camera.disarm()
            ids = [frame.frame_id for frame in frames]
            assert ids == [ids[0], ids[0] + 1, ids[0] + 2]
            assert len({frame.timestamp_ns for frame in frames}) == 3  # its clock begins anew each second
            assert all(frame.pixels.shape == shape and frame.pixels.max() > 0 for frame in frames)
    finally:
        camera.close()


def test_tlsimu_takes_a_format_and_sends_another_and_that_is_refused(tlsimu: Path) -> None:
    camera = GenicamCamera(config(tlsimu, serial="SN_InterfaceB_0", pixel_format="Mono12"))
    camera.arm(1)
    camera.trigger(5000.0)
    with pytest.raises(FrameFault) as caught:
        camera.fetch(5.0)
    camera.close()
    assert caught.value.code == "device.frame_fault.format"


def test_tlsimu_sends_nothing_without_a_trigger(tlsimu: Path) -> None:
    camera = GenicamCamera(config(tlsimu, serial="SN_InterfaceA_0"))
    camera.arm(1)
    with pytest.raises(FrameTimeout) as caught:
        camera.fetch(0.05)
    camera.close()
    assert caught.value.code == "device.frame_timeout.not_triggered"


def test_tlsimu_has_no_exposure_and_that_is_said(tlsimu: Path) -> None:
    camera = GenicamCamera(config(tlsimu, serial="SN_InterfaceA_0", fixed_exposure_us=None))
    camera.arm(1)
    with pytest.raises(DeviceUnavailable) as caught:
        camera.trigger(5000.0)
    camera.close()
    assert caught.value.code == "device.unavailable.node_missing"
    assert "ExposureTime" in caught.value.message
