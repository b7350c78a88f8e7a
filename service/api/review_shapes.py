"""What the API answers about the review, as OpenAPI shows it.

What is only looked at to measure is told to nobody who might be asked about it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from pydantic import BaseModel, Field

from annotation.policy import USUAL_POLICY, ReviewPolicy
from archive.review_tables import SettledBy
from archive.tables import (
    CorrectionRow,
    DisagreementRow,
    ReviewProject,
    ReviewState,
    ReviewTaskRow,
)
from service.api.shapes import example

_TASK: Final = "01KAJ0V4T7C1D2E3F4G5H6J7KA"
_AT: Final = "2026-11-21T08:00:00Z"


class StandShape(BaseModel):
    """``box`` is x0, top, x1, bottom in pixels of the upright page."""

    text: str
    page: int | None
    box: tuple[float, float, float, float] | None


class CorrectionShape(BaseModel):
    """What somebody said of a field: ``verdict`` is ``confirmed`` where it was right."""

    model_config = example(
        path="amount",
        verdict="retyped",
        before={"text": "1OO", "page": 1, "box": [10.0, 20.0, 110.0, 40.0]},
        after={"text": "100", "page": 1, "box": [10.0, 20.0, 110.0, 40.0]},
        author="li@example.com",
        annotation_id=17,
        at=_AT,
        printed_so=False,
        replaced_at=None,
    )

    path: str
    verdict: str
    before: StandShape | None
    after: StandShape | None
    author: str
    annotation_id: int
    at: datetime
    printed_so: bool
    replaced_at: datetime | None


class DisagreementShape(BaseModel):
    """``texts`` are by author; ``settled_by`` is null while it is open."""

    id: str
    path: str
    texts: dict[str, str]
    arisen_at: datetime
    settled_at: datetime | None
    settled_by: SettledBy | None
    chosen: str | None


class ReviewTaskShape(BaseModel):
    """``url`` is where it is answered, null while it is not there (yet)."""

    model_config = example(
        id=_TASK,
        state="pushed",
        form_type="project_performance_target",
        shown=4,
        url="http://127.0.0.1:8080/projects/1/data?task=12",
        reason=None,
        created_at=_AT,
        answered_at=None,
        settled_at=None,
    )

    id: str
    state: ReviewState
    form_type: str
    shown: int
    url: str | None
    reason: str | None
    created_at: datetime
    answered_at: datetime | None
    settled_at: datetime | None


class ReviewShape(BaseModel):
    """``task`` is null where nothing was asked of the document."""

    task: ReviewTaskShape | None
    corrections: list[CorrectionShape]
    disagreements: list[DisagreementShape]


class ChosenShape(BaseModel):
    model_config = example(text="100")

    text: str = Field(max_length=10_000, pattern=r"^[^\x00]*$")


class PolicyShape(BaseModel):
    """When a field goes to a person; ``audit_documents`` × ``audit_fields`` is the share of
    accepted fields that is looked at all the same."""

    model_config = example(
        threshold=0.97, always_review=["amount"], audit_documents=0.5, audit_fields=0.04
    )

    threshold: float = Field(default=USUAL_POLICY.threshold, ge=0.0, le=1.0)
    always_review: list[str] = Field(default_factory=list, max_length=500)
    audit_documents: float = Field(default=USUAL_POLICY.audit_documents, ge=0.0, le=1.0)
    audit_fields: float = Field(default=USUAL_POLICY.audit_fields, ge=0.0, le=1.0)

    def to_policy(self) -> ReviewPolicy:
        return ReviewPolicy(
            self.threshold, frozenset(self.always_review), self.audit_documents, self.audit_fields
        )


class ReviewProjectShape(BaseModel):
    form_type: str
    url: str | None
    problem: str | None


class ReviewStandingShape(BaseModel):
    """``problem`` says what somebody has to do, null where all is well. ``unread`` counts
    answers that could not be understood."""

    problem: str | None
    projects: list[ReviewProjectShape]
    waiting: int
    pushed: int
    answered: int
    settled: int
    unread: int


def policy_to_shape(policy: ReviewPolicy) -> PolicyShape:
    return PolicyShape(
        threshold=policy.threshold,
        always_review=sorted(policy.always_review),
        audit_documents=policy.audit_documents,
        audit_fields=policy.audit_fields,
    )


def correction_to_shape(row: CorrectionRow, author: str) -> CorrectionShape:
    return CorrectionShape(
        path=row.path,
        verdict=row.verdict,
        before=None if row.before is None else StandShape.model_validate(row.before),
        after=None if row.after is None else StandShape.model_validate(row.after),
        author=author,
        annotation_id=row.annotation_id,
        at=row.at,
        printed_so=row.printed_so,
        replaced_at=row.replaced_at,
    )


def disagreement_to_shape(row: DisagreementRow, names: dict[str, str]) -> DisagreementShape:
    return DisagreementShape(
        id=row.id,
        path=row.path,
        texts={names.get(author, author): str(text) for author, text in row.texts.items()},
        arisen_at=row.arisen_at,
        settled_at=row.settled_at,
        settled_by=row.settled_by,
        chosen=row.chosen,
    )


def task_to_shape(row: ReviewTaskRow, studio_url: str | None) -> ReviewTaskShape:
    return ReviewTaskShape(
        id=row.id,
        state=row.state,
        form_type=row.form_type,
        shown=row.shown,
        url=task_address(row, studio_url),
        reason=row.reason,
        created_at=row.created_at,
        answered_at=row.answered_at,
        settled_at=row.settled_at,
    )


def task_address(row: ReviewTaskRow, studio_url: str | None) -> str | None:
    """Where the task is in Label Studio; None while it is not there."""
    if studio_url is None or row.label_studio_task_id is None or row.state == "withdrawn":
        return None
    data = f"{studio_url.rstrip('/')}/projects/{row.project_id}/data"
    return f"{data}?task={row.label_studio_task_id}"


def project_to_shape(row: ReviewProject, studio_url: str | None) -> ReviewProjectShape:
    known = studio_url is not None and row.project_id is not None
    url = f"{str(studio_url).rstrip('/')}/projects/{row.project_id}/data" if known else None
    return ReviewProjectShape(form_type=row.form_type, url=url, problem=row.problem)
