"""Bounds what a caller can make the service read, answering with a problem like every other error."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES = 64 * 1024


class BodyLimit:
    """ASGI middleware: a request whose body is too large is refused, whether it says its length or not.

    Args:
        app: what it protects; turns the HTTPException into an answer.
        max_bytes: the largest body.
        larger: addresses whose body may be larger, each with its own limit; they read it as it comes, not into memory.
    """

    def __init__(self, app: ASGIApp, max_bytes: int = MAX_BODY_BYTES, larger: Mapping[str, int] | None = None) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._larger = larger or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; reading too much of it raises."""
        most = self._larger.get(scope.get("path", ""), self._max_bytes)
        announced = Headers(scope=scope).get("content-length", "") if scope["type"] == "http" else ""
        too_large = announced.isdigit() and int(announced) > most
        read = 0

        async def receive_limited() -> Message:
            nonlocal read
            if too_large:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            message = await receive()
            if message["type"] == "http.request":
                read += len(message.get("body", b""))
                if read > most:
                    raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return message

        await self._app(scope, receive_limited, send)
