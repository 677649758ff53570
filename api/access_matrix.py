"""Who may call which route, read from the routes themselves: the table of docs/admin.md, and what the tests hold the service to."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts

from api.schemas import Role
from api.security import SAFE_METHODS, TRIGGERS, Public, Requires

BEGIN, END = "<!-- routes: made by d3station access matrix -->", "<!-- end of routes -->"


@dataclass(frozen=True, slots=True)
class Access:
    """What one route declares."""

    method: str
    path: str
    name: str
    roles: frozenset[Role] | None
    """Who may call it; none where it is open to everybody."""
    reason: str = ""
    """Why it is open to everybody."""

    @property
    def is_trigger(self) -> bool:
        """Whether a key of scope ``trigger`` may call it."""
        return self.method in SAFE_METHODS or self.name in TRIGGERS


def matrix(app: FastAPI) -> list[Access]:
    """What every route declares, by path and method.

    Raises:
        ValueError: a route declares nothing, or more than one thing.
    """
    found: list[Access] = []
    for route in iter_route_contexts(app.routes):
        declared = [d.call for d in route.dependant.dependencies if isinstance(d.call, Requires | Public)]
        if not isinstance(route.original_route, APIRoute) or len(declared) != 1:
            raise ValueError(f"{route.path} does not declare one thing about who may call it")
        declaration = declared[0]
        for method in sorted(route.methods or ()):
            if isinstance(declaration, Requires):
                found.append(Access(method, str(route.path), route.original_route.name, declaration.roles))
            else:
                found.append(Access(method, str(route.path), route.original_route.name, None, declaration.reason))
    return sorted(found, key=lambda access: (access.path, access.method))


def as_markdown(rows: list[Access]) -> str:
    """The table of docs/admin.md, with the lines that it stands between."""
    roles = (Role.OPERATOR, Role.ENGINEER, Role.ADMIN, Role.MES)
    lines = [BEGIN, "| route | " + " | ".join(role.value for role in roles) + " | scope |", "|---|" + ":-:|" * len(roles) + "---|"]
    for row in rows:
        if row.roles is None:
            cells, scope = ["✓"] * len(roles), f"open: {row.reason}"
        else:
            cells = ["✓" if role in row.roles else "" for role in roles]
            scope = "read" if row.method in SAFE_METHODS else "trigger" if row.is_trigger else "full"
        lines.append(f"| {row.method} {row.path} | " + " | ".join(cells) + f" | {scope} |")
    return "\n".join((*lines, END)) + "\n"
