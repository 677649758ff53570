"""The virtual camera's producer as C sees it: the GenTL standard's functions, errors and events, by ctypes."""

from __future__ import annotations

import ctypes as c
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from acquisition.simulation.gentl.build import producer
from acquisition.simulation.gentl.scene_server import SceneServer
from acquisition.simulation.gentl.seen import FrameFaultKind
from rig_configs.cameras import PixelFormat
from tests.acquisition.gentl_scenes import PaintedScene, identity

# Every function of GenTL 1.6.
_STANDARD = """
GCGetInfo GCGetLastError GCInitLib GCCloseLib GCReadPort GCWritePort GCGetPortURL GCGetPortInfo GCRegisterEvent GCUnregisterEvent EventGetData
EventGetDataInfo EventGetInfo EventFlush EventKill TLOpen TLClose TLGetInfo TLGetNumInterfaces TLGetInterfaceID TLGetInterfaceInfo
TLOpenInterface TLUpdateInterfaceList IFClose IFGetInfo IFGetNumDevices IFGetDeviceID IFUpdateDeviceList IFGetDeviceInfo IFOpenDevice DevGetPort
DevGetNumDataStreams DevGetDataStreamID DevOpenDataStream DevGetInfo DevClose DSAnnounceBuffer DSAllocAndAnnounceBuffer DSFlushQueue
DSStartAcquisition DSStopAcquisition DSGetInfo DSGetBufferID DSClose DSRevokeBuffer DSQueueBuffer DSGetBufferInfo GCGetNumPortURLs
GCGetPortURLInfo GCReadPortStacked GCWritePortStacked DSGetBufferChunkData IFGetParentTL DevGetParentIF DSGetParentDev DSGetNumBufferParts
DSGetBufferPartInfo DSAnnounceCompositeBuffer DSGetBufferInfoStacked DSGetBufferPartInfoStacked DSGetNumFlows DSGetFlowInfo
DSGetNumBufferSegments DSGetBufferSegmentInfo
"""
FUNCTIONS = _STANDARD.split()
OK, NOT_INITIALIZED, NOT_IMPLEMENTED, IN_USE, INVALID_HANDLE, IO, TIMEOUT, ABORT, TOO_SMALL = (
    0, -1002, -1003, -1004, -1006, -1010, -1011, -1012, -1016,
)  # fmt: skip
ERROR, NEW_BUFFER, FEATURE_INVALIDATE = 0, 1, 2


class Producer:
    """The library with what a test of it needs, open down to the stream."""

    def __init__(self, server: SceneServer) -> None:
        self.lib = c.CDLL(str(server.producer))
        self.check(self.lib.GCInitLib())
        self.system = self.handle("TLOpen")
        self.interface = self.handle("TLOpenInterface", self.system, b"Bench")
        self.check(self.lib.IFUpdateDeviceList(self.interface, None, c.c_uint64(0)))
        self.device = self.handle("IFOpenDevice", self.interface, b"A1", 4)
        self.port = self.handle("DevGetPort", self.device)
        self.stream = self.handle("DevOpenDataStream", self.device, b"Stream0")

    def handle(self, function: str, *arguments: Any) -> c.c_void_p:
        out = c.c_void_p()
        self.check(getattr(self.lib, function)(*arguments, c.byref(out)))
        return out

    def check(self, code: int) -> None:
        assert code == OK, self.last_error()

    def last_error(self) -> str:
        text, size = c.create_string_buffer(200), c.c_size_t(200)
        self.lib.GCGetLastError(c.byref(c.c_int32()), text, c.byref(size))
        return text.value.decode()

    def event_data(self, event: c.c_void_p, timeout_ms: int) -> tuple[int, bytes]:
        data, size = c.create_string_buffer(64), c.c_size_t(64)
        return self.lib.EventGetData(event, data, c.byref(size), c.c_uint64(timeout_ms)), data.raw[: size.value]

    def register(self, name: str) -> int:
        from acquisition.simulation.gentl.description import camera

        return camera().addresses[name]

    def write(self, name: str, value: int) -> int:
        data, size = c.c_uint64(value), c.c_size_t(8)
        return self.lib.GCWritePort(self.port, c.c_uint64(self.register(name)), c.byref(data), c.byref(size))

    def read(self, name: str) -> int:
        data, size = c.c_uint64(), c.c_size_t(8)
        self.check(self.lib.GCReadPort(self.port, c.c_uint64(self.register(name)), c.byref(data), c.byref(size)))
        return data.value


@pytest.fixture
def server() -> Iterator[SceneServer]:
    with SceneServer(PaintedScene(PixelFormat.MONO12), identity()) as server:
        yield server


@pytest.fixture
def open_producer(server: SceneServer) -> Iterator[Producer]:
    opened = Producer(server)
    yield opened
    assert opened.lib.GCCloseLib() == OK


def test_every_function_of_the_standard_is_there() -> None:
    assert len(set(FUNCTIONS)) == 64
    lib = c.CDLL(str(producer()))
    assert [name for name in FUNCTIONS if not hasattr(lib, name)] == []


def test_wrong_handles_and_small_buffers_get_the_standards_errors(open_producer: Producer) -> None:
    lib, size = open_producer.lib, c.c_size_t(2)
    assert lib.GCInitLib() == IN_USE
    assert lib.TLGetInfo(open_producer.device, 0, None, None, c.byref(size)) == INVALID_HANDLE
    assert lib.DSGetInfo(None, 0, None, None, c.byref(size)) == INVALID_HANDLE
    assert open_producer.last_error() == "not an open stream"
    assert lib.TLGetInfo(open_producer.system, 0, None, c.create_string_buffer(2), c.byref(size)) == TOO_SMALL
    assert lib.TLGetInfo(open_producer.system, 0, None, None, c.byref(size)) == OK
    assert size.value == len(b"d3station-bench") + 1
    assert lib.IFOpenDevice(open_producer.interface, b"A1", 4, c.byref(c.c_void_p())) == IN_USE
    assert lib.GCRegisterEvent(open_producer.system, NEW_BUFFER, c.byref(c.c_void_p())) == NOT_IMPLEMENTED


def test_before_it_is_initialised_nothing_opens(server: SceneServer) -> None:
    assert c.CDLL(str(server.producer)).TLOpen(c.byref(c.c_void_p())) == NOT_INITIALIZED


def test_a_wait_for_a_buffer_ends_in_time_when_killed_and_when_the_camera_goes(open_producer: Producer, server: SceneServer) -> None:
    event = open_producer.handle("GCRegisterEvent", open_producer.stream, NEW_BUFFER)
    assert open_producer.event_data(event, 1)[0] == TIMEOUT
    open_producer.check(open_producer.lib.EventKill(event))
    assert open_producer.event_data(event, 60_000)[0] == ABORT
    errors = open_producer.handle("GCRegisterEvent", open_producer.device, ERROR)
    server.unplug()
    assert open_producer.event_data(event, 60_000)[0] == IO
    assert open_producer.event_data(errors, 60_000) == (OK, b"the camera is gone\0")
    assert open_producer.write("Width", 64) == IO


def test_a_missed_trigger_counts_and_tells_that_its_counter_changed(open_producer: Producer, server: SceneServer) -> None:
    event = open_producer.handle("GCRegisterEvent", open_producer.port, FEATURE_INVALIDATE)
    server.faults.append(FrameFaultKind.MISSED)
    for name in ("TriggerMode", "AcquisitionStart", "TriggerSoftware"):
        open_producer.check(open_producer.write(name, 1))
    assert open_producer.event_data(event, 60_000) == (OK, b"MissedTriggerCount\0")
    assert open_producer.read("MissedTriggerCount") == 1


def test_a_trigger_that_comes_while_exposing_is_missed(open_producer: Producer, server: SceneServer) -> None:
    event = open_producer.handle("GCRegisterEvent", open_producer.port, FEATURE_INVALIDATE)
    server.late_s = 0.2  # busy that long
    for name in ("TriggerMode", "AcquisitionStart", "TriggerSoftware", "TriggerSoftware"):
        open_producer.check(open_producer.write(name, 1))
    assert open_producer.read("AcquisitionStatus") == 0
    assert open_producer.event_data(event, 60_000)[0] == OK
    assert open_producer.read("MissedTriggerCount") == 1


def test_what_the_sensor_cannot_do_is_not_taken(open_producer: Producer) -> None:
    before = open_producer.read("PixelFormat")
    assert open_producer.write("PixelFormat", 0x02180014) < 0  # RGB8 of a monochrome sensor
    assert open_producer.write("Width", 1000) < 0
    assert (open_producer.read("PixelFormat"), open_producer.read("Width")) == (before, 78)
    open_producer.check(open_producer.write("AcquisitionStart", 1))
    assert open_producer.write("Width", 64) < 0
    open_producer.check(open_producer.write("AcquisitionStop", 1))
    assert open_producer.write("Width", 64) == OK
    assert open_producer.read("PayloadSize") == 64 * 66 * 2


def test_without_a_compiler_it_says_so_and_what_works_instead(tmp_path: object) -> None:
    environment = {"PATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    # With the system's prefix, so that the producer which is built in this environment is not found.
    command = "import sys; sys.prefix = sys.base_prefix; import runpy; runpy.run_module('acquisition.simulation.gentl.build', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", command], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "device.unavailable.no_compiler" in done.stderr
    assert "simulated rigs use the in-process camera" in done.stderr
