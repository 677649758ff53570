"""Figures for Prometheus."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from api.problems import documented
from api.schemas import Role
from api.security import Principal, requires
from api.service import Serving

router = APIRouter(tags=["health"])


@router.get(
    "/metrics",
    response_class=Response,
    responses=documented(HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.SERVICE_UNAVAILABLE)
    | {200: {"description": "Prometheus's text format.", "content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def get_metrics(_caller: Annotated[Principal, requires(Role.OPERATOR, Role.MES)], service: Serving) -> Response:
    """Queue, verdicts, stages, reasons, disk, webhooks. A key of scope `read` is enough."""
    return Response(service.metrics.exposition(), media_type=CONTENT_TYPE_LATEST)
