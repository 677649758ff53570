"""How a database answers what the program asks: which statements read a table or an index from end to end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session

from api.store.store import Store


def plans(store: Store, work: Callable[[Session], object]) -> list[list[str]]:
    """The plan of each statement that ``work`` sends, node by node: ``SEARCH …`` where an index leads to the rows, ``SCAN …`` where it does not.

    PostgreSQL reads small tables whole because that is quicker; here it is told not to where it has another way.
    """
    sent: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT"):  # SQLite is sent BEGIN, too
            sent.append((statement, parameters))

    with store.read() as session:
        event.listen(store.engine, "before_cursor_execute", note)
        work(session)
        event.remove(store.engine, "before_cursor_execute", note)
    with store.engine.connect() as connection:
        if store.engine.dialect.name == "sqlite":
            return [[row[3] for row in connection.exec_driver_sql("EXPLAIN QUERY PLAN " + sql, values)] for sql, values in sent]
        for setting in ("enable_seqscan", "enable_bitmapscan", "enable_sort"):
            connection.exec_driver_sql(f"SET LOCAL {setting} = off")
        return [list(_nodes(connection.exec_driver_sql("EXPLAIN (FORMAT JSON) " + sql, values).scalar()[0]["Plan"])) for sql, values in sent]


def _nodes(plan: dict[str, Any]) -> Iterator[str]:
    kind = plan["Node Type"]
    if "Scan" in kind:
        yield f"{'SEARCH' if 'Index Cond' in plan else 'SCAN'} {plan.get('Relation Name')} {kind} {plan.get('Index Name')}"
    elif "Sort" in kind:
        yield kind
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)
