"""Errors as RFC 9457 problem+json: what happened, a stable code, what to do. Never a stack trace, never the caller's input."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, ClassVar

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

from api.schemas import Problem
from rig_configs.errors import (
    Cancelled,
    Conflict,
    D3Error,
    DeviceError,
    Forbidden,
    ModelError,
    NotFound,
    ServiceError,
    Unauthenticated,
    Unprocessable,
)

MEDIA_TYPE = "application/problem+json"
TYPE_BASE = "urn:d3station:problem:"

_log = structlog.get_logger(__name__)


class IdempotencyMissing(ServiceError):
    """A machine has to name its request, so that a repeated one is not done twice."""

    base_code = "idempotency.missing"


class IdempotencyMismatch(Unprocessable):
    """The key was used before, for something else."""

    base_code = "idempotency.mismatch"


class Retry(ServiceError):
    """Not now; ``retry_after_s`` says when to try again."""

    status: ClassVar[HTTPStatus]

    def __init__(self, message: str, *, cure: str, retry_after_s: int, detail: str = "") -> None:
        super().__init__(message, cure=cure, detail=detail)
        self.retry_after_s = retry_after_s


class QueueFull(Retry):
    """As many inspections wait as may wait."""

    base_code = "queue.full"
    status = HTTPStatus.SERVICE_UNAVAILABLE


class NoSpace(Retry):
    """The disk is as full as it may get."""

    base_code = "store.space"
    status = HTTPStatus.INSUFFICIENT_STORAGE


class TooManyAttempts(Retry):
    """Too many sign-ins failed."""

    base_code = "sign_in.too_many"
    status = HTTPStatus.TOO_MANY_REQUESTS


_STATUS: list[tuple[type[D3Error], HTTPStatus]] = [
    (IdempotencyMissing, HTTPStatus.BAD_REQUEST),
    (NotFound, HTTPStatus.NOT_FOUND),
    (Conflict, HTTPStatus.CONFLICT),
    (Unauthenticated, HTTPStatus.UNAUTHORIZED),
    (Forbidden, HTTPStatus.FORBIDDEN),
    (Unprocessable, HTTPStatus.UNPROCESSABLE_ENTITY),
    (ModelError, HTTPStatus.CONFLICT),
    (Cancelled, HTTPStatus.CONFLICT),
    (DeviceError, HTTPStatus.SERVICE_UNAVAILABLE),
]

_HTTP_CURES = {
    HTTPStatus.BAD_REQUEST: ("request.body", "The body of the request cannot be read.", "Send JSON in UTF-8."),
    HTTPStatus.NOT_FOUND: ("not_found.route", "There is nothing at this address.", "Check the address; GET /api/v1/openapi.json lists all."),
    HTTPStatus.METHOD_NOT_ALLOWED: (
        "request.method",
        "This address does not take this method.",
        "Use one of the methods in the Allow header.",
    ),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ("request.too_large", "The request is too large.", "Send at most 64 KiB."),
}


def status_of(error: D3Error) -> HTTPStatus:
    """HTTP status that says what an error says."""
    if isinstance(error, Retry):
        return error.status
    return next((status for kind, status in _STATUS if isinstance(error, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)


def problem(status: int, code: str, detail: str, cure: str, headers: dict[str, str] | None = None, **more: Any) -> JSONResponse:
    """A problem+json answer."""
    body = Problem(type=TYPE_BASE + code, title=HTTPStatus(status).phrase, status=status, detail=detail, code=code, cure=cure, **more)
    return JSONResponse(body.model_dump(mode="json"), status_code=status, headers=headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Make every error of ``app`` a problem."""
    app.add_exception_handler(D3Error, _on_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(SQLAlchemyError, _on_database)
    app.add_exception_handler(Exception, _on_fault)


def documented(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """OpenAPI entries for the problems a route may answer with."""
    return {int(status): {"model": Problem, "description": status.phrase} for status in statuses}


def _on_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, D3Error)
    status = status_of(error)
    headers: dict[str, str] = {}
    if status is HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, Retry):
        headers["Retry-After"] = str(error.retry_after_s)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR and not isinstance(error, Retry):
        _log.error("request failed", path=request.url.path, code=error.code, message=error.message)
    return problem(status, error.code, error.message, error.cure, headers)


def _on_invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = [{"where": ".".join(str(p) for p in e["loc"]), "what": str(e["msg"])} for e in error.errors()]
    summary = "; ".join(f"{e['where']}: {e['what']}" for e in found)
    return problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "request.invalid",
        f"The request is not valid. {summary}.",
        "Correct the fields named here; GET /api/v1/openapi.json describes each.",
        errors=found,
    )


def _on_http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    code, detail, cure = _HTTP_CURES.get(status, ("request.refused", f"{error.detail}.", "Correct the request."))
    return problem(status, code, detail, cure, dict(error.headers or {}))


def _on_database(request: Request, error: Exception) -> Response:
    _log.error("the database failed", path=request.url.path, exc_info=error)
    return problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "store.failed",
        "The database could not be read or written; nothing was accepted.",
        "Free disk space, look at /readyz, then send the same request again.",
        {"Retry-After": "5"},
    )


def _on_fault(request: Request, error: Exception) -> Response:
    _log.error("unexpected fault", path=request.url.path, exc_info=error)
    return problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "service.fault",
        "The service made a mistake while answering.",
        "Send the same request again; if it stays, give the log of this minute to the maintainer.",
    )
