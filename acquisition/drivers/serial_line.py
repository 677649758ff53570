"""A serial line to a light controller: one command at a time, each with its answer, never waiting without end."""

from __future__ import annotations

import termios
import time

import serial

from acquisition.drivers.light_protocols.base import Answer, Command, LightProtocol, Outcome
from rig_configs.lights import SerialLightsConfig

# A byte on the line is a start bit, eight bits and a stop bit.
BITS_PER_BYTE = 10
# A read gives up after this long, to look at the deadline; it returns at once when something comes.
SLICE_S = 0.005
# A port that takes nothing for this long is broken.
WRITE_S = 0.5
# No controller says more at once.
LONGEST_ANSWER = 512


class SerialLine:
    """An open line. Every method raises OSError, or termios.error, when the port is gone.

    Args:
        config: port, baud rate and the longest silence before an answer.
        protocol: says where answers end, and which pauses the controller needs.
    """

    def __init__(self, config: SerialLightsConfig, protocol: LightProtocol) -> None:
        self._protocol = protocol
        self._byte_s = BITS_PER_BYTE / config.baud_rate
        self._silence_s = config.answer_timeout_ms / 1000
        self._free_at = 0.0
        self._port = serial.Serial(config.port, config.baud_rate, timeout=SLICE_S, write_timeout=WRITE_S, exclusive=True)

    def exchange(self, command: Command, deadline: float) -> tuple[Answer | None, bytes]:
        """Send a command and wait for its answer.

        Args:
            command: what to send.
            deadline: ``time.monotonic()`` at which waiting ends in any case. After it commands are still sent, and nothing is waited for.

        Returns:
            The decoded answer, None where none was complete in time; and the bytes that came.
        """
        self._drop_input()
        self._send(command.data)
        if not self._protocol.capabilities.answers:
            self._pause()
            return Answer(Outcome.OK), b""
        received = b""
        until = min(self._free_at + self._silence_s, deadline)
        while (now := time.monotonic()) < until and len(received) < LONGEST_ANSWER:
            chunk = self._read()
            if not chunk:
                continue
            received += chunk
            until = min(now + self._silence_s, deadline)
            length = self._protocol.answer_length(command, received)
            if length is not None:
                self._free_at = time.monotonic() + self._protocol.gap_s
                return self._protocol.decode(command, received[:length]), received
        return None, received

    def resynchronise(self, deadline: float) -> None:
        """End what either side has half heard, and wait for silence."""
        if self._protocol.resync:
            self._send(self._protocol.resync)
        if self._protocol.capabilities.answers:
            self.fall_silent(deadline)

    def fall_silent(self, deadline: float) -> None:
        """Drop what comes until nothing has come for as long as an answer may take."""
        quiet_at = min(time.monotonic() + self._silence_s, deadline)
        while (now := time.monotonic()) < quiet_at:
            if self._read():
                quiet_at = min(now + self._silence_s, deadline)

    @property
    def is_there(self) -> bool:
        """Whether the port still is; nothing is sent."""
        try:
            return self._port.in_waiting >= 0
        except (OSError, termios.error):
            return False

    def close(self) -> None:
        """Release the port."""
        self._port.close()

    def _send(self, data: bytes) -> None:
        self._pause()
        self._port.write(data)
        self._free_at = time.monotonic() + len(data) * self._byte_s + self._protocol.gap_s

    def _pause(self) -> None:
        """Until the last command has left and the controller may take another."""
        time.sleep(max(0.0, self._free_at - time.monotonic()))

    def _drop_input(self) -> None:
        while self._port.in_waiting:
            self._port.read(self._port.in_waiting)

    def _read(self) -> bytes:
        return self._port.read(max(1, self._port.in_waiting))
