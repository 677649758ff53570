"""Long work in the database."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.schemas import Reason
from api.schemas_recipes import Task, TaskDetails, TaskResult, TaskState
from api.store.clock import now
from api.store.tables_production import TaskRow
from rig_configs.errors import NotFound

_OPEN = (TaskState.RUNNING, TaskState.WAITING)


def task_of(row: TaskRow) -> Task:
    """A row as a task."""
    return Task.model_validate({name: getattr(row, name) for name in Task.model_fields})


def details_of(row: TaskRow) -> TaskDetails:
    """A row as a task with its result."""
    return TaskDetails.model_validate({name: getattr(row, name) for name in TaskDetails.model_fields})


def get(session: Session, task_id: str) -> TaskRow:
    """One task. Raises NotFound."""
    row = session.get(TaskRow, task_id)
    if row is None:
        raise NotFound("There is no task of this identity.", cure="GET /api/v1/tasks lists the last ones.", detail="task")
    return row


def last(session: Session, limit: int) -> list[TaskRow]:
    """The newest tasks, newest first."""
    return list(session.scalars(select(TaskRow).order_by(TaskRow.created.desc()).limit(limit)))


def unfinished(session: Session) -> list[TaskRow]:
    """Tasks that somebody works on, or did when the service stopped."""
    return list(session.scalars(select(TaskRow).where(TaskRow.state.in_(_OPEN))))


def finish(row: TaskRow, state: TaskState, *, reason: Reason | None = None, result: TaskResult | None = None) -> None:
    """End a task."""
    row.state = state
    row.finished = now()
    row.reason = reason.model_dump(mode="json") if reason else None
    row.result = result.model_dump(mode="json") if result else None
