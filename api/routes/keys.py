"""API keys of machines: an admin makes and revokes them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path

from api import events
from api.problems import documented
from api.schemas import PRINTABLE, Role
from api.schemas_people import Key, KeyRequest, NewKey
from api.security import Principal, requires
from api.service import Service, Serving

router = APIRouter(prefix="/keys", tags=["people"])

_ACCESS = documented(HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.SERVICE_UNAVAILABLE)

Admin = Annotated[Principal, requires(Role.ADMIN)]


@router.get("", responses=_ACCESS)
def list_keys(_caller: Admin, service: Serving) -> list[Key]:
    """All keys, revoked ones too, by name."""
    return service.accounts.keys()


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    responses=_ACCESS | documented(HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY),
)
def create_key(wanted: KeyRequest, caller: Admin, service: Serving) -> NewKey:
    """Make a key. The answer holds it; it is shown this once and kept nowhere."""
    key = service.accounts.create_key(wanted.name, wanted.role, wanted.scope, wanted.expires, caller)
    _tell(service)
    return NewKey(**service.accounts.key(wanted.name).model_dump(), key=key)


@router.delete("/{name}", status_code=HTTPStatus.NO_CONTENT, responses=_ACCESS | documented(HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY))
def revoke_key(
    name: Annotated[str, Path(description="Name of the key.", max_length=100, pattern=PRINTABLE)], caller: Admin, service: Serving
) -> None:
    """Make a key useless from now on. It stays in the list."""
    service.accounts.revoke_key(name, caller)
    _tell(service)


def _tell(service: Service) -> None:
    """Listeners hear what may start an inspection now."""
    state = service.runner.rig_state()
    with service.store.write() as session:
        events.append(session, state)
