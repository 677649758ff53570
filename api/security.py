"""Who may do what: every route declares its roles, or why it is open to everybody."""

# No postponed annotations: FastAPI reads the signatures of the dependency objects below at run time.
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlsplit

from fastapi import Request, Security
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from api.schemas import Role
from api.schemas_people import Scope
from rig_configs.errors import Forbidden, Unauthenticated

if TYPE_CHECKING:
    from api.accounts import Accounts

COOKIE = "d3station_session"
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
TRIGGERS = frozenset({"create_inspection", "cancel_inspection"})
"""Operations beside reading that a key of scope ``trigger`` may call."""
_PEOPLE = (Role.OPERATOR, Role.ENGINEER, Role.ADMIN)

_bearer = HTTPBearer(auto_error=False, scheme_name="key", description="API key of a machine, made with d3station.")
_cookie = APIKeyCookie(name=COOKIE, auto_error=False, scheme_name="session", description="Cookie of a signed-in browser.")


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking."""

    name: str
    role: Role
    by: Literal["key", "session"]
    secret_sha256: str
    scope: Scope = Scope.FULL
    """What a key is narrowed to; a session may do all that its role may."""
    user_id: int | None = None
    """The user, where one signed in with a password."""


def refuse_foreign_origin(request: Request, *, required: bool) -> None:
    """Refuse a request that another site made the browser send.

    Args:
        request: the request.
        required: whether a request that does not say where it comes from is refused too.

    Raises:
        Forbidden: it comes from elsewhere.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    own = site == "same-origin" if site is not None else origin is not None and urlsplit(origin).netloc == request.headers.get("host")
    if not own and (required or site is not None or origin is not None):
        raise Forbidden("This request does not come from the station's own panel.", cure="Use the panel, or an API key.", detail="origin")


@dataclass(frozen=True)
class Requires:
    """Dependency: lets only some roles in. Made by :func:`requires`."""

    roles: frozenset[Role]

    def __call__(
        self,
        request: Request,
        key: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
        cookie: Annotated[str | None, Security(_cookie)],
    ) -> Principal:
        """Who is asking; raises Unauthenticated or Forbidden."""
        accounts: Accounts = request.app.state.service.accounts
        if key is not None:
            principal = accounts.by_key(key.credentials)
        elif cookie:
            principal = accounts.by_session(cookie)
            if request.method not in SAFE_METHODS:
                refuse_foreign_origin(request, required=True)
        else:
            raise Unauthenticated("Nobody is signed in.", cure="Sign in, or send an API key as Bearer.", detail="missing")
        if principal.role not in self.roles:
            raise Forbidden(f"The role '{principal.role.value}' may not do this.", cure="Ask somebody who may.", detail="role")
        if not _in_scope(principal.scope, request):
            raise Forbidden(
                f"This key's scope is '{principal.scope.value}', which does not include this.",
                cure="Use a key of a wider scope; an admin can make one.",
                detail="scope",
            )
        return principal


def _in_scope(scope: Scope, request: Request) -> bool:
    if scope is Scope.FULL or request.method in SAFE_METHODS:
        return True
    return scope is Scope.TRIGGER and request.scope["route"].name in TRIGGERS


@dataclass(frozen=True)
class Public:
    """Dependency: lets everybody in, for a reason. Made by :func:`public`."""

    reason: str

    def __call__(self) -> None:
        """Nothing to check."""


def requires(least: Role, *others: Role) -> Any:
    """Declare who may call a route: people from role ``least`` up, and the roles named besides (``Role.MES``)."""
    people = _PEOPLE[_PEOPLE.index(least) :] if least in _PEOPLE else (least,)
    return Security(Requires(frozenset((*people, *others))))


def public(reason: str) -> Any:
    """Declare that a route is open to everybody, and why that is right."""
    return Security(Public(reason))
