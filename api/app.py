"""The web application: routes, problems, security headers, the panel, and the life of the service around them."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog
from fastapi import APIRouter, FastAPI
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.types import Lifespan

from api import problems, recipe_archive
from api.accounts import Accounts
from api.body_limit import BodyLimit
from api.file_cache import FileCache
from api.jobs import JobRunner
from api.log import configure_logging
from api.mes.sender import WebhookSender
from api.metrics import Metrics
from api.outcome import Inspects
from api.panel_files import PANEL_DIST, Panel
from api.response_headers import ResponseHeaders
from api.retention import Retention
from api.rig_care import RigCare
from api.routes import (
    audit,
    backups,
    contract,
    good_parts,
    health,
    inspections,
    keys,
    metrics,
    model_reports,
    own_sessions,
    recipe_archives,
    recipes,
    reports,
    reviews,
    rig,
    sessions,
    station,
    statistics,
    storage,
    tasks,
    users,
    viewing,
    webhooks,
)
from api.security import Public, Requires
from api.security_limits import AttemptLimit
from api.service import Service
from api.service_lock import ServiceLock
from api.settings import Settings
from api.store.inspections import API
from api.store.store import Store
from api.tasks import TaskRunner

_log = structlog.get_logger(__name__)


def create_app(
    settings: Settings, inspects: Inspects, *, store: Store | None = None, panel_dist: Path = PANEL_DIST, care: RigCare | None = None
) -> FastAPI:
    """The service, ready to be served by uvicorn.

    Its lifespan brings the database up to date, ends what was cut off in the life before, and works through the queue; at the end
    it stops the work, turns the station dark and closes the store.

    Args:
        settings: how the service is set up.
        inspects: the station; closed at the end.
        store: an open store, where the caller made one (to create a sign-in link first); else the one the settings name.
        panel_dist: the built panel.
        care: what engineers do with the rig; without it those routes answer that there is no rig.

    Returns:
        The app; ``app.state.service`` is its :class:`api.service.Service`.
    """
    if not structlog.is_configured():
        configure_logging()
    app = _routed(panel_dist, _lifespan)
    store = store or Store(settings.database_url, settings.data_dir)
    runner = JobRunner(
        store,
        inspects,
        station_name=settings.station_name,
        queue_limit=settings.queue_limit,
        deadline_s=settings.deadline_s,
        reserve_bytes=settings.reserve_bytes,
    )
    app.state.service = Service(
        settings=settings,
        station=inspects,
        store=store,
        runner=runner,
        tasks=TaskRunner(store),
        retention=Retention(store, settings),
        cache=FileCache(store.data_dir / "cache", settings.cache_bytes),
        care=care,
        accounts=Accounts(store, settings.session_hours),
        attempts=AttemptLimit(),
        metrics=Metrics(store, runner.rig_state),
    )
    app.state.preview_viewers = set()
    return app


def routed_app() -> FastAPI:
    """The routes with nothing behind them, to be described."""
    return _routed(PANEL_DIST)


def openapi_text() -> str:
    """The contract as it is committed in ``api/openapi.json``."""
    return json.dumps(contract.contract_of(routed_app()), indent=2, ensure_ascii=False) + "\n"


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncGenerator[None]:
    service: Service = app.state.service
    lock = ServiceLock(service.store.data_dir)
    try:
        lock.acquire()
        await run_in_threadpool(service.store.upgrade)
        await run_in_threadpool(service.tasks.recover)
        await run_in_threadpool(service.runner.start)
        service.retention.start()
        _log.info("service started", station=service.settings.station_name, data_dir=str(service.store.data_dir))
        async with WebhookSender(service.store, service.settings.webhook_networks).running():
            yield
    finally:
        await run_in_threadpool(service.retention.stop)
        await run_in_threadpool(service.tasks.stop)
        await run_in_threadpool(service.runner.stop)
        await run_in_threadpool(service.station.close)
        service.store.close()
        lock.release()
        _log.info("service stopped")


def _routed(panel_dist: Path, lifespan: Lifespan[FastAPI] | None = None) -> FastAPI:
    app = FastAPI(
        title="d3station",
        description="Inspections of one station: trigger, verdict, pictures, history.",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        generate_unique_id_function=lambda route: route.name,
        lifespan=lifespan,
        redirect_slashes=False,
    )
    problems.install(app)
    app.add_middleware(BodyLimit, larger={recipe_archives.IMPORT: recipe_archive.MOST_BYTES})
    app.add_middleware(ResponseHeaders)
    v1 = APIRouter(prefix=API)
    for module in (
        reviews,
        inspections,
        station,
        statistics,
        recipes,
        recipe_archives,
        good_parts,
        model_reports,
        tasks,
        viewing,
        reports,
        rig,
        storage,
        backups,
        sessions,
        own_sessions,
        users,
        keys,
        audit,
        webhooks,
        contract,
    ):
        v1.include_router(module.router)
    app.include_router(v1)
    app.include_router(health.router)
    app.include_router(metrics.router)
    app.router.default = Panel(panel_dist)
    if open_routes := undeclared(app):
        raise RuntimeError(f"routes without a declared role: {', '.join(open_routes)}")
    return app


def undeclared(app: FastAPI) -> list[str]:
    """Routes that declare neither a role nor why they are public; a service with any does not start."""
    missing: list[str] = []
    for route in iter_route_contexts(app.routes):
        declared = isinstance(route.original_route, APIRoute) and any(
            isinstance(dependency.call, Requires | Public) for dependency in route.dependant.dependencies
        )
        if not declared:
            missing.append(f"{sorted(route.methods or ())} {route.path}")
    return missing
