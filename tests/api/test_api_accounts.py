"""People with passwords, and keys of machines."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import argon2
import httpx
import pytest
from conftest import As, Client
from sqlalchemy import select

from api import accounts_users, security_limits
from api.accounts_users import Users
from api.problems import TooManyAttempts
from api.schemas import Role
from api.schemas_people import Scope, UserChange
from api.security_limits import AttemptLimit, address_group
from api.service import Service
from api.store import audit
from api.store.clock import now
from api.store.tables_people import ApiKeyRow, SessionRow, UserRow
from rig_configs.errors import Conflict, Unauthenticated, Unprocessable

pytestmark = pytest.mark.both_databases

SESSIONS = "/api/v1/sessions"
GOOD = "correct horse battery"
OTHER = "nine purple lanterns"


@pytest.fixture(autouse=True)
def quick_hashes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real argon2id, but not as slow as it is meant to be, except where that is what is asked."""
    if "argon2id" not in request.node.name:
        monkeypatch.setattr(accounts_users, "_HASHER", argon2.PasswordHasher(time_cost=1, memory_cost=1024))


@pytest.fixture
def users(service: Service) -> Users:
    service.store.upgrade()
    service.accounts.users.create("mary", Role.ADMIN, GOOD, audit.COMMAND)
    return service.accounts.users


@pytest.fixture
def admin(users: Users, url: str, client: Client) -> httpx.Client:
    """A browser in which the admin Mary has signed in."""
    return signed_in(client(headers={"Origin": url}), "mary", GOOD)


def signed_in(browser: httpx.Client, name: str, password: str) -> httpx.Client:
    answer = browser.post(SESSIONS, json={"name": name, "password": password})
    assert answer.status_code == 201, answer.text
    return browser


def test_the_one_time_link_makes_the_first_admin_and_the_admin_makes_users(client: Client, service: Service, url: str) -> None:
    first = client(headers={"Origin": url})
    assert service.accounts.users.all() == []
    assert not service.accounts.users.has_admin()
    first.post(SESSIONS, json={"token": service.accounts.create_sign_in_token(Role.ADMIN)}).raise_for_status()
    made = first.post("/api/v1/users", json={"name": "mary", "role": "admin", "password": GOOD})
    assert (made.status_code, made.json()["role"], made.headers["location"]) == (201, "admin", "/api/v1/users/mary")
    assert service.accounts.users.has_admin()
    mary = signed_in(client(headers={"Origin": url}), "mary", GOOD)
    assert mary.get("/api/v1/me").json() == {"name": "mary", "role": "admin"}
    again = mary.post("/api/v1/users", json={"name": "mary", "role": "operator", "password": OTHER})
    assert (again.status_code, again.json()["code"]) == (409, "conflict.user_name")


def test_passwords_are_kept_as_argon2id_and_told_nowhere(admin: httpx.Client, service: Service) -> None:
    with service.store.read() as session:
        (row,) = session.scalars(select(UserRow))
    assert argon2.extract_parameters(row.password_hash) == argon2.profiles.RFC_9106_LOW_MEMORY
    assert "argon2" not in admin.get("/api/v1/users").text
    written = b"".join(path.read_bytes() for path in service.settings.data_dir.rglob("*") if path.is_file())
    assert GOOD.encode() not in written


def test_passwords_that_are_easy_to_guess_are_refused(admin: httpx.Client) -> None:
    for password, code in (
        ("short", "request.invalid"),
        ("aaaaaaaaaaaaaa", "unprocessable.password_weak"),
        ("mary and a lamb", "unprocessable.password_weak"),
    ):
        answer = admin.patch("/api/v1/users/mary", json={"password": password})
        assert (answer.status_code, answer.json()["code"]) == (422, code)
        assert password not in answer.text


def test_a_wrong_password_and_an_unknown_name_are_told_the_same(anonymous: httpx.Client, users: Users) -> None:
    users.create("carl", Role.OPERATOR, OTHER, audit.COMMAND)
    users.change("carl", UserChange(is_disabled=True), audit.COMMAND)
    answers = [anonymous.post(SESSIONS, json={"name": n, "password": p}) for n, p in (("mary", OTHER), ("nobody", GOOD), ("carl", OTHER))]
    assert {(a.status_code, a.text) for a in answers} == {(401, answers[0].text)}
    assert answers[0].json()["code"] == "unauthenticated.password"


def test_a_user_who_is_locked_out_or_demoted_feels_it_at_once(admin: httpx.Client, users: Users, client: Client, url: str) -> None:
    users.create("carl", Role.ENGINEER, OTHER, audit.COMMAND)
    carl = signed_in(client(headers={"Origin": url}), "carl", OTHER)
    assert admin.patch("/api/v1/users/carl", json={"role": "operator"}).json()["role"] == "operator"
    assert carl.get("/api/v1/me").json()["role"] == "operator"
    assert admin.patch("/api/v1/users/carl", json={"is_disabled": True}).json()["disabled"]
    assert carl.get("/api/v1/me").json()["code"] == "unauthenticated.session"
    assert admin.patch("/api/v1/users/carl", json={"is_disabled": False}).json()["disabled"] is None
    assert carl.get("/api/v1/me").status_code == 401
    assert admin.patch("/api/v1/users/nobody", json={}).json()["code"] == "not_found.user"


def test_there_is_always_an_admin_left(admin: httpx.Client) -> None:
    for change in ({"role": "operator"}, {"is_disabled": True}):
        answer = admin.patch("/api/v1/users/mary", json=change)
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict.last_admin")
    assert admin.get("/api/v1/users").json()[0]["role"] == "admin"


def test_changing_ones_own_password_ends_the_other_sessions_alone(
    admin: httpx.Client, client: Client, service: Service, url: str, operator: httpx.Client
) -> None:
    elsewhere = signed_in(client(headers={"Origin": url}), "mary", GOOD)
    wrong = admin.put("/api/v1/me/password", json={"current": OTHER, "new": OTHER})
    assert (wrong.status_code, wrong.json()["code"]) == (403, "forbidden.password")
    assert admin.put("/api/v1/me/password", json={"current": GOOD, "new": GOOD}).json()["code"] == "unprocessable.password_same"
    assert admin.put("/api/v1/me/password", json={"current": GOOD, "new": OTHER}).status_code == 204
    assert admin.get("/api/v1/me").status_code == 200
    assert elsewhere.get("/api/v1/me").status_code == 401
    with pytest.raises(Unauthenticated):
        service.accounts.sign_in_with_password("mary", GOOD)
    assert service.accounts.sign_in_with_password("mary", OTHER)
    assert operator.put("/api/v1/me/password", json={"current": GOOD, "new": OTHER}).json()["code"] == "conflict.no_user"


def test_guessing_is_slowed_down_by_address(anonymous: httpx.Client, service: Service) -> None:
    answers = [anonymous.post(SESSIONS, json={"token": f"{'x' * 40}{n}"}) for n in range(11)]
    assert [a.status_code for a in answers] == [401] * 10 + [429]
    assert answers[-1].json()["code"] == "sign_in.too_many"
    assert int(answers[-1].headers["retry-after"]) > 0
    late = anonymous.post(SESSIONS, json={"token": service.accounts.create_sign_in_token(Role.OPERATOR)})
    assert late.status_code == 429


def test_attempts_are_counted_by_address_and_account_and_forgotten_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr(security_limits.time, "monotonic", lambda: clock[0])
    limit = AttemptLimit({"address": 2, "account": 3}, window_s=60)
    limit.begin(address="a", account="mary")
    limit.begin(address="a", account="mary").succeeded()
    limit.begin(address="a", account="mary")
    with pytest.raises(TooManyAttempts) as refused:
        limit.begin(address="a", account="carl")
    assert refused.value.retry_after_s == 61
    limit.begin(address="b", account="mary")
    with pytest.raises(TooManyAttempts):
        limit.begin(address="c", account="mary")
    clock[0] += 61
    limit.begin(address="a", account="mary")


def test_what_is_remembered_of_attempts_is_bounded_and_many_at_once_are_no_more_than_in_a_row() -> None:
    limit = AttemptLimit({"address": 10}, remembered=100)
    for number in range(1000):
        limit.begin(address=str(number))
    assert len(limit) == 100

    def try_once(_: int) -> bool:
        try:
            limit.begin(address="same")
        except TooManyAttempts:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(try_once, range(200))) == 10


def test_an_ipv6_neighbourhood_counts_as_one_address() -> None:
    assert address_group("2001:db8::1") == address_group("2001:db8::ffff:2") != address_group("2001:db8:0:1::1")
    assert address_group("::ffff:10.0.0.7") == address_group("10.0.0.7") == "10.0.0.7"
    assert address_group(None) == address_group("testclient") == "unknown"


def test_keys_are_made_listed_and_revoked_by_admins(as_role: As, client: Client, service: Service) -> None:
    admin = as_role(Role.ADMIN)
    made = admin.post("/api/v1/keys", json={"name": "plc", "role": "mes", "scope": "trigger", "expires": "2099-01-01T00:00:00+01:00"})
    assert made.status_code == 201
    plc = client(headers={"Authorization": f"Bearer {made.json()['key']}"})
    assert plc.get("/api/v1/me").json() == {"name": "plc", "role": "mes"}
    listed = {k["name"]: k for k in admin.get("/api/v1/keys").json()}
    assert "key" not in listed["plc"]
    assert (listed["plc"]["created_by"], listed["plc"]["scope"], listed["plc"]["expires"]) == ("admin", "trigger", "2098-12-31T23:00:00Z")
    assert listed["plc"]["last_used"] is not None
    assert admin.delete("/api/v1/keys/plc").status_code == 204
    assert plc.get("/api/v1/me").json()["code"] == "unauthenticated.key"
    assert admin.delete("/api/v1/keys/plc").status_code == 204
    assert admin.delete("/api/v1/keys/none").json()["code"] == "not_found.key"
    assert admin.post("/api/v1/keys", json={"name": "plc"}).json()["code"] == "conflict.key_name"
    assert admin.post("/api/v1/keys", json={"name": "late", "expires": "2001-01-01T00:00:00Z"}).json()["code"] == "unprocessable.expires"


def test_an_expired_key_opens_nothing_and_its_listener_is_let_go(service: Service) -> None:
    service.store.upgrade()
    key = service.accounts.create_key("plc", Role.MES, Scope.READ, now() + timedelta(hours=1))
    principal = service.accounts.by_key(key)
    assert service.accounts.still_valid(principal)
    with service.store.write() as session:
        session.scalars(select(ApiKeyRow)).one().expires = now() - timedelta(seconds=1)
    with pytest.raises(Unauthenticated) as refused:
        service.accounts.by_key(key)
    assert refused.value.code == "unauthenticated.key_expired"
    assert not service.accounts.still_valid(principal)


def test_the_use_of_a_key_is_noted_to_the_minute(service: Service) -> None:
    service.store.upgrade()
    key = service.accounts.create_key("plc", Role.MES)
    service.accounts.by_key(key)
    first = service.accounts.key("plc").last_used
    service.accounts.by_key(key)
    assert service.accounts.key("plc").last_used == first


def test_a_session_dies_with_its_user(users: Users, service: Service) -> None:
    _, principal = service.accounts.sign_in_with_password("mary", GOOD)
    users.create("carl", Role.ADMIN, OTHER, audit.COMMAND)
    users.change("mary", UserChange(is_disabled=True), audit.COMMAND)
    assert not service.accounts.still_valid(principal)
    with service.store.read() as session:
        assert session.scalars(select(SessionRow)).all() == []
    with pytest.raises(Conflict):
        users.change("carl", UserChange(role=Role.OPERATOR), audit.COMMAND)
    with pytest.raises(Unprocessable):
        users.change("carl", UserChange(password="carl carl carl"), audit.COMMAND)
