"""The station: recipes, state, events."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Header
from sse_starlette import EventSourceResponse

from api import events
from api.problems import documented
from api.schemas import Recipe, RigState, Role
from api.security import Principal, requires
from api.service import Serving

router = APIRouter(tags=["station"])

_ACCESS = documented(HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.SERVICE_UNAVAILABLE)
_CHECKED = _ACCESS | documented(HTTPStatus.UNPROCESSABLE_ENTITY)

Caller = Annotated[Principal, requires(Role.OPERATOR, Role.MES)]


@router.get("/recipes", responses=_ACCESS)
def list_recipes(_caller: Caller, service: Serving) -> list[Recipe]:
    """Recipes that parts can be inspected by."""
    return [service.station.describe(name) for name in service.station.recipes()]


@router.get("/rig/state", responses=_ACCESS)
def get_rig_state(_caller: Caller, service: Serving) -> RigState:
    """What the station is and does now."""
    return service.runner.rig_state()


@router.get(
    "/events",
    response_class=EventSourceResponse,
    responses=_CHECKED | {200: {"description": "Server-sent events.", "content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def stream_events(
    caller: Caller,
    service: Serving,
    last_event_id: Annotated[str | None, Header(pattern=r"^[0-9]{1,18}$", description="The last event seen; those after it are sent.")] = None,
) -> EventSourceResponse:
    """What happens, as it happens.

    Event `inspection` carries an InspectionSummary at each change of an inspection, event `station` a RigState at each change of
    the station, event `task` a Task as long work goes on. A new listener is told the state of the station first.
    """
    stream = events.stream(
        service.store,
        int(last_event_id) if last_event_id else None,
        service.runner.rig_state,
        lambda: service.accounts.still_valid(caller),
    )
    return EventSourceResponse(stream, ping=3600, headers={"Cache-Control": "no-store"})
