"""Pictures of the parts that a model was taught from: what a part should look like."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Response

from api.routes.recipes import ACCESS, ModelNamed, Reader, RecipeNamed
from api.service import Serving
from inference import model_file
from rig_configs.errors import NotFound

router = APIRouter(tags=["recipes"])

_PICTURE: dict[int | str, dict[str, object]] = {
    200: {"description": "The picture.", "content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}}
}


@router.get("/recipes/{recipe}/models/{model_id}/good-parts/{part}/{picture}.jpg", response_class=Response, responses=ACCESS | _PICTURE)
def get_good_part(
    recipe: RecipeNamed,
    model_id: ModelNamed,
    part: Annotated[int, Path(ge=0, le=9999, description="Place of the part among the good parts of the model.")],
    picture: Annotated[Literal["rgb", "pseudo3d"], Path(description="Which picture.")],
    _caller: Reader,
    service: Serving,
) -> Response:
    """A small picture of a good part that the model was taught from, around the part: an inspection's nearest_good tells where that is."""
    models = service.station.models
    if model_id not in models.model_ids(recipe):
        raise NotFound(f"Recipe '{recipe}' has no model '{model_id}'.", cure="GET the recipe: it lists its models.", detail="model")
    content = model_file.good_part_picture(models.folder(recipe) / model_id, part, picture)
    # A model never changes: what was once loaded need not be asked for again.
    return Response(content, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=31536000, immutable"})
