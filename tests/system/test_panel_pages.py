"""Every page in both languages, both colours and three sizes: a picture of each is kept, and axe is asked."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from panel_browser import PANEL, SIZES, UPRIGHT, WIDE, Words, axe_violations, quiet_page
from panel_station import IN_THE_DOCUMENTATION, SEEN, Day
from playwright.sync_api import Browser, Page, Request, expect

SHELL_BYTES = 150_000
LAID_OVER_EACH_OTHER = """() => {
  const cards = [...document.querySelectorAll("main .card")].filter(card => !card.parentElement.closest(".card")).map(card => card.getBoundingClientRect());
  return cards.some((a, at) => cards.slice(at + 1).some(b =>
    Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1));
}"""
DOCUMENTED = {
    ("inspect", "en", "light", 1920): "verdict",
    ("inspect", "en", "dark", 1366): "verdict-dark",
    ("inspect", "zh", "light", 1920): "verdict-zh",
    ("history", "en", "light", 1366): "panel-history",
    ("shift", "en", "light", 1366): "panel-shift",
    ("teach", "en", "light", 1366): "panel-teach",
    ("rig", "en", "light", 1366): "panel-rig",
    ("admin/storage", "en", "light", 1366): "panel-admin-storage",
}
"""Pictures that the documentation shows, by page, language, colours and width."""


def test_the_shell_is_small() -> None:
    start = (PANEL / "dist" / "index.html").read_text("utf-8")
    files = re.findall(r'(?:src|href)="/(assets/[^"]+)"', start)
    assert files
    assert sum(len(gzip.compress((PANEL / "dist" / file).read_bytes())) for file in files) <= SHELL_BYTES


@pytest.mark.parametrize(("language", "scheme", "asked_at"), [("en", "light", WIDE), ("zh", "dark", UPRIGHT)])
def test_every_page_speaks_and_can_be_used_by_everybody(browser: Browser, day: Day, language: str, scheme: str, asked_at: tuple[int, int]) -> None:
    say = Words(language)
    at = 0
    while day.inspections(limit="1")[0]["evaluation"] != "NotOK":  # the verdict that has most to tell
        day.inspect(f"shown-{language}-{at}")
        at += 1
    found: dict[str, list[str]] = {}
    SEEN.mkdir(parents=True, exist_ok=True)
    with quiet_page(browser, WIDE, say.locale, cookies=day.cookies) as page:
        page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
        page.goto(day.address)
        for name in pages_of(page, say):
            open_page(page, say, f"{day.address}/#/{name}")
            for size in SIZES:
                page.set_viewport_size({"width": size[0], "height": size[1]})
                assert page.evaluate("document.documentElement.scrollWidth") <= size[0], f"{name} is wider than {size[0]} px"
                assert not page.evaluate(LAID_OVER_EACH_OTHER), f"two cards of {name} lie over each other at {size[0]} px"
                page.screenshot(path=SEEN / f"{name.replace('/', '-')}-{language}-{size[0]}.png")
                if size == asked_at:
                    found[name] = axe_violations(page)
            words = page.locator("h1, h2, th, label > span, button, summary, legend, dt").all_inner_texts()
            assert [word for word in words if re.fullmatch(r"[a-z]\w*(\.\w+)+", word) and not word.endswith(".yaml")] == [], "a word shows as its key"
    assert {name: lines for name, lines in found.items() if lines} == {}


def pages_of(page: Page, say: Words) -> list[str]:
    """Every page that a way leads to."""
    rail = page.get_by_role("navigation", name=say("nav.label")).get_by_role("link")
    expect(rail.first).to_be_visible()
    names = [str(link.get_attribute("href")).removeprefix("#/") for link in rail.all()]
    rail.filter(has_text=say("nav.admin")).click()
    sections = page.get_by_role("navigation", name=say("nav.admin"), exact=True).get_by_role("link")
    expect(sections.first).to_be_visible()
    names.remove("admin")
    names += [str(link.get_attribute("href")).removeprefix("#/") for link in sections.all()]
    assert {"inspect", "history", "shift", "teach", "rig", "account", "admin/users", "admin/audit"} <= set(names)
    return [name.replace("%2F", "/") for name in names]


def open_page(page: Page, say: Words, address: str) -> None:
    """Go there, and wait until all is read and drawn."""
    with answered(page):
        page.goto(address)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.get_by_text(say("app.loading"))).to_have_count(0)


@contextmanager
def answered(page: Page) -> Iterator[None]:
    """Waits at the end until everything that was asked for meanwhile is answered, and what the answers led to, too."""
    open_requests: set[Request] = set()

    def on_request(request: Request) -> None:
        open_requests.add(request)

    def on_end(request: Request) -> None:
        open_requests.discard(request)

    page.on("request", on_request)
    page.on("requestfinished", on_end)
    page.on("requestfailed", on_end)
    yield
    drawn = 0
    while drawn < 6:
        page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
        drawn = 0 if any(not request.url.endswith("/events") for request in open_requests) else drawn + 1
    for event, listener in (("request", on_request), ("requestfinished", on_end), ("requestfailed", on_end)):
        page.remove_listener(event, listener)


@pytest.mark.skipif(not IN_THE_DOCUMENTATION, reason="renews the pictures of the documentation; they are of the whole demo rig")
def test_the_pictures_of_the_documentation(browser: Browser, day: Day) -> None:
    while day.inspections(limit="1")[0]["evaluation"] != "NotOK":
        day.inspect("0159-A")
    for (name, language, scheme, width), picture in DOCUMENTED.items():
        say = Words(language)
        [size] = [size for size in SIZES if size[0] == width]
        with quiet_page(browser, size, say.locale, cookies=day.cookies) as page:
            page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
            open_page(page, say, f"{day.address}/#/{name}")
            page.screenshot(path=Path(IN_THE_DOCUMENTATION or "") / f"{picture}.png")
            if picture == "verdict":
                with answered(page):
                    page.get_by_role("button", name=say("viewer.compare")).click()
                    expect(page.get_by_test_id("good-part").locator("img")).not_to_have_js_property("naturalWidth", 0)
                page.screenshot(path=Path(IN_THE_DOCUMENTATION or "") / "compare.png")
