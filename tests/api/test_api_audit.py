"""The audit log: complete, chained, and not to be rewritten."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import As
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from api.schemas import Role
from api.service import Service
from api.store import audit
from api.store.store import Store

pytestmark = pytest.mark.both_databases
STATEMENTS = [
    "UPDATE audit SET actor = 'somebody else' WHERE sequence = 2",
    "DELETE FROM audit WHERE sequence = 2",
]
TRUNCATE = "TRUNCATE audit"
REPLACE = "INSERT OR REPLACE INTO audit SELECT * FROM audit WHERE sequence = 2"


@pytest.fixture
def store(service: Service) -> Store:
    service.store.upgrade()
    for number in range(5):
        with service.store.write() as session:
            audit.record(session, audit.COMMAND, "thing.change", f"thing {number}", before={"n": number}, after=b"bytes")
    return service.store


def test_changes_are_listed_newest_first_and_paged(as_role: As) -> None:
    admin = as_role(Role.ADMIN)
    admin.post("/api/v1/keys", json={"name": "plc"}).raise_for_status()
    admin.delete("/api/v1/keys/plc").raise_for_status()
    page = admin.get("/api/v1/audit", params={"limit": 2}).json()
    assert [(e["action"], e["target"], e["actor"], e["actor_kind"]) for e in page["items"]] == [
        ("key.revoke", "plc", "admin", "key"),
        ("key.create", "plc", "admin", "key"),
    ]
    revoked, created = page["items"]
    assert revoked["before_sha256"] == created["after_sha256"]
    assert (created["before_sha256"], revoked["previous_sha256"]) == (None, created["sha256"])
    rest = admin.get("/api/v1/audit", params={"cursor": page["next_cursor"]}).json()
    assert [(e["sequence"], e["action"], e["actor_kind"]) for e in rest["items"]] == [(1, "key.create", "command")]
    assert rest["next_cursor"] is None


@pytest.mark.parametrize("statement", [*STATEMENTS, REPLACE, TRUNCATE])
def test_the_database_refuses_to_rewrite_it(store: Store, statement: str) -> None:
    if statement in (REPLACE, TRUNCATE) and (statement == TRUNCATE) != (store.engine.dialect.name == "postgresql"):
        pytest.skip("not a statement of this database")
    with pytest.raises(DatabaseError, match="append-only"), store.engine.begin() as connection:
        connection.execute(text(statement))


@pytest.mark.parametrize(
    ("tampering", "broken"),
    [
        ("UPDATE audit SET actor = 'somebody else' WHERE sequence = 3", "row 3 was changed after it was written"),
        ("UPDATE audit SET after_sha256 = NULL WHERE sequence = 3", "row 3 was changed after it was written"),
        ("DELETE FROM audit WHERE sequence = 3", "row 3 is missing"),
        ("DELETE FROM audit WHERE sequence = 1", "row 1 is missing"),
        ("UPDATE audit SET previous_sha256 = sha256 WHERE sequence = 4", "row 4 does not follow the row before it"),
    ],
)
def test_the_chain_names_the_first_row_that_was_tampered_with(store: Store, tampering: str, broken: str) -> None:
    with store.engine.begin() as connection:  # whoever owns the file can drop the triggers
        if store.engine.dialect.name == "postgresql":
            connection.execute(text("DROP TRIGGER audit_no_change ON audit"))
        else:
            for word in ("update", "delete"):
                connection.execute(text(f"DROP TRIGGER audit_no_{word}"))
        connection.execute(text(tampering))
    with store.read() as session:
        assert audit.check(session).broken == broken


def test_the_chain_holds_whoever_writes_at_once(store: Store, service: Service) -> None:
    """Two stores share a database but no lock, as a service and a command would."""
    other = Store(service.settings.database_url, service.settings.data_dir)

    def write(number: int) -> None:
        with (store, other)[number % 2].write() as session:
            audit.record(session, audit.SERVICE, "thing.change", str(number))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(40)))
    other.close()
    with store.read() as session:
        found = audit.check(session)
        (last,), _ = audit.page(session, None, 1)
    assert (found.rows, found.broken, found.head_sha256) == (45, None, last.sha256)


def test_a_change_that_is_undone_is_not_told(store: Store) -> None:
    def change() -> None:
        with store.write() as session:
            audit.record(session, audit.COMMAND, "thing.change", "undone")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change()
    with store.read() as session:
        assert audit.check(session).rows == 5


def test_a_digest_does_not_depend_on_the_order_of_keys() -> None:
    assert audit.digest({"a": 1, "b": [2]}) == audit.digest({"b": [2], "a": 1}) != audit.digest({"a": 1, "b": [3]})
    assert audit.digest(None) is None
