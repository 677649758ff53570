"""Zone lights behind a controller on a serial line.

One driver for every family of controllers; what differs is in :mod:`acquisition.drivers.light_protocols`. A command counts as done
when the controller answered that it is, and a setting when the controller reports it, where it can. Between a failed attempt and the
next the line is given time to fall silent, so that a late answer is not taken for the next one's. After any failure every
channel is turned off as far as it can be reached, and the line is closed: the next call opens it and sets everything up again.
"""

from __future__ import annotations

import termios
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from threading import RLock
from types import TracebackType

import serial

from acquisition.devices import DeviceInfo
from acquisition.drivers.light_protocols import LightProtocol, protocol_for
from acquisition.drivers.light_protocols.base import Answer, Capabilities, Command, Outcome
from acquisition.drivers.serial_line import SerialLine
from rig_configs.errors import DeviceUnavailable
from rig_configs.lights import SerialLightsConfig

# Longest time that one command, a call, and opening with setting every channel up may need before they count as failed, seconds.
COMMAND_S = 1.2
CALL_S = 1.4
OPENING_S = 3.0
# For this long after a controller has confirmed that all is dark, it is not told again, seconds: between fringe frames that would only
# take time.
DARK_HOLDS_S = 0.5
# Longest time for turning everything off after a failure, seconds.
DARK_S = 0.5


class SerialLights:
    """Zone lights behind a serial controller. The line is opened at the first use, and again after a failure.

    Calls may come from several threads. Every call ends within two seconds of the controller's last sign of life.
    """

    def __init__(self, config: SerialLightsConfig) -> None:
        self._config = config
        self._protocol: LightProtocol = protocol_for(config)
        self._line: SerialLine | None = None
        self._lock = RLock()
        self._lit: int | None = None
        self._dark_at = float("-inf")
        self._closed = False

    @property
    def capabilities(self) -> Capabilities:
        """What the controller can do over its line."""
        return self._protocol.capabilities

    @property
    def info(self) -> DeviceInfo:
        """Ask the controller whether it is there, and what it is. Raises DeviceUnavailable."""
        with self._lock, self._failing_dark():
            line, deadline = self._opened(), time.monotonic() + CALL_S
            question = self._protocol.ask(self._config.channels[0])
            answer = None if question is None else self._do(line, question, deadline)
        model = str(answer.settings.get("model", "")) if answer else ""
        plugs = (f"{zone.name} on channel {channel.channel}" for zone, channel in zip(self._config.zones, self._config.channels, strict=True))
        return DeviceInfo(
            "lights",
            "lights",
            model or self._protocol.name,
            "",
            {
                "zones": ", ".join(plugs),
                "port": f"{self._config.port} at {self._config.baud_rate}",
                "protocol": self._protocol.name,
                "reads back": ", ".join(self.capabilities.reads_back) or "nothing",
            },
        )

    def on(self, zone: int) -> None:
        """Turn one zone on and every other off, first off, then on; in strobe mode the zone flashes at each trigger from now on.

        Raises:
            DeviceUnavailable: the controller did not do it, or the zone does not exist; every zone is off as far as it can be reached.
        """
        with self._lock, self._failing_dark():
            if not 0 <= zone < len(self._config.channels):
                last = len(self._config.channels) - 1
                raise DeviceUnavailable(f"The light has no zone {zone}.", cure=f"Name a zone from 0 to {last}.", detail="no_such_zone")
            line, deadline = self._opened(), time.monotonic() + CALL_S
            self._lit, self._dark_at = None, float("-inf")
            for other, channel in enumerate(self._config.channels):
                if other != zone:
                    self._do_all(line, self._protocol.off(channel), deadline)
            self._do_all(line, self._protocol.on(self._config.channels[zone]), deadline)
            self._lit = zone

    def off(self) -> None:
        """Turn every zone off. Said again at once, it only looks whether the port is still there.

        Raises:
            DeviceUnavailable: a channel did not confirm; the others are off as far as they can be reached.
        """
        with self._lock, self._failing_dark():
            line, deadline = self._opened(), time.monotonic() + CALL_S
            if not (self.capabilities.answers and time.monotonic() < self._dark_at + DARK_HOLDS_S):
                self._lit = None
                self._all_off(line, deadline)

    def pulse(self) -> None:
        """Make the zone that is on flash once, by a command instead of the trigger line.

        Raises:
            DeviceUnavailable: no zone is on, zones shine steadily, or the controller has no such command.
        """
        with self._lock, self._failing_dark():
            line = self._opened()
            command = None if self._lit is None or self._config.strobe is None else self._protocol.pulse(self._config.channels[self._lit])
            if command is None:
                raise DeviceUnavailable(
                    "The light cannot flash by a command now.",
                    cure="Choose mode strobe and a controller with a trigger command, and turn a zone on first.",
                    detail="no_trigger",
                )
            self._do(line, command, time.monotonic() + CALL_S, attempts=1)  # an overdriven LED must not flash twice

    def close(self) -> None:
        """Lights off, then release the line. Safe to call twice, and with the controller gone."""
        with self._lock:
            if not self._closed:
                self._dark_at = float("-inf")
                with suppress(DeviceUnavailable):
                    self.off()
                self._release()
                self._closed = True

    def __enter__(self) -> SerialLights:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _opened(self) -> SerialLine:
        """The line, opened where it is not or was lost meanwhile, with every channel dark and set up."""
        if self._line is not None and not self._line.is_there:
            self._release()
        if self._line is None:
            self._line = line = SerialLine(self._config, self._protocol)
            self._closed = False
            deadline = time.monotonic() + OPENING_S
            line.resynchronise(deadline)
            self._all_off(line, deadline)
            for channel in self._config.channels:
                self._do_all(line, self._protocol.prepare(channel), deadline)
        return self._line

    def _all_off(self, line: SerialLine, deadline: float) -> None:
        for channel in self._config.channels:
            self._do_all(line, self._protocol.off(channel), deadline)
        self._dark_at = time.monotonic()

    def _do_all(self, line: SerialLine, commands: Iterable[Command], deadline: float) -> None:
        for command in commands:
            self._do(line, command, deadline)

    def _do(self, line: SerialLine, command: Command, deadline: float, attempts: int | None = None) -> Answer:
        """Send a command until it is known to be done; raises DeviceUnavailable when it is not."""
        problem = self._problem("no_answer", command)
        deadline = min(deadline, time.monotonic() + COMMAND_S)
        for attempt in range(attempts or self._config.attempts):
            if attempt:
                line.resynchronise(deadline)
            answer, heard = line.exchange(command, deadline)
            wrong = {} if answer is None else {k: v for k, v in command.wanted.items() if answer.settings.get(k) != v}
            if answer is not None and answer.outcome is Outcome.OK and not wrong:
                if attempt:
                    line.fall_silent(deadline)  # answers to earlier attempts may still come
                return answer
            if answer is None:
                problem = self._problem("garbled", command, heard) if heard else self._problem("no_answer", command)
            elif answer.outcome is Outcome.OK:
                told = "; ".join(f"{k} is {answer.settings.get(k)} and should be {v}" for k, v in wrong.items())
                problem = self._problem("not_verified", command, told)
            elif answer.outcome is Outcome.REFUSED:
                problem = self._problem("refused", command, answer.text)
            else:
                problem = self._problem("garbled", command, heard)
            if time.monotonic() >= deadline:
                break
        raise problem

    @contextmanager
    def _failing_dark(self) -> Iterator[None]:
        """Whatever goes wrong inside ends with every channel told to be off and the line closed."""
        try:
            yield
        except (OSError, termios.error) as cause:
            self._go_dark()
            raise self._lost(cause) from cause
        except BaseException:
            self._go_dark()
            raise

    def _go_dark(self) -> None:
        """Tell every channel to be off, with answers as long as there is time for them, blindly after that."""
        line, deadline = self._line, time.monotonic() + DARK_S
        if line is not None:
            with suppress(OSError, termios.error):
                line.resynchronise(deadline)
                for command in self._switching_off():
                    line.exchange(command, deadline)
        self._release()

    def _switching_off(self) -> list[Command]:
        return [command for channel in self._config.channels for command in self._protocol.off(channel) if not command.wanted]

    def _release(self) -> None:
        if self._line is not None:
            with suppress(OSError, termios.error):
                self._line.close()
        self._line, self._lit, self._dark_at = None, None, float("-inf")

    def _problem(self, detail: str, command: Command, heard: bytes | str = b"") -> DeviceUnavailable:
        about = f"the light controller on {self._config.port} when {command.what}"
        match detail:
            case "no_answer":
                message = f"There was no answer from {about}."
                cure = "Check its power, the serial cable, and protocol and baud rate in rig.yaml."
            case "garbled":
                message = f"There was no proper answer from {about}, only {heard!r}."
                cure = "Check baud rate and protocol in rig.yaml, and the serial cable and its shield."
            case "refused":
                message = f"There was a refusal from {about}: {heard}."
                cure = "Check channels, intensities and strobe in rig.yaml against the controller's manual, and that its panel is not locked."
            case _:
                message = f"There was a wrong setting in {about}: {heard}."
                cure = "See that nobody turns the controller's knobs and no other program uses it, then inspect again."
        return DeviceUnavailable(message, cure=cure, detail=detail)

    def _lost(self, cause: Exception) -> DeviceUnavailable:
        if isinstance(cause, serial.SerialTimeoutException):
            detail, cure = "no_answer", "Check the light controller's power and its serial cable."
        elif "lock" in str(cause):
            detail, cure = "busy", "End the other program that uses the port."
        elif "Permission" in str(cause):
            detail, cure = "no_permission", "Put the station's user into the group that may use serial ports, often 'dialout'."
        else:
            detail = "unplugged"
            cure = "Plug the light controller in; if its lights are still on, turn them off at the controller. Check the port's name in rig.yaml."
        return DeviceUnavailable(f"The light controller's port {self._config.port} cannot be used: {cause}.", cure=cure, detail=detail)
