"""Recipes: what each consists of, in versions; its models and its threshold; change-over."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Query

from api import events, thresholds
from api.problems import documented
from api.recipe_audit import audited
from api.schemas import RigState, Role
from api.schemas_recipes import (
    Because,
    NewRecipe,
    RecipeChange,
    RecipeDetails,
    RecipeSelection,
    RecipeVersion,
    RollBack,
    ThresholdChange,
    ThresholdPreview,
)
from api.security import Principal, requires
from api.service import Service, Serving
from api.store import audit
from rig_configs.errors import ModelError

router = APIRouter(tags=["recipes"])

ACCESS = documented(
    HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE
)
WRITE = ACCESS | documented(HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)

Reader = Annotated[Principal, requires(Role.OPERATOR, Role.MES)]
Engineer = Annotated[Principal, requires(Role.ENGINEER)]
RecipeNamed = Annotated[str, Path(description="Name of the recipe.", pattern=r"^[a-z0-9][a-z0-9_-]{0,99}$")]
ModelNamed = Annotated[str, Path(description="Identity of the model.", pattern=r"^d3m-[0-9a-f]{12}$")]


def details(service: Service, name: str) -> RecipeDetails:
    """A recipe as it is told. Raises NotFound."""
    models = service.station.models
    definition = models.definition(name)
    try:
        judged_at = models.model(name).threshold if definition.model_id else None
    except ModelError:
        judged_at = None
    return RecipeDetails(
        **definition.model_dump(),
        name=name,
        is_current=models.current() == name,
        judged_at=judged_at,
        models=models.describe_models(name),
        scanned=service.station.scanned(name),
    )


@router.put("/rig/recipe", responses=WRITE)
def change_over(wanted: RecipeSelection, caller: Reader, service: Serving) -> RigState:
    """Set the station to a recipe: its model is read, its sequence made ready, and inspections that name no recipe are judged by it."""
    models = service.station.models
    before = models.current()
    try:
        with service.store.write() as session:
            service.station.change_over(wanted.recipe)
            audit.record(session, caller, "rig.change_over", wanted.recipe, before={"recipe": before}, after={"recipe": wanted.recipe})
    except BaseException:
        models.set_current(before)
        raise
    state = service.runner.rig_state()
    with service.store.write() as session:
        events.append(session, state)
    return state


@router.post("/recipes", status_code=HTTPStatus.CREATED, responses=WRITE)
def create_recipe(wanted: NewRecipe, caller: Engineer, service: Serving) -> RecipeDetails:
    """Make a recipe; teach it next."""
    with audited(service.store, service.station.models, caller, "recipe.create", wanted.name):
        service.station.check_sequence(wanted.sequence)
        content = {name: getattr(wanted, name) for name in ("product", "sequence", "ignore", "policy")}
        service.station.models.create(wanted.name, caller.name, wanted.note, **content)
    return details(service, wanted.name)


@router.get("/recipes/{recipe}", responses=ACCESS)
def get_recipe(recipe: RecipeNamed, _caller: Reader, service: Serving) -> RecipeDetails:
    """A recipe as it is now, with its models."""
    return details(service, recipe)


@router.put("/recipes/{recipe}", responses=WRITE)
def change_recipe(recipe: RecipeNamed, wanted: RecipeChange, caller: Engineer, service: Serving) -> RecipeDetails:
    """Change what a recipe consists of; its model and threshold stay. Makes a new version."""
    with audited(service.store, service.station.models, caller, "recipe.change", recipe):
        service.station.check_sequence(wanted.sequence)
        content = {name: getattr(wanted, name) for name in ("product", "sequence", "ignore", "policy")}
        service.station.models.change(recipe, caller.name, wanted.note, wanted.expected_version, **content)
    return details(service, recipe)


@router.get("/recipes/{recipe}/versions", responses=ACCESS)
def list_recipe_versions(recipe: RecipeNamed, _caller: Reader, service: Serving) -> list[RecipeVersion]:
    """How a recipe came to be what it is, newest first."""
    models = service.station.models
    return [models.definition(recipe, version) for version in reversed(models.versions(recipe))]


@router.post("/recipes/{recipe}/roll-back", responses=WRITE)
def roll_back_recipe(recipe: RecipeNamed, wanted: RollBack, caller: Engineer, service: Serving) -> RecipeDetails:
    """Bring an earlier version back, with its model and threshold, as a new version."""
    with audited(service.store, service.station.models, caller, "recipe.roll_back", recipe):
        service.station.models.roll_back(recipe, wanted.version, caller.name, wanted.note)
    return details(service, recipe)


@router.post("/recipes/{recipe}/models/{model_id}/activate", responses=WRITE)
def activate_model(recipe: RecipeNamed, model_id: ModelNamed, wanted: Because, caller: Engineer, service: Serving) -> RecipeDetails:
    """Judge by another of the recipe's models, at that model's own threshold."""
    with audited(service.store, service.station.models, caller, "model.activate", recipe):
        service.station.models.activate(recipe, model_id, caller.name, wanted.note)
    return details(service, recipe)


@router.put("/recipes/{recipe}/threshold", responses=WRITE)
def set_threshold(recipe: RecipeNamed, wanted: ThresholdChange, caller: Engineer, service: Serving) -> RecipeDetails:
    """Set from which score on a part is NotOK, or leave that to the model again. Makes a new version."""
    with audited(service.store, service.station.models, caller, "threshold.set", recipe):
        service.station.models.model(recipe)  # of what was never taught there is no threshold
        service.station.models.change(recipe, caller.name, wanted.note, wanted.expected_version, threshold=wanted.threshold)
    return details(service, recipe)


@router.get("/recipes/{recipe}/threshold/preview", responses=ACCESS | documented(HTTPStatus.CONFLICT))
def preview_threshold(
    recipe: RecipeNamed,
    _caller: Reader,
    service: Serving,
    threshold: Annotated[float, Query(gt=0, le=1000, description="The threshold to try.")],
    last: Annotated[int, Query(ge=1, le=5000, description="Over how many of the last inspections.")] = 500,
) -> ThresholdPreview:
    """What a threshold would have changed over the last inspections; nothing is saved."""
    return thresholds.preview(service.store, recipe, service.station.models.model(recipe), threshold, last)
