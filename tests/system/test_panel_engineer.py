"""An engineer in a real browser: teaches, moves a limit and goes back, looks after the rig; an admin's keys, webhooks and password."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from panel_browser import LAPTOP, NOBODY, UPRIGHT, WIDE, Words, quiet_page
from panel_moves import sign_in, task_of
from panel_station import PASSWORD, SEEN, Day
from playwright.sync_api import Browser, Locator, Page, expect
from standardwebhooks.webhooks import Webhook

from api.cli.demo import RECIPE

NEW_PASSWORD = "a longer horse battery"


def row_of(card: Locator, text: str) -> Locator:
    return card.get_by_role("row").filter(has=card.page.get_by_role("cell", name=text, exact=True))


def test_a_model_is_taught_cancelled_taught_again_activated_and_rolled_back(browser: Browser, day: Day) -> None:
    say = Words("en")
    before = day.recipe()
    with quiet_page(browser, LAPTOP, say.locale, cookies=day.cookies) as page:
        page.goto(f"{day.address}/#/teach")
        form = page.locator("section").filter(has=page.get_by_role("heading", name=say("teach.title")))
        task, models, versions = page.get_by_test_id("task"), page.get_by_test_id("models"), page.get_by_test_id("versions")
        form.get_by_label(say("teach.note")).fill("a new batch")
        form.get_by_label(say("teach.activateAfter")).uncheck()
        form.get_by_label(say("teach.parts")).fill("60")
        form.get_by_role("button", name=say("teach.start")).click()
        expect(task_of(page, say, "teach").get_by_role("progressbar")).not_to_have_attribute("aria-valuenow", "0")
        SEEN.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SEEN / "teaching-en-1366.png")
        task.get_by_role("button", name=say("task.cancel")).click()
        expect(task).to_have_attribute("data-state", "cancelled")
        now = day.recipe()
        assert now["models"] == before["models"]
        assert now["scanned"] >= 1
        expect(form.get_by_label(say("teach.resume", count=now["scanned"]))).to_be_checked()

        form.get_by_role("button", name=say("teach.from.inspections")).click()
        candidates = form.get_by_role("list", name=say("teach.candidates")).get_by_role("button")
        expect(candidates.nth(5)).to_be_visible()
        kept = candidates.count() - 1
        candidates.first.click()  # the most suspicious one is thrown out
        expect(candidates.first).to_have_attribute("aria-pressed", "false")
        form.get_by_role("button", name=say("teach.startFrom", count=kept)).click()
        expect(task).to_have_attribute("data-state", "finished", timeout=90_000)
        taught = next(model for model in day.recipe()["models"] if model not in before["models"])
        assert (taught["taught_from"], taught["is_active"]) == (kept, False)
        expect(task).to_contain_text(taught["model_id"])

        models.get_by_label(say("teach.note")).fill("it knows the new batch")
        row_of(models, taught["model_id"]).get_by_role("button", name=say("models.activate")).click()
        expect(row_of(models, taught["model_id"])).to_contain_text(say("models.active"))
        assert day.recipe()["model_id"] == taught["model_id"]
        roll_back(page, say, before["version"], "the old one was better")
        expect(row_of(models, before["model_id"])).to_contain_text(say("models.active"))
        assert day.recipe()["model_id"] == before["model_id"]
        expect(versions).to_contain_text("the old one was better")


def roll_back(page: Page, say: Words, version: int, why: str) -> None:
    versions = page.get_by_test_id("versions")
    versions.get_by_label(say("teach.note")).fill(why)
    row_of(versions, str(version)).get_by_role("button", name=say("versions.back")).click()
    expect(versions.get_by_role("cell", name=why, exact=True)).to_be_visible()


def test_a_limit_is_tried_on_past_parts_set_and_rolled_back(browser: Browser, day: Day) -> None:
    say = Words("zh")
    as_it_was = {"threshold": 1.0, "note": "as it was"}
    before = day.admin.put(f"/api/v1/recipes/{RECIPE}/threshold", json=as_it_was).raise_for_status().json()
    with quiet_page(browser, UPRIGHT, say.locale, cookies=day.cookies) as page:
        page.goto(f"{day.address}/#/teach")
        card = page.get_by_test_id("threshold")
        would = card.locator("p[aria-live=polite]")
        expect(would).to_contain_text(re.compile(r"\d"))
        as_set = would.inner_text()
        slider = card.get_by_role("slider", name=say("threshold.slider"))
        slider.focus()
        page.keyboard.press("Home")  # nothing but the best would pass
        expect(would).not_to_have_text(as_set)
        page.keyboard.press("End")
        for _ in range(3):
            card.get_by_role("button", name=say("threshold.lower")).click()
        card.get_by_label(say("teach.note")).fill("too many false alarms")
        card.get_by_role("button", name=re.compile("^" + say("threshold.set", threshold=r"\d"))).click()
        expect(page.get_by_test_id("versions")).to_contain_text("too many false alarms")
        assert day.recipe()["judged_at"] > 1
        roll_back(page, say, before["version"], "they were no false alarms")
        assert day.recipe()["judged_at"] == 1


def test_the_rig_is_looked_after(browser: Browser, day: Day) -> None:
    say = Words("en")
    with quiet_page(browser, WIDE, say.locale, cookies=day.cookies) as page:
        page.goto(f"{day.address}/#/rig")
        self_test, calibration = page.get_by_test_id("self-test"), page.get_by_test_id("calibration")
        self_test.get_by_role("button", name=say("selfTest.start")).click()
        expect(self_test).to_contain_text(say("selfTest.ok"))
        for device in ("camera", "lights", "projector"):
            expect(self_test.get_by_role("cell", name=re.compile(f"^{device} ")).first).to_be_visible()

        calibration.get_by_role("button", name=say("calibration.check")).click()
        expect(page.get_by_test_id("task")).to_contain_text(say("task.holds"), timeout=90_000)
        expect(calibration).to_contain_text(say("calibration.holds"))

        live = page.locator("section").filter(has=page.get_by_role("heading", name=say("preview.title")))
        live.get_by_label(say("preview.light")).select_option(index=1)
        live.get_by_role("button", name=say("preview.start")).click()
        picture = live.get_by_role("img", name=say("preview.title"))
        expect(picture).to_be_visible()
        page.wait_for_function("picture => picture.naturalWidth > 0", arg=picture.element_handle())
        page.screenshot(path=SEEN / "rig-looked-after-en-1920.png", full_page=True)
        live.get_by_role("button", name=say("preview.stop")).click()
        expect(picture).to_have_count(0)


def test_a_password_is_changed_and_ends_other_sessions(browser: Browser, day: Day) -> None:
    say = Words("zh")
    day.admin.post("/api/v1/users", json={"name": "li", "role": "engineer", "password": PASSWORD}).raise_for_status()
    with (
        httpx.Client(base_url=day.address, headers={"Origin": day.address}) as elsewhere,
        quiet_page(browser, LAPTOP, say.locale, expected=[NOBODY, r"401 POST \S+/sessions$"]) as page,
    ):
        elsewhere.post("/api/v1/sessions", json={"name": "li", "password": PASSWORD}).raise_for_status()
        page.goto(day.address)
        sign_in(page, say, "li", PASSWORD)
        page.get_by_role("link", name=say("nav.account"), exact=True).click()
        assert page.get_by_role("link", name=say("nav.admin")).count() == 0  # that is the admin's
        for name, value in (("current", PASSWORD), ("new", NEW_PASSWORD), ("again", NEW_PASSWORD + "!")):
            page.get_by_label(say(f"account.{name}"), exact=True).fill(value)
        expect(page.get_by_text(say("account.differs"))).to_be_visible()
        page.get_by_label(say("account.again"), exact=True).fill(NEW_PASSWORD)
        page.get_by_role("button", name=say("account.change")).click()
        expect(page.get_by_text(say("account.changed"))).to_be_visible()
        assert elsewhere.get("/api/v1/me").status_code == 401

        page.get_by_role("button", name=say("app.signOut")).click()
        page.get_by_role("button", name=say("app.signOutConfirm")).click()
        sign_in(page, say, "li", PASSWORD)
        expect(page.get_by_role("alert")).to_be_visible()
        sign_in(page, say, "li", NEW_PASSWORD)
        expect(page.get_by_role("link", name=say("nav.teach"))).to_be_visible()


def test_a_key_works_until_it_is_revoked(browser: Browser, day: Day) -> None:
    say = Words("zh")
    with quiet_page(browser, WIDE, say.locale, cookies=day.cookies) as page:
        page.goto(f"{day.address}/#/admin/keys")
        page.get_by_label(say("keys.name")).fill("mes-line-3")
        page.get_by_role("button", name=say("keys.create"), exact=True).click()
        key = page.locator(".secret").inner_text()

        def ask() -> int:
            return httpx.get(f"{day.address}/api/v1/me", headers={"Authorization": f"Bearer {key}"}).status_code

        assert ask() == 200
        page.get_by_role("button", name=say("keys.revoke"), exact=True).click()
        page.get_by_role("button", name=say("app.signOutConfirm")).click()
        expect(page.get_by_role("cell", name=say("keys.revoked"))).to_be_visible()
        assert ask() == 401


@dataclass
class Receiver:
    """Somebody who is told, and answers as it is told to."""

    url: str = ""
    answer: int = 204
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    arrived: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.got.append(({k.lower(): v for k, v in self.headers.items()}, self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(receiver.answer)
            self.send_header("Content-Length", "0")
            self.end_headers()
            receiver.arrived.release()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield receiver
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_webhook_is_made_tried_and_its_messages_are_looked_up(browser: Browser, day: Day, receiver: Receiver) -> None:
    say = Words("en")
    with quiet_page(browser, UPRIGHT, say.locale, cookies=day.cookies) as page:
        page.clock.install()
        page.goto(f"{day.address}/#/admin/webhooks")
        page.get_by_label(say("webhooks.url")).first.fill(receiver.url)
        page.get_by_role("button", name=say("webhooks.create"), exact=True).click()
        secret = page.locator(".secret").inner_text()
        hook = page.get_by_role("article", name=receiver.url)
        hook.get_by_role("button", name=say("webhooks.ping")).click()
        look_again(page, receiver)
        expect(hook.get_by_role("cell", name=say("webhooks.states.delivered"))).to_have_count(1)
        headers, body = receiver.got[0]
        Webhook(secret).verify(body, headers)

        receiver.answer = 410  # gone: nobody is told any more
        hook.get_by_role("button", name=say("webhooks.resend")).click()
        look_again(page, receiver)
        expect(hook.get_by_role("cell", name=say("webhooks.states.dead"))).to_have_count(1)
        expect(hook).to_contain_text(say("webhooks.disabled"))
        SEEN.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SEEN / "webhook-en-768.png", full_page=True)
        hook.get_by_role("button", name=say("webhooks.delete")).click()
        hook.get_by_role("button", name=say("app.signOutConfirm")).click()
        expect(hook).to_have_count(0)


def look_again(page: Page, receiver: Receiver) -> None:
    """The panel reads every ten seconds what became of messages; once one has arrived nobody need wait for that."""
    assert receiver.arrived.acquire(timeout=30)
    page.clock.fast_forward(10_000)
