"""What is served where the station cannot start: the panel, which shows why, and the reason as a problem at every other address.

A supervisor that restarts a service which ends at once only hides the reason; this one stays up and tells it, and tries again: when
asked, and by itself where the cause may go without anybody coming here.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Generic, TypeVar

import structlog
from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from api import problems
from api.panel_files import PANEL_DIST, Panel
from api.response_headers import ResponseHeaders
from api.schemas import Health, Reason
from api.security import refuse_foreign_origin
from api.store.database import StoreUnreachable
from rig_configs.errors import D3Error, DeviceError

RETRY = "/api/v1/recovery/retry"
RETRY_AFTER_S = 30
"""When callers should ask again, and how often what may pass by itself is tried."""
_REST_S = 3.0
"""Between tries that somebody asks for: each may read a whole database."""
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]

Started = TypeVar("Started")
_log = structlog.get_logger(__name__)


class Recovery(Generic[Started]):
    """Why the station cannot start, and further tries at it.

    Args:
        error: why it could not.
        start: tries it.
    """

    def __init__(self, error: D3Error, start: Callable[[], Started]) -> None:
        self._error = error
        self._start = start
        self._trying = threading.Lock()
        self._rests_until = 0.0
        self.started: Started | None = None
        """What the try that went well gave."""

    @property
    def reason(self) -> Reason:
        """Why the station cannot start, as the last try found it."""
        error = self._error
        return Reason(code=error.code, message=error.message, cure=f"{error.cure.rstrip('. ')}; then try again (POST {RETRY}) or restart d3station.")

    @property
    def may_pass(self) -> bool:
        """Whether the cause may go without anybody coming here: a server or a device that is not up yet."""
        return isinstance(self._error, StoreUnreachable | DeviceError)

    def attempt(self) -> bool:
        """Try again; one at a time, and not without a rest. Returns whether the station has started."""
        with self._trying:
            if self.started is None and time.monotonic() >= self._rests_until:
                try:
                    self.started = self._start()
                except D3Error as error:
                    self._error = error
                    _log.warning("the station still cannot start", code=error.code, message=error.message)
                self._rests_until = time.monotonic() + _REST_S
            return self.started is not None


def recovery_app(recovery: Recovery[Started], leave: Callable[[], None], panel_dist: Path = PANEL_DIST, every_s: float = RETRY_AFTER_S) -> FastAPI:
    """An app that answers everything but the panel's own files with the reason, 503.

    Args:
        recovery: why the station cannot start, and how it is tried again.
        leave: called when a try went well: whoever serves this app ends it, and serves the station.
        panel_dist: the built panel.
        every_s: how often a cause that may pass is looked at.
    """

    def why() -> Response:
        reason = recovery.reason
        return problems.problem(503, reason.code, reason.message, reason.cure, {"Retry-After": str(RETRY_AFTER_S)})

    async def answer(_request: Request) -> Response:
        return why()

    async def attempt() -> bool:
        started = await run_in_threadpool(recovery.attempt)
        if started:
            leave()
        return started

    async def retry(request: Request) -> Response:
        # Open to everybody: there may be no database to ask who it is, and it does no more than a restart would.
        refuse_foreign_origin(request, required=False)
        return JSONResponse(Health(status="ok", problems=[]).model_dump(mode="json"), status_code=202) if await attempt() else why()

    async def alive(_request: Request) -> Response:
        return JSONResponse(Health(status="ok", problems=[]).model_dump(mode="json"))

    async def ready(_request: Request) -> Response:
        return JSONResponse(Health(status="unavailable", problems=[recovery.reason]).model_dump(mode="json"), status_code=503)

    async def look_again() -> None:
        while True:
            await asyncio.sleep(every_s)
            if recovery.may_pass:
                await attempt()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[None]:
        task = asyncio.create_task(look_again())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    panel = Panel(panel_dist)

    async def others(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await (panel if scope["method"] in ("GET", "HEAD") else why())(scope, receive, send)

    routes = [
        Route("/healthz", alive),  # it lives, and a restart alone would not help
        Route("/readyz", ready),
        Route("/metrics", answer),
        Route(RETRY, retry, methods=["POST"]),
        Route("/api/{rest:path}", answer, methods=_METHODS),
    ]
    app = FastAPI(routes=list(routes), docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False, lifespan=lifespan)
    problems.install(app)
    app.add_middleware(ResponseHeaders)
    app.router.default = others
    return app
