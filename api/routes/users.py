"""People with passwords: an admin makes, changes and locks them out."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Response

from api.problems import documented
from api.schemas import PRINTABLE, Role
from api.schemas_people import NewUserPassword, User, UserChange, UserRequest
from api.security import Principal, requires
from api.service import Serving

router = APIRouter(prefix="/users", tags=["people"])

_ACCESS = documented(HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.SERVICE_UNAVAILABLE)
_WRITES = _ACCESS | documented(
    HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.TOO_MANY_REQUESTS
)

Admin = Annotated[Principal, requires(Role.ADMIN)]
UserNamed = Annotated[str, Path(description="Name of the user.", max_length=50, pattern=PRINTABLE)]


@router.get("", responses=_ACCESS)
def list_users(_caller: Admin, service: Serving) -> list[User]:
    """Everybody who has a password, by name."""
    return service.accounts.users.all()


@router.post("", status_code=HTTPStatus.CREATED, responses=_WRITES)
def create_user(wanted: UserRequest, caller: Admin, service: Serving, response: Response) -> User:
    """Make a user."""
    user = service.accounts.users.create(wanted.name, Role(wanted.role), wanted.password, caller)
    response.headers["Location"] = f"/api/v1/users/{user.name}"
    return user


@router.patch("/{name}", responses=_WRITES | documented(HTTPStatus.NOT_FOUND))
def change_user(name: UserNamed, change: UserChange, caller: Admin, service: Serving) -> User:
    """Change what a user may do, set a new password, lock out or let in again. There is always an admin left."""
    return service.accounts.users.change(name, change, caller)


@router.post(
    "/{name}/password",
    responses=_ACCESS | documented(HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.TOO_MANY_REQUESTS),
)
def give_password(name: UserNamed, caller: Admin, service: Serving) -> NewUserPassword:
    """Give a user who forgot it a password made here, and end the user's sessions. The answer holds it; it is shown this once."""
    return NewUserPassword(name=name, password=service.accounts.users.give_password(name, caller))
