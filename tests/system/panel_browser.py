"""Chromium as the panel's tests use it: what is written to the console is kept, and axe can be asked."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PANEL = Path(__file__).parents[2] / "api" / "panel"
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's browser, without what it does for itself."""
    assert CHROMIUM, "no Chromium: make test installs it; elsewhere: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@contextmanager
def quiet_page(browser: Browser, **context: Any) -> Iterator[Page]:
    """A page; fails at the end when anything was written to the console as an error."""
    opened = browser.new_context(viewport={"width": 1920, "height": 1080}, **context)
    page = opened.new_page()
    page.set_default_timeout(60_000)
    errors: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        # Chromium itself writes every 401 (before signing in the panel asks who is there) and every lost connection to the console.
        if message.type == "error" and "401" not in message.text and "net::ERR_" not in message.text:
            errors.append(message.text)

    page.on("console", listen)
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    opened.close()
    assert errors == []


def axe_violations(page: Page) -> list[str]:
    """What axe finds against WCAG 2.2 AA, one line each; empty where it finds nothing."""
    page.evaluate((PANEL / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8"))
    found = page.evaluate("tags => axe.run(document, { runOnly: tags })", WCAG)
    return [f"{v['id']}: {node['html'][:160]} {node['failureSummary']}" for v in found["violations"] for node in v["nodes"]]
