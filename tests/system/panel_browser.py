"""Chromium as the panel's tests use it: what goes wrong under a page is kept, axe can be asked, and the panel's words are known."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response, expect, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PANEL = Path(__file__).parents[2] / "api" / "panel"
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--enable-unsafe-swiftshader",  # WebGL by the processor: test machines have no graphics card
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
WIDE, LAPTOP, UPRIGHT = (1920, 1080), (1366, 768), (768, 1024)
SIZES = (WIDE, LAPTOP, UPRIGHT)
NOBODY = r"401 GET \S+/api/v1/me$"
"""Before signing in the panel asks who is there."""
expect.set_options(timeout=30_000)  # a loaded machine is no reason to fail


class Words:
    """The panel's own words in one language, so that a story is told in either."""

    def __init__(self, language: str) -> None:
        texts = PANEL / "src" / "i18n"
        self.locale = {"en": "en-GB", "zh": "zh-CN"}[language]
        self._words: dict[str, Any] = {"viewer": json.loads((texts / f"viewer.{language}.json").read_text("utf-8"))}
        for name in (f"{language}.json", f"more.{language}.json", f"engineer.{language}.json"):
            _add(self._words, json.loads((texts / name).read_text("utf-8")))

    def __call__(self, key: str, **values: object) -> str:
        found: Any = self._words
        for name in key.split("."):
            found = found[name]
        return re.sub(r"{{(\w+)}}", lambda match: str(values[match[1]]), found)

    def beginning(self, key: str) -> re.Pattern[str]:
        """For a name that goes on after these words."""
        return re.compile("^" + re.escape(self(key)))


def _add(words: dict[str, Any], more: dict[str, Any]) -> None:
    """More words of the same sections."""
    for name, word in more.items():
        if isinstance(word, dict):
            _add(words.setdefault(name, {}), word)
        else:
            words[name] = word


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's browser, without what it does for itself."""
    assert CHROMIUM, "no Chromium: make test installs it; elsewhere: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@contextmanager
def quiet_page(
    browser: Browser, size: tuple[int, int], locale: str, *, cookies: Sequence[Any] = (), expected: Sequence[str] = (), **context: Any
) -> Iterator[Page]:
    """A page; fails at the end when a request failed under it, or anything was written to the console as an error.

    Args:
        browser: where it is opened.
        size: width and height of the page, pixels.
        locale: what the browser says its language is.
        cookies: who is signed in.
        expected: patterns of what may go wrong, as "401 GET http://…" or "net::ERR_… GET http://…".
        context: what else the browser is told of the screen.
    """
    opened = browser.new_context(viewport={"width": size[0], "height": size[1]}, locale=locale, **context)
    opened.add_cookies(list(cookies))
    page = opened.new_page()
    page.set_default_timeout(60_000)
    wrong: list[str] = []

    def on_console(message: ConsoleMessage) -> None:
        # What fails on the network Chromium writes there, too; it is told below, with its address.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            wrong.append(message.text)

    def on_response(response: Response) -> None:
        if response.status >= 400:
            wrong.append(f"{response.status} {response.request.method} {response.url}")

    def on_failure(request: Request) -> None:
        # A page that goes elsewhere gives up what it was still reading.
        if request.failure != "net::ERR_ABORTED":
            wrong.append(f"{request.failure} {request.method} {request.url}")

    page.on("console", on_console)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("response", on_response)
    page.on("requestfailed", on_failure)
    yield page
    opened.close()
    assert [line for line in wrong if not any(re.search(pattern, line) for pattern in expected)] == []


def axe_violations(page: Page, within: str | None = None) -> list[str]:
    """What axe finds against WCAG 2.2 AA, one line each; empty where it finds nothing."""
    page.evaluate("text => window.axe || (0, eval)(text)", (PANEL / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8"))
    found = page.evaluate("([within, tags]) => axe.run(within ?? document, { runOnly: tags })", [within, WCAG])
    return [f"{v['id']}: {node['html'][:160]} {node['failureSummary']}" for v in found["violations"] for node in v["nodes"]]
