"""Letting people and machines in: one-time sign-in links, passwords, sessions, API keys. Secrets are 256 random bits; only their SHA-256 is kept."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

import structlog
from sqlalchemy import delete, or_, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from api.accounts_users import Users
from api.schemas import Role
from api.schemas_people import Key, Scope
from api.security import Principal
from api.store import audit
from api.store.clock import now
from api.store.store import Store
from api.store.tables_people import ApiKeyRow, SessionRow, SignInTokenRow, UserRow
from rig_configs.errors import Conflict, NotFound, Unauthenticated, Unprocessable

KEY_PREFIX = "d3_"
_NEW_LINK = "Ask for a new sign-in link: d3station prints one when it starts."
_USE_NOTED = timedelta(minutes=1)
"""How exactly the last use of a key is known: noting each would make every read a write."""

_log = structlog.get_logger(__name__)


class Accounts:
    """Sign-in links, sessions, API keys, and the users who sign in.

    Args:
        store: where their hashes are kept.
        session_hours: how long a session lasts.
    """

    def __init__(self, store: Store, session_hours: float) -> None:
        self._store = store
        self._session = timedelta(hours=session_hours)
        self.users = Users(store)

    @property
    def session_seconds(self) -> int:
        """How long a session lasts, s."""
        return int(self._session.total_seconds())

    # -------------------------------------------------------------------------------------------------------- people

    def create_sign_in_token(self, role: Role, minutes: float = 15, name: str | None = None, by: Principal | audit.Actor = audit.COMMAND) -> str:
        """A token that signs one browser in, once, within ``minutes``."""
        token = secrets.token_urlsafe(32)
        created = now()
        expires = created + timedelta(minutes=minutes)
        with self._store.write() as session:
            session.execute(delete(SignInTokenRow).where(SignInTokenRow.expires < created - timedelta(days=7)))
            session.add(SignInTokenRow(token_sha256=_hash(token), name=name or role.value, role=role.value, created=created, expires=expires))
            audit.record(session, by, "link.create", name or role.value, after={"role": role, "expires": expires})
        return token

    def create_sign_in_link(self, role: Role, minutes: float = 15, base_url: str = "", by: Principal | audit.Actor = audit.COMMAND) -> str:
        """A link that signs one browser in, once, within ``minutes``.

        The token is in the fragment, which browsers keep to themselves: it gets into no log, proxy or referrer.
        """
        return f"{base_url.rstrip('/')}/#/sign-in/{self.create_sign_in_token(role, minutes, by=by)}"

    def sign_in(self, token: str) -> tuple[str, Principal]:
        """Exchange a sign-in token for a session.

        Returns:
            The session's secret, for the cookie, and who it is for.

        Raises:
            Unauthenticated: token unknown, used or expired.
        """
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
            return self._open_session(session, row.name, Role(row.role), None, moment)

    def sign_in_with_password(self, name: str, password: str) -> tuple[str, Principal]:
        """Exchange a name and a password for a session. Raises Unauthenticated."""
        user = self.users.verified(name, password)
        with self._store.write() as session:
            return self._open_session(session, user.name, Role(user.role), user.id, now())

    def _open_session(self, session: Session, name: str, role: Role, user_id: int | None, moment: datetime) -> tuple[str, Principal]:
        secret = secrets.token_urlsafe(32)
        principal = Principal(name, role, "session", _hash(secret), user_id=user_id)
        session.execute(delete(SessionRow).where(SessionRow.expires < moment))
        session.add(
            SessionRow(
                token_sha256=principal.secret_sha256, name=name, role=role.value, user_id=user_id, created=moment, expires=moment + self._session
            )
        )
        audit.record(session, principal, "session.create", name, after={"role": role, "user": user_id is not None})
        return secret, principal

    def sign_out(self, principal: Principal) -> None:
        """End a session."""
        with self._store.write() as session:
            session.execute(delete(SessionRow).where(SessionRow.token_sha256 == principal.secret_sha256))
            audit.record(session, principal, "session.end", principal.name)

    def by_session(self, secret: str) -> Principal:
        """Whose session this is.

        Raises:
            Unauthenticated: nobody's, or it has ended.
        """
        hashed = _hash(secret)
        with self._store.read() as session:
            found = session.execute(
                select(SessionRow, UserRow)
                .outerjoin(UserRow, SessionRow.user_id == UserRow.id)
                .where(SessionRow.token_sha256 == hashed, SessionRow.expires > now(), UserRow.disabled.is_(None))
            ).one_or_none()
        if found is None:
            raise Unauthenticated("This session has ended.", cure="Sign in again.", detail="session")
        row, user = found
        return Principal(row.name, Role(user.role if user else row.role), "session", hashed, user_id=row.user_id)

    # ------------------------------------------------------------------------------------------------------ machines

    def create_key(
        self,
        name: str,
        role: Role,
        scope: Scope = Scope.FULL,
        expires: datetime | None = None,
        by: Principal | audit.Actor = audit.COMMAND,
    ) -> str:
        """Make an API key; the plain key is returned once and kept nowhere.

        Raises:
            Conflict: there is, or was, a key of this name.
            Unprocessable: it would have expired already.
        """
        created = now()
        if expires is not None and expires <= created:
            raise Unprocessable("A key that has expired already opens nothing.", cure="Give a time in the future.", detail="expires")
        key = KEY_PREFIX + secrets.token_urlsafe(32)
        row = ApiKeyRow(
            key_sha256=_hash(key), name=name, role=role.value, scope=scope.value, created=created, created_by=by.name[:100], expires=expires
        )
        try:
            with self._store.write() as session:
                session.add(row)
                session.flush()
                audit.record(session, by, "key.create", name, after=key_of(row))
        except IntegrityError as cause:
            raise Conflict(
                f"There is a key named '{name}' already.",
                cure="Choose another name; those of revoked keys stay taken, so that the history tells them apart.",
                detail="key_name",
            ) from cause
        return key

    def key(self, name: str) -> Key:
        """One key. Raises NotFound."""
        with self._store.read() as session:
            return key_of(_get_key(session, name))

    def keys(self) -> list[Key]:
        """All keys, revoked ones too, by name."""
        with self._store.read() as session:
            return [key_of(row) for row in session.scalars(select(ApiKeyRow).order_by(ApiKeyRow.name))]

    def revoke_key(self, name: str, by: Principal | audit.Actor = audit.COMMAND) -> None:
        """Make a key useless from now on; one that is so already stays so.

        Raises:
            NotFound: no such key.
        """
        with self._store.write() as session:
            row = _get_key(session, name)
            if row.revoked is None:
                before = key_of(row)
                row.revoked = now()
                audit.record(session, by, "key.revoke", name, before=before, after=key_of(row))

    def by_key(self, key: str) -> Principal:
        """Who holds this key.

        Raises:
            Unauthenticated: nobody.
        """
        hashed = _hash(key)
        moment = now()
        with self._store.read() as session:
            row = session.scalar(select(ApiKeyRow).where(ApiKeyRow.key_sha256 == hashed, ApiKeyRow.revoked.is_(None)))
        if row is None:
            raise Unauthenticated("This key is wrong or has been revoked.", cure="Use a valid API key; an admin can make one.", detail="key")
        if row.expires is not None and row.expires <= moment:
            raise Unauthenticated("This key has expired.", cure="Ask an admin for a new one.", detail="key_expired")
        if row.last_used is None or row.last_used < moment - _USE_NOTED:
            self._note_use(hashed, moment)
        return Principal(row.name, Role(row.role), "key", hashed, Scope(row.scope))

    def _note_use(self, hashed: str, moment: datetime) -> None:
        try:
            with self._store.write() as session:
                session.execute(update(ApiKeyRow).where(ApiKeyRow.key_sha256 == hashed).values(last_used=moment))
        except SQLAlchemyError:  # a full disk must not keep anybody from reading
            _log.exception("the use of a key could not be noted")

    def still_valid(self, principal: Principal) -> bool:
        """Whether a caller who was let in would be let in again."""
        moment = now()
        if principal.by == "key":
            unexpired = or_(ApiKeyRow.expires.is_(None), ApiKeyRow.expires > moment)
            found = select(ApiKeyRow.name).where(ApiKeyRow.key_sha256 == principal.secret_sha256, ApiKeyRow.revoked.is_(None), unexpired)
        else:
            found = (
                select(SessionRow.name)
                .outerjoin(UserRow, SessionRow.user_id == UserRow.id)
                .where(SessionRow.token_sha256 == principal.secret_sha256, SessionRow.expires > moment, UserRow.disabled.is_(None))
            )
        with self._store.read() as session:
            return session.scalar(found) is not None


def key_of(row: ApiKeyRow) -> Key:
    """A row as a schema."""
    return Key.model_validate({name: getattr(row, name) for name in Key.model_fields})


def _get_key(session: Session, name: str) -> ApiKeyRow:
    row = session.scalar(select(ApiKeyRow).where(ApiKeyRow.name == name))
    if row is None:
        raise NotFound("There is no key of this name.", cure="GET /api/v1/keys lists all.", detail="key")
    return row


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
