"""A page that is left open while the camera loses its plug and the service its power: it says so, and goes on by itself."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from panel_browser import LAPTOP, UPRIGHT, Words, quiet_page
from panel_moves import FINISHED, evaluation_of, inspect, inspect_button
from panel_station import SEEN, Day, copy_station, running
from playwright.sync_api import Browser, Page, expect


@pytest.fixture(scope="module")
def day(panel_station: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    """A station of its own, whose camera loses its plug in the middle of the second scan and has it again in the third."""
    unplugged = {"kind": "unplugged", "device": "camera", "scan": 2, "frame": 5}
    with running(*copy_station(panel_station, tmp_path_factory.mktemp("outages"), unplugged)) as day:
        yield day


def mark(page: Page) -> None:
    page.evaluate("() => { window.isStillThis = true }")


def is_still_this(page: Page) -> bool:
    """Whether the page was not loaded again since it was marked."""
    return page.evaluate("() => window.isStillThis === true")


def test_a_camera_without_plug_is_not_decidable_and_the_next_part_is(browser: Browser, day: Day) -> None:
    say = Words("en")
    with quiet_page(browser, UPRIGHT, say.locale, cookies=day.cookies) as page:
        page.goto(day.address)
        mark(page)
        inspect(page, say, "before")
        page.get_by_label(say("inspect.serial")).fill("unplugged")
        inspect_button(page, say).click()
        assert evaluation_of(page, say, "unplugged", FINISHED) == "NotDecidable"
        card = page.get_by_role("region", name=say("verdict.label"), exact=True)
        expect(card).to_contain_text(say("verdict.notDecidable"))
        [told] = day.inspections(serial="unplugged")
        assert told["reason"]["code"].startswith("device.unavailable.unplugged")
        for words in (told["reason"]["code"], told["reason"]["cure"]):
            expect(card).to_contain_text(words)
        SEEN.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SEEN / "not-decidable-en-768.png")
        inspect(page, say, "after")
        assert is_still_this(page)


def test_a_service_that_is_restarted_under_the_page_loses_and_doubles_nothing(browser: Browser, day: Day) -> None:
    say = Words("zh")
    port = int(day.address.rsplit(":", 1)[1])
    with quiet_page(browser, LAPTOP, say.locale, cookies=day.cookies, expected=[r"^net::ERR_"]) as page:
        page.goto(day.address)
        expect(inspect_button(page, say)).to_be_enabled()
        mark(page)
        stale = page.get_by_text(say("app.stale"), exact=True)
        expect(stale).to_have_count(0)
        day.service.stop(signal.SIGKILL)
        expect(stale).to_be_visible()
        page.get_by_label(say("inspect.serial")).fill("meanwhile")
        inspect_button(page, say).click()
        SEEN.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SEEN / "stale-zh-1366.png")
        day.service.start(port)
        expect(stale).to_have_count(0)
        # A short outage the panel bridges by itself; after a long one it says that nothing was started, and asks to press again.
        card = page.get_by_role("region", name=say("verdict.label"), exact=True)
        expect(card).to_contain_text(re.compile(f"{say('verdict.notStarted')}|meanwhile"))
        if page.get_by_text(say("verdict.notStarted"), exact=True).is_visible():
            inspect_button(page, say).click()
        evaluation_of(page, say, "meanwhile")
        assert len(day.inspections(serial="meanwhile")) == 1
        assert is_still_this(page)
