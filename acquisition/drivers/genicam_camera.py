"""A real camera through its maker's GenTL producer.

One thread owns the camera and does everything with it; callers wait for it with a deadline. A camera that fails in any way is let go of,
and the next :meth:`GenicamCamera.arm` opens it anew. What cannot be helped here: the GenTL binding holds the interpreter lock inside every
call, so a producer that never returns stops the whole process. The rig therefore runs in a process of its own that can be killed.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from acquisition.devices import DeviceInfo, RawFrame
from acquisition.drivers.genicam_connection import Connection
from acquisition.drivers.genicam_formats import FrameCounter, unpack, wire_format
from acquisition.drivers.genicam_nodes import NodeState, Setting, enable_chunks, find, is_written, read, report, settings, write
from acquisition.drivers.genicam_owner import Owner
from rig_configs.cameras import GenicamCamera as GenicamConfig
from rig_configs.cameras import TriggerLine, TriggerSource
from rig_configs.errors import D3Error, DeviceUnavailable, FrameFault, FrameTimeout

# Opening a camera loads its producer, looks through its networks and reads its description.
_OPEN_S = 20.0
# A command takes milliseconds; a camera that needs longer hangs.
_COMMAND_S = 2.0
# How long a camera may still be busy with the exposure before.
_READY_S = 2.0
# Between two looks for a frame, others get the interpreter lock.
_PAUSE_S = 0.0002
# Exposure that was asked for and that the camera has, as a share.
_EXPOSURE_SHARE = 0.01
_PLUG = "Check the camera's power and cable, then scan again."
_TOO_FAST = "Leave more time between triggers, and check the trigger line for a second pulse."

Result = TypeVar("Result")


class GenicamCamera:
    """One GenICam camera, as :class:`acquisition.devices.Camera`. Nothing is opened before it is needed.

    Frame ids are the camera's own, unwrapped; timestamps are its own clock, or this machine's where it has none. With ``trigger: none`` frames
    are counted here instead, for those in between are thrown away on purpose.
    """

    def __init__(self, config: GenicamConfig) -> None:
        self._config = config
        self._connection: Connection | None = None
        self._pending: deque[float] = deque()
        self._asked_us: float | None = None
        self._exposure_us = 0.0
        self._exposed_until = 0.0
        self._early: RawFrame | None = None
        """A frame that had to be waited for to know that it was exposed."""
        self._runs_freely = config.trigger is TriggerSource.NONE
        self._counter = FrameCounter(skips_zero=False)
        self._chunks = False
        self._has_status = False
        self._rolls = False
        self._incomplete_seen = 0
        self._missed_before = 0
        self._frames = 0
        self._taken = 0
        self._owner = Owner(f"camera {config.serial or config.user_id or config.model}")

    # ------------------------------------------------------------------------------------------------- from any thread

    @property
    def info(self) -> DeviceInfo:
        """What the camera says of itself. Raises DeviceUnavailable."""
        return self._owner.do(lambda: self._anew(self._tell), _OPEN_S)

    def nodes(self) -> list[NodeState]:
        """The nodes that matter, and which of them are not as the configuration has them; writes none. Raises DeviceUnavailable."""
        return self._owner.do(lambda: self._anew(lambda c: report(c.node_map, self._config)), _OPEN_S)

    def arm(self, frames: int) -> None:
        """Open the camera if it is not, write and read back its settings, and start a burst.

        Raises:
            DeviceUnavailable: it cannot be found or opened, or does not take a setting.
        """
        self._owner.do(lambda: self._anew(lambda c: self._arm(c, frames)), _OPEN_S)

    def arm_line(self, frames: int, exposure_us: float) -> None:
        """As :meth:`arm`, for a burst whose every exposure the ``trigger_line`` starts; :meth:`trigger` has no part in it.

        Raises:
            DeviceUnavailable: as ``arm``, and ``no_line`` where the configuration names none.
        """
        line = self._config.trigger_line
        if line is None:
            raise DeviceUnavailable("The camera has no trigger line.", cure="Name it as camera.trigger_line in rig.yaml.", detail="no_line")
        self._owner.do(lambda: self._anew(lambda c: self._arm(c, frames, line, exposure_us)), _OPEN_S)

    def trigger(self, exposure_us: float) -> None:
        """Set the exposure, and start it. Raises DeviceUnavailable."""
        self._owner.do(lambda: self._safely(lambda c: self._trigger(c, exposure_us)), _COMMAND_S + _READY_S)

    def wait_exposed(self, timeout_s: float) -> None:
        """Come back when the exposure that was triggered last is over: by the camera's own word (``AcquisitionStatus``), and of a camera that
        does not tell, runs freely or has a rolling shutter, when its frame is here. Raises what :meth:`fetch` does."""
        self._owner.do(lambda: self._safely(lambda c: self._wait_exposed(c, timeout_s)), timeout_s + _COMMAND_S)

    def fetch(self, timeout_s: float) -> RawFrame:
        """The oldest triggered frame not yet fetched.

        Raises:
            FrameTimeout: it did not come within ``timeout_s`` (``missed_trigger``: the camera counted a trigger that it did not take).
            FrameFault: it arrived ``incomplete``, with ``padding``, or in another ``format`` or ``shape`` than asked for; or it is the burst's
                last, and the camera counted a trigger that it did not take (``missed_trigger``).
            DeviceUnavailable: the camera is gone.
        """
        return self._owner.do(lambda: self._safely(lambda c: self._fetch(c, timeout_s)), timeout_s + _COMMAND_S)

    def disarm(self) -> None:
        """End the burst. Never raises."""
        try:
            self._owner.do(self._disarm, _COMMAND_S)
        except D3Error:
            return

    def close(self) -> None:
        """Let go of the camera. Safe to call twice."""
        try:
            self._owner.do(self._let_go, _COMMAND_S)
        except D3Error:
            return
        finally:
            self._owner.close()

    # ---------------------------------------------------------------------------------------------- the owner's thread

    def _anew(self, do: Callable[[Connection], Result]) -> Result:
        """With the camera, opened anew where it was unplugged and plugged in again since it was last used."""
        if self._connection is not None:
            try:
                return self._safely(do)
            except DeviceUnavailable:
                if self._connection is not None:
                    raise
        self._connection = Connection(self._config)
        return self._safely(do)

    def _safely(self, do: Callable[[Connection], Result]) -> Result:
        """With the open camera; one whose calls fail is let go of."""
        connection = self._connection
        if connection is None:
            raise DeviceUnavailable("The camera is not armed, or went away since.", cure="Arm the camera first.", detail="not_armed")
        try:
            return do(connection)
        except connection.failures as error:
            self._let_go()
            raise DeviceUnavailable(f"The camera went away: {str(error).splitlines()[0]}", cure=_PLUG, detail="gone") from error

    def _let_go(self) -> None:
        self._forget()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _disarm(self) -> None:
        self._forget()
        if self._connection is not None:
            try:
                self._connection.stop()
            except self._connection.failures:
                self._let_go()

    def _tell(self, connection: Connection) -> DeviceInfo:
        nodes, found = connection.node_map, connection.found
        details = {
            "size": f"{read(nodes, 'Width')}x{read(nodes, 'Height')}",
            "format": str(read(nodes, "PixelFormat")),
            "transport": connection.transport,
            "user_id": found.user_id,
            "trigger": self._config.trigger.value,
        }
        return DeviceInfo("camera", "camera", f"{found.vendor} {found.model}".strip(), found.serial, details)

    def _arm(self, connection: Connection, frames: int, line: TriggerLine | None = None, line_exposure_us: float = 0.0) -> None:
        if frames < 1:
            raise ValueError(f"a burst has at least one frame, not {frames}")
        self._forget()
        connection.stop()
        nodes = connection.node_map
        for setting in settings(self._config, line):
            write(nodes, setting)
        self._runs_freely = line is None and self._config.trigger is TriggerSource.NONE
        self._chunks = enable_chunks(nodes)
        self._has_status = self._select_status(nodes)
        # A rolling shutter exposes its last rows long after the first: only the frame itself tells when it is done.
        self._rolls = read(nodes, "SensorShutterMode") not in (None, "Global")
        self._asked_us = None
        if line is not None:
            self._expose_for(nodes, line_exposure_us)
            self._pending.extend([self._exposure_us] * frames)
        self._counter = FrameCounter(skips_zero=connection.transport == "GEV")
        self._taken, self._frames = 0, frames
        self._incomplete_seen = connection.incomplete
        self._missed_before = self._missed(nodes)
        connection.start(self._buffers(int(read(nodes, "PayloadSize") or 0), frames))

    def _forget(self) -> None:
        self._pending.clear()
        self._early = None

    def _buffers(self, payload: int, frames: int) -> int:
        """Two more than the burst, so that none is lost while the last ones are read; but at most half the memory that is free."""
        if self._config.buffers is not None:
            return self._config.buffers
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        return max(3, min(frames + 2, free // 2 // max(payload, 1), 4096))

    @staticmethod
    def _select_status(nodes: Any) -> bool:
        if find(nodes, "AcquisitionStatus") is None:
            return False
        if is_written(nodes, "AcquisitionStatusSelector"):
            write(nodes, Setting("AcquisitionStatusSelector", "FrameTriggerWait", required=False))
        return read(nodes, "AcquisitionStatusSelector") in ("FrameTriggerWait", None)

    @staticmethod
    def _missed(nodes: Any) -> int:
        return int(read(nodes, "MissedTriggerCount") or 0)

    def _trigger(self, connection: Connection, exposure_us: float) -> None:
        if not connection.is_acquiring:
            raise DeviceUnavailable("The camera was triggered before it was armed.", cure="Arm the camera first.", detail="not_armed")
        if not self._runs_freely and not self._is_ready(connection.node_map, _READY_S):
            raise DeviceUnavailable(f"The camera was not ready for a trigger within {_READY_S:g} s.", cure=_PLUG, detail="busy")
        if exposure_us != self._asked_us:
            self._expose_for(connection.node_map, exposure_us)
        if self._runs_freely:
            self._discard(connection)
        else:
            connection.node_map.TriggerSoftware.execute()
        self._exposed_until = time.monotonic() + self._exposure_us * 1e-6
        self._pending.append(self._exposure_us)

    def _wait_exposed(self, connection: Connection, timeout_s: float) -> None:
        if self._runs_freely or self._rolls or not self._has_status:
            self._early = self._fetch(connection, timeout_s)
            return
        time.sleep(max(0.0, self._exposed_until - time.monotonic()))
        if not self._is_ready(connection.node_map, timeout_s):
            raise self._timed_out(connection, timeout_s)

    def _expose_for(self, nodes: Any, exposure_us: float) -> None:
        fixed = self._config.fixed_exposure_us
        self._asked_us = None
        if fixed is None:
            got = write(nodes, Setting("ExposureTime", float(exposure_us)))
            assert got is not None
            self._exposure_us, self._asked_us = float(got), exposure_us
            return
        if abs(exposure_us - fixed) > _EXPOSURE_SHARE * fixed:
            raise DeviceUnavailable(
                f"The camera always exposes {fixed:g} µs; {exposure_us:g} µs were asked for.",
                cure="Give every step of rig.yaml's sequence the camera's fixed_exposure_us.",
                detail="node_refused",
            )
        self._exposure_us, self._asked_us = fixed, exposure_us

    def _is_ready(self, nodes: Any, timeout_s: float) -> bool:
        """Whether the camera can take a trigger, waited for: still exposing the frame before, it would miss the trigger, and may take the
        next exposure time for that frame."""
        until = time.monotonic() + timeout_s
        while self._has_status and not read(nodes, "AcquisitionStatus"):
            if time.monotonic() > until:
                return False
            time.sleep(_PAUSE_S)
        return True

    def _discard(self, connection: Connection) -> None:
        """Of a camera that runs freely: away with what it has, and with the frame that may have begun before now."""
        while (buffer := connection.next_buffer()) is not None:
            connection.give_back(buffer)
        until = time.monotonic() + _READY_S
        while (buffer := connection.next_buffer()) is None:
            if time.monotonic() > until:
                raise DeviceUnavailable(f"The camera runs freely, and sent no frame within {_READY_S:g} s.", cure=_PLUG, detail="silent")
            time.sleep(_PAUSE_S)
        connection.give_back(buffer)

    def _fetch(self, connection: Connection, timeout_s: float) -> RawFrame:
        if self._early is not None:
            frame, self._early = self._early, None
            return frame
        if not self._pending:
            raise FrameTimeout("No frame was triggered.", cure="Trigger before fetching.", detail="not_triggered")
        deadline = time.monotonic() + timeout_s
        while True:
            buffer = connection.next_buffer()
            if connection.incomplete > self._incomplete_seen:
                self._incomplete_seen += 1
                self._pending.popleft()
                if buffer is not None:
                    connection.give_back(buffer)
                raise FrameFault("A frame arrived incomplete.", cure="Check the camera's cable and link, then scan again.", detail="incomplete")
            if buffer is not None:
                exposure_us = self._pending.popleft()
                try:
                    frame = self._copy(connection, buffer, exposure_us)
                finally:
                    connection.give_back(buffer)
                if self._taken == self._frames:
                    self._check_triggers(connection)
                return frame
            if time.monotonic() >= deadline:
                raise self._timed_out(connection, timeout_s)
            time.sleep(_PAUSE_S)

    def _timed_out(self, connection: Connection, timeout_s: float) -> FrameTimeout:
        missed = self._missed(connection.node_map) - self._missed_before
        if missed > 0:
            self._missed_before += missed
            return FrameTimeout(
                f"The camera delivered no frame within {timeout_s:g} s: it missed {missed} trigger(s).",
                cure=_TOO_FAST,
                detail="missed_trigger",
            )
        return FrameTimeout(
            f"The camera delivered no frame within {timeout_s:g} s.", cure="Check the trigger and the camera's cable, then scan again."
        )

    def _check_triggers(self, connection: Connection) -> None:
        """At the end of a burst: a trigger that the camera could not take was a light or a pattern that it did not see."""
        missed = self._missed(connection.node_map) - self._missed_before
        if missed > 0:
            raise FrameFault(f"The camera missed {missed} trigger(s) of this scan.", cure=_TOO_FAST, detail="missed_trigger")

    def _copy(self, connection: Connection, buffer: Any, exposure_us: float) -> RawFrame:
        """The frame out of the buffer, before the buffer is given back: harvesters' arrays are views into it (issues 158, 452)."""
        config = self._config
        # What a producer does not tell of a buffer is as the nodes were when the burst began, which were read back.
        code = self._told(connection, buffer, "pixel_format") or config.on_wire.pfnc
        if wire_format(code) is not config.on_wire:
            raise _odd(f"in format {wire_format(code) or hex(code)} instead of {config.on_wire}", "format")
        size = [self._told(connection, buffer, side) or asked for side, asked in (("width", config.width_px), ("height", config.height_px))]
        if size != [config.width_px, config.height_px]:
            raise _odd(f"as {size[0]}x{size[1]} instead of {config.width_px}x{config.height_px}", "shape")
        if padding := self._told(connection, buffer, "padding_x"):
            raise _odd(f"with {padding} bytes of padding after each row, which cannot be told from pixels", "padding")
        raw = memoryview(buffer.raw_buffer)
        image = raw[self._told(connection, buffer, "image_offset") : self._told(connection, buffer, "size_filled") or len(raw)]
        pixels = unpack(image, config.on_wire, config.height_px, config.width_px)
        self._taken += 1
        frame_id = self._taken if self._runs_freely else self._counter.unwrap(int(buffer.frame_id))
        chunk = read(connection.node_map, "ChunkExposureTime") if self._chunks else None
        stamp = self._told(connection, buffer, "timestamp_ns") or self._told(connection, buffer, "timestamp") or time.monotonic_ns()
        return RawFrame(pixels, frame_id, stamp, exposure_us if chunk is None else float(chunk))

    @staticmethod
    def _told(connection: Connection, buffer: Any, what: str) -> int:
        """What the producer tells of a buffer, 0 where it does not."""
        try:
            return int(getattr(buffer, what))
        except connection.failures:
            return 0


def _odd(how: str, detail: str) -> FrameFault:
    return FrameFault(f"A frame arrived {how}.", cure="Correct the camera's section of rig.yaml to what the camera sends.", detail=detail)
