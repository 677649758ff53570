"""An operator in a real browser: a whole day by touch, a part by keys alone, a scanner, and a network that loses what is sent."""

from __future__ import annotations

import re

import pytest
from panel_browser import LAPTOP, NOBODY, UPRIGHT, WIDE, Words, axe_violations, quiet_page
from panel_moves import as_box, evaluation_of, go, inspect, inspect_button, scan_code, sign_in
from panel_station import OTHER_RECIPE, PASSWORD, SEEN, Day
from playwright.sync_api import Browser, Page, Route, expect

from api.cli.demo import RECIPE

OPPOSITE = {"OK": "NotOK", "NotOK": "OK"}
TRIES_OF_A_PRESS = 7


@pytest.fixture(autouse=True)
def _pictures() -> None:
    SEEN.mkdir(parents=True, exist_ok=True)


def test_an_operators_day_from_signing_in_to_signing_out(browser: Browser, day: Day) -> None:
    say = Words("zh")
    with quiet_page(browser, WIDE, say.locale, expected=[NOBODY], has_touch=True) as page:
        page.goto(day.address)
        expect(page.get_by_role("heading", name=say("signedOut.title"))).to_be_visible()
        assert inspect_button(page, say).count() == 0  # a stranger sees nothing
        assert axe_violations(page) == []
        page.screenshot(path=SEEN / "signed-out-zh-1920.png")
        sign_in(page, say, "wei", PASSWORD)
        expect(inspect_button(page, say)).to_be_enabled()
        assert page.get_by_role("link", name=say("nav.teach")).count() == 0  # that is the engineer's
        expect(page.get_by_text(say("app.simulated"))).to_be_visible()
        assert min(as_box(inspect_button(page, say))[side] for side in ("width", "height")) >= 96

        page.get_by_label(say("app.lot")).fill("L-2611-050")
        judged: dict[str, str] = {}
        while set(judged.values()) != {"OK", "NotOK"}:
            serial = f"day-{len(judged)}"
            judged[serial] = inspect(page, say, serial)
            assert len(judged) < 13, "a third of the parts that the hand lays are defective"
            if judged[serial] == "NotOK":
                expect(page.get_by_test_id("region").first).to_be_visible()
                expect(page.get_by_text(re.compile(r"\d mm²")).first).to_be_visible()
                page.screenshot(path=SEEN / "verdict-zh-1920.png")
        overruled, other = serial, OPPOSITE[judged[serial]]
        overrule(page, say, other)
        assert [(review["by"], review["confirms"]) for review in day.inspections(serial=overruled)[0]["reviews"]] == [("wei", False)]

        go(page, say, "history")
        page.get_by_label(say("search.lot")).fill("L-2611-050")
        entries = page.get_by_role("region", name=say("history.label")).get_by_role("listitem")
        expect(entries).to_have_count(len(judged))
        page.get_by_label(say("search.serial")).fill(overruled)
        expect(entries).to_have_count(1)
        expect(page.get_by_label(say("facts.label"))).to_contain_text(overruled)
        with page.expect_download() as export:
            page.get_by_role("link", name=say("search.export")).click()
        rows = export.value.path().read_text("utf-8-sig").splitlines()
        assert [overruled in row for row in rows] == [False, True]

        go(page, say, "inspect")
        change_over(page, say, OTHER_RECIPE)
        expect(page.get_by_label(say("app.lot"))).to_have_value("")  # another product is another lot
        inspect(page, say, "other-0")
        [one] = day.inspections(serial="other-0")
        assert (one["recipe"], one["lot"], one["operator"]) == (OTHER_RECIPE, None, "wei")
        change_over(page, say, RECIPE)

        go(page, say, "account")
        page.get_by_role("button", name=say("app.signOut")).click()
        page.get_by_role("button", name=say("app.signOutConfirm")).click()
        expect(page.get_by_role("heading", name=say("signedOut.title"))).to_be_visible()
        page.goto(f"{day.address}/#/history")
        page.reload()
        expect(page.get_by_role("heading", name=say("signedOut.title"))).to_be_visible()


def overrule(page: Page, say: Words, other: str) -> None:
    page.get_by_role("button", name=say("review.overrule", verdict=say(f"history.{other}")), exact=True).click()
    why = page.get_by_role("button", name=say("review.good" if other == "OK" else "review.bad"))
    assert min(as_box(why)[side] for side in ("width", "height")) >= 64
    page.screenshot(path=SEEN / f"overrule-{say.locale[:2]}-1920.png")
    why.click()
    expect(page.get_by_test_id("reviewed")).to_have_text(say("review.overruled", verdict=say(f"history.{other}")))


def change_over(page: Page, say: Words, recipe: str) -> None:
    chooser = page.get_by_role("button", name=re.compile(re.escape(say("app.recipe"))))
    chooser.click()
    page.get_by_role("option", name=recipe).click()
    expect(chooser).to_contain_text(recipe)
    expect(chooser).to_be_enabled()


def test_a_part_is_inspected_and_confirmed_by_keys_alone(browser: Browser, day: Day) -> None:
    say = Words("en")
    with quiet_page(browser, LAPTOP, say.locale, expected=[NOBODY]) as page:
        page.goto(day.address)
        name = page.get_by_label(say("signedOut.name"))
        expect(name).to_be_visible()
        tab_to(page, say("signedOut.name"))
        page.keyboard.type("wei")
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        expect(inspect_button(page, say)).to_be_enabled()

        page.keyboard.press("Tab")  # a scanner is heard on whatever has the focus, and its Enter does not press it
        scan_code(page, "scanned-1")
        expect(page.get_by_label(say("inspect.serial"))).to_have_value("scanned-1")
        assert day.inspections(serial="scanned-1") == []
        tab_to(page, say("inspect.button"))
        page.keyboard.press("Space")
        evaluation_of(page, say, "scanned-1")
        tab_to(page, say("review.confirm"))
        page.keyboard.press("Enter")
        expect(page.get_by_test_id("reviewed")).to_have_text(say("review.confirmed"))
        # After a touch nobody knows where the focus is: what is typed goes into the serial, and Space is the next part.
        page.get_by_role("heading", level=1).click()
        page.keyboard.type("scanned-2\n")
        page.keyboard.press("Space")
        evaluation_of(page, say, "scanned-2")
        assert [len(day.inspections(serial=serial)) for serial in ("scanned-1", "scanned-2")] == [1, 1]


def tab_to(page: Page, name: str) -> None:
    """Go on by Tab until something of this name has the focus."""
    for _ in range(60):
        focused = "() => { const at = document.activeElement; return at.ariaLabel ?? at.labels?.[0]?.innerText ?? at.innerText ?? '' }"
        if page.evaluate(focused).startswith(name):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{name} cannot be reached by Tab")


def test_a_part_is_inspected_once_however_often_the_network_fails(browser: Browser, day: Day) -> None:
    say = Words("zh")
    keys: list[str] = []

    def fail(route: Route) -> None:
        if route.request.method == "POST":
            keys.append(route.request.headers["idempotency-key"])
            if len(keys) == TRIES_OF_A_PRESS + 1:
                route.fetch()  # it arrives, and the answer is lost
            if len(keys) <= TRIES_OF_A_PRESS + 1:
                route.abort()
                return
        route.fallback()

    with quiet_page(browser, UPRIGHT, say.locale, cookies=day.cookies, expected=[r"net::ERR_FAILED POST \S+/inspections$"]) as page:
        page.clock.install()
        page.route("**/api/v1/inspections", fail)
        page.goto(day.address)
        page.get_by_label(say("inspect.serial")).fill("once")
        inspect_button(page, say).click()
        while len(keys) < TRIES_OF_A_PRESS:
            page.clock.fast_forward(5_000)  # to the next try
        card = page.get_by_role("region", name=say("verdict.label"), exact=True)
        expect(card).to_contain_text(say("verdict.notStarted"))
        expect(card).to_contain_text(say("inspect.again"))
        page.screenshot(path=SEEN / "not-started-zh-768.png")
        inspect_button(page, say).click()
        while len(keys) < TRIES_OF_A_PRESS + 2:
            page.clock.fast_forward(5_000)
        evaluation_of(page, say, "once")
        assert len(set(keys)) == 1
        assert len(day.inspections(serial="once")) == 1


def test_a_review_whose_answer_is_lost_is_written_once(browser: Browser, day: Day) -> None:
    say = Words("en")
    part = day.parts[0]

    def lose_the_answer(route: Route) -> None:
        route.fetch()
        route.abort()

    with quiet_page(browser, LAPTOP, say.locale, cookies=day.cookies, expected=[r"net::ERR_FAILED POST \S+/review$"]) as page:
        page.route("**/review", lose_the_answer, times=1)
        page.goto(f"{day.address}/#/history/{part['id']}")
        expect(page.get_by_label(say("facts.label"))).to_contain_text(say("verdict.serial", serial=part["serial"]))
        page.get_by_role("button", name=say("review.confirm")).click()
        expect(page.get_by_test_id("reviewed")).to_have_text(say("review.confirmed"))
        assert len(day.inspections(serial=part["serial"])[0]["reviews"]) == 1


def test_the_history_is_gone_through_by_keys(browser: Browser, day: Day) -> None:
    say = Words("en")
    with quiet_page(browser, UPRIGHT, say.locale, cookies=day.cookies) as page:
        page.goto(f"{day.address}/#/history")
        facts = page.get_by_label(say("facts.label"))
        page.get_by_label(say("search.lot")).fill(day.parts[0]["lot"])
        expect(page.get_by_role("region", name=say("history.label")).get_by_role("listitem").first).to_be_visible()
        page.get_by_role("heading", level=1).click()
        newest = [one["serial"] for one in day.inspections(lot=day.parts[0]["lot"])]
        page.keyboard.press("ArrowDown")
        expect(facts).to_contain_text(newest[1])
        page.keyboard.press("ArrowUp")
        expect(facts).to_contain_text(newest[0])
        scan_code(page, "0151-A")  # a scanned part is found wherever the focus is
        expect(page.get_by_label(say("search.serial"))).to_have_value("0151-A")
        expect(facts).to_contain_text("0151-A")
