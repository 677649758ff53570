"""Reached from other machines only when somebody has taken charge, by HTTPS where it is set up, and readable where it cannot start."""

from __future__ import annotations

import ssl
import threading
import time
from pathlib import Path

import httpx
import pytest
from conftest import serving
from fastapi import FastAPI

from api.accounts import Accounts
from api.listening import address_of, listen, refuse_without_admin, tls_options
from api.recovery import RETRY, Recovery, recovery_app
from api.schemas import Role
from api.schemas_people import UserChange
from api.security import COOKIE
from api.service import Service
from api.settings import Settings
from api.store import audit
from api.store.database import StoreDamaged, StoreUnreachable
from rig_configs.errors import ConfigurationError, Conflict

TLS = Path(__file__).parent / "tls"
CERTIFICATE, KEY = TLS / "certificate.pem", TLS / "key.pem"


def with_host(settings: Settings, host: str) -> Settings:
    return settings.model_copy(update={"host": host})


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.0.0.53"])
def test_this_machine_alone_needs_no_admin(settings: Settings, service: Service, host: str) -> None:
    service.store.upgrade()
    refuse_without_admin(with_host(settings, host), service.accounts)


def test_other_machines_need_an_admin_with_a_password(settings: Settings, service: Service) -> None:
    service.store.upgrade()
    accounts: Accounts = service.accounts
    accounts.create_sign_in_token(Role.ADMIN)
    accounts.users.create("carl", Role.OPERATOR, "correct horse battery", audit.COMMAND)
    for host in ("0.0.0.0", "::", "192.0.2.7"):
        with pytest.raises(ConfigurationError) as refused:
            refuse_without_admin(with_host(settings, host), accounts)
        assert refused.value.code == "configuration.invalid.no_admin"
        assert "d3station access user" in refused.value.cure
    refuse_without_admin(with_host(settings, "0.0.0.0").model_copy(update={"reachable_without_admin": True}), accounts)
    accounts.users.change("carl", UserChange(role=Role.ADMIN), audit.COMMAND)
    refuse_without_admin(with_host(settings, "0.0.0.0"), accounts)


def test_an_address_that_is_none_and_a_port_that_is_taken_are_told(settings: Settings) -> None:
    with listen(settings.model_copy(update={"port": 0})) as taken:
        port = taken.getsockname()[1]
        assert address_of(settings, taken) == f"http://127.0.0.1:{port}"
        assert address_of(with_host(settings, "0.0.0.0"), taken) == f"http://127.0.0.1:{port}"
        with pytest.raises(Conflict) as refused:
            listen(settings.model_copy(update={"port": port}))
        assert refused.value.code == "conflict.port"
    with pytest.raises(ConfigurationError):
        address_of(with_host(settings, "no such host.invalid"), taken)


def test_https_needs_a_certificate_and_the_key_that_belongs_to_it(settings: Settings, tmp_path: Path) -> None:
    assert tls_options(settings) == {}
    other = tmp_path / "other.pem"
    other.write_text("no key")
    for certificate, key in ((CERTIFICATE, None), (None, KEY), (CERTIFICATE, other), (tmp_path / "none.pem", KEY)):
        with pytest.raises(ConfigurationError) as refused:
            tls_options(settings.model_copy(update={"tls_certificate": certificate, "tls_key": key}))
        assert refused.value.code == "configuration.invalid.tls"


def test_over_https_the_cookie_is_sent_over_https_alone(app: FastAPI, service: Service, settings: Settings) -> None:
    options = tls_options(settings.model_copy(update={"tls_certificate": CERTIFICATE, "tls_key": KEY}))
    with serving(app, **options) as address:
        url = address.replace("http://", "https://")
        token = service.accounts.create_sign_in_token(Role.OPERATOR)
        with httpx.Client(verify=ssl.create_default_context(cafile=str(CERTIFICATE)), base_url=url, headers={"Origin": url}) as browser:
            answer = browser.post("/api/v1/sessions", json={"token": token})
            assert answer.status_code == 201
            assert "; secure" in answer.headers["set-cookie"].lower()
            assert COOKIE in browser.cookies
            assert browser.get("/api/v1/me").status_code == 200


def test_a_station_that_cannot_start_says_why_at_every_address(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<title>panel</title>")
    error = StoreDamaged("The database is damaged: page 7.", cure="Put the last backup back.")
    with serving(recovery_app(Recovery(error, lambda: None), lambda: None, tmp_path)) as url, httpx.Client(base_url=url, verify=False) as caller:
        for method, path in (("GET", "/api/v1/me"), ("POST", "/api/v1/inspections"), ("DELETE", "/api/v1/x"), ("GET", "/metrics"), ("POST", "/")):
            answer = caller.request(method, path)
            assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
            assert (answer.json()["code"], answer.json()["detail"]) == ("store.damaged", error.message)
            assert "restart" in answer.json()["cure"]
            assert answer.headers["retry-after"]
        assert "<title>panel" in caller.get("/").text
        assert caller.get("/gone.js").status_code == 404
        assert caller.get("/healthz").status_code == 200
        ready = caller.get("/readyz")
        assert (ready.status_code, ready.json()["problems"][0]["code"]) == (503, "store.damaged")
        assert "content-security-policy" in ready.headers


def test_a_station_that_cannot_start_tries_again_when_asked_and_says_what_it_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.recovery._REST_S", 0.0)
    found = iter([StoreUnreachable("No answer.", cure="Start the server."), StoreDamaged("Page 8.", cure="Put the last backup back.")])

    def start() -> str:
        for error in found:
            raise error
        return "started"

    left: list[bool] = []
    recovery = Recovery(StoreDamaged("Page 7.", cure="Put the last backup back."), start)
    assert not recovery.may_pass
    with serving(recovery_app(recovery, lambda: left.append(True), tmp_path)) as url, httpx.Client(base_url=url, verify=False) as caller:
        assert caller.post(RETRY, headers={"Origin": "http://evil.example"}).status_code == 403
        first, second, third = (caller.post(RETRY) for _ in range(3))
    assert [(a.status_code, a.json().get("code")) for a in (first, second)] == [(503, "store.unreachable"), (503, "store.damaged")]
    assert (third.status_code, recovery.started, left) == (202, "started", [True])


def test_what_may_pass_by_itself_is_tried_without_anybody_asking_and_not_in_a_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.recovery._REST_S", 0.2)
    tries: list[float] = []
    left = threading.Event()

    def start() -> str:
        tries.append(time.monotonic())
        if len(tries) < 2:
            raise StoreUnreachable("No answer.", cure="Start the server.")
        return "started"

    recovery = Recovery(StoreUnreachable("No answer.", cure="Start the server."), start)
    assert recovery.may_pass
    with serving(recovery_app(recovery, left.set, tmp_path, every_s=0.01)):
        assert left.wait(30)
    assert recovery.started == "started"
    assert tries[1] - tries[0] >= 0.2  # however often it is asked
