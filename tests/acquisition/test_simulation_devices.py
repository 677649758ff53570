"""The simulated devices keep the devices' contract, and break as real ones do."""

import numpy as np
import pytest

from acquisition.devices import Camera, Lights, Projector
from acquisition.drivers.simulated import open_simulated
from acquisition.simulation import artefacts
from rig_configs.errors import DeviceUnavailable, FrameFault, FrameTimeout
from rig_configs.files import load_rig
from rig_configs.simulation import FaultKind


@pytest.fixture(scope="module")
def opened():
    rig = load_rig("demo")
    devices = open_simulated(rig.model_copy(update={"camera": rig.camera.model_copy(update={"width_px": 171, "height_px": 114})}))
    devices[3].place(artefacts.white_plate())
    return devices


@pytest.fixture
def devices(opened):
    camera, lights, projectors, bench = opened
    camera.arm(8)
    yield opened
    bench.faults.clear()
    camera.disarm()
    lights.off()
    for projector in projectors:
        projector.dark()


def level(camera) -> float:
    camera.trigger(4000)
    return float(camera.fetch(1.0).pixels.mean()) - 64


def test_they_fulfil_the_protocols(devices):
    camera, lights, projectors, _ = devices
    assert isinstance(camera, Camera)
    assert isinstance(lights, Lights)
    assert all(isinstance(projector, Projector) for projector in projectors)
    assert [d.info.kind for d in (camera, lights, projectors[0])] == ["camera", "lights", "projector"]
    assert projectors[2].info.name == "south_west"


def test_frames_are_counted_timed_and_owned(devices):
    camera, *_ = devices
    camera.trigger(3000)
    camera.trigger(5000)
    first, second = camera.fetch(1.0), camera.fetch(1.0)
    assert second.frame_id == first.frame_id + 1
    assert second.timestamp_ns - first.timestamp_ns >= 3_000_000
    assert (first.exposure_us, second.exposure_us) == (3000, 5000)
    assert first.pixels.dtype == np.uint16
    assert first.pixels.shape == (114, 171)
    assert first.pixels.flags.owndata


def test_a_frame_that_was_not_triggered_never_comes(devices):
    with pytest.raises(FrameTimeout):
        devices[0].fetch(1.0)


def test_a_camera_that_is_not_armed_takes_nothing(devices):
    camera = devices[0]
    camera.disarm()
    with pytest.raises(DeviceUnavailable, match="armed"):
        camera.trigger(1000)


def test_one_zone_at_a_time(devices):
    camera, lights, _, _ = devices
    lights.on(0)
    one = level(camera)
    lights.on(2)
    other = level(camera)
    assert 0.6 < one / other < 1.6
    lights.off()
    assert level(camera) < 0.05 * one


def test_a_projector_shows_what_was_loaded_and_goes_dark(devices):
    camera, _, projectors, _ = devices
    projectors[1].load([np.full((800, 1280), grey, np.uint8) for grey in (0, 255)])
    room = level(camera)
    projectors[1].show(1)
    white = level(camera)
    projectors[1].show(0)
    black = level(camera)
    projectors[1].dark()
    assert white > 50 * (black - room) > 0  # a black pixel leaks a little, as a chip's does
    assert level(camera) == pytest.approx(room, abs=0.5)


def test_wrong_patterns_and_numbers_are_refused(devices):
    _, lights, projectors, _ = devices
    with pytest.raises(DeviceUnavailable, match="refuses pattern 0"):
        projectors[0].load([np.zeros((10, 10), np.uint8)])
    with pytest.raises(DeviceUnavailable, match="no pattern 99"):
        projectors[0].show(99)
    with pytest.raises(DeviceUnavailable, match="no zone 4"):
        lights.on(4)


def test_an_unplugged_device_says_so_until_it_is_plugged_in_again(devices):
    camera, lights, projectors, bench = devices
    bench.faults.unplugged |= {"camera", "lights", "projector3"}
    for call in (lambda: camera.trigger(1000), lambda: camera.fetch(1.0), lambda: camera.arm(1), lights.off, projectors[3].dark):
        with pytest.raises(DeviceUnavailable) as fault:
            call()
        assert fault.value.code == "device.unavailable.unplugged"
    projectors[0].dark()
    bench.faults.unplugged.clear()
    camera.arm(1)
    lights.on(1)
    assert level(camera) > 100


def test_devices_close_twice_and_without_their_plug(devices):
    camera, lights, projectors, bench = devices
    lights.on(1)
    bench.faults.unplugged |= {"camera", "lights", "projector0"}
    for device in (camera, lights, projectors[0]):
        device.close()
        device.close()
    bench.faults.clear()
    camera.arm(1)
    assert level(camera) < 100


def test_a_dark_zone_and_projector_take_commands_and_send_no_light(devices):
    camera, lights, projectors, bench = devices
    room = level(camera)
    bench.faults.dark |= {"zone1", "projector2"}
    lights.on(1)
    projectors[2].load([np.full((800, 1280), 255, np.uint8)])
    projectors[2].show(0)
    assert level(camera) == pytest.approx(room, abs=0.5)
    bench.faults.dark.clear()
    assert level(camera) > 10 * room


def test_a_dropped_frame_is_counted_and_never_comes(devices):
    camera, _, _, bench = devices
    camera.trigger(1000)
    before = camera.fetch(1.0).frame_id
    bench.faults.frames.append(FaultKind.DROPPED)
    camera.trigger(1000)
    with pytest.raises(FrameTimeout):
        camera.fetch(1.0)
    camera.trigger(1000)
    assert camera.fetch(1.0).frame_id == before + 2


def test_a_duplicated_frame_comes_twice_with_one_number(devices):
    camera, _, _, bench = devices
    bench.faults.frames.append(FaultKind.DUPLICATED)
    camera.trigger(1000)
    first, second = camera.fetch(1.0), camera.fetch(1.0)
    assert first.frame_id == second.frame_id
    np.testing.assert_array_equal(first.pixels, second.pixels)
    with pytest.raises(FrameTimeout):
        camera.fetch(1.0)


def test_a_late_frame_comes_after_the_wait_and_is_gone_with_the_burst(devices):
    camera, _, _, bench = devices
    bench.faults.frames.append(FaultKind.LATE)
    camera.trigger(1000)
    with pytest.raises(FrameTimeout):
        camera.fetch(1.0)
    late = camera.fetch(1.0)
    camera.trigger(1000)
    assert camera.fetch(1.0).frame_id == late.frame_id + 1
    bench.faults.frames.append(FaultKind.LATE)
    camera.trigger(1000)
    camera.disarm()
    camera.arm(1)
    with pytest.raises(FrameTimeout):
        camera.fetch(1.0)


def test_an_incomplete_frame_says_so(devices):
    camera, _, _, bench = devices
    bench.faults.frames.extend((None, FaultKind.INCOMPLETE))
    camera.trigger(1000)
    camera.trigger(1000)
    camera.fetch(1.0)
    with pytest.raises(FrameFault) as fault:
        camera.fetch(1.0)
    assert fault.value.code == "device.frame_fault.incomplete"


def test_a_saturated_frame_is_full_everywhere(devices):
    camera, _, _, bench = devices
    bench.faults.frames.append(FaultKind.SATURATED)
    camera.trigger(1000)
    assert (camera.fetch(1.0).pixels == 4095).all()


def test_what_lags_does_what_it_was_told_an_exposure_ago(devices):
    camera, lights, projectors, bench = devices
    room = level(camera)
    projectors[2].load([np.full((800, 1280), grey, np.uint8) for grey in (128, 255)])
    bench.faults.lagging |= {"zone1", "projector2"}
    lights.on(1)
    assert level(camera) == pytest.approx(room, abs=0.5)
    lights.off()
    zone = level(camera)
    assert zone > 10 * room
    assert level(camera) == pytest.approx(room, abs=0.5)
    projectors[2].show(0)
    level(camera)
    projectors[2].show(1)
    half = level(camera)
    assert level(camera) > 1.5 * half > 10 * room
