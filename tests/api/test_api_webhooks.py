"""Webhooks, to a real receiver on a real socket: down, up, slow, rude."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import socket
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from conftest import As, serving
from fake_station import FakeStation
from receiver import Receiver, free_port, up
from standardwebhooks.webhooks import Webhook as TheirWebhook
from standardwebhooks.webhooks import WebhookVerificationError

from api.app import create_app
from api.mes import guard, sender
from api.mes.sender import WebhookSender
from api.schemas import Role, StationState
from api.schemas_webhooks import DeliveryState, WebhookEvent
from api.settings import Settings
from api.store import outbox, webhook_secrets
from api.store.clock import now
from api.store.store import Store, open_store
from api.store.tables_webhooks import DeliveryRow, WebhookRow

WEBHOOKS = "/api/v1/webhooks"
LOOPBACK = [ipaddress.ip_network("127.0.0.0/8")]
FAST = (0.02,) * 9


@pytest.fixture
def receiver() -> Receiver:
    return Receiver(free_port())


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    store = open_store(settings)
    yield store
    store.close()


SECRET, OTHER_SECRET = "whsec_c2VjcmV0IG9mIHRoZSB0ZXN0", "whsec_YW5vdGhlciBzZWNyZXQgb2YgaXQ="


def add_webhook(store: Store, url: str) -> None:
    row = WebhookRow(id="hook", url=url, description="", events=["inspection.finished"], created=now())
    with store.write() as session:
        session.add(row)
        session.flush()
        webhook_secrets.add(session, store.sealing, "hook", SECRET)


def add_messages(store: Store, count: int) -> list[str]:
    """Messages of one transaction each; gives their identities."""
    ids = []
    for _ in range(count):
        with store.write() as session:
            ids.append(outbox.ping(session, outbox.get(session, "hook")).id)
    return ids


def deliveries(store: Store) -> list[DeliveryRow]:
    with store.read() as session:
        return outbox.page(session, "hook", None, None, 200)[0][::-1]


def send_until(store: Store, done: Callable[[], bool], backoff_s: tuple[float, ...] = FAST, allowed: list = LOOPBACK) -> None:
    """Let a sender work until something is so."""

    async def work() -> None:
        deadline = time.monotonic() + 20
        async with WebhookSender(store, allowed, backoff_s).running():
            with store.bell.listen() as rung:
                while not done():
                    assert time.monotonic() < deadline
                    rung.clear()
                    if not done():
                        async with asyncio.timeout(20):
                            await rung.wait()

    asyncio.run(work())


def all_are(store: Store, state: DeliveryState) -> Callable[[], bool]:
    return lambda: all(row.state == state for row in deliveries(store))


@pytest.mark.both_databases
def test_a_receiver_that_is_down_and_then_up_gets_every_message_once_in_order_with_its_own_identity(store: Store, receiver: Receiver) -> None:
    add_webhook(store, receiver.url)
    ids = add_messages(store, 20)
    send_until(store, lambda: sum(row.attempts for row in deliveries(store)) >= 4)
    assert {row.state for row in deliveries(store)} == {"pending"}
    with up(receiver):
        send_until(store, all_are(store, DeliveryState.DELIVERED))
    assert receiver.ids() == ids


@pytest.mark.both_databases
def test_messages_survive_the_sender_and_the_same_identity_comes_again(store: Store, receiver: Receiver) -> None:
    add_webhook(store, receiver.url)
    ids = add_messages(store, 3)
    receiver.answers = [204, 500, 503, 204, 204]
    with up(receiver):
        send_until(store, all_are(store, DeliveryState.DELIVERED))
    assert sorted(set(receiver.ids())) == sorted(ids)
    assert len(receiver.ids()) == 5
    with store.read() as session:
        logs = [[(a.status, a.error) for a in outbox.detail_of(session, row).log] for row in deliveries(store)]
    assert sum(len(log) for log in logs) == 5
    assert logs[0] == [(204, None)]
    assert (500, "it answered 500") in logs[1]


def test_what_is_signed_is_what_the_standards_own_library_verifies(store: Store, receiver: Receiver) -> None:
    add_webhook(store, receiver.url)
    add_messages(store, 1)
    with up(receiver):
        send_until(store, all_are(store, DeliveryState.DELIVERED))
    ((headers, body),) = receiver.got
    theirs = TheirWebhook(SECRET)
    assert theirs.verify(body.decode(), headers)["type"] == "ping"
    assert headers["host"] == f"127.0.0.1:{receiver.port}"
    with pytest.raises(WebhookVerificationError):
        theirs.verify(body.decode().replace("ping", "pong"), headers)
    with pytest.raises(WebhookVerificationError):
        theirs.verify(body.decode(), headers | {"webhook-id": "msg_other"})


def verified(receiver: Receiver, secret: str) -> list[bool]:
    """Whether each message that arrived is signed with a secret, by the standard's own library."""
    found = []
    for headers, body in receiver.got:
        try:
            TheirWebhook(secret).verify(body.decode(), headers)
            found.append(True)
        except WebhookVerificationError:
            found.append(False)
    return found


@pytest.mark.both_databases
def test_while_a_secret_is_exchanged_messages_are_signed_with_both(store: Store, receiver: Receiver) -> None:
    add_webhook(store, receiver.url)

    def rotate(secret: str, overlap: timedelta) -> None:
        with store.write() as session:
            webhook_secrets.rotate(session, store.sealing, "hook", secret, overlap)
        add_messages(store, 1)
        send_until(store, all_are(store, DeliveryState.DELIVERED))

    with up(receiver):
        rotate(OTHER_SECRET, timedelta(hours=1))
        rotate(SECRET, timedelta(0))
    assert verified(receiver, OTHER_SECRET) == [True, False]
    assert verified(receiver, SECRET) == [True, True]


@pytest.mark.both_databases
def test_without_its_key_no_message_is_sent_and_why_is_told(store: Store, receiver: Receiver) -> None:
    add_webhook(store, receiver.url)
    add_messages(store, 1)
    (store.data_dir / "keys" / "secrets.key").unlink()
    with up(receiver):
        send_until(store, lambda: deliveries(store)[0].attempts == 1, backoff_s=(60.0,))
        assert receiver.got == []
        with store.write() as session:
            assert "secret cannot be read" in outbox.detail_of(session, deliveries(store)[0]).log[0].error
            webhook_secrets.rotate(session, store.sealing, "hook", OTHER_SECRET, timedelta(0))
            outbox.send_again(outbox.get(session, "hook"), outbox.delivery(session, "hook", deliveries(store)[0].id))
        send_until(store, all_are(store, DeliveryState.DELIVERED))
    assert verified(receiver, OTHER_SECRET) == [True]


def test_the_ten_lines_of_the_manual_verify_a_message(store: Store, receiver: Receiver) -> None:
    add_webhook(store, receiver.url)
    add_messages(store, 1)
    with up(receiver):
        send_until(store, all_are(store, DeliveryState.DELIVERED))
    manual: dict = {}
    page = (Path(__file__).parents[2] / "docs" / "mes.md").read_text(encoding="utf-8")
    exec(page.split("```python\n", 1)[1].split("```", 1)[0], manual)
    ((headers, body),) = receiver.got
    assert manual["verified"](SECRET, headers, body)
    assert not manual["verified"](SECRET, headers, body + b" ")
    assert not manual["verified"](SECRET, headers | {"webhook-timestamp": "1700000000"}, body)


@pytest.mark.both_databases
def test_after_the_last_try_a_message_is_dead_and_can_be_sent_again(store: Store, receiver: Receiver) -> None:
    add_webhook(store, receiver.url)
    (message,) = add_messages(store, 1)
    receiver.answers = [500] * 3
    with up(receiver):
        send_until(store, all_are(store, DeliveryState.DEAD), backoff_s=(0.01, 0.01))
        assert len(receiver.got) == 3
        with store.write() as session:
            outbox.send_again(outbox.get(session, "hook"), outbox.delivery(session, "hook", message))
        send_until(store, all_are(store, DeliveryState.DELIVERED))
    assert receiver.ids() == [message] * 4


@pytest.mark.both_databases
def test_a_receiver_that_is_gone_is_told_nothing_more(store: Store, receiver: Receiver) -> None:
    add_webhook(store, receiver.url)
    add_messages(store, 3)
    receiver.answers = [410]
    with up(receiver):
        send_until(store, all_are(store, DeliveryState.DEAD))
    assert len(receiver.got) == 1
    with store.write() as session:
        assert outbox.get(session, "hook").disabled_reason == "The receiver answered 410 Gone."
        outbox.announce(session, WebhookEvent.INSPECTION_FINISHED, outbox.webhook_of(outbox.get(session, "hook")))
    assert len(deliveries(store)) == 3


@pytest.mark.both_databases
def test_redirects_are_not_followed_and_retry_after_is_heeded(store: Store, receiver: Receiver) -> None:
    add_webhook(store, receiver.url)
    add_messages(store, 1)
    receiver.answers, receiver.headers = [307], {"Location": receiver.url, "Retry-After": "3000"}
    with up(receiver):
        send_until(store, lambda: deliveries(store)[0].attempts == 1, backoff_s=(0.01,) * 9)
        assert len(receiver.got) == 1
        receiver.answers = [429]
        send_until(store, lambda: deliveries(store)[0].attempts == 2, backoff_s=(0.01,) * 9)
    (row,) = deliveries(store)
    assert row.due > now() + timedelta(seconds=2900)
    with store.read() as session:
        assert [a.status for a in outbox.detail_of(session, row).log] == [307, 429]


@pytest.mark.both_databases
def test_no_message_goes_to_an_address_that_is_not_allowed(store: Store, receiver: Receiver) -> None:
    add_webhook(store, receiver.url)
    add_messages(store, 1)
    with up(receiver):
        send_until(store, all_are(store, DeliveryState.DEAD), backoff_s=(0.01,), allowed=[])
    assert receiver.got == []
    with store.read() as session:
        (attempt, _) = outbox.detail_of(session, deliveries(store)[0]).log
    assert "127.0.0.1 is not a public address" in attempt.error


def test_a_name_is_resolved_once_and_that_address_is_connected_to(store: Store, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server that changes its mind between check and connection (DNS rebinding) gains nothing."""
    asked: list[str] = []

    async def resolve(self: object, host: str, port: int, **_: object) -> list:
        asked.append(host)
        assert host in ("mes.test", "127.0.0.1")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", resolve)
    add_webhook(store, f"http://mes.test:{receiver.port}/hook")
    add_messages(store, 1)
    with up(receiver):
        send_until(store, all_are(store, DeliveryState.DELIVERED))
    assert asked.count("mes.test") == 1
    assert receiver.got[0][0]["host"] == f"mes.test:{receiver.port}"


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "::",
     "fe80::1", "fc00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "ff02::1"],
)  # fmt: skip
def test_addresses_that_only_the_station_can_reach_are_refused(address: str) -> None:
    with pytest.raises(guard.AddressRefused):
        guard.refuse(ipaddress.ip_address(address), [])
    guard.refuse(ipaddress.ip_address("93.184.215.14"), [])
    guard.refuse(ipaddress.ip_address("10.2.3.4"), [ipaddress.ip_network("10.2.0.0/16")])
    guard.refuse(ipaddress.ip_address("::ffff:10.2.3.4"), [ipaddress.ip_network("10.2.0.0/16")])


def test_webhooks_are_managed_by_admins_and_bad_addresses_refused(as_role: As) -> None:
    admin = as_role(Role.ADMIN)
    for url in (
        "http://127.0.0.1/x",
        "http://localhost:9/x",
        "http://[::1]/x",
        "http://user:secret@mes.test/",
        "http://169.254.169.254/",
        "http://mes:0/",
    ):
        answer = admin.post(WEBHOOKS, json={"url": url})
        assert (answer.status_code, answer.json()["code"]) == (422, "unprocessable.webhook_url"), url
    assert admin.post(WEBHOOKS, json={"url": "ftp://mes.test/"}).json()["code"] == "request.invalid"
    made = admin.post(WEBHOOKS, json={"url": "https://mes.test/hook", "events": ["inspection.finished", "station.error"], "description": "line 3"})
    assert made.status_code == 201
    assert made.json()["secret"].startswith("whsec_")
    where = made.headers["location"]
    assert "secret" not in admin.get(where).json()
    assert admin.get(WEBHOOKS).json() == [admin.get(where).json()]
    assert admin.patch(where, json={"is_disabled": True}).json()["disabled_reason"] == "Disabled by admin."
    assert admin.post(where + "/ping").json()["code"] == "conflict.webhook_disabled"
    assert admin.patch(where, json={"is_disabled": False, "events": ["station.error"]}).json()["disabled"] is None
    assert admin.patch(where, json={"url": "http://10.0.0.1/"}).status_code == 422
    rotated = admin.post(where + "/rotate-secret", json={"overlap_hours": 1})
    assert rotated.status_code == 200
    assert rotated.json()["secret"] != made.json()["secret"]
    told = [e["action"] for e in admin.get("/api/v1/audit").json()["items"]]
    assert told[:4] == ["webhook.rotate_secret", "webhook.change", "webhook.change", "webhook.create"]
    assert admin.delete(where).status_code == 204
    assert admin.get(where).json()["code"] == "not_found.webhook"
    assert admin.get(WEBHOOKS).json() == []


def test_a_finished_inspection_and_a_station_in_trouble_are_told(
    tmp_path: Path, fake: FakeStation, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:

    settings = Settings(data_dir=tmp_path / "data", webhook_networks=["127.0.0.0/8"])
    app = create_app(settings, fake, panel_dist=tmp_path)
    with serving(app) as url, up(receiver):
        keys = app.state.service.accounts
        admin = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {keys.create_key('admin', Role.ADMIN)}"}, verify=False, timeout=30)
        with admin:
            made = admin.post(WEBHOOKS, json={"url": receiver.url, "events": [e.value for e in WebhookEvent]}).json()
            done = admin.post("/api/v1/inspections", json={"recipe": "bolt", "serial": "S1"}, headers={"Prefer": "wait=30"}).json()
            fake.rig_state = StationState.ERROR
            admin.post("/api/v1/inspections", json={"recipe": "bolt"}, headers={"Prefer": "wait=30"}).raise_for_status()
            ping = admin.post(f"{WEBHOOKS}/{made['id']}/ping").json()
            got = [TheirWebhook(made["secret"]).verify(body.decode(), headers) for headers, body in receiver.wait_for(4)]
            assert {message["type"] for message in got} == {"inspection.finished", "station.error", "ping"}
            first = next(message for message in got if message["type"] == "inspection.finished")
            assert (first["data"]["id"], first["data"]["evaluation"], first["data"]["serial"]) == (done["id"], "OK", "S1")
            listed = admin.get(f"{WEBHOOKS}/{made['id']}/deliveries", params={"limit": 2}).json()
            assert len(listed["items"]) == 2
            older = admin.get(f"{WEBHOOKS}/{made['id']}/deliveries", params={"cursor": listed["next_cursor"]}).json()["items"]
            assert {d["id"] for d in (*listed["items"], *older)} == set(receiver.ids())
            detail = admin.get(f"{WEBHOOKS}/{made['id']}/deliveries/{ping['id']}").json()
            assert json.loads(detail["body"])["type"] == "ping"
            again = admin.post(f"{WEBHOOKS}/{made['id']}/deliveries/{ping['id']}/resend")
            assert (again.status_code, again.json()["state"]) == (202, "pending")
            assert receiver.wait_for(5)[-1][0]["webhook-id"] == ping["id"]


@pytest.mark.both_databases
def test_old_messages_are_erased_and_waiting_ones_never(store: Store, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    add_webhook(store, receiver.url)
    add_messages(store, 3)
    with up(receiver):
        send_until(store, all_are(store, DeliveryState.DELIVERED))
    (waiting,) = add_messages(store, 1)
    monkeypatch.setattr(outbox, "LOG_KEPT", timedelta(seconds=-1))
    with store.write() as session:
        assert outbox.erase_old(session) == 3
    assert [row.id for row in deliveries(store)] == [waiting]


def test_tries_are_spread_over_two_days_and_never_all_at_once() -> None:
    assert 1.5 < sum(sender.BACKOFF_S) / 86_400 < 2.5
    webhook_sender = WebhookSender.__new__(WebhookSender)
    webhook_sender._random = sender.secrets.SystemRandom()
    waits = {webhook_sender._jittered(100.0) for _ in range(50)}
    assert len(waits) > 40
    assert all(80 <= wait <= 120 for wait in waits)
