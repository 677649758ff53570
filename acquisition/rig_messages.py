"""What the station and its rig process say to each other: JSON over a pipe, and descriptors of shared memory beside it.

::

    station                       rig process
    open (slots, reader_s)    ->
                              <-  opened (configuration), descriptor of the ring
    describe, safe, close     ->
                              <-  described, dark, closed
    scan (steps, patterns)    ->
                              <-  loaded, when devices are ready for the first step
                              <-  frame (slot, …) for every step, then done
    free (slot)               ->      a frame was read
    stop                      ->      end the scan early; it then ends as cancelled

Whatever fails is answered with ``failed`` in place of the answer that was due. ``free`` and ``stop`` are never answered themselves.
"""

from __future__ import annotations

import json
from collections.abc import Sequence as Seq
from multiprocessing import reduction
from multiprocessing.connection import Connection
from typing import Any

from pydantic import TypeAdapter

from acquisition.sequence import AmbientStep, FringeStep, Step, ZoneStep
from rig_configs import errors
from rig_configs.errors import D3Error, DeviceUnavailable

Message = dict[str, Any]

_STEPS = TypeAdapter(tuple[Step, ...])


class Gone(Exception):
    """Nobody is at the other end any more."""


class Link:
    """One end of the conversation. Whatever it does raises Gone when the other end is.

    Args:
        connection: a connected pipe; the link owns it.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def send(self, what: str, descriptor: int | None = None, **content: Any) -> None:
        """Say something, and hand over a descriptor, of which the other end gets its own."""
        try:
            self._connection.send_bytes(json.dumps({"what": what, **content}).encode())
            if descriptor is not None:
                reduction.send_handle(self._connection, descriptor, 0)
        except OSError as error:
            raise Gone from error

    def receive(self, timeout_s: float | None = None) -> Message | None:
        """The next message; none when there is none in time."""
        try:
            if timeout_s is not None and not self._connection.poll(timeout_s):
                return None
            return json.loads(self._connection.recv_bytes())
        except (EOFError, OSError, ValueError) as error:  # nonsense: somebody was interrupted in the middle of a message
            raise Gone from error

    @property
    def is_quiet(self) -> bool:
        """Whether somebody is there and says nothing."""
        try:
            return not self._connection.poll(0.0)
        except OSError:
            return False

    def receive_descriptor(self) -> int:
        """The descriptor that came with the message just received; the caller closes it."""
        try:
            return reduction.recv_handle(self._connection)
        except (EOFError, OSError) as error:
            raise Gone from error

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


def steps_to_json(steps: Seq[AmbientStep | ZoneStep | FringeStep]) -> list[Message]:
    """Steps as a message has them."""
    return [step.model_dump(mode="json") for step in steps]


def steps_from_json(content: list[Message]) -> tuple[AmbientStep | ZoneStep | FringeStep, ...]:
    """Steps of a message."""
    return _STEPS.validate_python(content)


def error_to_json(error: BaseException) -> Message:
    """An error as a message has it; one that is not the station's own is told as what it is: a fault of the rig process."""
    if not isinstance(error, D3Error):
        text = f"{type(error).__name__}: {error}".strip()
        return error_to_json(
            DeviceUnavailable(
                f"The rig process failed: {text}.", cure="Inspect again; if it returns, report it with the log.", detail="rig_process_failed"
            )
        )
    kind = next(c for c in type(error).__mro__ if c.__name__ in errors.__all__)
    return {"kind": kind.__name__, "code": error.code, "message": error.message, "cure": error.cure}


def error_from_json(content: Message) -> D3Error:
    """The error of a message: the same class, code, message and cure."""
    if content["kind"] not in errors.__all__:
        raise ValueError(f"there is no error {content['kind']}")
    kind: type[D3Error] = getattr(errors, content["kind"])
    error = kind(content["message"], cure=content["cure"])
    error.code = content["code"]
    return error
