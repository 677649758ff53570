"""Long work: teach, judge again; follow it, continue it, give it up."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Response

from api import teaching
from api.problems import documented
from api.recipe_audit import audited
from api.routes.recipes import ACCESS, WRITE, Engineer, Reader, RecipeNamed
from api.schemas_recipes import RejudgeRequest, Task, TaskDetails, TaskKind, TaskResult, TeachFrom, TeachRequest
from api.service import Serving
from api.store import tasks
from api.store.inspections import API
from api.tasks import Handle
from rig_configs.errors import SampleError

router = APIRouter(tags=["recipes"])

TaskId = Annotated[str, Path(description="Identity of the task.", max_length=100)]
_ACCEPTED = {202: {"description": "Begun.", "headers": {"Location": {"description": "Where the task is found.", "schema": {"type": "string"}}}}}
_ASK = WRITE | _ACCEPTED


@router.post("/recipes/{recipe}/teach", status_code=HTTPStatus.ACCEPTED, responses=_ASK)
def teach_recipe(recipe: RecipeNamed, wanted: TeachRequest, caller: Engineer, service: Serving, response: Response) -> Task:
    """Teach a recipe a new model from good parts: stored ones, or scanned now. Inspections go on between scans.

    Progress is told by `task` events. On a real rig the task waits before each scan until somebody has put the next part on and
    continues it.
    """
    service.station.models.check(recipe)
    if wanted.source is TeachFrom.INSPECTIONS and len(teaching.good_inspections(service.store, recipe, wanted)) < 5:
        raise SampleError(
            "Fewer than five good inspections of this recipe are kept.",
            cure="Inspect or review more good parts, or teach from the rig.",
            detail="too_few",
        )

    def work(handle: Handle) -> TaskResult:
        unused = wanted.model_copy(update={"activate": False})
        result = teaching.teach(service.station, service.store, recipe, unused, caller.name, handle)
        with audited(service.store, service.station.models, caller, "model.teach", recipe, f"{recipe}/{result.model_id}"):
            if wanted.activate:
                service.station.models.change(recipe, caller.name, wanted.note, model_id=result.model_id, threshold=None)
        return result

    task = service.tasks.start(TaskKind.TEACH, recipe, caller.name, work)
    response.headers["Location"] = f"{API}/tasks/{task.id}"
    return task


@router.post("/recipes/{recipe}/rejudge", status_code=HTTPStatus.ACCEPTED, responses=_ASK)
def rejudge_inspections(recipe: RecipeNamed, wanted: RejudgeRequest, caller: Engineer, service: Serving, response: Response) -> Task:
    """Judge stored samples again, by another model or threshold. The task's result tells what would differ; what is stored stays."""
    service.station.models.model(recipe)

    def work(handle: Handle) -> TaskResult:
        return teaching.rejudge(service.station, service.store, recipe, wanted, handle)

    task = service.tasks.start(TaskKind.REJUDGE, recipe, caller.name, work)
    response.headers["Location"] = f"{API}/tasks/{task.id}"
    return task


@router.get("/tasks", responses=ACCESS)
def list_tasks(_caller: Reader, service: Serving) -> list[Task]:
    """The last fifty tasks, newest first."""
    with service.store.read() as session:
        return [tasks.task_of(row) for row in tasks.last(session, 50)]


@router.get("/tasks/{task_id}", responses=ACCESS)
def get_task(task_id: TaskId, _caller: Reader, service: Serving) -> TaskDetails:
    """A task, with what came of it."""
    with service.store.read() as session:
        return tasks.details_of(tasks.get(session, task_id))


@router.post("/tasks/{task_id}/continue", status_code=HTTPStatus.ACCEPTED, responses=ACCESS | documented(HTTPStatus.CONFLICT))
def continue_task(task_id: TaskId, _caller: Engineer, service: Serving) -> TaskDetails:
    """Say that what a waiting task asked for is done: the next part lies on the rig."""
    return service.tasks.go_on(task_id)


@router.post("/tasks/{task_id}/cancel", status_code=HTTPStatus.ACCEPTED, responses=ACCESS | documented(HTTPStatus.CONFLICT))
def cancel_task(task_id: TaskId, _caller: Engineer, service: Serving) -> TaskDetails:
    """Give a task up; nothing that was there before changes."""
    return service.tasks.cancel(task_id)
