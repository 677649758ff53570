"""A rig in a process of its own: what hangs or crashes there is cut off, all goes dark, and the next use starts it anew."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from threading import RLock
from types import TracebackType
from typing import Self

import numpy as np

from acquisition.capture import Frame
from acquisition.devices import DeviceInfo
from acquisition.frame_ring import FrameRing, share_patterns
from acquisition.opener import Opener
from acquisition.rig import Rig, nobody
from acquisition.rig_messages import Gone, Message, error_from_json, steps_to_json
from acquisition.rig_pair import RigPair
from acquisition.sequence import AmbientStep, FringeStep, Sequence, ZoneStep
from rig_configs.errors import Cancelled, D3Error, DeviceUnavailable
from rig_configs.schema import RigConfig

# While a frame is awaited, it is asked so often whether the scan was cancelled, seconds.
_LOOK_S = 0.05
# A process that hung up is about to end; it may, so that it can be told how it did, seconds.
_HUNG_UP_S = 0.3
# The longest wait before a rig process that keeps dying is started again, seconds.
_LONGEST_BACK_OFF_S = 30.0


@dataclass(frozen=True, slots=True)
class Limits:
    """How long the rig process may be silent before it counts as hung. Longer than drivers' own limits, or their errors are never heard."""

    start_s: float = 60.0
    """Import of the drivers and opening."""
    describe_s: float = 60.0
    """Every device opened and asked."""
    load_s: float = 120.0
    """Arming, and patterns loaded into every projector."""
    step_s: float = 2.5
    """A step, beyond its exposure and the rig's ``frame_timeout_s``; with it, after a fault, to go dark. With 2 s for a frame, a hang is over,
    and all is dark, within 5 s."""
    dark_s: float = 10.0
    """Everything off, and in the end closed."""
    reader_s: float = 30.0
    """For so long a reader may leave the ring full; the rig process then ends the scan, dark, as FrameTimeout (``not_taken``)."""


class RigProcess:
    """The interface of :class:`acquisition.rig.Rig`, for devices in another process.

    The rig works ahead of its reader by as many frames as the ring has slots. It does one thing at a time: any other call, from any
    thread, ends a scan that is still open, which then raises Cancelled.

    A rig process that dies or hangs is DeviceUnavailable (``rig_process_died``, ``rig_process_hung``) for whoever waits for it, and is told
    only after lights and projectors were turned off. The next use starts it anew: the first time at once, and while it
    goes on dying after a second, two, four and so on.

    Args:
        open_rig: gives the :class:`acquisition.rig.Rig`; called in the rig process.
        open_dark: gives its lights and projectors alone, none of them opened before it is first used; called in the dark guard, which uses
            them only where the rig process was killed.
        limits: how long it may be silent.
        slots: frames that fit into the ring.

    Raises:
        D3Error: whatever ``open_rig`` raises.
        DeviceUnavailable: the process does not start.
    """

    def __init__(self, open_rig: Opener, open_dark: Opener, *, limits: Limits | None = None, slots: int = 4) -> None:
        self._open_rig = open_rig
        self._open_dark = open_dark
        self._limits = limits or Limits()
        self._slots = slots
        self._lock = RLock()
        self._pair: RigPair | None = None
        self._scan: _Scan | None = None
        self._closed = False
        self._is_known_dark = True
        self._deaths = 0
        self._not_before = 0.0
        self.config: RigConfig = self._start()

    @classmethod
    def of_devices(cls, config: RigConfig, devices: RigConfig | None = None, limits: Limits | None = None) -> Self:
        """A rig of real drivers.

        Args:
            config: the rig.
            devices: the same with the addresses at which its devices are, where they differ, as an emulated cell's do.
            limits: how long it may be silent.

        Raises:
            RigFileError: a device is not a real one.
            DeviceUnavailable: the process does not start.
        """
        rig, wired = config.model_dump_json(), (devices or config).model_dump_json()
        here = "acquisition.rig_openers"
        return cls(Opener(f"{here}:open_rig", (rig, wired)), Opener(f"{here}:open_dark", (wired,)), limits=limits)

    def describe(self) -> list[DeviceInfo]:
        """Ask every device what it is. Raises DeviceUnavailable."""
        answer = self._ask("describe", "described", self._limits.describe_s)
        self._deaths = 0
        return [DeviceInfo(**device) for device in answer["devices"]]

    def scan(self, sequence: Sequence, cancelled: Callable[[], bool] = nobody) -> Generator[Frame]:
        """Do a sequence, yielding each frame as it arrives; whoever may stop before the end closes it, and all is dark at once.

        Args:
            sequence: the steps and the patterns they need; patterns already there are not sent again.
            cancelled: asked before every frame, and while one is awaited.

        Raises:
            DeviceError: a device failed, or the rig process did.
            Cancelled: ``cancelled`` said so, or another call ended the scan.
        """
        scan = self._begin(sequence)
        may_have_lost_patterns = scan.pair.is_loaded
        try:
            for index, step in enumerate(sequence.steps):
                try:
                    frame = self._frame(scan, step, cancelled)
                except DeviceUnavailable:
                    if index or not may_have_lost_patterns or scan.is_unwanted or scan.pair is not self._pair:
                        raise
                    # A projector was switched off and on since the scan before: once more, with its patterns loaded again.
                    may_have_lost_patterns, scan = False, self._begin(sequence)
                    frame = self._frame(scan, step, cancelled)
                yield frame
            self._done(scan)
        finally:
            self._stop(scan)

    def safe(self) -> list[D3Error]:
        """Turn lights and projectors off, and end a scan.

        Returns:
            What went wrong, empty when everything is known to be dark.
        """
        try:
            answer = self._ask("safe", "dark", self._limits.dark_s)
        except D3Error as error:
            return [] if self._pair is None and self._is_known_dark else [error]
        return [error_from_json(problem) for problem in answer["problems"]]

    def close(self) -> None:
        """Lights and projectors off, devices released, processes ended. Safe to call twice."""
        self._interrupt()
        with self._lock:
            self._stop(self._scan)
            self._closed = True
            if self._pair is not None:
                self._is_known_dark = self._pair.close(self._limits.dark_s)
                self._pair = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @property
    def process_ids(self) -> tuple[int, int] | None:
        """Numbers of the rig process and of the dark guard; none while they do not run."""
        pair = self._pair
        return None if pair is None else (pair.rig_pid, pair.guard_pid)

    # --------------------------------------------------------------------------------------------------------- a scan

    def _begin(self, sequence: Sequence) -> _Scan:
        self._interrupt()
        with self._lock:
            self._stop(self._scan)
            pair = self._up()
            # By identity, as the rig does: the station scans with the same patterns for ever.
            known = pair.patterns
            is_known = known is not None and all(
                len(a) == len(b) and all(x is y for x, y in zip(a, b, strict=True)) for a, b in zip(known, sequence.patterns, strict=True)
            )
            memory, shapes = None, None
            if not is_known:
                memory, shapes, pair.is_loaded = share_patterns(sequence.patterns), [[p.shape for p in shown] for shown in sequence.patterns], False
            try:
                pair.link.send("scan", memory, steps=steps_to_json(sequence.steps), shapes=shapes)
            except Gone:
                raise self._died() from None
            finally:
                if memory is not None:
                    os.close(memory)
            pair.patterns = sequence.patterns
            self._scan = scan = _Scan(pair, max((step.exposure_us for step in sequence.steps), default=0.0))
            return scan

    def _frame(self, scan: _Scan, step: AmbientStep | ZoneStep | FringeStep, cancelled: Callable[[], bool]) -> Frame:
        """The next frame, of a step."""
        limit_s = step_s = self._step_s(step.exposure_us)
        if not scan.pair.is_loaded:
            limit_s += self._limits.load_s
        deadline = time.monotonic() + limit_s
        while True:
            is_unwanted = scan.is_unwanted or cancelled()
            with self._lock:
                if is_unwanted and not scan.is_over:
                    self._stop(scan)
                    raise _cancelled(f"before step {step.key}")
                message = self._heard(scan, min(_LOOK_S, limit_s))
                if message is not None and message["what"] != "loaded":
                    return self._taken(message, scan, step)
                if message is not None:
                    scan.pair.is_loaded, limit_s, deadline = True, step_s, time.monotonic() + step_s
                elif time.monotonic() >= deadline:
                    raise self._hung(f"of step {step.key} for {limit_s:g} s")

    def _taken(self, message: Message, scan: _Scan, step: AmbientStep | ZoneStep | FringeStep) -> Frame:
        if message["what"] != "frame" or scan.pair.ring is None:
            raise self._lost("rig_process_failed", f"answered '{message['what']}' in place of a frame.")
        pixels = scan.pair.ring.read(message["slot"], tuple(message["shape"]), np.dtype(message["dtype"]))
        try:
            scan.pair.link.send("free", slot=message["slot"])
        except Gone:
            raise self._died() from None
        return Frame(step, pixels, message["frame_id"], message["timestamp_ns"], message["exposure_us"], message["arrived_ms"])

    def _step_s(self, exposure_us: float) -> float:
        return self.config.timing.frame_timeout_s + exposure_us * 1e-6 + self._limits.step_s

    def _done(self, scan: _Scan) -> None:
        with self._lock:
            if self._heard(scan, self._limits.dark_s) is None:
                raise self._hung(f"after the last step for {self._limits.dark_s:g} s")
            scan.is_over = True
            self._deaths = 0

    def _heard(self, scan: _Scan, timeout_s: float) -> Message | None:
        """The next message of a scan; none when there is none in time. Raises what the scan failed with."""
        if scan.is_over:
            raise _cancelled("by another call")
        try:
            message = scan.pair.link.receive(timeout_s)
        except Gone:
            raise self._died() from None
        if message is not None and message["what"] == "failed":
            error = error_from_json(message["error"])
            scan.is_over = True
            scan.pair.is_loaded &= not isinstance(error, DeviceUnavailable)  # a projector that comes back is loaded again
            raise error
        return message

    def _stop(self, scan: _Scan | None) -> None:
        """End a scan that is not over, and come back when all is dark. Never raises."""
        with self._lock:
            if scan is None or scan.is_over:
                return
            limit_s = self._step_s(scan.longest_us) + (0.0 if scan.pair.is_loaded else self._limits.load_s)
            deadline = time.monotonic() + limit_s
            try:
                scan.pair.link.send("stop")
                while True:
                    message = scan.pair.link.receive(max(0.0, deadline - time.monotonic()))
                    if message is None:
                        self._hung(f"to the end of the scan for {limit_s:g} s")
                        return
                    if message["what"] in ("done", "failed"):
                        break
            except Gone:
                self._died()
            scan.is_over = True

    def _interrupt(self) -> None:
        """Whoever waits for a frame in another thread shall give up."""
        if (scan := self._scan) is not None:
            scan.is_unwanted = True

    # --------------------------------------------------------------------------------------------------- the processes

    def _ask(self, what: str, answer: str, limit_s: float) -> Message:
        self._interrupt()
        with self._lock:
            self._stop(self._scan)
            pair = self._up()
            try:
                pair.link.send(what)
                message = pair.link.receive(limit_s)
            except Gone:
                raise self._died() from None
            if message is None:
                raise self._hung(f"to '{what}' for {limit_s:g} s")
            if message["what"] == "failed":
                raise error_from_json(message["error"])
            assert message["what"] == answer
            return message

    def _up(self) -> RigPair:
        """Both processes, started again where one of them is gone."""
        if self._closed:
            raise DeviceUnavailable("The rig is closed.", cure="Open it again.", detail="closed")
        if self._pair is not None and not self._pair.is_whole:
            # Nobody waited for it: started anew, nobody need know. Where the guard is gone, the rig is not used without one.
            self._pair.close(self._limits.dark_s)
            self._pair = None
        if self._pair is None:
            wait_s = self._not_before - time.monotonic()
            if wait_s > 0:
                raise DeviceUnavailable(
                    f"The rig process died {self._deaths} times in a row and is not started for another {wait_s:.1f} s.",
                    cure="Look for the reason in the log; then inspect again.",
                    detail="rig_process_died",
                )
            if self._start() != self.config:
                self.close()
                raise DeviceUnavailable(
                    "The rig's configuration was changed since it was opened.", cure="Start the station again.", detail="rig_changed"
                )
        assert self._pair is not None
        return self._pair

    def _start(self) -> RigConfig:
        self._is_known_dark = False
        try:
            pair = self._pair = RigPair(self._open_rig, self._open_dark)
        except OSError as error:
            raise DeviceUnavailable(f"The rig process cannot be started: {error}.", cure="See the log.", detail="rig_process_died") from error
        try:
            pair.link.send("open", slots=self._slots, reader_s=self._limits.reader_s)
            message = pair.link.receive(self._limits.start_s)
            if message is not None and message["what"] == "opened":
                descriptor = pair.link.receive_descriptor()
                try:
                    pair.ring = FrameRing(descriptor, message["slot_bytes"], self._slots)
                finally:
                    os.close(descriptor)
                return RigConfig.model_validate_json(message["config"])
        except Gone:
            raise self._died() from None
        except BaseException:
            pair.kill()
            self._pair = None
            raise
        if message is None:
            raise self._hung(f"to its start for {self._limits.start_s:g} s")
        self._is_known_dark, self._pair = pair.kill(), None
        raise error_from_json(message["error"])

    def _died(self) -> DeviceUnavailable:
        return self._lost("rig_process_died", "")

    def _hung(self, when: str) -> DeviceUnavailable:
        return self._lost("rig_process_hung", f"has given no answer {when}, and was ended.")

    def _lost(self, detail: str, what: str) -> DeviceUnavailable:
        """End what is left of the processes; returns what to raise."""
        pair, self._pair = self._pair, None
        if pair is not None:
            self._is_known_dark = pair.kill(0.0 if what else _HUNG_UP_S)
            what = what or f"{pair.ending or 'died'}."
        if self._scan is not None:
            self._scan.is_over = True
        self._deaths += 1
        back_off_s = 0.0 if self._deaths == 1 else min(2.0 ** (self._deaths - 2), _LONGEST_BACK_OFF_S)
        self._not_before = time.monotonic() + back_off_s
        dark = "Lights and projectors were turned off." if self._is_known_dark else "Not everything is known to be dark."
        cure = "Inspect again; if it returns, look in the log for the device it was busy with."
        if not self._is_known_dark:
            cure = f"Look whether a light or projector still shines, and cut its power. {cure}"
        return DeviceUnavailable(f"The rig process {what} {dark}", cure=cure, detail=detail)


def _cancelled(how: str) -> Cancelled:
    return Cancelled(f"The scan was cancelled {how}.", cure="Start the inspection again when ready.")


@dataclass(slots=True)
class _Scan:
    """A scan that the rig process was told to do."""

    pair: RigPair
    longest_us: float
    """Its longest exposure, µs."""
    is_unwanted: bool = False
    """Whether somebody wants it to end."""
    is_over: bool = False
    """Whether nothing more is to come of it."""


AnyRig = Rig | RigProcess
"""A rig, wherever its devices are."""
