"""People with passwords: made by an admin, hashed by argon2id."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

import argon2
from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from api.problems import TooManyAttempts
from api.schemas import Role
from api.schemas_people import User, UserChange
from api.store import audit
from api.store.clock import now
from api.store.store import Store
from api.store.tables_people import SessionRow, UserRow
from rig_configs.errors import Conflict, Forbidden, NotFound, Unauthenticated, Unprocessable

if TYPE_CHECKING:
    from api.security import Principal

_HASHER = argon2.PasswordHasher()  # argon2id, 64 MiB and three passes: RFC 9106's choice where memory is short
_AT_ONCE = threading.BoundedSemaphore(2)
"""Each hash takes 64 MiB; more at once only take longer."""
_WAIT_S = 10.0
_GIVEN_BYTES = 15
"""Of a password that is made here: 20 characters."""


class Users:
    """People with passwords.

    Args:
        store: where they are kept.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def all(self) -> list[User]:
        """Everybody, by name."""
        with self._store.read() as session:
            return [user_of(row) for row in session.scalars(select(UserRow).order_by(UserRow.name))]

    def has_admin(self) -> bool:
        """Whether an admin can sign in with a password."""
        with self._store.read() as session:
            return _admins(session) > 0

    def create(self, name: str, role: Role, password: str, by: Principal | audit.Actor) -> User:
        """Make a user.

        Raises:
            Conflict: there is one of this name, maybe a disabled one.
            Unprocessable: the password is easy to guess.
        """
        hashed, moment = _new_hash(name, password), now()
        try:
            with self._store.write() as session:
                row = UserRow(name=name, role=role.value, password_hash=hashed, created=moment, password_changed=moment)
                session.add(row)
                session.flush()
                audit.record(session, by, "user.create", name, after=_snapshot(row))
        except IntegrityError as cause:
            raise Conflict(
                f"There is a user named '{name}' already.", cure="Choose another name, or change that user.", detail="user_name"
            ) from cause
        return user_of(row)

    def change(self, name: str, change: UserChange, by: Principal | audit.Actor) -> User:
        """Change a user; a new password or being locked out ends the user's sessions.

        Raises:
            NotFound: no such user.
            Conflict: it would leave no admin who can sign in.
            Unprocessable: the password is easy to guess.
        """
        hashed = _new_hash(name, change.password) if change.password is not None else None
        with self._store.write() as session:
            row = _get(session, name)
            before = _snapshot(row)
            if change.role is not None:
                row.role = change.role.value
            if change.is_disabled is not None:
                row.disabled = (row.disabled or now()) if change.is_disabled else None
            if hashed is not None:
                row.password_hash, row.password_changed = hashed, now()
            session.flush()
            if before["role"] == Role.ADMIN and before["disabled"] is None and _admins(session) == 0:
                raise Conflict(f"'{name}' is the last admin.", cure="Make somebody else an admin first.", detail="last_admin")
            if hashed is not None or row.disabled is not None:
                session.execute(delete(SessionRow).where(SessionRow.user_id == row.id))
            audit.record(session, by, "user.change", name, before=before, after=_snapshot(row))
        return user_of(row)

    def give_password(self, name: str, by: Principal | audit.Actor) -> str:
        """Give a user a password that nobody has chosen, and end the user's sessions; it is returned once and kept nowhere. Raises NotFound."""
        password = secrets.token_urlsafe(_GIVEN_BYTES)
        self.change(name, UserChange(password=password), by)
        return password

    def change_own_password(self, principal: Principal, current: str, new: str) -> None:
        """Change the password of who asks, and end all their other sessions.

        Raises:
            Conflict: signed in by link or key, which have no password.
            Forbidden: the current password is wrong.
            Unprocessable: the new one is easy to guess, or no new one.
        """
        if principal.user_id is None:
            raise Conflict(
                "Who signed in by a link or a key has no password.",
                cure="Sign in with a name and a password; an admin can make a user.",
                detail="no_user",
            )
        with self._store.read() as session:
            row = session.get_one(UserRow, principal.user_id)
        if not _fits(row.password_hash, current):
            raise Forbidden("The current password is wrong.", cure="Enter it again, or ask an admin for a new one.", detail="password")
        if current == new:
            raise Unprocessable("The new password is the old one.", cure="Choose another one.", detail="password_same")
        hashed = _new_hash(row.name, new)
        with self._store.write() as session:
            row = session.get_one(UserRow, principal.user_id)
            before = _snapshot(row)
            row.password_hash, row.password_changed = hashed, now()
            session.execute(delete(SessionRow).where(SessionRow.user_id == row.id, SessionRow.token_sha256 != principal.secret_sha256))
            audit.record(session, principal, "user.password", row.name, before=before, after=_snapshot(row))

    def verified(self, name: str, password: str) -> UserRow:
        """The user of this name and password; takes as long for a name that is not there.

        Raises:
            Unauthenticated: no such user, wrong password, or locked out. Which of these is not told.
        """
        with self._store.read() as session:
            row = session.scalar(select(UserRow).where(UserRow.name == name))
        fits = _fits(row.password_hash if row else _nobody(), password)
        if row is None or not fits or row.disabled is not None:
            raise Unauthenticated("The name or the password is wrong.", cure="Enter both again, or ask an admin.", detail="password")
        if _HASHER.check_needs_rehash(row.password_hash):
            with self._store.write() as session:
                session.get_one(UserRow, row.id).password_hash = _hash(password)
        return row


def user_of(row: UserRow) -> User:
    """A row as a schema."""
    return User(name=row.name, role=Role(row.role), created=row.created, password_changed=row.password_changed, disabled=row.disabled)


def _snapshot(row: UserRow) -> dict[str, str | None]:
    disabled = row.disabled.isoformat() if row.disabled else None
    return {"name": row.name, "role": row.role, "disabled": disabled, "password_changed": row.password_changed.isoformat()}


def _get(session: Session, name: str) -> UserRow:
    row = session.scalar(select(UserRow).where(UserRow.name == name))
    if row is None:
        raise NotFound("There is no user of this name.", cure="GET /api/v1/users lists all.", detail="user")
    return row


def _admins(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(UserRow).where(UserRow.role == Role.ADMIN, UserRow.disabled.is_(None))) or 0


def _new_hash(name: str, password: str) -> str:
    if name in password.casefold() or len(set(password)) < 5:
        raise Unprocessable(
            "This password is easy to guess.",
            cure="Take a few words that nobody would put together, without the user's name.",
            detail="password_weak",
        )
    return _hash(password)


@contextmanager
def _turn() -> Generator[None]:
    if not _AT_ONCE.acquire(timeout=_WAIT_S):
        raise TooManyAttempts("Too many sign-ins at once.", cure="Try again in a moment.", retry_after_s=int(_WAIT_S))
    try:
        yield
    finally:
        _AT_ONCE.release()


def _hash(password: str) -> str:
    with _turn():
        return _HASHER.hash(password)


@cache
def _nobody() -> str:
    """A hash to compare with where there is no user, so that a name that is not there takes as long as a wrong password."""
    return _hash(secrets.token_urlsafe(32))


def _fits(hashed: str, password: str) -> bool:
    with _turn():
        try:
            return _HASHER.verify(hashed, password)
        except argon2.exceptions.VerificationError:
            return False
