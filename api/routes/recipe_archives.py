"""Recipes that leave for another station, or come from one."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path as File
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse
from pydantic import Field
from starlette.background import BackgroundTask

from api import recipe_archive
from api.problems import documented
from api.recipe_archive import SigningKey
from api.recipe_audit import audited
from api.routes.recipes import ACCESS, WRITE, Engineer, Reader, RecipeNamed
from api.schemas import Role, Schema
from api.schemas_recipes import ImportedRecipe
from api.security import Principal, requires
from api.service import Service, Serving
from api.store import audit
from api.store.inspections import API

router = APIRouter(tags=["recipes"])

IMPORT = f"{API}/recipes/import"
_ZIP = {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}

Admin = Annotated[Principal, requires(Role.ADMIN)]


class SigningFingerprint(Schema):
    """The key that this station signs its archives with."""

    fingerprint: str = Field(description="SHA-256 of the public key; give it to stations that shall trust this one.")


@router.get("/recipe-signing-key", responses=ACCESS)
def get_signing_key(_caller: Reader, service: Serving) -> SigningFingerprint:
    """Which key this station signs its archives with."""
    return SigningFingerprint(fingerprint=SigningKey.of(service.store.data_dir).fingerprint)


@router.get(
    "/recipes/{recipe}/archive",
    response_class=FileResponse,
    responses=ACCESS | documented(HTTPStatus.CONFLICT) | {200: {"description": "The archive.", **_ZIP}},
)
def export_recipe(recipe: RecipeNamed, caller: Engineer, service: Serving) -> FileResponse:
    """A recipe with the model it judges by, as one signed file."""
    target = recipe_archive.scratch_file(service.store.scratch)
    try:
        recipe_archive.write(service.station.models, recipe, SigningKey.of(service.store.data_dir), target)
        with service.store.write() as session:
            audit.record(session, caller, "recipe.export", recipe, after=service.station.models.definition(recipe))
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return FileResponse(target, media_type="application/zip", filename=f"{recipe}.d3recipe.zip", background=BackgroundTask(target.unlink))


@router.post(
    "/recipes/import",
    status_code=HTTPStatus.CREATED,
    responses=WRITE,
    openapi_extra={"requestBody": {"required": True, **_ZIP}},
)
async def import_recipe(request: Request, caller: Admin, service: Serving) -> ImportedRecipe:
    """Take a recipe in from an archive that this station, or one that it trusts, has signed. It becomes the recipe's next version."""
    source = recipe_archive.scratch_file(service.store.scratch)
    try:
        with source.open("wb") as file:
            async for chunk in request.stream():
                await run_in_threadpool(file.write, chunk)
        return await run_in_threadpool(_take_in, service, caller, source)
    finally:
        source.unlink(missing_ok=True)


def _take_in(service: Service, caller: Principal, source: File) -> ImportedRecipe:
    models = service.station.models
    key = SigningKey.of(service.store.data_dir)
    arrived = recipe_archive.read(source, models, key, service.settings.trusted_recipe_keys)
    with audited(service.store, service.station.models, caller, "recipe.import", arrived.recipe):
        return arrived.take_in(models, caller.name)
