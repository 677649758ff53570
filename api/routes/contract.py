"""The OpenAPI document: the contract that clients are generated from."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi

from api.problems import MEDIA_TYPE
from api.security import public

router = APIRouter()

API_VERSION = "1"


def contract_of(app: FastAPI) -> dict[str, Any]:
    """The contract of an app.

    FastAPI documents every model as ``application/json`` and adds validation answers of its own; here problems are documented as what
    they are, and only where a route declares them.
    """
    document = get_openapi(title=app.title, version=API_VERSION, description=app.description, routes=app.routes)
    for path in document["paths"].values():
        for operation in path.values():
            for answer in operation["responses"].values():
                content = answer.get("content", {})
                if content.get("application/json", {}).get("schema", {}).get("$ref", "").endswith("/Problem"):
                    answer["content"] = {MEDIA_TYPE: content["application/json"]}
    schemas = document["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    return document


@router.get("/openapi.json", include_in_schema=False, dependencies=[public("the contract says how to ask, not what is there")])
def get_contract(request: Request) -> Response:
    """The OpenAPI document."""
    return Response(json.dumps(contract_of(request.app)), media_type="application/json")
