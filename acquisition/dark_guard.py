"""The dark guard: a small process that turns lights and projectors off when the rig process can no longer do it.

It is started before the rig process opens anything, imports then all it will need, and sleeps. It wakes when

- the rig process has ended: in order, and it leaves; by a kill or a crash, and it turns lights and projectors off itself. Drivers open their
  devices when they are first used, which is only now, for a device can be open in one process alone;
- the station has ended: the rig process is given a moment to end in order, then it is killed.

It has a session of its own, so that no kill of a process group reaches it, and leaves only by its own will: signals that ask it to end wait
until the rig process has. Nothing can be done here against a kill of all three at once, as at the end of a container; a controller
with a watchdog can.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Iterable
from threading import Thread
from typing import Any

from acquisition.opener import Opener

READY = b"r"
DARK = b"d"
CLOSED = b"c"
# How long the rig process may take to turn all off after the station is gone, and then to close: lights and projectors shall be dark within
# a second, and a rig process that hangs shall not stay behind.
GRACE_S = 0.4
CLOSING_S = 5.0
# A device that was lost by a kill may be busy for a moment: it is tried again for so long, seconds.
DARK_S = 3.0
_AGAIN_S = 0.05


def main(arguments: list[str]) -> int:
    """Guard until the rig process ends; 0 when all is known to be dark.

    Args:
        arguments: descriptor of the socket to the rig process, process descriptors of the rig process and of the station, and the opener of
            lights and projectors, which opens none before it is used.
    """
    for asked in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(asked, signal.SIG_IGN)
    rig = socket.socket(fileno=int(arguments[0]))
    rig_process, station = int(arguments[1]), int(arguments[2])
    try:
        devices = list(Opener.from_json(arguments[3]).load()())
    except Exception as error:  # noqa: BLE001 - told to the station, by way of the rig process, which then opens nothing
        from acquisition.rig_messages import error_to_json  # what knows pixels and steps is needed only here

        rig.sendall(json.dumps(error_to_json(error)).encode())
        return 0
    rig.send(READY)
    if ends_in_order(rig, rig_process, station):
        return 0
    problems = turn_off(devices)
    for problem in problems:
        print(f"dark guard: {problem}", file=sys.stderr, flush=True)
    return 1 if problems else 0


def ends_in_order(rig: socket.socket, rig_process: int, station: int) -> bool:
    """Wait for the rig process to end, and end it where the station is gone and it does not.

    Args:
        rig: socket to the rig process, which says DARK when it has turned all off, and CLOSED at last.
        rig_process: its process descriptor.
        station: process descriptor of the station.

    Returns:
        Whether the rig process said that all is dark and closed.
    """
    poll = select.poll()
    for descriptor in (rig.fileno(), rig_process, station):
        poll.register(descriptor, select.POLLIN)
    alone_since: float | None = None
    deadline: float | None = None
    is_dark = False
    while True:
        events = [d for d, _ in poll.poll(None if deadline is None else max(0.0, deadline - time.monotonic()) * 1000)]
        if rig.fileno() in events:
            try:
                said = rig.recv(16)
            except ConnectionError:
                said = b""
            if CLOSED in said:
                return True
            if DARK in said:
                is_dark = True
            else:
                poll.unregister(rig)
        if rig_process in events:
            return False
        if station in events:
            poll.unregister(station)
            alone_since = time.monotonic()
        deadline = None if alone_since is None else alone_since + (CLOSING_S if is_dark else GRACE_S)
        if deadline is not None and time.monotonic() >= deadline:
            signal.pidfd_send_signal(rig_process, signal.SIGKILL)
            deadline = alone_since = None


def turn_off(devices: Iterable[Any], limit_s: float = DARK_S) -> list[str]:
    """Turn off lights (``off``) and projectors (``dark``), all at once so that a slow one holds up none, and close them.

    Returns:
        What may still shine.
    """
    problems: dict[int, str] = {}
    deadline = time.monotonic() + limit_s

    def end(index: int, device: Any) -> None:
        switch_off = device.off if hasattr(device, "off") else device.dark
        while True:
            try:
                switch_off()
                break
            except Exception as problem:  # noqa: BLE001 - whatever it was, there is nothing else to do than to try again
                problems[index] = f"{type(device).__name__}: {problem}"
            if time.monotonic() >= deadline:
                return
            time.sleep(_AGAIN_S)
        problems.pop(index)
        device.close()

    threads: list[Thread] = []
    for index, device in enumerate(devices):
        problems[index] = f"{type(device).__name__} does not answer."
        threads.append(Thread(target=end, args=(index, device), daemon=True))
        threads[-1].start()
    for thread in threads:
        thread.join(max(0.0, deadline + 1.0 - time.monotonic()))
    return list(problems.values())


if __name__ == "__main__":
    status = main(sys.argv[1:])
    os._exit(status)  # at once: a device that hangs keeps its thread
