"""How often somebody may try to sign in. What is remembered is bounded, however many try."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping

from api.problems import TooManyAttempts

Counted = tuple[str, str]
LIMITS = {"address": 10, "account": 50}


class AttemptLimit:
    """Counts attempts by what they are counted by (an address, an account); a successful one is taken back.

    An attempt counts from its beginning, so that many at once are no more than many one after the other.

    Args:
        limits: attempts that may fail within the window, by kind: an account gets more than an address, so that somebody at one
            address cannot lock a colleague out.
        window_s: how long an attempt counts, s.
        remembered: the most that is remembered; beyond it, what was tried longest ago is forgotten.
    """

    def __init__(self, limits: Mapping[str, int] = LIMITS, window_s: float = 300.0, remembered: int = 10_000) -> None:
        self._limits = limits
        self._window_s = window_s
        self._remembered = remembered
        self._attempts: OrderedDict[Counted, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, **counted_by: str) -> Attempt:
        """Let an attempt begin.

        Args:
            counted_by: everything the attempt is counted by, by kind.

        Raises:
            TooManyAttempts: one of them has failed too often; the attempt is not counted.
        """
        moment, counted = time.monotonic(), tuple(counted_by.items())
        with self._lock:
            wait_s = max(self._wait_s(name, moment) for name in counted)
            if wait_s > 0:
                seconds = int(wait_s) + 1
                raise TooManyAttempts("Too many sign-ins failed.", cure=f"Wait {seconds} s, then try again.", retry_after_s=seconds)
            for name in counted:
                self._attempts.setdefault(name, deque(maxlen=self._limits[name[0]])).append(moment)
                self._attempts.move_to_end(name)
            while len(self._attempts) > self._remembered:
                self._attempts.popitem(last=False)
        return Attempt(self, counted, moment)

    def take_back(self, counted_by: Iterable[Counted], moment: float) -> None:
        """Forget one attempt: it succeeded."""
        with self._lock:
            for name in counted_by:
                attempts = self._attempts.get(name)
                if attempts and moment in attempts:
                    attempts.remove(moment)
                    if not attempts:
                        del self._attempts[name]

    def __len__(self) -> int:
        """How much is remembered."""
        return len(self._attempts)

    def _wait_s(self, name: Counted, moment: float) -> float:
        attempts = self._attempts.get(name)
        if attempts is None or len(attempts) < self._limits[name[0]]:
            return 0.0
        return attempts[0] + self._window_s - moment


class Attempt:
    """One attempt that has begun; it counts as failed until it says otherwise."""

    def __init__(self, limit: AttemptLimit, counted_by: Iterable[Counted], moment: float) -> None:
        self._limit = limit
        self._counted_by = counted_by
        self._moment = moment

    def succeeded(self) -> None:
        """It does not count."""
        self._limit.take_back(self._counted_by, self._moment)


def address_group(host: str | None) -> str:
    """What attempts from an address are counted by: itself, or its /64, which is what one IPv6 customer has."""
    try:
        address = ipaddress.ip_address((host or "").partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
