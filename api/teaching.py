"""Teaching and judging again, from stored samples or from the rig."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.outcome import Inspects
from api.recipes import RecipeModel
from api.samples import stored_sample
from api.schemas import Evaluation, Inspection, InspectionState, Reason
from api.schemas_recipes import Rejudged, RejudgeRequest, TaskResult, TeachFrom, TeachRequest
from api.store import inspections
from api.store.store import Store
from api.store.tables import InspectionRow
from api.tasks import Handle
from inference.sample import D3Sample
from rig_configs.errors import Cancelled, SampleError, Unprocessable


class _Stored(Iterable[D3Sample]):
    """Samples that are read when asked for, of a known number, so that progress can tell how many are left."""

    def __init__(self, station: Inspects, store: Store, recipe: str, found: Sequence[Inspection]) -> None:
        self._station = station
        self._store = store
        self._definition = station.models.definition(recipe)
        self._found = found

    def __len__(self) -> int:
        return len(self._found)

    def __iter__(self) -> Iterator[D3Sample]:
        for inspection in self._found:
            # By its identity: a part of this serial may have been inspected twice.
            yield replace(stored_sample(self._store.artifacts, inspection, self._definition), name=inspection.id)


def teach(station: Inspects, store: Store, recipe: str, wanted: TeachRequest, by: str, handle: Handle) -> TaskResult:
    """Teach a recipe a new model; its old ones stay.

    Raises:
        SampleError: too few samples, or one that cannot be used.
        DeviceError, ReconstructionError, Cancelled: from the scans.
    """
    if wanted.source is TeachFrom.RIG:
        there = min(station.scanned(recipe), wanted.parts) if wanted.resume else 0
        put = iter(range(there + 1, wanted.parts + 1))
        if station.load_good_part is not None:
            lay_again(station.load_good_part, recipe, there)

        def next_part(name: str) -> None:
            number = next(put)
            if station.load_good_part is not None:
                station.load_good_part(name)
            else:
                handle.wait_for_person(f"Put good part {number} of {wanted.parts} on the rig, then continue.")

        model = station.teach(
            recipe, wanted.parts, next_part, None, handle.progress, handle.cancelled, by, wanted.note, wanted.activate, wanted.resume
        )
    else:
        samples = _Stored(station, store, recipe, good_inspections(store, recipe, wanted))
        model = station.models.teach(recipe, samples, None, handle.progress, handle.cancelled, by, wanted.note, wanted.activate)
    return TaskResult(model_id=model.model_id, threshold=model.threshold)


def lay_again(load_good_part: Callable[[str], None], recipe: str, parts: int) -> None:
    """Let a simulated bench's hand lay the parts that were scanned before, so that the next one is another."""
    for _ in range(parts):
        load_good_part(recipe)


def good_inspections(store: Store, recipe: str, wanted: TeachRequest) -> list[Inspection]:
    """The inspections of good parts that a model is taught from, oldest first.

    Raises:
        Unprocessable: one that was named is of another recipe, or not known to be good.
    """
    with store.read() as session:
        if wanted.inspections is not None:
            found = [_named(session, one, recipe) for one in wanted.inspections]
            for one in found:
                if (one.reviewed_as or one.evaluation) is not Evaluation.OK:
                    raise Unprocessable(
                        f"Inspection {one.id} is not of a good part.", cure="Review it as OK first, or leave it out.", detail="not_good"
                    )
            return found
        query = (
            select(InspectionRow)
            .where(InspectionRow.recipe == recipe, InspectionRow.evaluation == Evaluation.OK, InspectionRow.files_removed.is_(None))
            .order_by(InspectionRow.sequence.desc())
            .limit(wanted.parts)
        )
        if wanted.reviewed_only:
            query = query.where(InspectionRow.reviewed_as == Evaluation.OK)
        else:
            query = query.where((InspectionRow.reviewed_as == Evaluation.OK) | InspectionRow.reviewed_as.is_(None))
        return [inspections.inspection_of(row) for row in session.scalars(query)][::-1]


def rejudge(station: Inspects, store: Store, recipe: str, wanted: RejudgeRequest, handle: Handle) -> TaskResult:
    """Judge stored samples by another model or threshold; nothing that is stored changes.

    Raises:
        NotFound: no such model.
        ModelError: it cannot be read.
        Unprocessable: an inspection is of another recipe.
        Cancelled: the handle said so.
    """
    model = station.models.model(recipe) if wanted.model_id is None else RecipeModel(station.models.load(recipe, wanted.model_id))
    if wanted.threshold is not None:
        model = replace(model, own_threshold=wanted.threshold)
    definition = station.models.definition(recipe)
    with store.read() as session:
        found = _last(session, recipe, wanted.last) if wanted.inspections is None else [_named(session, one, recipe) for one in wanted.inspections]
    again: list[Rejudged] = []
    for number, one in enumerate(found):
        if handle.cancelled():
            raise Cancelled("Judging again was stopped.", cure="Start it again when wanted; nothing was changed.")
        evaluation, score, reason = Evaluation.NOT_DECIDABLE, None, None
        try:
            predicted = model.predict(stored_sample(store.artifacts, one, definition))
            evaluation, score = Evaluation.NOT_OK if predicted.is_anomalous else Evaluation.OK, predicted.score
        except SampleError as error:
            reason = Reason(code=error.code, message=error.message, cure=error.cure)
        again.append(
            Rejudged(
                id=one.id, was=one.evaluation, reviewed_as=one.reviewed_as, was_score=one.score, evaluation=evaluation, score=score, reason=reason
            )
        )
        handle.progress((number + 1) / len(found), f"judged {number + 1} of {len(found)}")
    changed = sum(one.evaluation is not one.was for one in again)
    return TaskResult(model_id=model.model_id, threshold=model.threshold, rejudged=again, changed=changed)


def _last(session: Session, recipe: str, count: int) -> list[Inspection]:
    decided = (Evaluation.OK, Evaluation.NOT_OK)
    query = select(InspectionRow).where(InspectionRow.recipe == recipe).order_by(InspectionRow.sequence.desc()).limit(count)
    return [inspections.inspection_of(row) for row in session.scalars(query) if row.evaluation in decided]


def _named(session: Session, inspection_id: str, recipe: str) -> Inspection:
    found = inspections.inspection_of(inspections.get(session, inspection_id))
    if found.recipe != recipe or found.state is not InspectionState.FINISHED:
        raise Unprocessable(f"Inspection {found.id} is not a finished one of recipe '{recipe}'.", cure="Leave it out.", detail="recipe")
    return found
