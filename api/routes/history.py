"""Which inspections of the history a caller wants."""

# No postponed annotations: FastAPI reads the signature of the dependency below at run time.
from typing import Annotated

from fastapi import Depends, Query

from api.routes.moments import Moment
from api.schemas import PRINTABLE, Evaluation
from api.store.inspections import History


def wanted_history(
    serial: Annotated[str | None, Query(max_length=100, pattern=PRINTABLE, description="Only this serial number.")] = None,
    lot: Annotated[str | None, Query(max_length=100, pattern=PRINTABLE, description="Only this lot.")] = None,
    order: Annotated[str | None, Query(max_length=100, pattern=PRINTABLE, description="Only this production order.")] = None,
    recipe: Annotated[str | None, Query(max_length=100, pattern=PRINTABLE, description="Only this recipe.")] = None,
    evaluation: Annotated[Evaluation | None, Query(description="Only this verdict.")] = None,
    reviewed: Annotated[bool | None, Query(description="Only what a person has reviewed, or only what nobody has.")] = None,
    since: Annotated[Moment | None, Query(alias="from", description="Only what was asked for at or after this (with time zone).")] = None,
    until: Annotated[Moment | None, Query(alias="to", description="Only what was asked for before this (with time zone).")] = None,
) -> History:
    """The filters of the history, for a route to depend on."""
    return History(serial, lot, recipe, evaluation, since, until, order=order, is_reviewed=reviewed)


Wanted = Annotated[History, Depends(wanted_history)]
