"""What teaching a model learned of the parts it was taught from: which are alike, and which are worth a second look."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from sqlalchemy import select

from api.routes.recipes import ACCESS, WRITE, Engineer, ModelNamed, RecipeNamed
from api.schemas_recipes import ModelReport, PartOutlier, TaughtPart
from api.service import Service, Serving
from api.store import inspections
from api.store.inspections import API
from api.store.tables import InspectionRow
from inference.model_state import FitReport
from inference.prediction import BANK_NAMES

router = APIRouter(tags=["recipes"])


@router.get("/recipes/{recipe}/models/{model_id}/report", responses=ACCESS | {409: WRITE[409]})
def get_model_report(recipe: RecipeNamed, model_id: ModelNamed, _caller: Engineer, service: Serving) -> ModelReport:
    """The good parts of a model, each scored by banks without it, the one least like the others first; and which of them do not fit."""
    models = service.station.models
    model = models.model(recipe).taught if models.definition(recipe).model_id == model_id else models.load(recipe, model_id)
    report = model.report
    pictures = f"{API}/recipes/{recipe}/models/{model_id}/good-parts" if model.state.good_parts else None
    parts = _parts(service, recipe, report, pictures)
    return ModelReport(model_id=model_id, created=datetime.fromisoformat(report.created), seconds=report.seconds, parts=parts)


def _parts(service: Service, recipe: str, report: FitReport, pictures: str | None) -> list[TaughtPart]:
    outliers = {one.name: one for one in report.outliers()}
    with service.store.read() as session:
        rows = session.scalars(select(InspectionRow).where(InspectionRow.recipe == recipe, InspectionRow.id.in_(report.samples)))
        known = {row.id: inspections.summary_of(row) for row in rows}
    found: list[TaughtPart] = []
    for index, (name, score, banks) in enumerate(zip(report.samples, report.held_out_scores, report.held_out_bank_scores, strict=True)):
        inspection, outlier = known.get(name), outliers.get(name)
        found.append(
            TaughtPart(
                index=index,
                name=name,
                inspection=inspection.id if inspection else None,
                serial=inspection.serial if inspection else None,
                thumbnail_url=f"{pictures}/{index}/rgb.jpg" if pictures else inspection.thumbnail_url if inspection else None,
                score=score,
                banks=dict(zip(BANK_NAMES, banks, strict=True)),
                outlier=PartOutlier(bank=outlier.bank, score=outlier.score, limit=outlier.limit) if outlier else None,
            )
        )
    return sorted(found, key=lambda part: part.score, reverse=True)
