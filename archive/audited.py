"""What the audit says: fields that people looked at, each right or wrong.

Reading a document's audit anew costs its record, so what was found is kept and read again
only where something was said since.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from annotation.drift import document_groups
from annotation.paths import record_fields
from annotation.policy import ReviewPolicy
from annotation.promise import NEVER, SeenDocument, SeenField, confidences_to_levels
from annotation.quality import POOREST, QUALITY_EDGES, find_quality
from annotation.reliability import declared_kinds
from annotation.values import Verdict
from archive.kept_settings import find_review_policy, read_setting, write_setting
from archive.tables import CorrectionRow, ReviewTaskRow, Revision, RevisionKind
from extraction.confidence import LOW_CONFIDENCE
from extraction.declarations import FormDeclaration
from extraction.json_values import Json, JsonObject, as_integer, as_list, as_object
from extraction.lexicon import repair_notes
from extraction.normalise import plain
from extraction.record_json import record_from_json
from extraction.values import Field
from models.audited_fields import AuditedField
from models.reliability import JudgedField

AUDITED: Final = "promise_audited"
MOST_AUDITED: Final = 12_000
"""Audited documents that are kept, the newest."""
MOST_JUDGED: Final = 20_000
_AT_ONCE: Final = 500
_STORED: Final = 2
"""Of what is stored of an audited document: what was stored otherwise is read anew."""

_RIGHT: Final = (Verdict.CONFIRMED, Verdict.MOVED)
_UNKNOWN: Final = (Verdict.ILLEGIBLE, Verdict.DRAWN, Verdict.ROW_ADDED)


@dataclass(frozen=True, slots=True)
class AuditedDocument:
    """``at`` is when its audit was last answered, ``read_at`` when the confidences that were
    audited were given; ``mark`` changes whenever anything that was said of it does."""

    document: SeenDocument
    at: datetime
    read_at: datetime
    mark: str


def find_audited(session: Session) -> tuple[AuditedDocument, ...]:
    """Audited documents as ``refresh_audited`` left them, the oldest audit first."""
    stored = read_setting(session, AUDITED) or {}
    found = (_from_json(task_id, as_object(one)) for task_id, one in stored.items())
    return tuple(sorted(found, key=lambda one: (one.at, one.document.document_id)))


def refresh_audited(session: Session, now: datetime) -> None:
    """Reads what was said since of audited documents; what was taken back is forgotten.

    Fields that were reviewed because their confidence was low count with the same chance as
    audited ones: drawn anew, always the same documents and fields of them, whether or not
    anything of the document was audited. They tell what a lower threshold would let through.
    """
    known = {one.document.document_id: one for one in find_audited(session)}
    policies: dict[str, ReviewPolicy] = {}
    found: dict[str, AuditedDocument] = {}
    for task_id, (at, mark) in _find_marks(session).items():
        before = known.get(task_id)
        if before is not None and before.mark == mark:
            found[task_id] = before
            continue
        document = _read_document(session, task_id, policies)
        read_at = None if document is None else _find_read_at(session, task_id)
        if document is not None and read_at is not None:
            found[task_id] = AuditedDocument(document, at, read_at, mark)
    if found != known:
        write_setting(
            session, AUDITED, {task_id: _to_json(one) for task_id, one in found.items()}, now
        )


def _find_marks(session: Session) -> Mapping[str, tuple[datetime, str]]:
    """Audited or drawn task → when it was answered, and a mark of all that stands of its
    answers; the newest ``MOST_AUDITED``."""
    standing = (
        select(
            CorrectionRow.task_id,
            CorrectionRow.form_type,
            func.count().label("answers"),
            func.max(CorrectionRow.id).label("newest"),
            func.max(CorrectionRow.at).label("at"),
            func.max(case((CorrectionRow.audit, CorrectionRow.at))).label("audited_at"),
        )
        .where(CorrectionRow.replaced_at.is_(None))
        .group_by(CorrectionRow.task_id, CorrectionRow.form_type)
    )
    shares: dict[str, float] = {}
    found: dict[str, tuple[datetime, str]] = {}
    for row in session.execute(standing):
        if row.form_type not in shares:
            shares[row.form_type] = find_review_policy(session, row.form_type).audit_documents
        if row.audited_at is not None or _chance(row.task_id) < shares[row.form_type]:
            mark = f"{row.answers}-{row.newest}-{len(QUALITY_EDGES)}-{_STORED}"
            found[row.task_id] = (row.audited_at or row.at, mark)
    newest = sorted(found, key=lambda task_id: found[task_id][0], reverse=True)[:MOST_AUDITED]
    return {task_id: found[task_id] for task_id in newest}


def find_judged(
    session: Session, declarations: Sequence[FormDeclaration], limit: int = MOST_JUDGED
) -> tuple[JudgedField, ...]:
    """Fields that people answered, each with its weight: one that was reviewed stands for
    itself, an audited one for all that were accepted and not looked at."""
    return tuple(judged for _, judged in _find_judged(session, declarations, limit))


def find_audited_fields(
    session: Session, declarations: Sequence[FormDeclaration], limit: int = MOST_JUDGED
) -> tuple[AuditedField, ...]:
    """As ``find_judged``, each with its document and with what its confidence came from."""
    judged = tuple(_find_judged(session, declarations, limit))
    readings = _find_readings(session, sorted({task_id for task_id, _ in judged}))
    return tuple(AuditedField(field, *readings[task_id]) for task_id, field in judged)


def _find_readings(session: Session, task_ids: Sequence[str]) -> Mapping[str, tuple[str, str]]:
    """Task → its document, and the name of the calibration of the record it asks about."""
    query = select(ReviewTaskRow.id, ReviewTaskRow.document_id, Revision.producer).outerjoin(
        Revision,
        (Revision.document_id == ReviewTaskRow.document_id)
        & (Revision.number == ReviewTaskRow.base_revision),
    )
    found: dict[str, tuple[str, str]] = {}
    for start in range(0, len(task_ids), _AT_ONCE):
        asked = ReviewTaskRow.id.in_(task_ids[start : start + _AT_ONCE])
        for task_id, document_id, producer in session.execute(query.where(asked)):
            found[task_id] = document_id, str((producer or {}).get("calibration", ""))
    return found


def _find_judged(
    session: Session, declarations: Sequence[FormDeclaration], limit: int
) -> Iterator[tuple[str, JudgedField]]:
    """Task and field, the newest answer first."""
    kinds = {one.name: declared_kinds(one) for one in declarations}
    weights = {name: _audit_weight(session, name) for name in kinds}
    rows = session.execute(
        select(
            CorrectionRow.task_id,
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
    for task_id, form, name, confidence, verdict, before, after, audit in rows:
        if name in kinds.get(form, {}) and confidence is not None:
            right = not is_wrong(verdict, before, after)
            weight = weights[form] if audit else 1.0
            yield task_id, JudgedField(kinds[form][name], confidence, right, weight)


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


def _read_document(
    session: Session, task_id: str, policies: dict[str, ReviewPolicy]
) -> SeenDocument | None:
    """None where the record that was asked about is gone."""
    task = session.get(ReviewTaskRow, task_id)
    key = None if task is None else (task.document_id, task.base_revision)
    revision = None if key is None else session.get(Revision, key)
    if task is None or revision is None:
        return None
    if task.form_type not in policies:
        policies[task.form_type] = find_review_policy(session, task.form_type)
    policy = policies[task.form_type]
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
        if row.audit or _is_drawn(row, policy):
            said = is_wrong(row.verdict, row.before, row.after)
            wrong[row.path] = wrong.get(row.path, False) or said
    levels = acceptable_levels(revision.record)
    fields = tuple(SeenField(levels.get(path, NEVER), said) for path, said in wrong.items())
    quality = find_quality(_confidences(revision.record))
    return SeenDocument(task_id, fields, document_groups(task.form_type, quality), quality)


def _find_read_at(session: Session, task_id: str) -> datetime | None:
    """When the machine read what the task asks about."""
    return session.scalar(
        select(func.max(Revision.created_at))
        .join(ReviewTaskRow, ReviewTaskRow.document_id == Revision.document_id)
        .where(
            ReviewTaskRow.id == task_id,
            Revision.generation == ReviewTaskRow.generation,
            Revision.kind == RevisionKind.EXTRACTION,
        )
    )


def _is_drawn(row: CorrectionRow, policy: ReviewPolicy) -> bool:
    """Whether a field that was shown for its low confidence alone is one of the sample."""
    reasons = [str(reason) for reason in row.reasons]
    if {*reasons} - {*repair_notes(reasons)} != {LOW_CONFIDENCE}:
        return False
    if _chance(row.task_id) >= policy.audit_documents:
        return False
    return _chance(f"{row.task_id}\0{row.path}") < policy.audit_fields


def _chance(drawn: str) -> float:
    """From 0 to 1, always the same. No secret: people look at these fields in any case."""
    return int.from_bytes(sha256(drawn.encode()).digest()[:8], "big") / 2**64


def _is_acceptable(field: Field) -> bool:
    """Whether nothing but a low confidence would send it to a person."""
    return not {*field.reasons} - {LOW_CONFIDENCE, *repair_notes(field.reasons)}


def _confidences(stored: JsonObject) -> list[float]:
    fields = record_fields(record_from_json(stored))
    return [one.field.confidence for one in fields if one.field.confidence is not None]


def _to_json(one: AuditedDocument) -> JsonObject:
    return {
        "at": one.at.isoformat(),
        "read_at": one.read_at.isoformat(),
        "mark": one.mark,
        "groups": [*one.document.groups],
        "quality": one.document.quality,
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
    quality = as_integer(stored.get("quality", POOREST))
    document = SeenDocument(task_id, fields, groups, quality)
    at = datetime.fromisoformat(str(stored["at"]))
    # Stored by an older version, it is read anew the next time.
    read_at = datetime.fromisoformat(str(stored.get("read_at", stored["at"])))
    return AuditedDocument(document, at, read_at, str(stored["mark"]))


def _audit_weight(session: Session, form_type: str) -> float:
    share = find_review_policy(session, form_type).audited_share
    return 1.0 / share if share else 1.0


def _folded(stand: JsonObject | None) -> str:
    text: Json = None if stand is None else stand.get("text")
    return plain(str(text or ""))
