"""Talking with a DLP controller: messages out, answers in, every wait bounded, and reconnecting after a failure."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import NoReturn

from acquisition.drivers.dlpc_common import Answer, Message, parse_answer, reports
from acquisition.drivers.hid_link import HidLink, open_link
from rig_configs.errors import DeviceUnavailable

_POLL_S = 0.002
_WORK_TIMEOUT_S = 2.0


class Conversation:
    """A link that opens when it is first needed, and again after it failed. For one thread at a time.

    Args:
        name: the projector's name, for errors.
        address: as hid_link.py has it.
        timeout_s: longest wait for an answer, seconds.
        reason: the message that asks a controller why it refused, and what its answers mean, where it can tell.
    """

    def __init__(self, name: str, address: str, timeout_s: float, reason: tuple[Message, dict[int, str]] | None = None) -> None:
        self.name = name
        self.session = 0
        """Counts the times that the link was opened: what was loaded in an earlier session may be gone."""
        self._address = address
        self._timeout_s = timeout_s
        self._reason = reason
        self._link: HidLink | None = None
        self._sequence = 0

    @property
    def is_open(self) -> bool:
        """Whether the link is up, as far as is known."""
        return self._link is not None

    @property
    def serial(self) -> str:
        """The device's serial number, empty where it tells none. Raises DeviceUnavailable."""
        return self._opened().serial

    def tell(self, message: Message) -> None:
        """Send a command and wait for its acknowledgement, if it has one.

        Raises:
            DeviceUnavailable: ``unplugged``, ``no_answer``, ``garbled`` or ``refused``.
        """
        if self._exchange(message).failed:
            self._refused(message)

    def tell_all(self, messages: list[Message]) -> None:
        """Send several commands. Raises DeviceUnavailable."""
        for message in messages:
            self.tell(message)

    def ask(self, message: Message, timeout_s: float | None = None) -> bytes:
        """Send a read and return the answer's data, at least one byte. Raises DeviceUnavailable as :meth:`tell`."""
        answer = self._exchange(message, timeout_s)
        if answer.failed or not answer.data:
            self._refused(message)
        return answer.data

    def confirm(self, message: Message, expected: bytes, what: str) -> None:
        """Read something back. Raises DeviceUnavailable (``not_confirmed``) when it is not what was set."""
        found = self.ask(message)[: len(expected)]
        if found != expected:
            raise DeviceUnavailable(
                f"Projector {self.name} does not keep what it was told: {what} is {found.hex(' ')}, not {expected.hex(' ')}.",
                cure="Switch the projector off and on; if it returns, update its firmware.",
                detail="not_confirmed",
            )

    def wait_until(self, message: Message, ready: Callable[[bytes], bool], what: str, timeout_s: float) -> bytes:
        """Ask until the answer is right. Raises DeviceUnavailable (``not_confirmed``) when it is not by then."""
        deadline = time.monotonic() + timeout_s
        while not ready(data := self.ask(message)):
            if time.monotonic() > deadline:
                raise DeviceUnavailable(
                    f"Projector {self.name} did not {what} within {timeout_s:g} s.",
                    cure="Switch the projector off and on; if it returns, check exposure and trigger in rig.yaml.",
                    detail="not_confirmed",
                )
            time.sleep(_POLL_S)
        return data

    def check_reason(self, what: str) -> None:
        """Ask for the controller's error code and raise DeviceUnavailable (``refused``) where it has one; for commands without acknowledgement.

        It answers when it has done them, so it is given more time than for others.
        """
        if self._reason is not None and (code := self.ask(self._reason[0], _WORK_TIMEOUT_S)[0]):
            self._refused(what, f": {self._reason[1].get(code, f'error {code}')}")

    def close(self) -> None:
        """Hang up. Safe to call twice."""
        if self._link is not None:
            with contextlib.suppress(OSError):
                self._link.close()
            self._link = None

    def _opened(self) -> HidLink:
        if self._link is None:
            try:
                self._link = open_link(self._address)
            except (OSError, ImportError) as cause:
                raise DeviceUnavailable(
                    f"Projector {self.name} cannot be opened at {self._address}: {cause}.",
                    cure="Check its plug and power, and that this user may open it (docs/projectors.md).",
                    detail="unplugged",
                ) from cause
            self.session += 1
        return self._link

    def _exchange(self, message: Message, timeout_s: float | None = None) -> Answer:
        link = self._opened()
        timeout_s = timeout_s or self._timeout_s
        self._sequence = (self._sequence + 1) & 0xFF
        try:
            for report in reports(message, self._sequence):
                link.write(report)
            if not (message.is_read or message.wants_answer):
                return Answer(self._sequence, False, b"")
            return self._answer(link, timeout_s)
        except TimeoutError as cause:
            self._lost(f"does not answer command 0x{message.command:04X} within {timeout_s:g} s", "no_answer", cause)
        except ValueError as cause:
            self._lost(f"answers command 0x{message.command:04X} with what cannot be read: {cause}", "garbled", cause)
        except OSError as cause:
            self._lost(f"went away: {cause}", "unplugged", cause)

    def _answer(self, link: HidLink, timeout_s: float) -> Answer:
        """The answer to the last message; one to an earlier message is late and is passed over."""
        deadline = time.monotonic() + timeout_s
        while (left := deadline - time.monotonic()) > 0:
            answer = parse_answer(link.read(left))
            if answer.sequence == self._sequence:
                return answer
        raise TimeoutError

    def _lost(self, what: str, detail: str, cause: Exception) -> NoReturn:
        self.close()
        raise DeviceUnavailable(f"Projector {self.name} {what}.", cure="Check its USB cable and power, then scan again.", detail=detail) from cause

    def _refused(self, what: Message | str, why: str = "") -> NoReturn:
        if isinstance(what, Message):
            if self._reason is not None and what != self._reason[0]:
                code = self.ask(self._reason[0])[0]
                why = f": {self._reason[1].get(code, f'error {code}')}"
            what = f"command 0x{what.command:04X}"
        raise DeviceUnavailable(
            f"Projector {self.name} refuses {what}{why}.",
            cure="Check controller and exposure in rig.yaml against this projector, and that its firmware is of a version that docs/projectors.md names.",
            detail="refused",
        )
