"""An operator in a real browser: signs in by the link, presses INSPECT, sees verdict and map."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from demo_process import DemoService
from panel_browser import chromium, quiet_page
from playwright.sync_api import Browser, Page, expect

expect.set_options(timeout=30_000)  # a loaded machine is no reason to fail
VERDICT = re.compile("^(OK|NotOK)$")
# Pictures of what was seen stay in test-artifacts; D3STATION_SCREENSHOTS=docs/images renews those of the documentation.
SCREENSHOTS = Path(os.environ.get("D3STATION_SCREENSHOTS", "test-artifacts/panel"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with quiet_page(browser, locale="en-GB") as page:
        yield page


def test_an_operator_signs_in_inspects_and_sees_verdict_and_map(service: DemoService, page: Page) -> None:
    page.goto(service.link)
    button = page.get_by_role("button", name=re.compile("^INSPECT"))
    expect(button).to_be_enabled()
    assert "sign-in" not in page.url  # the token does not stay in the address bar
    expect(page.get_by_text("SIMULATED")).to_be_visible()
    box = button.bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) >= 96

    button.click()
    verdict = page.get_by_test_id("verdict")
    expect(verdict).to_have_attribute("data-evaluation", VERDICT, timeout=90_000)
    expect(verdict).to_contain_text("NOT OK" if verdict.get_attribute("data-evaluation") == "NotOK" else "OK")
    for tab in ("Pseudo-3D", "Depth", "RGB", "Anomaly"):
        page.get_by_role("tab", name=tab, exact=True).click()
        expect(page.get_by_role("tab", name=tab, exact=True)).to_have_attribute("aria-selected", "true")
        for picture in page.locator("[role=tabpanel] img").all():
            expect(picture).to_have_js_property("complete", True)
            assert picture.evaluate("p => p.naturalWidth") == 1368
    assert page.locator("[role=tabpanel] img").count() >= 2  # the part, and the anomaly map over it
    page.keyboard.press("Space")  # the next part, by the keyboard
    expect(page.get_by_test_id("count-total")).to_contain_text("2", timeout=90_000)


def test_a_defective_part_shows_where_it_differs(service: DemoService, page: Page) -> None:
    page.goto(service.link)
    verdict = page.get_by_test_id("verdict")
    for part in range(1, 13):  # a third of the parts that the hand lays are defective
        page.get_by_role("button", name=re.compile("^INSPECT")).click()
        expect(page.get_by_test_id("count-total")).to_contain_text(str(part), timeout=90_000)
        expect(verdict).to_have_attribute("data-evaluation", VERDICT)
        if verdict.get_attribute("data-evaluation") == "NotOK":
            break
    expect(verdict).to_contain_text("NOT OK")
    expect(page.get_by_test_id("region").first).to_be_visible()
    expect(page.get_by_text(re.compile(r"\d mm²")).first).to_be_visible()
    expect(page.locator("[role=tabpanel] img").last).to_have_js_property("complete", True)
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / "verdict.png")
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 1366, "height": 768})
    page.screenshot(path=SCREENSHOTS / "verdict-dark.png")


def test_a_stranger_sees_nothing(service: DemoService, page: Page) -> None:
    page.goto(service.address)
    expect(page.get_by_role("heading", name="Signed out")).to_be_visible()
    assert page.get_by_role("button", name=re.compile("^INSPECT")).count() == 0


def test_the_panel_says_stale_when_the_service_is_gone(service: DemoService, page: Page) -> None:
    page.goto(service.link)
    expect(page.get_by_role("button", name=re.compile("^INSPECT"))).to_be_enabled()
    service.stop()
    expect(page.get_by_text("STALE")).to_be_visible()
