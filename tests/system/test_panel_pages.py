"""The pages beside Inspect, in a real browser over one running service: an operator's day, an engineer's changes, every page in two languages."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from demo_process import DemoService
from panel_browser import PANEL, axe_violations, chromium, quiet_page
from playwright.sync_api import Browser, Page, Route, expect

from api.cli.demo import RECIPE

expect.set_options(timeout=30_000)  # a loaded machine is no reason to fail
PASSWORD = "correct horse battery"
SHELL_BYTES = 150_000
SIZES = [(1920, 1080), (1366, 768), (768, 1024)]
ADMIN = [f"admin/{section}" for section in ("users", "keys", "webhooks", "storage", "backups", "audit")]
PAGES = ["inspect", "history", "shift", "teach", "rig", *ADMIN, "account"]
# Pictures of what was seen stay in test-artifacts; D3STATION_SCREENSHOTS=docs/images renews those of the documentation.
SEEN = Path("test-artifacts/panel")
SCREENSHOTS = Path(os.environ.get("D3STATION_SCREENSHOTS", SEEN))
IN_THE_DOCUMENTATION = {(name, "en-GB", 1366) for name in ("history", "shift", "teach", "rig", "admin/storage")}


@dataclass(frozen=True, slots=True)
class Day:
    """A running station with three judged parts, and who may work on it."""

    address: str
    admin: httpx.Client
    state: Any
    """The admin's session, as a browser keeps it."""
    parts: list[dict[str, Any]]

    def inspection(self, serial: str) -> dict[str, Any]:
        found = self.admin.get("/api/v1/inspections", params={"serial": serial}).json()["items"][0]
        return self.admin.get(f"/api/v1/inspections/{found['id']}").json()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def day(taught_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    data_dir = tmp_path_factory.mktemp("day")
    shutil.copytree(taught_once / "models", data_dir / "models")
    service = DemoService(data_dir)
    try:
        service.start()
        with service.signed_in() as admin:
            yield _prepared(service.address, admin)
    finally:
        service.stop(signal.SIGKILL)


def _prepared(address: str, admin: httpx.Client) -> Day:
    admin.post("/api/v1/users", json={"name": "wei", "role": "operator", "password": PASSWORD}).raise_for_status()
    parts = []
    for serial in ("0151-A", "0152-A", "0153-A"):
        body = {"recipe": RECIPE, "serial": serial, "lot": "L-2611-044"}
        answer = admin.post("/api/v1/inspections", json=body, headers={"Idempotency-Key": f"part-{serial}", "Prefer": "wait=30"})
        assert answer.is_success, answer.text
        parts.append(answer.json())
    cookie = {"name": "d3station_session", "value": admin.cookies["d3station_session"], "url": address, "httpOnly": True}
    return Day(address, admin, {"cookies": [cookie]}, parts)


@pytest.fixture
def page(browser: Browser, day: Day) -> Iterator[Page]:
    """A page on which the admin is signed in."""
    with quiet_page(browser, locale="en-GB") as page:
        page.context.add_cookies(day.state["cookies"])
        yield page


def test_the_shell_is_small() -> None:
    start = (PANEL / "dist" / "index.html").read_text("utf-8")
    files = re.findall(r'(?:src|href)="/(assets/[^"]+)"', start)
    assert files
    assert sum(len(gzip.compress((PANEL / "dist" / file).read_bytes())) for file in files) <= SHELL_BYTES


@pytest.mark.parametrize(("locale", "scheme"), [("en-GB", "light"), ("zh-CN", "dark")])
def test_every_page_speaks_and_can_be_used_by_everybody(browser: Browser, day: Day, locale: str, scheme: Any) -> None:
    found: dict[str, list[str]] = {}
    with quiet_page(browser, locale=locale, color_scheme=scheme) as page:
        page.context.add_cookies(day.state["cookies"])
        SEEN.mkdir(parents=True, exist_ok=True)
        for name in PAGES:
            page.goto(f"{day.address}/#/{name}")
            expect(page.locator(".head h1")).to_be_visible()
            page.wait_for_load_state("networkidle")
            expect(page.get_by_text("Loading…" if locale == "en-GB" else "正在加载…")).to_have_count(0)
            found[name] = axe_violations(page)
            for width, height in SIZES:
                page.set_viewport_size({"width": width, "height": height})
                assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{name} is wider than {width} px"
                page.screenshot(path=SEEN / f"{name.replace('/', '-')}-{locale[:2]}-{width}.png")
                if (name, locale, width) in IN_THE_DOCUMENTATION:
                    page.screenshot(path=SCREENSHOTS / f"panel-{name.replace('/', '-')}.png")
            words = page.locator("h1, h2, th, label > span, button").all_inner_texts()
            assert [word for word in words if re.fullmatch(r"[a-z]\w*(\.\w+)+", word)] == [], "a forgotten word shows as its key"
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_an_operator_signs_in_by_name_scans_and_overrules(browser: Browser, day: Day) -> None:
    with quiet_page(browser, locale="en-GB") as page:
        page.goto(day.address)
        page.get_by_label("Name").fill("wei")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("link", name="History")).to_be_visible()
        assert page.get_by_role("link", name="Teach").count() == 0  # that is the engineer's

        expect(page.get_by_label("Next serial")).to_be_visible()
        page.keyboard.press("Tab")  # a scanner is heard on whatever has the focus, and its Enter does not press it
        page.evaluate("""() => { const focused = document.activeElement; for (const key of [..."0154-A", "Enter"])
            focused.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true })) }""")
        expect(page.get_by_label("Next serial")).to_have_value("0154-A")
        page.get_by_role("button", name=re.compile("^INSPECT")).click()
        verdict = page.get_by_test_id("verdict")
        expect(verdict).to_have_attribute("data-evaluation", re.compile("^(OK|NotOK)$"), timeout=90_000)
        other = "OK" if verdict.get_attribute("data-evaluation") == "NotOK" else "NOT OK"

        page.get_by_role("button", name=f"It is {other}", exact=True).click()
        box = page.get_by_role("button", name=re.compile("^Looked at")).bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 64
        SEEN.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SEEN / "overrule.png")
        page.get_by_role("button", name=re.compile("^Looked at")).click()
        expect(page.get_by_test_id("reviewed")).to_contain_text(f"Overruled: {other}")
        [review] = day.inspection("0154-A")["reviews"]
        assert (review["by"], review["confirms"]) == ("wei", False)


def test_a_review_whose_answer_is_lost_is_written_once(page: Page, day: Day) -> None:
    serial = day.parts[0]["serial"]

    def lose_the_answer(route: Route) -> None:
        route.fetch()
        route.abort()

    page.route("**/review", lose_the_answer, times=1)
    page.goto(f"{day.address}/#/history/{day.parts[0]['id']}")
    expect(page.get_by_text(f"Serial {serial}")).to_be_visible()
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_test_id("reviewed")).to_have_text("Confirmed")
    assert len(day.inspection(serial)["reviews"]) == 1


def test_the_history_is_searched_and_gone_through_by_keys(page: Page, day: Day) -> None:
    page.goto(f"{day.address}/#/history")
    facts = page.get_by_label("About this part")
    page.get_by_label("Lot").fill("L-2611-044")
    entries = page.locator(".entry")
    expect(entries).to_have_count(3)
    page.locator(".head h1").click()
    page.keyboard.press("ArrowDown")
    expect(facts).to_contain_text("0152-A")
    page.keyboard.press("ArrowUp")
    expect(facts).to_contain_text("0153-A")
    page.get_by_label("Serial").fill("0151-A")
    expect(entries).to_have_count(1)
    expect(facts).to_contain_text("0151-A")
    table = page.request.get(day.address + str(page.get_by_role("link", name="CSV").get_attribute("href"))).text()
    assert table.count("0151-A") == 1
    assert "0152-A" not in table


def test_an_engineer_moves_the_limit_and_goes_back(page: Page, day: Day) -> None:
    as_it_was = {"threshold": 1.0, "note": "as it was"}
    before = day.admin.put(f"/api/v1/recipes/{RECIPE}/threshold", json=as_it_was).raise_for_status().json()
    page.goto(f"{day.address}/#/teach")
    card = page.get_by_test_id("threshold")
    expect(card).to_contain_text(re.compile(r"Of the last \d+ parts"))
    for _ in range(3):
        card.get_by_role("button", name="Higher").click()
    card.get_by_label("Why").fill("too many false alarms")
    card.get_by_role("button", name=re.compile("^Set")).click()
    versions = page.get_by_test_id("versions")
    expect(versions).to_contain_text("too many false alarms")
    assert day.admin.get(f"/api/v1/recipes/{RECIPE}").json()["judged_at"] > 1

    versions.get_by_label("Why").fill("they were no false alarms")
    row = versions.get_by_role("row").filter(has=page.get_by_role("cell", name=str(before["version"]), exact=True))
    row.get_by_role("button", name="Roll back").click()
    expect(versions).to_contain_text("they were no false alarms")
    assert day.admin.get(f"/api/v1/recipes/{RECIPE}").json()["judged_at"] == 1


def test_an_admin_makes_a_key_that_works_and_revokes_it(page: Page, day: Day) -> None:
    page.goto(f"{day.address}/#/admin/keys")
    page.get_by_label("What it is for").fill("mes-line-3")
    page.get_by_role("button", name="Create").click()
    key = page.locator(".secret").inner_text()

    def ask() -> int:
        return httpx.get(f"{day.address}/api/v1/me", headers={"Authorization": f"Bearer {key}"}).status_code

    assert ask() == 200
    page.get_by_role("button", name="Revoke").click()
    page.get_by_role("button", name="Touch again").click()
    expect(page.get_by_role("cell", name="revoked")).to_be_visible()
    assert ask() == 401
