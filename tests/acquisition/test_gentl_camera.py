"""The GenICam driver on the virtual camera, through the real binding and the real C interface."""

from __future__ import annotations

import gc
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from genicam.genapi import NodeMap

from acquisition.devices import Camera
from acquisition.drivers.genicam_camera import GenicamCamera
from acquisition.simulation.gentl.scene_server import SceneServer
from acquisition.simulation.gentl.seen import FrameFaultKind
from rig_configs.cameras import PixelFormat, WireFormat
from rig_configs.errors import DeviceError, DeviceUnavailable, FrameFault, FrameTimeout
from tests.acquisition.gentl_scenes import HEIGHT, WIDTH, PaintedScene, configuration, identity


@pytest.fixture
def scene() -> PaintedScene:
    return PaintedScene(PixelFormat.MONO12)


@pytest.fixture
def server(scene: PaintedScene) -> Iterator[SceneServer]:
    with SceneServer(scene, identity()) as server:
        yield server


@pytest.fixture
def camera(server: SceneServer) -> Iterator[GenicamCamera]:
    camera = GenicamCamera(configuration(server))
    yield camera
    camera.close()


def one_frame(camera: GenicamCamera, exposure_us: float = 5000.0) -> np.ndarray:
    camera.arm(1)
    camera.trigger(exposure_us)
    pixels = camera.fetch(5.0).pixels
    camera.disarm()
    return pixels


@pytest.mark.parametrize("wire", list(WireFormat))
def test_every_wire_format_arrives_bit_for_bit(wire: WireFormat) -> None:
    scene = PaintedScene(wire.pixel_format)
    with SceneServer(scene, identity(pixel_format=wire.pixel_format)) as server:
        camera = GenicamCamera(configuration(server, pixel_format=wire.pixel_format, wire_format=wire))
        try:
            camera.arm(2)
            for i in range(2):
                camera.trigger(5000.0)
                np.testing.assert_array_equal(camera.fetch(5.0).pixels, scene.picture(i))
        finally:
            camera.close()


def test_it_is_a_camera(camera: GenicamCamera) -> None:
    assert isinstance(camera, Camera)
    info = camera.info
    assert (info.kind, info.model, info.serial) == ("camera", "d3station Virtual", "A1")
    assert info.details["size"] == f"{WIDTH}x{HEIGHT}"


def test_a_region_of_the_sensor_is_what_was_asked_for(scene: PaintedScene, server: SceneServer) -> None:
    camera = GenicamCamera(configuration(server, width_px=66, height_px=64, offset_x_px=8, offset_y_px=2))
    pixels = one_frame(camera)
    camera.close()
    np.testing.assert_array_equal(pixels, scene.picture(0)[2:66, 8:74])


def test_frames_bring_their_id_time_and_exposure(camera: GenicamCamera, scene: PaintedScene) -> None:
    camera.arm(3)
    frames = []
    for exposure_us in (1000.0, 2500.5, 9000.0):
        camera.trigger(exposure_us)
        frames.append(camera.fetch(5.0))
    assert [f.frame_id for f in frames] == [1, 2, 3]
    assert [f.timestamp_ns for f in frames] == [7, 1007, 2007]
    assert [f.exposure_us for f in frames] == [1000.0, 2500.5, 9000.0]
    assert [e for e, _ in scene.exposures] == [1000.0, 2500.5, 9000.0]


@pytest.mark.parametrize("shutter", ["Global", "Rolling"])
def test_with_a_rolling_shutter_the_frame_itself_tells_that_it_is_exposed(server: SceneServer, shutter: str) -> None:
    camera = GenicamCamera(configuration(server, nodes={"SensorShutterMode": shutter}))
    server.faults.append(FrameFaultKind.DROPPED)
    camera.arm(1)
    camera.trigger(5000.0)
    try:
        if shutter == "Global":
            camera.wait_exposed(0.3)
        else:
            with pytest.raises(FrameTimeout):
                camera.wait_exposed(0.3)
    finally:
        camera.close()


def test_triggers_may_run_ahead_of_fetching(camera: GenicamCamera, scene: PaintedScene) -> None:
    camera.arm(40)
    for _ in range(40):
        camera.trigger(5000.0)
    for i in range(40):
        np.testing.assert_array_equal(camera.fetch(5.0).pixels, scene.picture(i))


def test_a_new_burst_counts_anew_and_old_frames_are_gone(camera: GenicamCamera, scene: PaintedScene) -> None:
    camera.arm(2)
    camera.trigger(5000.0)
    camera.fetch(5.0)
    camera.trigger(5000.0)
    camera.arm(1)
    camera.trigger(5000.0)
    frame = camera.fetch(5.0)
    assert frame.frame_id == 1
    np.testing.assert_array_equal(frame.pixels, scene.picture(2))
    assert scene.bursts == 2


def test_the_line_triggers_where_the_line_is_asked_for(scene: PaintedScene, server: SceneServer) -> None:
    camera = GenicamCamera(configuration(server, trigger_line="line0"))
    try:
        camera.arm_line(2, 5000.0)
        with pytest.raises(FrameTimeout):
            camera.fetch(0.05)
        server.pulse_line0()
        np.testing.assert_array_equal(camera.fetch(5.0).pixels, scene.picture(0))
        np.testing.assert_array_equal(one_frame(camera), scene.picture(1))  # and a command triggers again where it is asked for
    finally:
        camera.close()


def test_a_camera_without_a_trigger_line_is_not_armed_for_it(camera: GenicamCamera) -> None:
    with pytest.raises(DeviceUnavailable, match="trigger_line") as caught:
        camera.arm_line(2, 5000.0)
    assert caught.value.code == "device.unavailable.no_line"


def test_an_exposure_is_waited_for_and_its_frame_taken_after_the_next_trigger(camera: GenicamCamera, scene: PaintedScene) -> None:
    camera.arm(2)
    camera.trigger(5000.0)
    camera.wait_exposed(5.0)
    assert len(scene.exposures) == 1
    camera.trigger(5000.0)
    np.testing.assert_array_equal(camera.fetch(5.0).pixels, scene.picture(0))
    camera.wait_exposed(5.0)
    np.testing.assert_array_equal(camera.fetch(5.0).pixels, scene.picture(1))


@pytest.mark.parametrize(
    ("fault", "error", "code"),
    [
        (FrameFaultKind.DROPPED, FrameTimeout, "device.frame_timeout"),
        (FrameFaultKind.INCOMPLETE, FrameFault, "device.frame_fault.incomplete"),
        (FrameFaultKind.MISSED, FrameTimeout, "device.frame_timeout.missed_trigger"),
    ],
)
def test_a_frame_that_goes_wrong_ends_with_its_error_and_the_next_burst_is_good(
    fault: FrameFaultKind, error: type[DeviceError], code: str, camera: GenicamCamera, scene: PaintedScene, server: SceneServer
) -> None:
    server.faults.extend([FrameFaultKind.NONE, fault])
    camera.arm(2)
    camera.trigger(5000.0)
    camera.fetch(5.0)
    camera.trigger(5000.0)
    with pytest.raises(error) as caught:
        camera.fetch(0.3)
    assert caught.value.code == code
    np.testing.assert_array_equal(one_frame(camera), scene.picture(2))


def test_a_trigger_missed_anywhere_in_the_burst_is_told_at_its_end(scene: PaintedScene, server: SceneServer) -> None:
    camera = GenicamCamera(configuration(server, trigger_line="line0"))
    camera.arm_line(2, 5000.0)
    scene.on_expose = lambda number: server.pulse_line0() if number == 0 else None  # a second pulse while the first is being exposed
    server.pulse_line0()
    camera.fetch(5.0)
    server.pulse_line0()
    with pytest.raises(FrameFault) as caught:
        camera.fetch(5.0)
    camera.close()
    assert caught.value.code == "device.frame_fault.missed_trigger"


def test_a_lost_frame_leaves_a_gap_and_one_that_comes_twice_its_id(camera: GenicamCamera, server: SceneServer) -> None:
    server.faults.extend([FrameFaultKind.DUPLICATED, FrameFaultKind.DROPPED, FrameFaultKind.NONE])
    camera.arm(3)
    for _ in range(3):
        camera.trigger(5000.0)
    assert [camera.fetch(5.0).frame_id for _ in range(3)] == [1, 1, 3]


def test_a_late_frame_is_not_waited_for_and_not_taken_for_the_next(camera: GenicamCamera, scene: PaintedScene, server: SceneServer) -> None:
    server.late_s = 0.3
    camera.arm(1)
    camera.trigger(5000.0)
    with pytest.raises(FrameTimeout):
        camera.fetch(0.05)
    camera.disarm()
    server.late_s = 0.0
    np.testing.assert_array_equal(one_frame(camera), scene.picture(1))


@pytest.mark.parametrize("step", ["trigger", "fetch", "info", "nodes", "arm"])
def test_a_camera_that_went_away_is_told_at_every_step_and_comes_back(
    step: str, camera: GenicamCamera, scene: PaintedScene, server: SceneServer
) -> None:
    camera.arm(2)
    camera.trigger(5000.0)
    camera.fetch(5.0)
    if step == "fetch":
        scene.on_expose = lambda _: setattr(scene, "is_plugged", False)
        server.faults.append(FrameFaultKind.DROPPED)
        camera.trigger(5000.0)
    else:
        server.unplug()
    do: dict[str, Any] = {
        "trigger": lambda: camera.trigger(5000.0), "fetch": lambda: camera.fetch(5.0), "info": lambda: camera.info, "nodes": camera.nodes,
        "arm": lambda: camera.arm(1),
    }  # fmt: skip
    with pytest.raises(DeviceUnavailable):
        do[step]()
    camera.disarm()
    with pytest.raises(DeviceUnavailable) as caught:
        camera.arm(1)
    assert caught.value.code == "device.unavailable.not_found"
    scene.on_expose, scene.is_plugged = lambda _: None, True
    server.plug()
    np.testing.assert_array_equal(one_frame(camera), scene.picture(len(scene.exposures) - 1))


def test_a_camera_that_was_away_between_scans_is_opened_anew(camera: GenicamCamera, scene: PaintedScene, server: SceneServer) -> None:
    one_frame(camera)
    server.unplug()
    server.plug()
    np.testing.assert_array_equal(one_frame(camera), scene.picture(1))


def test_cameras_are_chosen_by_what_they_say_of_themselves(server: SceneServer, scene: PaintedScene) -> None:
    other = PaintedScene(PixelFormat.MONO12)
    with SceneServer(other, identity("B2", "Virtual", "right"), server.producer.parent):
        for chosen, seen in (({"user_id": "right"}, other), ({"serial": "A1", "model": "Virtual"}, scene)):
            camera = GenicamCamera(configuration(server, **chosen))
            one_frame(camera)
            camera.close()
            assert len(seen.exposures) == 1
        for chosen, code in (({"model": "Virtual"}, "ambiguous"), ({"serial": "C3"}, "not_found"), ({"serial": "A1", "model": "M"}, "not_found")):
            with pytest.raises(DeviceUnavailable) as caught:
                GenicamCamera(configuration(server, **chosen)).arm(1)
            assert caught.value.code == f"device.unavailable.{code}"
            assert "'left', serial A1" in caught.value.message
            assert "'right', serial B2" in caught.value.message


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"nodes": {"AcquisitionFrameRate": 5000.0}}, "node_refused", ("AcquisitionFrameRate", "5000", "0.1 to 1000")),
        ({"nodes": {"TriggerActivation": "AnyEdge"}}, "node_refused", ("TriggerActivation", "AnyEdge", "RisingEdge")),
        ({"nodes": {"BlackLevel": 10.0}}, "node_missing", ("BlackLevel", "10")),
        ({"gain_db": 0.26}, "node_differs", ("Gain", "0.26", "0.3")),
        ({"width_px": 80}, "node_refused", ("Width", "80", "78")),
        ({"pixel_format": "RGB8"}, "node_refused", ("PixelFormat", "RGB8", "Mono12p")),
    ],
)
def test_a_node_that_does_not_take_its_value_is_named_with_both(
    changes: dict[str, Any], code: str, words: tuple[str, ...], server: SceneServer
) -> None:
    camera = GenicamCamera(configuration(server, **changes))
    with pytest.raises(DeviceUnavailable) as caught:
        camera.arm(1)
    camera.close()
    assert caught.value.code == f"device.unavailable.{code}"
    for word in words:
        assert word in caught.value.message


def test_a_line_that_the_camera_does_not_have_is_named(server: SceneServer) -> None:
    camera = GenicamCamera(configuration(server, trigger_line="line3"))
    with pytest.raises(DeviceUnavailable, match=r"Line3.*TriggerSource.*Line0") as caught:
        camera.arm_line(1, 5000.0)
    camera.close()
    assert caught.value.code == "device.unavailable.node_refused"


def test_gain_and_further_nodes_reach_the_camera(server: SceneServer, scene: PaintedScene) -> None:
    camera = GenicamCamera(configuration(server, gain_db=6.0, nodes={"AcquisitionFrameRate": 12.5, "DeviceUserID": "top"}))
    one_frame(camera)
    states = {state.name: state for state in camera.nodes()}
    camera.close()
    assert scene.exposures == [(5000.0, 6.0)]
    assert (states["AcquisitionFrameRate"].value, states["DeviceUserID"].value) == ("12.5", "top")
    assert not any(state.differs for state in states.values())


def test_what_differs_from_the_configuration_is_told_before_anything_is_written(server: SceneServer) -> None:
    camera = GenicamCamera(configuration(server, gain_db=3.0, wire_format="Mono12p"))
    for _ in range(2):
        states = camera.nodes()
        assert {state.name for state in states if state.differs} == {"Gain", "PixelFormat", "TriggerMode"}
        assert ("Gain", "0.0", "3.0") in {(state.name, state.value, state.wanted) for state in states}
    camera.close()


def test_a_camera_with_no_trigger_gives_the_frame_that_began_after(scene: PaintedScene, server: SceneServer) -> None:
    camera = GenicamCamera(configuration(server, trigger="none", nodes={"AcquisitionFrameRate": 200.0}))
    camera.arm(2)
    ids = []
    for _ in range(2):
        before = len(scene.exposures)
        camera.trigger(5000.0)
        frame = camera.fetch(5.0)
        ids.append(frame.frame_id)
        assert frame.timestamp_ns // 1000 >= before
    camera.close()
    assert ids == [1, 2]


def test_opening_a_camera_leaves_interrupts_alone(camera: GenicamCamera) -> None:
    handler = signal.getsignal(signal.SIGINT)
    one_frame(camera)
    assert signal.getsignal(signal.SIGINT) is handler


def test_opening_and_closing_leaves_nothing_behind(server: SceneServer) -> None:
    def left_behind() -> tuple[int, int, int]:
        gc.collect()
        node_maps = sum(issubclass(type(one), NodeMap) for one in gc.get_objects())  # isinstance would ask lazy objects of others
        return len(list(Path("/proc/self/fd").iterdir())), len(list(Path("/proc/self/task").iterdir())), node_maps

    def use() -> None:
        camera = GenicamCamera(configuration(server))
        one_frame(camera)
        camera.close()

    use()
    before = left_behind()
    for _ in range(5):
        use()
    assert left_behind() == before


def test_what_was_never_armed_says_so(camera: GenicamCamera) -> None:
    with pytest.raises(DeviceUnavailable) as caught:
        camera.trigger(5000.0)
    assert caught.value.code == "device.unavailable.not_armed"
    camera.disarm()
    camera.close()
    camera.close()


def test_no_producer_is_told_with_where_it_was_looked_for(tmp_path: Path, server: SceneServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DeviceUnavailable) as caught:
        GenicamCamera(configuration(server, producer=tmp_path / "none.cti")).arm(1)
    assert caught.value.code == "device.unavailable.no_producer"
    assert str(tmp_path) in caught.value.message
    monkeypatch.setenv("GENICAM_GENTL64_PATH", f"{tmp_path}:{server.producer.parent}")
    camera = GenicamCamera(configuration(server, producer=None))
    assert camera.info.serial == "A1"
    camera.close()
