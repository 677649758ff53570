"""What is served where the station cannot start: the panel, which shows why, and the reason as a problem at every other address.

A supervisor that restarts a service which ends at once only hides the reason; this one stays up and tells it.
"""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from api import problems
from api.panel_files import PANEL_DIST, Panel
from api.response_headers import ResponseHeaders
from api.schemas import Health, Reason
from rig_configs.errors import D3Error

RETRY_AFTER_S = 30
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


def recovery_app(error: D3Error, panel_dist: Path = PANEL_DIST) -> FastAPI:
    """An app that answers everything but the panel's own files with the reason, 503. It touches neither rig nor database.

    Args:
        error: why the station cannot start.
        panel_dist: the built panel.
    """
    reason = Reason(code=error.code, message=error.message, cure=f"{error.cure.rstrip('. ')}; then restart d3station.")

    def why() -> Response:
        return problems.problem(503, reason.code, reason.message, reason.cure, {"Retry-After": str(RETRY_AFTER_S)})

    async def answer(_request: Request) -> Response:
        return why()

    async def alive(_request: Request) -> Response:
        return JSONResponse(Health(status="ok", problems=[]).model_dump(mode="json"))

    async def ready(_request: Request) -> Response:
        return JSONResponse(Health(status="unavailable", problems=[reason]).model_dump(mode="json"), status_code=503)

    panel = Panel(panel_dist)

    async def others(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await (panel if scope["method"] in ("GET", "HEAD") else why())(scope, receive, send)

    routes = [
        Route("/healthz", alive),  # it lives, and a restart alone would not help
        Route("/readyz", ready),
        Route("/metrics", answer),
        Route("/api/{rest:path}", answer, methods=_METHODS),
    ]
    app = FastAPI(routes=list(routes), docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    problems.install(app)
    app.add_middleware(ResponseHeaders)
    app.router.default = others
    return app
