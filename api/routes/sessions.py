"""Signing in and out."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Request, Response

from api.problems import documented
from api.schemas import Me, Role, SignIn
from api.schemas_people import PasswordChange, PasswordSignIn
from api.security import COOKIE, Principal, public, refuse_foreign_origin, requires
from api.security_limits import address_group
from api.service import Serving
from rig_configs.errors import Conflict

router = APIRouter(tags=["sign-in"])

_ACCESS = documented(HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.SERVICE_UNAVAILABLE)

Caller = Annotated[Principal, requires(Role.OPERATOR, Role.MES)]


@router.post(
    "/sessions",
    status_code=HTTPStatus.CREATED,
    dependencies=[public("this is how one signs in; the one-time token or the password is the proof")],
    responses=_ACCESS
    | documented(HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.TOO_MANY_REQUESTS),
)
def create_session(sign_in: SignIn | PasswordSignIn, request: Request, response: Response, service: Serving) -> Me:
    """Exchange a one-time sign-in token, or a name and a password, for a session cookie."""
    refuse_foreign_origin(request, required=False)
    address = address_group(request.client.host if request.client else None)
    if isinstance(sign_in, SignIn):
        attempt = service.attempts.begin(address=address)
        secret, principal = service.accounts.sign_in(sign_in.token)
    else:
        attempt = service.attempts.begin(address=address, account=sign_in.name)
        secret, principal = service.accounts.sign_in_with_password(sign_in.name, sign_in.password)
    attempt.succeeded()
    response.set_cookie(
        COOKIE,
        secret,
        max_age=service.accounts.session_seconds,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return Me(name=principal.name, role=principal.role)


@router.delete("/sessions/current", status_code=HTTPStatus.NO_CONTENT, responses=_ACCESS | documented(HTTPStatus.CONFLICT))
def delete_session(caller: Caller, response: Response, service: Serving) -> None:
    """Sign out."""
    if caller.by != "session":
        raise Conflict("An API key has no session to end.", cure="Revoke the key if it should not be used any more.", detail="no_session")
    service.accounts.sign_out(caller)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")


@router.get("/me", responses=_ACCESS)
def get_me(caller: Caller) -> Me:
    """Who is signed in."""
    return Me(name=caller.name, role=caller.role)


@router.put(
    "/me/password",
    status_code=HTTPStatus.NO_CONTENT,
    responses=_ACCESS
    | documented(
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.CONFLICT,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        HTTPStatus.TOO_MANY_REQUESTS,
    ),
)
def change_own_password(change: PasswordChange, caller: Caller, service: Serving) -> None:
    """Change one's own password; all other sessions of the same user end."""
    attempt = service.attempts.begin(account=caller.name)
    service.accounts.users.change_own_password(caller, change.current, change.new)
    attempt.succeeded()
