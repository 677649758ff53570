"""What a route can reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from api.accounts import Accounts
from api.file_cache import FileCache
from api.jobs import JobRunner
from api.metrics import Metrics
from api.outcome import Inspects
from api.retention import Retention
from api.rig_care import RigCare
from api.security_limits import AttemptLimit
from api.settings import Settings
from api.store.store import Store
from api.tasks import TaskRunner


@dataclass(frozen=True, slots=True)
class Service:
    """The parts of one running service."""

    settings: Settings
    station: Inspects
    store: Store
    runner: JobRunner
    tasks: TaskRunner
    retention: Retention
    cache: FileCache
    care: RigCare | None
    """What engineers do with the rig; none where a test has none."""
    accounts: Accounts
    attempts: AttemptLimit
    metrics: Metrics


def service_of(request: Request) -> Service:
    """The service that answers a request."""
    service: Service = request.app.state.service
    return service


Serving = Annotated[Service, Depends(service_of)]
