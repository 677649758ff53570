"""What people do on the panel, whatever its language: sign in, inspect, wait for a verdict."""

from __future__ import annotations

import re
from typing import Any

from panel_browser import Words
from playwright.sync_api import Locator, Page, expect

JUDGED = re.compile("^(OK|NotOK)$")
FINISHED = re.compile("^(OK|NotOK|NotDecidable)$")
FIRST_SCAN_MS = 90_000


def sign_in(page: Page, say: Words, name: str, password: str) -> None:
    """By name and password, on the page that strangers see."""
    page.get_by_label(say("signedOut.name")).fill(name)
    page.get_by_label(say("signedOut.password")).fill(password)
    page.get_by_role("button", name=say("signedOut.signIn")).click()


def inspect_button(page: Page, say: Words) -> Locator:
    """The one button."""
    return page.get_by_role("button", name=say.beginning("inspect.button"))


def inspect(page: Page, say: Words, serial: str) -> str:
    """A part by its serial; returns the evaluation."""
    page.get_by_label(say("inspect.serial")).fill(serial)
    inspect_button(page, say).click()
    return evaluation_of(page, say, serial)


def evaluation_of(page: Page, say: Words, serial: str, wanted: re.Pattern[str] = JUDGED) -> str:
    """The evaluation of a part, as soon as the panel shows it."""
    card = page.get_by_role("region", name=say("verdict.label"), exact=True)
    verdict = page.get_by_test_id("verdict")
    expect(card).to_contain_text(say("verdict.serial", serial=serial), timeout=FIRST_SCAN_MS)
    expect(verdict).to_have_attribute("data-evaluation", wanted, timeout=FIRST_SCAN_MS)
    return str(verdict.get_attribute("data-evaluation"))


def scan_code(page: Page, code: str) -> None:
    """What a wedge scanner types on whatever has the focus: faster than keys can be sent from here to a browser on a loaded machine."""
    page.evaluate(
        """code => { for (const key of [...code, "Enter"]) (document.activeElement ?? document.body).dispatchEvent(
            new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true })) }""",
        code,
    )


def go(page: Page, say: Words, name: str) -> None:
    """To another page by the rail."""
    page.get_by_role("navigation", name=say("nav.label")).get_by_role("link", name=say(f"nav.{name}")).click()


def task_of(page: Page, say: Words, kind: str) -> Locator:
    """The card of long work."""
    return page.get_by_role("region", name=say(f"task.kind.{kind}"), exact=True)


def as_box(place: Locator) -> Any:
    """Where something is drawn."""
    box = place.bounding_box()
    assert box is not None
    return box
