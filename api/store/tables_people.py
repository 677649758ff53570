"""Tables of who may sign in, and of who changed what."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from api.store.tables import BIG, Base, Utc


class UserRow(Base):
    """A person with a password. Rows stay for good, so that the history keeps telling people apart."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    name: Mapped[str] = mapped_column(String(50), unique=True)
    role: Mapped[str] = mapped_column(String(20))
    password_hash: Mapped[str] = mapped_column(String(200))
    created: Mapped[datetime] = mapped_column(Utc)
    password_changed: Mapped[datetime] = mapped_column(Utc)
    disabled: Mapped[datetime | None] = mapped_column(Utc)


class SignInTokenRow(Base):
    """A one-time sign-in token; only its hash is kept."""

    __tablename__ = "sign_in_tokens"

    token_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    role: Mapped[str] = mapped_column(String(20))
    created: Mapped[datetime] = mapped_column(Utc)
    expires: Mapped[datetime] = mapped_column(Utc)
    used: Mapped[datetime | None] = mapped_column(Utc)


class SessionRow(Base):
    """A signed-in browser; only the hash of its cookie is kept."""

    __tablename__ = "sessions"

    token_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    role: Mapped[str] = mapped_column(String(20))
    """What a session by link may do; a user's session may do what the user may now."""
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    created: Mapped[datetime] = mapped_column(Utc)
    expires: Mapped[datetime] = mapped_column(Utc)


class ApiKeyRow(Base):
    """A machine's key; only its hash is kept."""

    __tablename__ = "api_keys"

    key_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    role: Mapped[str] = mapped_column(String(20))
    scope: Mapped[str] = mapped_column(String(20), server_default="full")
    created: Mapped[datetime] = mapped_column(Utc)
    created_by: Mapped[str | None] = mapped_column(String(100))
    expires: Mapped[datetime | None] = mapped_column(Utc)
    last_used: Mapped[datetime | None] = mapped_column(Utc)
    revoked: Mapped[datetime | None] = mapped_column(Utc)


class AuditRow(Base):
    """One change: each row carries the hash of the row before it, and the database refuses to change or delete one."""

    __tablename__ = "audit"

    sequence: Mapped[int] = mapped_column(BIG, primary_key=True, autoincrement=False)
    moment: Mapped[datetime] = mapped_column(Utc)
    actor: Mapped[str] = mapped_column(String(100))
    actor_kind: Mapped[str] = mapped_column(String(20))
    action: Mapped[str] = mapped_column(String(60))
    target: Mapped[str] = mapped_column(String(200))
    before_sha256: Mapped[str | None] = mapped_column(String(64))
    after_sha256: Mapped[str | None] = mapped_column(String(64))
    previous_sha256: Mapped[str] = mapped_column(String(64))
    sha256: Mapped[str] = mapped_column(String(64))
