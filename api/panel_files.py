"""Serves the built panel at ``/``: its files, and its start page for every address that the panel itself knows."""

from __future__ import annotations

import mimetypes
from pathlib import Path

from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

PANEL_DIST = Path(__file__).parent / "panel" / "dist"

_NOT_BUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>d3station</title>
<h1>The panel is not built</h1><p>The service runs, but this installation has no panel. In a checkout, run <code>make panel</code>,
then start the service again. The REST interface is at <code>/api/v1</code>.</p></html>"""
_OURS = ("/api/", "/healthz", "/readyz", "/metrics")


class Panel:
    """What the router asks when no route matches. Only files found at start are served, so no address can reach any other.

    Args:
        dist: folder of the built panel; need not exist.
    """

    def __init__(self, dist: Path) -> None:
        found = dist.rglob("*") if (dist / "index.html").is_file() else ()
        self._files = {"/" + path.relative_to(dist).as_posix(): path for path in found if path.is_file()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or raise the 404 that becomes a problem."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD") or scope["path"].startswith(_OURS):
            raise HTTPException(status_code=404)
        await self._answer(scope["path"])(scope, receive, send)

    def _answer(self, path: str) -> Response:
        if not self._files:
            return HTMLResponse(_NOT_BUILT, headers={"Cache-Control": "no-cache"})
        file = self._files.get(path)
        if file is None:
            if Path(path).suffix:
                raise HTTPException(status_code=404)
            file = self._files["/index.html"]
        immutable = path.startswith("/assets/")  # Vite writes a hash of the content into these names
        return FileResponse(
            file,
            media_type=mimetypes.guess_type(file.name)[0] or "application/octet-stream",
            headers={"Cache-Control": "public, max-age=31536000, immutable" if immutable else "no-cache"},
        )
