"""How 64-byte reports get to a controller and back: USB HID, or a unix socket that carries the same reports for an emulated one.

An address is ``hid:VID:PID``, ``hid:VID:PID:SERIAL`` or ``unix:/path``. A real controller hangs up with an OSError when it is
unplugged; a socket's end of file is made into one too, so that both links fail alike.
"""

from __future__ import annotations

import contextlib
import errno
import select
import socket
from typing import Any, Protocol

REPORT_BYTES = 64
_CONNECT_TIMEOUT_S = 1.0


class HidLink(Protocol):
    """An open link to one controller."""

    @property
    def serial(self) -> str:
        """The device's serial number, empty where it tells none."""
        ...

    def write(self, report: bytes) -> None:
        """Send one report of 64 bytes. Raises OSError when the device is gone."""
        ...

    def read(self, timeout_s: float) -> bytes:
        """The next report. Raises TimeoutError when none came in time, OSError when the device is gone."""
        ...

    def close(self) -> None:
        """Let go of the device. Safe to call twice."""
        ...


def open_link(address: str) -> HidLink:
    """Open a link by its address.

    Raises:
        OSError: there is no such device, or it may not be opened.
    """
    kind, _, rest = address.partition(":")
    if kind == "unix":
        return SocketLink(rest)
    vendor, product, *serial = rest.split(":", 2)
    return UsbLink(int(vendor, 16), int(product, 16), serial[0] if serial else "")


class UsbLink:
    """A controller on USB, through hidapi. Both controllers have two interfaces; commands go to number 0."""

    def __init__(self, vendor: int, product: int, serial: str) -> None:
        import hid  # needs libudev, which a machine without such a projector may lack

        found = [d for d in hid.enumerate(vendor, product) if d["interface_number"] <= 0 and serial in ("", d["serial_number"])]
        if not found:
            raise OSError(errno.ENODEV, f"no USB device {vendor:04x}:{product:04x} {serial}".rstrip())
        if len(found) > 1:
            serials = ", ".join(sorted(d["serial_number"] or "without serial" for d in found))
            raise OSError(errno.ENOTUNIQ, f"{len(found)} USB devices {vendor:04x}:{product:04x} ({serials}); name a serial number in the link")
        self.serial: str = found[0]["serial_number"] or ""
        self._device: Any = hid.device()
        self._device.open_path(found[0]["path"])

    def write(self, report: bytes) -> None:
        """Send one report, behind the report number 0."""
        if self._device.write(b"\x00" + report) < 0:
            raise OSError(errno.ENODEV, self._device.error() or "write failed")

    def read(self, timeout_s: float) -> bytes:
        """The next report."""
        report = bytes(self._device.read(REPORT_BYTES, max(1, round(timeout_s * 1000))))
        if not report:
            raise TimeoutError
        return report

    def close(self) -> None:
        """Let go of the device."""
        self._device.close()


class SocketLink:
    """An emulated controller on a unix socket that keeps the reports' bounds (SOCK_SEQPACKET)."""

    serial = ""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.settimeout(_CONNECT_TIMEOUT_S)
        try:
            self._socket.connect(path)
        except OSError:
            self._socket.close()
            raise

    def write(self, report: bytes) -> None:
        """Send one report."""
        self._socket.send(report)

    def read(self, timeout_s: float) -> bytes:
        """The next report."""
        if not select.select([self._socket], [], [], timeout_s)[0]:
            raise TimeoutError
        report = self._socket.recv(2 * REPORT_BYTES)
        if not report:
            raise OSError(errno.ENODEV, "the emulated controller hung up")
        return report

    def close(self) -> None:
        """Hang up."""
        with contextlib.suppress(OSError):
            self._socket.close()
