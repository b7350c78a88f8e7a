"""How the review as a whole stands: what waits, what people see, what keeps it from working."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from annotation.errors import ConfigRefused
from archive.kept_settings import REVIEW_PROBLEM, read_setting
from archive.reasons import Reason, terms_to_reason
from archive.tables import AnnotationVersion, ReviewProject, ReviewState, ReviewTaskRow


@dataclass(frozen=True, slots=True)
class ReviewStanding:
    """``problem`` is what people have to do before anything goes on, None where all is well.

    ``unread`` counts versions of annotations that could not be applied.
    """

    problem: str | None
    projects: tuple[ReviewProject, ...]
    tasks: Mapping[ReviewState, int]
    unread: int


def find_review_standing(session: Session) -> ReviewStanding:
    counts = session.execute(
        select(ReviewTaskRow.state, func.count()).group_by(ReviewTaskRow.state)
    )
    unread = select(func.count()).where(
        AnnotationVersion.problem.is_not(None), AnnotationVersion.deleted.is_(False)
    )
    projects = session.scalars(select(ReviewProject).order_by(ReviewProject.form_type))
    return ReviewStanding(
        problem=find_review_problem(session),
        projects=tuple(projects),
        tasks={state: count for state, count in counts},  # noqa: C416 - rows, not pairs
        unread=session.scalar(unread) or 0,
    )


def find_review_problem(session: Session) -> str | None:
    """One line: what stands in the way of the review, and what to do."""
    reason = find_review_hindrance(session)
    return None if reason is None else reason.text


def find_review_hindrance(session: Session) -> Reason | None:
    """The same with its category, for who reads another language."""
    told = read_setting(session, REVIEW_PROBLEM)
    if told is not None:
        return terms_to_reason(str(told.get("text")), told)
    query = select(ReviewProject).where(ReviewProject.problem.is_not(None)).limit(1)
    row = session.scalar(query)
    if row is None:
        return None
    text = f"{row.form_type}: {row.problem}"
    return Reason(ConfigRefused.category, text, {"form_type": row.form_type})
