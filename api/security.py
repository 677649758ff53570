"""Who may do what: one-time sign-in links, sessions, API keys, roles. Secrets are 256 random bits; only their SHA-256 is kept."""

# No postponed annotations: FastAPI reads the signatures of the dependency objects below at run time.
import hashlib
import secrets
import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from fastapi import Request, Security
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from api.problems import TooManyAttempts
from api.schemas import Role
from api.store.clock import now
from api.store.store import Store
from api.store.tables_people import ApiKeyRow, SessionRow, SignInTokenRow
from rig_configs.errors import Conflict, Forbidden, Unauthenticated

COOKIE = "d3station_session"
KEY_PREFIX = "d3_"
_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
_PEOPLE = (Role.OPERATOR, Role.ENGINEER, Role.ADMIN)
_NEW_LINK = "Ask for a new sign-in link: d3station prints one when it starts."

_bearer = HTTPBearer(auto_error=False, scheme_name="key", description="API key of a machine, made with d3station.")
_cookie = APIKeyCookie(name=COOKIE, auto_error=False, scheme_name="session", description="Cookie of a signed-in browser.")


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking."""

    name: str
    role: Role
    by: Literal["key", "session"]
    secret_sha256: str


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


class Accounts:
    """Sign-in links, sessions and API keys.

    Args:
        store: where their hashes are kept.
        session_hours: how long a session lasts.
    """

    def __init__(self, store: Store, session_hours: float) -> None:
        self._store = store
        self._session = timedelta(hours=session_hours)

    @property
    def session_seconds(self) -> int:
        """How long a session lasts, s."""
        return int(self._session.total_seconds())

    def create_sign_in_token(self, role: Role, minutes: float = 15, name: str | None = None) -> str:
        """A token that signs one browser in, once, within ``minutes``."""
        token = secrets.token_urlsafe(32)
        created = now()
        with self._store.write() as session:
            session.execute(delete(SignInTokenRow).where(SignInTokenRow.expires < created - timedelta(days=7)))
            session.add(
                SignInTokenRow(
                    token_sha256=_hash(token), name=name or role.value, role=role.value, created=created, expires=created + timedelta(minutes=minutes)
                )
            )
        return token

    def create_sign_in_link(self, role: Role, minutes: float = 15, base_url: str = "") -> str:
        """A link that signs one browser in, once, within ``minutes``.

        The token is in the fragment, which browsers keep to themselves: it gets into no log, proxy or referrer.
        """
        return f"{base_url.rstrip('/')}/#/sign-in/{self.create_sign_in_token(role, minutes)}"

    def sign_in(self, token: str) -> tuple[str, Principal]:
        """Exchange a sign-in token for a session.

        Returns:
            The session's secret, for the cookie, and who it is for.

        Raises:
            Unauthenticated: token unknown, used or expired.
        """
        secret = secrets.token_urlsafe(32)
        moment = now()
        hashed = _hash(token)
        with self._store.write() as session:
            used = session.execute(
                update(SignInTokenRow)
                .where(SignInTokenRow.token_sha256 == hashed, SignInTokenRow.used.is_(None), SignInTokenRow.expires > moment)
                .values(used=moment)
            )
            row = session.get(SignInTokenRow, hashed)
            if row is None:
                raise Unauthenticated("This sign-in link is not known here.", cure=_NEW_LINK, detail="token_unknown")
            if used.rowcount != 1:  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
                if row.used is not None:
                    raise Unauthenticated("This sign-in link has been used; it works once.", cure=_NEW_LINK, detail="token_used")
                raise Unauthenticated("This sign-in link has expired.", cure=_NEW_LINK, detail="token_expired")
            session.execute(delete(SessionRow).where(SessionRow.expires < moment))
            session.add(SessionRow(token_sha256=_hash(secret), name=row.name, role=row.role, created=moment, expires=moment + self._session))
        return secret, Principal(row.name, Role(row.role), "session", _hash(secret))

    def sign_out(self, principal: Principal) -> None:
        """End a session."""
        with self._store.write() as session:
            session.execute(delete(SessionRow).where(SessionRow.token_sha256 == principal.secret_sha256))

    def create_key(self, name: str, role: Role) -> str:
        """Make an API key; the plain key is returned once and kept nowhere.

        Raises:
            Conflict: there is a key of this name.
        """
        key = KEY_PREFIX + secrets.token_urlsafe(32)
        try:
            with self._store.write() as session:
                session.add(ApiKeyRow(key_sha256=_hash(key), name=name, role=role.value, created=now()))
        except IntegrityError as cause:
            raise Conflict(
                f"There is a key named '{name}' already.", cure="Choose another name, or revoke the old key.", detail="key_name"
            ) from cause
        return key

    def revoke_key(self, name: str) -> None:
        """Make a key useless from now on."""
        with self._store.write() as session:
            session.execute(update(ApiKeyRow).where(ApiKeyRow.name == name, ApiKeyRow.revoked.is_(None)).values(revoked=now()))

    def by_key(self, key: str) -> Principal:
        """Who holds this key.

        Raises:
            Unauthenticated: nobody.
        """
        hashed = _hash(key)
        with self._store.read() as session:
            row = session.scalar(select(ApiKeyRow).where(ApiKeyRow.key_sha256 == hashed, ApiKeyRow.revoked.is_(None)))
        if row is None:
            raise Unauthenticated("This key is wrong or has been revoked.", cure="Use a valid API key; an engineer can make one.", detail="key")
        return Principal(row.name, Role(row.role), "key", hashed)

    def by_session(self, secret: str) -> Principal:
        """Whose session this is.

        Raises:
            Unauthenticated: nobody's, or it has ended.
        """
        hashed = _hash(secret)
        with self._store.read() as session:
            row = session.scalar(select(SessionRow).where(SessionRow.token_sha256 == hashed, SessionRow.expires > now()))
        if row is None:
            raise Unauthenticated("This session has ended.", cure=_NEW_LINK, detail="session")
        return Principal(row.name, Role(row.role), "session", hashed)

    def still_valid(self, principal: Principal) -> bool:
        """Whether a caller who was let in would be let in again."""
        with self._store.read() as session:
            if principal.by == "key":
                found = select(ApiKeyRow.name).where(ApiKeyRow.key_sha256 == principal.secret_sha256, ApiKeyRow.revoked.is_(None))
            else:
                found = select(SessionRow.name).where(SessionRow.token_sha256 == principal.secret_sha256, SessionRow.expires > now())
            return session.scalar(found) is not None


class FailureLimit:
    """Counts failed sign-ins of each address; too many in a while, and it has to wait."""

    def __init__(self, limit: int = 10, window_s: float = 300.0) -> None:
        self._limit = limit
        self._window_s = window_s
        self._failures: dict[str, list[float]] = {}
        self._lock = threading.Lock()

    def check(self, address: str) -> None:
        """Let an address try.

        Raises:
            TooManyAttempts: it has failed too often.
        """
        with self._lock:
            recent = self._recent(address)
        if len(recent) >= self._limit:
            wait_s = int(recent[0] + self._window_s - time.monotonic()) + 1
            raise TooManyAttempts("Too many sign-ins failed.", cure=f"Wait {wait_s} s, then use a new sign-in link.", retry_after_s=wait_s)

    def failed(self, address: str) -> None:
        """Remember that an address failed."""
        with self._lock:
            for known in list(self._failures):
                self._recent(known)
            self._failures.setdefault(address, []).append(time.monotonic())

    def _recent(self, address: str) -> list[float]:
        start = time.monotonic() - self._window_s
        recent = [moment for moment in self._failures.get(address, []) if moment > start]
        if recent:
            self._failures[address] = recent
        else:
            self._failures.pop(address, None)
        return recent


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
            if request.method not in _SAFE_METHODS:
                refuse_foreign_origin(request, required=True)
        else:
            raise Unauthenticated("Nobody is signed in.", cure="Open a sign-in link, or send an API key as Bearer.", detail="missing")
        if principal.role not in self.roles:
            raise Forbidden(f"The role '{principal.role.value}' may not do this.", cure="Ask somebody who may.", detail="role")
        return principal


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
