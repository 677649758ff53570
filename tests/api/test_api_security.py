"""Who gets in, and what they may do."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import httpx
import pytest
from conftest import As, Client
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute, iter_route_contexts

from api import app as app_module
from api.access_matrix import BEGIN, END, as_markdown, matrix
from api.schemas import Role
from api.schemas_people import Scope
from api.security import COOKIE, SAFE_METHODS, TRIGGERS
from api.service import Service
from rig_configs.errors import Conflict

PEOPLE = {Role.OPERATOR, Role.ENGINEER, Role.ADMIN}
ADMIN_PAGE = Path(__file__).parents[2] / "docs" / "admin.md"


def test_every_route_declares_who_may_call_it_and_the_manual_says_the_same(app: FastAPI) -> None:
    assert app_module.undeclared(app) == []
    page = ADMIN_PAGE.read_text(encoding="utf-8")
    told = page[page.index(BEGIN) : page.index(END) + len(END)] + "\n"
    assert told == as_markdown(matrix(app)), "run: d3station access matrix --into docs/admin.md"


def test_what_only_some_may_do_stays_so(app: FastAPI) -> None:
    """Written by hand: a slip in the code changes the generated table, but not this."""
    found = {(access.method, access.path): access.roles for access in matrix(app)}
    admin = frozenset({Role.ADMIN})
    for method, path in (
        ("GET", "/users"),
        ("POST", "/users"),
        ("PATCH", "/users/{name}"),
        ("GET", "/keys"),
        ("POST", "/keys"),
        ("DELETE", "/keys/{name}"),
        ("GET", "/audit"),
    ):
        assert found[method, "/api/v1" + path] == admin
    assert found["POST", "/api/v1/inspections"] == {*PEOPLE, Role.MES}
    public = {key for key, roles in found.items() if roles is None}
    assert public == {("POST", "/api/v1/sessions"), ("GET", "/api/v1/openapi.json"), ("GET", "/healthz"), ("GET", "/readyz")}


DONE_BELOW = {
    "create_session",
    "delete_session",
    "change_own_password",
    "create_user",
    "cancel_inspection",
    "change_user",
    "create_key",
    "revoke_key",
    "import_recipe",
    "give_password",
    "end_own_session",
}
"""Routes whose change is recorded by what they call, in the transaction that makes it."""
NO_CHANGE = {
    "create_inspection": "the inspection itself says who asked for it",
    "rejudge_inspections": "reads what is stored; its task says who asked for it",
    "continue_task": "goes on with a task, which says who asked for it",
    "cancel_task": "ends a task, which says so",
    "run_self_test": "looks at the devices",
    "check_calibration": "measures",
}
"""Routes that leave what is set up as it was, and why they need no row of the log."""
ENDLESS = {"stream_events"}


def test_every_route_that_changes_something_is_in_the_log(app: FastAPI) -> None:
    silent = set()
    for route in iter_route_contexts(app.routes):
        if set(route.methods or ()) <= SAFE_METHODS:
            continue
        assert isinstance(route.original_route, APIRoute)
        if "audit" not in inspect.getsource(route.original_route.endpoint):
            silent.add(route.original_route.name)
    assert silent == DONE_BELOW | NO_CHANGE.keys()


def somewhere(path: str) -> str:
    """An address of a route: of something that is not there."""
    return re.sub(r"{\w+}", "none", path)


def test_an_app_with_an_undeclared_route_does_not_start(monkeypatch: pytest.MonkeyPatch, settings, fake) -> None:
    router = APIRouter()

    @router.get("/open-door")
    def open_door() -> str:
        return "come in"

    monkeypatch.setattr(app_module.health, "router", router)
    with pytest.raises(RuntimeError, match="/open-door"):
        app_module.create_app(settings, fake)


def test_nobody_gets_anything_without_credentials_nor_with_wrong_ones(app: FastAPI, anonymous: httpx.Client, client: Client) -> None:
    wrong_key = client(headers={"Authorization": "Bearer d3_wrong"})
    wrong_cookie = client(cookies={COOKIE: "wrong"})
    for access in matrix(app):
        if access.roles is None:
            continue
        for caller, code in ((anonymous, "missing"), (wrong_key, "key"), (wrong_cookie, "session")):
            answer = caller.request(access.method, somewhere(access.path), json={"recipe": "bolt"} if access.method == "POST" else None)
            assert answer.status_code == 401, access
            assert answer.json()["code"] == f"unauthenticated.{code}"
            assert answer.json()["cure"]
            assert answer.headers["www-authenticate"] == "Bearer"


def test_each_role_may_do_what_the_matrix_says(app: FastAPI, as_role: As) -> None:
    for role in Role:
        caller = as_role(role)
        for access in matrix(app):
            if access.roles is None or access.name in ENDLESS:
                continue
            # A body that no route takes: who may not is refused before it is read, who may changes nothing.
            answer = caller.request(access.method, somewhere(access.path), json=None if access.method in SAFE_METHODS else {"none": "none"})
            assert (answer.status_code == 403) == (role not in access.roles), (role, access)
            assert answer.status_code != 401


def test_a_key_can_be_narrowed_to_reading_or_triggering(app: FastAPI, service: Service, client: Client) -> None:
    for scope in Scope:
        key = service.accounts.create_key(scope.value, Role.ADMIN, scope)
        caller = client(headers={"Authorization": f"Bearer {key}"})
        for access in matrix(app):
            if access.roles is None or access.name in ENDLESS:
                continue
            answer = caller.request(access.method, somewhere(access.path), json=None if access.method in SAFE_METHODS else {"none": "none"})
            fine = access.method in SAFE_METHODS or scope is Scope.FULL or (scope is Scope.TRIGGER and access.is_trigger)
            assert fine == (answer.status_code != 403 or answer.json()["code"] != "forbidden.scope"), (scope, access)
    assert {access.name for access in matrix(app)} >= TRIGGERS


def test_people_outrank_and_machines_are_named() -> None:
    from api.security import requires

    def roles(*names: Role) -> frozenset[Role]:
        return requires(*names).dependency.roles

    assert roles(Role.OPERATOR) == PEOPLE
    assert roles(Role.ENGINEER) == {Role.ENGINEER, Role.ADMIN}
    assert roles(Role.ADMIN) == {Role.ADMIN}
    assert roles(Role.ENGINEER, Role.MES) == {Role.ENGINEER, Role.ADMIN, Role.MES}
    assert roles(Role.MES) == {Role.MES}


def test_a_caller_without_the_role_is_told_so(service: Service, client: Client) -> None:
    from fastapi.security import HTTPAuthorizationCredentials
    from starlette.requests import Request

    from api.security import requires
    from rig_configs.errors import Forbidden

    service.store.upgrade()
    key = service.accounts.create_key("plc", Role.MES)
    guard = requires(Role.ENGINEER).dependency
    app = FastAPI()
    app.state.service = service
    request = Request({"type": "http", "method": "GET", "headers": [], "app": app})
    with pytest.raises(Forbidden) as refused:
        guard(request, HTTPAuthorizationCredentials(scheme="Bearer", credentials=key), None)
    assert refused.value.code == "forbidden.role"


def test_a_sign_in_link_works_once(anonymous: httpx.Client, client: Client, service: Service) -> None:
    link = service.accounts.create_sign_in_link(Role.ENGINEER, base_url="http://station/")
    found = re.fullmatch(r"http://station/#/sign-in/(\S{40,})", link)
    assert found
    signed_in = anonymous.post("/api/v1/sessions", json={"token": found[1]})
    assert signed_in.status_code == 201
    assert signed_in.json() == {"name": "engineer", "role": "engineer"}
    cookie = signed_in.headers["set-cookie"].lower()
    assert all(part in cookie for part in ("httponly", "samesite=strict", "max-age=43200", "path=/"))
    assert anonymous.get("/api/v1/me").json() == {"name": "engineer", "role": "engineer"}
    again = client().post("/api/v1/sessions", json={"token": found[1]})
    assert (again.status_code, again.json()["code"]) == (401, "unauthenticated.token_used")
    assert "set-cookie" not in again.headers


def test_unknown_and_expired_sign_in_links_are_refused_with_a_cure(anonymous: httpx.Client, service: Service) -> None:
    for token, code in (("x" * 43, "token_unknown"), (service.accounts.create_sign_in_token(Role.ADMIN, minutes=-1), "token_expired")):
        answer = anonymous.post("/api/v1/sessions", json={"token": token})
        assert (answer.status_code, answer.json()["code"]) == (401, f"unauthenticated.{code}")
        assert "link" in answer.json()["cure"]
        assert token not in answer.text


def test_sessions_end_by_signing_out_and_by_time(browser: httpx.Client, client: Client, service: Service, url: str) -> None:
    assert browser.get("/api/v1/me").status_code == 200
    kept = client(headers={"Origin": url}, cookies=dict(browser.cookies))
    assert browser.delete("/api/v1/sessions/current").status_code == 204
    assert COOKIE not in browser.cookies
    assert kept.get("/api/v1/me").json()["code"] == "unauthenticated.session"

    short = type(service.accounts)(service.store, session_hours=-1)
    secret, _ = short.sign_in(service.accounts.create_sign_in_token(Role.OPERATOR))
    assert client(cookies={COOKIE: secret}).get("/api/v1/me").status_code == 401


def test_a_key_has_no_session_to_end(operator: httpx.Client) -> None:
    assert operator.delete("/api/v1/sessions/current").json()["code"] == "conflict.no_session"


def test_a_revoked_key_opens_nothing_and_a_name_is_given_once(operator: httpx.Client, service: Service) -> None:
    assert operator.get("/api/v1/me").json() == {"name": "operator", "role": "operator"}
    with pytest.raises(Conflict, match="operator"):
        service.accounts.create_key("operator", Role.ADMIN)
    service.accounts.revoke_key("operator")
    assert operator.get("/api/v1/me").json()["code"] == "unauthenticated.key"


def test_secrets_are_stored_nowhere(service: Service, url: str) -> None:
    secrets = [
        service.accounts.create_key("plc", Role.MES),
        service.accounts.create_sign_in_token(Role.OPERATOR),
        service.accounts.sign_in(service.accounts.create_sign_in_token(Role.ADMIN))[0],
    ]
    admin = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {service.accounts.create_key('admin', Role.ADMIN)}"}, verify=False)
    with admin:
        secrets.append(admin.post("/api/v1/webhooks", json={"url": "https://mes.test/hook"}).json()["secret"])
    written = b"".join(path.read_bytes() for path in service.settings.data_dir.rglob("*") if path.is_file())
    assert b"sign_in_tokens" in written
    assert not any(secret.encode() in written for secret in secrets)


def test_another_site_cannot_make_a_signed_in_browser_act(browser: httpx.Client, client: Client, url: str) -> None:
    cookies = dict(browser.cookies)
    post = {"url": "/api/v1/inspections", "json": {"recipe": "bolt"}}
    for headers, fine in (
        ({}, False),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": url, "Sec-Fetch-Site": "cross-site"}, False),
        ({"Origin": url, "Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Origin": url}, True),
    ):
        answer = client(cookies=cookies, headers=headers).post(**post)
        assert (answer.status_code == 202) == fine, headers
        assert fine or (answer.status_code, answer.json()["code"]) == (403, "forbidden.origin")
    assert client(cookies=cookies, headers={"Origin": "http://evil.example"}).get("/api/v1/me").status_code == 200


def test_another_site_cannot_sign_a_browser_in(anonymous: httpx.Client, service: Service) -> None:
    token = service.accounts.create_sign_in_token(Role.OPERATOR)
    foreign = anonymous.post("/api/v1/sessions", json={"token": token}, headers={"Origin": "http://evil.example"})
    assert (foreign.status_code, foreign.json()["code"]) == (403, "forbidden.origin")
    assert anonymous.post("/api/v1/sessions", json={"token": token}).status_code == 201


def test_every_answer_carries_the_headers_that_hold_a_browser_back(anonymous: httpx.Client) -> None:
    for path in ("/", "/healthz", "/api/v1/me", "/api/v1/nothing"):
        headers = anonymous.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "script-src" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
    assert anonymous.get("/api/v1/me").headers["cache-control"] == "no-store"
