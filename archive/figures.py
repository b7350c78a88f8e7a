"""The rows that the figures of reviewing are made of, counted where they are stored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from typing import Final

from sqlalchemy import ColumnElement, Select, Text, cast, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from annotation.figures import (
    AS_IT_WAS,
    UNJUDGED,
    AuditedDocument,
    CountedAnswers,
    ReviewFigures,
    TaskTime,
    count_answers,
    find_field_causes,
    find_reason_causes,
    measure_agreement,
    measure_audit,
    measure_times,
)
from annotation.values import Verdict
from archive.tables import (
    AnnotationVersion,
    CorrectionRow,
    DisagreementRow,
    ReviewState,
    ReviewTaskRow,
)

MOST_CAUSES: Final = 15
_STANDS: Final = CorrectionRow.replaced_at.is_(None)
_UNANSWERED: Final = (ReviewState.WAITING, ReviewState.PUSHED)


def read_figures(session: Session, form_type: str | None = None) -> ReviewFigures:
    """All figures, or those of one form type. A field that several people answered the same
    counts once."""
    answers = tuple(_read_answers(session, form_type))
    waiting, boxes = _count_waiting(session, form_type)
    return ReviewFigures(
        answers=count_answers(answers),
        times=measure_times(tuple(_read_times(session, form_type))),
        audit=measure_audit(tuple(_read_audited(session, form_type))),
        agreement=measure_agreement(_read_agreement(session, form_type)),
        fields=find_field_causes(answers, MOST_CAUSES),
        reasons=find_reason_causes(answers, MOST_CAUSES),
        waiting=waiting,
        boxes_waiting=boxes,
        disagreements=_count_disagreements(session, form_type),
    )


def reviewed_form_types(session: Session) -> tuple[str, ...]:
    """The form types that anything was ever asked of."""
    query = select(ReviewTaskRow.form_type).distinct().order_by(ReviewTaskRow.form_type)
    return tuple(session.scalars(query))


def _read_answers(session: Session, form_type: str | None) -> Iterator[CountedAnswers]:
    # Reasons are JSON, which PostgreSQL cannot group by; as text both databases can.
    reasons = cast(CorrectionRow.reasons, Text)
    place = CorrectionRow.task_id + ":" + CorrectionRow.path
    keys = (CorrectionRow.form_type, CorrectionRow.name, CorrectionRow.verdict)
    query = (
        select(*keys, reasons, func.count(place.distinct()))
        .where(_STANDS, *_only(CorrectionRow.form_type, form_type))
        .group_by(*keys, reasons)
    )
    for form, name, verdict, told, fields in session.execute(query):
        yield CountedAnswers(form, name, Verdict(verdict), _to_reasons(told), fields)


def _to_reasons(told: str) -> tuple[str, ...]:
    return tuple(str(reason) for reason in json.loads(told))


def _read_times(session: Session, form_type: str | None) -> Iterator[TaskTime]:
    """Of each answered task: what its annotations took in all, the newest version of each."""
    longest = (
        select(
            AnnotationVersion.task_id,
            AnnotationVersion.annotation_id,
            func.max(AnnotationVersion.seconds).label("seconds"),
        )
        .where(AnnotationVersion.seconds.is_not(None))
        .group_by(AnnotationVersion.task_id, AnnotationVersion.annotation_id)
        .subquery()
    )
    query = (
        select(ReviewTaskRow.id, ReviewTaskRow.shown, func.sum(longest.c.seconds))
        .join(longest, longest.c.task_id == ReviewTaskRow.id)
        .where(*_only(ReviewTaskRow.form_type, form_type))
        .group_by(ReviewTaskRow.id, ReviewTaskRow.shown)
    )
    for _, shown, seconds in session.execute(query):
        yield TaskTime(float(seconds), shown)


def _read_audited(session: Session, form_type: str | None) -> Iterator[AuditedDocument]:
    """Audited fields by document; those that people still disagree on say nothing yet."""
    query = (
        select(
            CorrectionRow.document_id,
            CorrectionRow.task_id,
            CorrectionRow.path,
            CorrectionRow.verdict,
        )
        .where(_STANDS, CorrectionRow.audit, *_only(CorrectionRow.form_type, form_type))
        .order_by(CorrectionRow.document_id, CorrectionRow.at, CorrectionRow.id)
    )
    unsettled = {(task_id, path) for task_id, path in session.execute(_open_disagreements())}
    for _, rows in groupby(session.execute(query), key=lambda row: row.document_id):
        newest = {(row.task_id, row.path): Verdict(row.verdict) for row in rows}
        judged = [
            verdict
            for place, verdict in newest.items()
            if place not in unsettled and verdict not in UNJUDGED
        ]
        yield AuditedDocument(len(judged), sum(verdict not in AS_IT_WAS for verdict in judged))


def _read_agreement(session: Session, form_type: str | None) -> Iterator[tuple[str | None, ...]]:
    """The texts that different people gave for one field, fields of two or more people."""
    several = (
        select(CorrectionRow.task_id)
        .where(_STANDS)
        .group_by(CorrectionRow.task_id)
        .having(func.count(CorrectionRow.author.distinct()) > 1)
    )
    query = (
        select(CorrectionRow.task_id, CorrectionRow.path, CorrectionRow.author, CorrectionRow.after)
        .where(
            _STANDS,
            CorrectionRow.task_id.in_(several),
            *_only(CorrectionRow.form_type, form_type),
        )
        .order_by(CorrectionRow.task_id, CorrectionRow.path, CorrectionRow.at, CorrectionRow.id)
    )
    for _, rows in groupby(session.execute(query), key=lambda row: (row.task_id, row.path)):
        yield tuple({row.author: _text(row.after) for row in rows}.values())


def _text(after: object) -> str | None:
    """Without white space, which nobody means to disagree on."""
    text = after.get("text") if isinstance(after, dict) else None
    return "".join(text.split()) if isinstance(text, str) else None


def _count_waiting(session: Session, form_type: str | None) -> tuple[int, int]:
    query = select(func.count(ReviewTaskRow.id), func.sum(ReviewTaskRow.shown)).where(
        ReviewTaskRow.state.in_(_UNANSWERED), *_only(ReviewTaskRow.form_type, form_type)
    )
    tasks, boxes = session.execute(query).one()
    return tasks, boxes or 0


def _count_disagreements(session: Session, form_type: str | None) -> int:
    query = (
        select(func.count(DisagreementRow.id))
        .join(ReviewTaskRow, ReviewTaskRow.id == DisagreementRow.task_id)
        .where(DisagreementRow.settled_at.is_(None), ReviewTaskRow.state != ReviewState.WITHDRAWN)
    )
    if form_type is not None:
        query = query.where(ReviewTaskRow.form_type == form_type)
    return session.scalar(query) or 0


def _open_disagreements() -> Select[str, str]:
    return select(DisagreementRow.task_id, DisagreementRow.path).where(
        DisagreementRow.settled_at.is_(None)
    )


def _only(
    column: InstrumentedAttribute[str], form_type: str | None
) -> tuple[ColumnElement[bool], ...]:
    return () if form_type is None else (column == form_type,)
