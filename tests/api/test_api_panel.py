"""The built panel in a real browser: signing in with a password, and what it shows where the station cannot start."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator

import pytest
from conftest import serving
from fake_station import FakeStation
from playwright.sync_api import Browser, Route, expect, sync_playwright

from api.app import create_app
from api.recovery import Recovery, recovery_app
from api.schemas import Recipe, Role
from api.settings import Settings
from api.store import audit
from api.store.database import StoreDamaged

expect.set_options(timeout=30_000)  # a loaded machine is no reason to fail


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert path, "no Chromium: make test installs it; elsewhere: apt-get install chromium"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"])
        yield chromium
        chromium.close()


def test_a_user_signs_in_with_name_and_password(chromium: Browser, settings: Settings, fake: FakeStation) -> None:
    app = create_app(settings, fake)
    app.state.service.store.upgrade()
    app.state.service.accounts.users.create("mary", Role.OPERATOR, "correct horse battery", audit.COMMAND)
    with serving(app) as url:
        page = chromium.new_page(locale="en-GB")
        page.goto(url)
        page.get_by_label("Name").fill("mary")
        page.get_by_label("Password").fill("a wrong password")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_contain_text("The name or the password is wrong")
        page.get_by_label("Password").fill("correct horse battery")
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="INSPECT")).to_be_visible()
        page.close()


def test_the_panel_says_why_the_station_cannot_start_and_what_to_do(chromium: Browser) -> None:
    error = StoreDamaged("The database is damaged: page 7.", cure="Put the last backup back: d3station db restore FILE")

    def start() -> None:
        raise StoreDamaged("The database is damaged: page 8.", cure="Put an older backup back.")

    with serving(recovery_app(Recovery(error, start), lambda: None)) as url:
        page = chromium.new_page(locale="en-GB")
        page.goto(url)
        told = page.get_by_role("alert")
        expect(told).to_contain_text("The station is out of order")
        expect(told).to_contain_text("page 7")
        expect(told).to_contain_text("d3station db restore FILE; then try again")
        expect(told).to_contain_text("store.damaged")
        page.get_by_role("button", name="Try again").click()
        expect(told).to_contain_text("page 8")
        page.close()


def test_a_lost_answer_neither_inspects_twice_nor_gives_the_next_part_the_last_ones_verdict(
    chromium: Browser, settings: Settings, fake: FakeStation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service hears every request and inspects; its answers are lost until the panel gives up. Pressing again means the next part."""
    monkeypatch.setattr(fake, "describe", lambda name: Recipe(name=name, model_id="bolt-1", threshold=1.0, taught_from=20))
    app = create_app(settings, fake)
    app.state.service.store.upgrade()
    link = app.state.service.accounts.create_sign_in_link(Role.OPERATOR)
    keys: list[str] = []
    is_lossy = True

    def lose(route: Route) -> None:
        if route.request.method != "POST":
            route.continue_()
            return
        keys.append(route.request.headers["idempotency-key"])
        answer = route.fetch()
        if is_lossy:
            route.abort()
        else:
            route.fulfill(response=answer)

    with serving(app) as url:
        page = chromium.new_page(locale="en-GB")
        page.clock.install()
        page.route("**/api/v1/inspections", lose)
        page.goto(f"{url}{link}")
        button = page.get_by_role("button", name=re.compile("^INSPECT"))
        button.click()
        expect(page.get_by_test_id("verdict")).to_have_attribute("data-evaluation", "OK")
        for _ in range(8):
            page.clock.run_for(5_000)
        expect(page.locator(".notice, [data-testid=verdict]").first).to_be_visible()
        assert (len(set(keys)), len(fake.inspected)) == (1, 1)
        assert len(keys) > 2  # it was repeated
        is_lossy = False
        expect(button).to_be_enabled()
        with page.expect_response(lambda answer: answer.request.method == "POST" and answer.url.endswith("/inspections")):
            button.click()
        assert len(set(keys)) == 2
        expect(page.locator(".entry")).to_have_count(2)
        assert len(fake.inspected) == 2
        page.close()
