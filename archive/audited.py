"""What the audit says: fields that people looked at, each right or wrong.

Reading a document's audit anew costs its record, so what was found is kept and read again
only where something was said since.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from annotation.drift import document_groups
from annotation.paths import record_fields
from annotation.promise import NEVER, SeenDocument, SeenField, confidences_to_levels
from annotation.reliability import JudgedField, declared_kinds
from annotation.values import Verdict
from archive.kept_settings import find_review_policy, read_setting, write_setting
from archive.tables import CorrectionRow, ReviewTaskRow, Revision
from extraction.confidence import LOW_CONFIDENCE
from extraction.declarations import FormDeclaration
from extraction.json_values import Json, JsonObject, as_integer, as_list, as_object
from extraction.lexicon import repair_notes
from extraction.normalise import plain
from extraction.record_json import record_from_json
from extraction.values import Field

AUDITED: Final = "promise_audited"
MOST_AUDITED: Final = 4000
"""Audited documents that are kept, the newest."""
MOST_JUDGED: Final = 20_000

_RIGHT: Final = (Verdict.CONFIRMED, Verdict.MOVED)
_UNKNOWN: Final = (Verdict.ILLEGIBLE, Verdict.DRAWN, Verdict.ROW_ADDED)


@dataclass(frozen=True, slots=True)
class AuditedDocument:
    """``at`` is when its audit was last answered; ``mark`` changes whenever anything that
    was said of it does."""

    document: SeenDocument
    at: datetime
    mark: str


def find_audited(session: Session) -> tuple[AuditedDocument, ...]:
    """Audited documents as ``refresh_audited`` left them, the oldest audit first."""
    stored = read_setting(session, AUDITED) or {}
    found = (_from_json(task_id, as_object(one)) for task_id, one in stored.items())
    return tuple(sorted(found, key=lambda one: (one.at, one.document.document_id)))


def refresh_audited(session: Session, now: datetime) -> None:
    """Reads what was said since of audited documents; what was taken back is forgotten.

    Fields that were reviewed because their confidence was low count with the same chance as
    audited ones: drawn anew, always the same ones of a task. They tell what a lower threshold
    would let through.
    """
    known = {one.document.document_id: one for one in find_audited(session)}
    shares: dict[str, float] = {}
    found: dict[str, AuditedDocument] = {}
    for task_id, (at, mark) in _find_marks(session).items():
        before = known.get(task_id)
        if before is not None and before.mark == mark:
            found[task_id] = before
            continue
        document = _read_document(session, task_id, shares)
        if document is not None:
            found[task_id] = AuditedDocument(document, at, mark)
    if found != known:
        write_setting(
            session, AUDITED, {task_id: _to_json(one) for task_id, one in found.items()}, now
        )


def _find_marks(session: Session) -> Mapping[str, tuple[datetime, str]]:
    """Task → when its audit was answered, and a mark of all that stands of its answers."""
    answered = func.max(CorrectionRow.at).label("at")
    audits = (
        select(CorrectionRow.task_id, answered)
        .where(CorrectionRow.audit, CorrectionRow.replaced_at.is_(None))
        .group_by(CorrectionRow.task_id)
        .order_by(answered.desc())
        .limit(MOST_AUDITED)
    )
    times = {row.task_id: row.at for row in session.execute(audits)}
    standing = (
        select(CorrectionRow.task_id, func.count(), func.max(CorrectionRow.id))
        .where(CorrectionRow.replaced_at.is_(None))
        .group_by(CorrectionRow.task_id)
    )
    return {
        task_id: (times[task_id], f"{count}-{newest}")
        for task_id, count, newest in session.execute(standing)
        if task_id in times
    }


def find_judged(
    session: Session, declarations: Sequence[FormDeclaration], limit: int = MOST_JUDGED
) -> tuple[JudgedField, ...]:
    """Fields that people answered, each with its weight: one that was reviewed stands for
    itself, an audited one for all that were accepted and not looked at."""
    kinds = {one.name: declared_kinds(one) for one in declarations}
    weights = {name: _audit_weight(session, name) for name in kinds}
    rows = session.execute(
        select(
            CorrectionRow.form_type,
            CorrectionRow.name,
            CorrectionRow.confidence,
            CorrectionRow.verdict,
            CorrectionRow.before,
            CorrectionRow.after,
            CorrectionRow.audit,
        )
        .where(
            CorrectionRow.replaced_at.is_(None),
            CorrectionRow.confidence.is_not(None),
            CorrectionRow.verdict.not_in(_UNKNOWN),
        )
        .order_by(CorrectionRow.at.desc())
        .limit(limit)
    )
    return tuple(
        JudgedField(
            kinds[form][name],
            confidence,
            not is_wrong(verdict, before, after),
            weights[form] if audit else 1.0,
        )
        for form, name, confidence, verdict, before, after, audit in rows
        if name in kinds.get(form, {}) and confidence is not None
    )


def is_wrong(verdict: str, before: JsonObject | None, after: JsonObject | None) -> bool:
    """Whether the text that was read is not what is printed, but for width and spaces."""
    if verdict in _RIGHT:
        return False
    if verdict == Verdict.RETYPED:
        return _folded(before) != _folded(after)
    return True


def acceptable_levels(stored: JsonObject) -> Mapping[str, int]:
    """Path → the first doubt that accepts the field, ``NEVER`` for what is reviewed anyway."""
    placed = [
        item
        for item in record_fields(record_from_json(stored))
        if item.field.source is not None and item.field.confidence is not None
    ]
    levels = confidences_to_levels([item.field.confidence or 0.0 for item in placed])
    return {
        item.path: level if _is_acceptable(item.field) else NEVER
        for item, level in zip(placed, levels, strict=True)
    }


def _read_document(session: Session, task_id: str, shares: dict[str, float]) -> SeenDocument | None:
    """None where the record that was asked about is gone."""
    task = session.get(ReviewTaskRow, task_id)
    key = None if task is None else (task.document_id, task.base_revision)
    revision = None if key is None else session.get(Revision, key)
    if task is None or revision is None:
        return None
    if task.form_type not in shares:
        shares[task.form_type] = find_review_policy(session, task.form_type).audit_fields
    rows = session.scalars(
        select(CorrectionRow).where(
            CorrectionRow.task_id == task_id,
            CorrectionRow.replaced_at.is_(None),
            CorrectionRow.verdict.not_in(_UNKNOWN),
        )
    ).all()
    # Two people may have answered: what either of them calls wrong counts as wrong.
    wrong: dict[str, bool] = {}
    for row in rows:
        if row.audit or _is_drawn(task_id, row, shares[task.form_type]):
            said = is_wrong(row.verdict, row.before, row.after)
            wrong[row.path] = wrong.get(row.path, False) or said
    levels = acceptable_levels(revision.record)
    fields = tuple(SeenField(levels.get(path, NEVER), said) for path, said in wrong.items())
    groups = document_groups(task.form_type, _confidences(revision.record))
    return SeenDocument(task_id, fields, groups)


def _is_drawn(task_id: str, row: CorrectionRow, share: float) -> bool:
    """Whether a field that was shown for its low confidence alone is one of the sample."""
    reasons = [str(reason) for reason in row.reasons]
    if {*reasons} - {*repair_notes(reasons)} != {LOW_CONFIDENCE}:
        return False
    digest = sha256(f"{task_id}\0{row.path}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64


def _is_acceptable(field: Field) -> bool:
    """Whether nothing but a low confidence would send it to a person."""
    return not {*field.reasons} - {LOW_CONFIDENCE, *repair_notes(field.reasons)}


def _confidences(stored: JsonObject) -> list[float]:
    fields = record_fields(record_from_json(stored))
    return [one.field.confidence for one in fields if one.field.confidence is not None]


def _to_json(one: AuditedDocument) -> JsonObject:
    return {
        "at": one.at.isoformat(),
        "mark": one.mark,
        "groups": [*one.document.groups],
        "levels": [field.level for field in one.document.fields],
        "wrong": [number for number, field in enumerate(one.document.fields) if field.wrong],
    }


def _from_json(task_id: str, stored: JsonObject) -> AuditedDocument:
    wrong = {as_integer(number) for number in as_list(stored["wrong"])}
    fields = tuple(
        SeenField(as_integer(level), number in wrong)
        for number, level in enumerate(as_list(stored["levels"]))
    )
    groups = tuple(map(str, as_list(stored["groups"])))
    document = SeenDocument(task_id, fields, groups)
    return AuditedDocument(document, datetime.fromisoformat(str(stored["at"])), str(stored["mark"]))


def _audit_weight(session: Session, form_type: str) -> float:
    share = find_review_policy(session, form_type).audited_share
    return 1.0 / share if share else 1.0


def _folded(stand: JsonObject | None) -> str:
    text: Json = None if stand is None else stand.get("text")
    return plain(str(text or ""))
