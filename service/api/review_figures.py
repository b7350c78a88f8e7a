"""What reviewing costs and finds, in figures."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from annotation.figures import figures_to_json
from archive.figures import read_figures
from service.api.auth import MayTrain
from service.api.context import TheService
from service.api.shapes import example

router = APIRouter(prefix="/api", tags=["reviews"])


class FieldCounts(BaseModel):
    """``shown`` are the fields that were shown and answered; ``added`` people drew."""

    shown: int
    confirmed: int
    changed: int
    illegible: int
    added: int


class SecondsShape(BaseModel):
    documents: int
    median_per_document: float | None
    mean_per_document: float | None
    per_field: float | None


class AuditShape(BaseModel):
    """``by_field`` and ``by_document`` are 95 % intervals of ``rate``, low and high."""

    documents: int
    fields: int
    wrong: int
    rate: float | None
    by_field: list[float] | None
    by_document: list[float] | None


class AgreementShape(BaseModel):
    """``alpha`` is Krippendorff's."""

    fields: int
    share: float | None
    alpha: float | None


class CauseShape(BaseModel):
    form_type: str | None
    name: str
    shown: int
    changed: int


class CausesShape(BaseModel):
    fields: list[CauseShape]
    reasons: list[CauseShape]


class WaitingShape(BaseModel):
    tasks: int
    boxes: int


class ReviewFiguresShape(BaseModel):
    model_config = example(
        fields={"shown": 420, "confirmed": 371, "changed": 44, "illegible": 5, "added": 3},
        seconds={
            "documents": 61,
            "median_per_document": 38.0,
            "mean_per_document": 44.2,
            "per_field": 6.4,
        },
        audit={
            "documents": 40,
            "fields": 312,
            "wrong": 1,
            "rate": 0.0032,
            "by_field": [0.0001, 0.0177],
            "by_document": [0.0001, 0.0179],
        },
        agreement={"fields": 12, "share": 0.92, "alpha": 0.91},
        causes={
            "fields": [{"form_type": "invoice", "name": "items.amount", "shown": 57, "changed": 9}],
            "reasons": [{"form_type": None, "name": "low_confidence", "shown": 301, "changed": 30}],
        },
        waiting={"tasks": 7, "boxes": 31},
        disagreements=1,
    )

    fields: FieldCounts
    seconds: SecondsShape
    audit: AuditShape
    agreement: AgreementShape
    causes: CausesShape
    waiting: WaitingShape
    disagreements: int = Field(description="Fields that people disagree on and nobody settled.")


@router.get("/reviews/figures")
def get_review_figures(
    service: TheService,
    person: MayTrain,
    form_type: Annotated[str | None, Query(max_length=100)] = None,
) -> ReviewFiguresShape:
    """Of all form types, or of one."""
    with service.database.read() as session:
        figures = read_figures(session, form_type)
    return ReviewFiguresShape.model_validate(figures_to_json(figures))
