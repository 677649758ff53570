"""What crosses the REST boundary about people and machines: users, keys, sign-in, the audit log."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from api.routes.moments import Moment
from api.schemas import PRINTABLE, Role, Schema

MIN_PASSWORD = 12
PersonRole = Literal[Role.OPERATOR, Role.ENGINEER, Role.ADMIN]
UserName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._@-]{0,49}$")]
NewPassword = Annotated[str, Field(min_length=MIN_PASSWORD, max_length=200)]


class Scope(StrEnum):
    """What a key may be used for, within its role."""

    FULL = "full"
    TRIGGER = "trigger"
    READ = "read"


# ---------------------------------------------------------------------------------------------------------- requests


class PasswordSignIn(Schema):
    """Exchange a user's name and password for a session."""

    name: str = Field(min_length=1, max_length=50, pattern=PRINTABLE, description="Name of the user.")
    password: str = Field(min_length=1, max_length=200, description="The user's password.")


class UserRequest(Schema):
    """Make a user."""

    name: UserName = Field(description="Name to sign in with: small letters, digits and . _ @ -; it is given for good.")
    role: PersonRole = Field(description="What the user may do.")
    password: NewPassword = Field(description="First password; the user should change it.")


class UserChange(Schema):
    """Change a user; what is not given stays."""

    role: PersonRole | None = Field(default=None, description="What the user may do from now on.")
    password: NewPassword | None = Field(default=None, description="A new password; ends the user's sessions.")
    is_disabled: bool | None = Field(default=None, description="Whether the user is locked out; ends the user's sessions.")


class PasswordChange(Schema):
    """Change one's own password."""

    current: str = Field(min_length=1, max_length=200, description="The password until now.")
    new: NewPassword = Field(description="The password from now on.")


class KeyRequest(Schema):
    """Make an API key."""

    name: str = Field(min_length=1, max_length=100, pattern=PRINTABLE, description="What the key is for, such as mes-line-3.")
    role: Role = Field(default=Role.MES, description="What its holder may do.")
    scope: Scope = Field(default=Scope.FULL, description="Narrows the role: 'read' only reads, 'trigger' also asks for and cancels inspections.")
    expires: Moment | None = Field(default=None, description="From when the key no longer works (with time zone); none means never.")


# ----------------------------------------------------------------------------------------------------------- answers


class User(Schema):
    """A person with a password."""

    name: str = Field(description="Name to sign in with.")
    role: Role = Field(description="What the user may do.")
    created: datetime = Field(description="When the user was made (UTC).")
    password_changed: datetime = Field(description="When the password was set (UTC).")
    disabled: datetime | None = Field(description="Since when the user is locked out (UTC); none otherwise.")


class NewUserPassword(Schema):
    """A password that was made for a user."""

    name: str = Field(description="Name of the user.")
    password: str = Field(description="The password; it is shown this once and kept nowhere. The user should change it.")


class OpenSession(Schema):
    """A browser that one is signed in with."""

    id: str = Field(description="Identity of the session.")
    created: datetime = Field(description="When one signed in (UTC).")
    expires: datetime = Field(description="When it ends by itself (UTC).")
    is_this: bool = Field(description="Whether it is the one that asks.")


class Key(Schema):
    """An API key, without its secret."""

    name: str = Field(description="What the key is for.")
    role: Role = Field(description="What its holder may do.")
    scope: Scope = Field(description="What the role is narrowed to.")
    created: datetime = Field(description="When it was made (UTC).")
    created_by: str | None = Field(description="Who made it.")
    expires: datetime | None = Field(description="From when it no longer works (UTC); none means never.")
    last_used: datetime | None = Field(description="When it was last used, to the minute (UTC); none if never.")
    revoked: datetime | None = Field(description="Since when it is revoked (UTC); none otherwise.")


class NewKey(Key):
    """A key that was just made."""

    key: str = Field(description="The key itself; it is shown this once and kept nowhere.")


class AuditEntry(Schema):
    """One change."""

    sequence: int = Field(description="Number of the change, from 1 without gaps.")
    moment: datetime = Field(description="When (UTC).")
    actor: str = Field(description="Who: name of the user, the link's role, or the key.")
    actor_kind: str = Field(description="How they proved it: session, key, command (on the machine itself) or service.")
    action: str = Field(description="What was done, such as user.create.")
    target: str = Field(description="What it was done to.")
    before_sha256: str | None = Field(description="Digest of what it was; none where it was not there.")
    after_sha256: str | None = Field(description="Digest of what it became; none where it is gone.")
    previous_sha256: str = Field(description="'sha256' of the entry before; zeros for the first.")
    sha256: str = Field(description="Digest of all fields above.")


class AuditPage(Schema):
    """A page of the audit log, newest first."""

    items: list[AuditEntry] = Field(description="The changes.")
    next_cursor: str | None = Field(description="Give it back as 'cursor' for the next page; none at the end.")


class AuditChain(Schema):
    """What following the chain of the audit log found."""

    entries: int = Field(description="Entries that fit, from the first.")
    head_sha256: str = Field(description="Digest of the last of these.")
    holds: bool = Field(description="Whether all fit.")
    broken: str | None = Field(description="The first that does not, and why; none where all do.")
