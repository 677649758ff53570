"""Sends what is in the outbox: in order for each receiver, again and again where it does not arrive, and to no address that is not allowed."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import ssl
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from typing import ParamSpec, TypeVar

import httpx
import structlog
from fastapi.concurrency import run_in_threadpool

from api.mes.guard import AddressRefused, Network, checked_address, parsed
from api.mes.signing import signed_headers
from api.schemas_webhooks import Attempt
from api.store import outbox, webhook_secrets
from api.store.clock import now
from api.store.sealing import SealBroken
from api.store.store import Store
from api.store.tables_webhooks import DeliveryRow, WebhookRow

BACKOFF_S = (5.0, 30.0, 120.0, 600.0, 3600.0, 3 * 3600.0, 6 * 3600.0, 12 * 3600.0, 24 * 3600.0)
"""How long after each failed try the next one comes; after the last, a message is given up: two days in all."""
PROBE_S = 60.0
"""While a receiver is down, one of its messages is tried at least so often."""
TIMEOUT_S = 15.0
_LONGEST_RETRY_AFTER_S = 24 * 3600
_SWEEP_S = 3600.0
_TRY_LATER = {429, 502, 503, 504}

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Due:
    """A message that is to be sent now."""

    webhook: WebhookRow
    delivery: DeliveryRow
    sealed: list[str]
    """What it is signed with."""


class WebhookSender:
    """Works through the outbox for as long as the service runs.

    Args:
        store: the outbox, and the bell that says there is something in it.
        allowed: private networks that messages may be sent into.
        backoff_s: see :data:`BACKOFF_S`.
    """

    def __init__(self, store: Store, allowed: Sequence[Network], backoff_s: Sequence[float] = BACKOFF_S) -> None:
        self._store = store
        self._allowed = allowed
        self._backoff_s = backoff_s
        self._failures: dict[str, int] = {}
        self._paused_until: dict[str, float] = {}
        self._random = secrets.SystemRandom()

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Sends while the block runs."""
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
            client: httpx.AsyncClient | None = None  # made when first needed: reading all certificates takes a while
            busy: dict[str, asyncio.Task[None]] = {}
            with self._store.bell.listen() as rung:
                sweep_at = 0.0
                while True:
                    rung.clear()
                    busy = {webhook_id: task for webhook_id, task in busy.items() if not task.done()}
                    try:
                        if time.monotonic() >= sweep_at:
                            await _in_thread(self._sweep)
                            sweep_at = time.monotonic() + _SWEEP_S
                        waits = await _in_thread(self._waits_s)
                    except Exception:  # noqa: BLE001 (whatever it is, messages must go on being sent)
                        _log.exception("the outbox cannot be read")
                        waits = {"": 5.0}
                    for webhook_id, wait_s in waits.items():
                        if webhook_id and wait_s <= 0 and webhook_id not in busy:
                            client = client or await stack.enter_async_context(_new_client())
                            busy[webhook_id] = group.create_task(self._send_all(client, webhook_id))
                            busy[webhook_id].add_done_callback(lambda _: rung.set())
                    wait_s = min([max(wait_s, 0.05) for webhook_id, wait_s in waits.items() if webhook_id not in busy], default=_SWEEP_S)
                    with contextlib.suppress(TimeoutError):  # not wait_for, which before Python 3.12 can lose a cancellation
                        async with asyncio.timeout(min(wait_s, _SWEEP_S)):
                            await rung.wait()

    def _waits_s(self) -> dict[str, float]:
        """How long each webhook with messages has to wait for its next one, s."""
        with self._store.read() as session:
            due = outbox.waiting(session)
        moment, clock = now(), time.monotonic()
        for remembered in (self._paused_until, self._failures):
            for webhook_id in [w for w in remembered if w not in due]:
                remembered.pop(webhook_id, None)
        return {w: max((at - moment).total_seconds(), self._paused_until.get(w, 0.0) - clock) for w, at in due.items()}

    def _sweep(self) -> None:
        while True:
            with self._store.write() as session:
                if not outbox.erase_old(session):
                    return

    async def _send_all(self, client: httpx.AsyncClient, webhook_id: str) -> None:
        """Send a webhook all that is due, up to the first message that does not arrive."""
        try:
            while (found := await _in_thread(self._next, webhook_id)) is not None:
                if not await self._send(client, found):
                    return
        except Exception:  # noqa: BLE001 (one webhook's trouble must not stop the others)
            _log.exception("messages could not be sent", webhook=webhook_id)
            self._pause(webhook_id)

    def _next(self, webhook_id: str) -> _Due | None:
        with self._store.read() as session:
            found = outbox.next_due(session, webhook_id)
            return found and _Due(*found, webhook_secrets.valid(session, webhook_id))

    async def _send(self, client: httpx.AsyncClient, due: _Due) -> bool:
        start = time.perf_counter()
        status, error, retry_after_s = None, None, 0.0
        try:
            async with asyncio.timeout(TIMEOUT_S):
                response = await self._post(client, due)
            status = response.status_code
            if not 200 <= status < 300:
                error = "it answered with a redirect, which is not followed" if 300 <= status < 400 else f"it answered {status}"
                retry_after_s = _retry_after_s(response)
        except AddressRefused as refused:
            error = str(refused)
        except SealBroken as broken:
            error = f"its secret cannot be read: {broken.message}"
        except TimeoutError:
            error = f"no answer within {TIMEOUT_S:.0f} s"
        except httpx.HTTPError as fault:
            error = f"{type(fault).__name__}: {fault}" if str(fault) else type(fault).__name__
        attempt = Attempt(moment=now(), status=status, error=error[:500] if error else None, seconds=time.perf_counter() - start)
        await _in_thread(self._note, due.webhook, due.delivery, attempt, retry_after_s)
        return error is None

    async def _post(self, client: httpx.AsyncClient, due: _Due) -> httpx.Response:
        webhook, delivery = due.webhook, due.delivery
        secrets_of = [self._store.sealing.open(sealed) for sealed in due.sealed]
        address = await checked_address(webhook.url, self._allowed)
        parts = parsed(webhook.url)
        body = delivery.body.encode()
        headers = signed_headers(secrets_of, delivery.id, int(now().timestamp()), body)
        headers |= {"Host": parts.netloc, "Content-Type": "application/json", "User-Agent": f"d3station/{version('d3station')}"}
        url = httpx.URL(webhook.url).copy_with(host=str(address))
        request = client.build_request("POST", url, content=body, headers=headers, extensions={"sni_hostname": parts.hostname})
        response = await client.send(request, stream=True, follow_redirects=False)
        await response.aclose()  # what it says beyond the status is not read: it could be endless
        return response

    def _note(self, webhook: WebhookRow, delivery: DeliveryRow, attempt: Attempt, retry_after_s: float) -> None:
        with self._store.write() as session:
            if attempt.error is None:
                outbox.delivered(session, delivery.sequence, attempt, was_down=self._failures.pop(webhook.id, 0) > 0)
                self._paused_until.pop(webhook.id, None)
                return
            if attempt.status == 410:
                outbox.gone(session, delivery.sequence, attempt)
            else:
                last = delivery.attempts >= len(self._backoff_s)
                wait_s = 0.0 if last else max(self._jittered(self._backoff_s[delivery.attempts]), retry_after_s)
                outbox.failed(session, delivery.sequence, attempt, None if last else attempt.moment + timedelta(seconds=wait_s))
        _log.warning("message not delivered", webhook=webhook.id, message=delivery.id, status=attempt.status, error=attempt.error)
        self._pause(webhook.id, retry_after_s)

    def _pause(self, webhook_id: str, at_least_s: float = 0.0) -> None:
        """Leave a receiver that is down alone for a while; then one message tells whether it is up again."""
        self._failures[webhook_id] = self._failures.get(webhook_id, 0) + 1
        growing_s = self._backoff_s[min(self._failures[webhook_id], len(self._backoff_s)) - 1]
        self._paused_until[webhook_id] = time.monotonic() + max(self._jittered(min(growing_s, PROBE_S)), at_least_s)

    def _jittered(self, seconds: float) -> float:
        return seconds * self._random.uniform(0.8, 1.2)


async def _in_thread(work: Callable[Arguments, Result], *arguments: Arguments.args, **named: Arguments.kwargs) -> Result:
    """Run work with the database in a thread, and see it done also where the sender is stopped meanwhile: the store is closed next."""
    done = asyncio.ensure_future(run_in_threadpool(work, *arguments, **named))
    try:
        return await asyncio.shield(done)
    except asyncio.CancelledError:
        await asyncio.wait([done])
        raise


def _new_client() -> httpx.AsyncClient:
    # No connection is kept: one that was opened to a checked address is used for that message alone.
    limits = httpx.Limits(max_keepalive_connections=0)
    return httpx.AsyncClient(limits=limits, verify=ssl.create_default_context(), timeout=TIMEOUT_S, trust_env=False)


def _retry_after_s(response: httpx.Response) -> float:
    told = response.headers.get("retry-after", "")
    return float(min(int(told), _LONGEST_RETRY_AFTER_S)) if response.status_code in _TRY_LATER and told.isdecimal() else 0.0
