"""The built panel in a real browser: signing in with a password, and what it shows where the station cannot start."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from conftest import serving
from fake_station import FakeStation
from playwright.sync_api import Browser, expect, sync_playwright

from api.app import create_app
from api.recovery import Recovery, recovery_app
from api.schemas import Role
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
    with serving(recovery_app(Recovery(error, lambda: None), lambda: None)) as url:
        page = chromium.new_page(locale="en-GB")
        page.goto(url)
        told = page.get_by_role("alert")
        expect(told).to_contain_text("The station is out of order")
        expect(told).to_contain_text("page 7")
        expect(told).to_contain_text("d3station db restore FILE; then try again")
        expect(told).to_contain_text("store.damaged")
        page.close()
