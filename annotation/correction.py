"""All answers to a task folded into the record that it asked about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from itertools import groupby
from types import MappingProxyType

from annotation.changes import (
    CONFIRMED,
    CORRECTED,
    DISAGREEMENT,
    ILLEGIBLE,
    PRINTED_SO,
    Changed,
    carry_out,
)
from annotation.paths import record_fields, record_with_fields
from annotation.values import Answer, AnsweredRegion, Correctedness, Doubt, ReviewTask
from annotation.verdicts import find_corrections
from annotation.votes import ILLEGIBLE_TEXT, NOT_THERE_TEXT, ROW_REMOVED_TEXT, decide
from extraction.confidence import CHECK_FAILED
from extraction.declarations import FormDeclaration
from extraction.recheck import recheck_record
from extraction.values import Check, Field, Record

__all__ = [
    "CONFIRMED",
    "CORRECTED",
    "DISAGREEMENT",
    "ILLEGIBLE",
    "ILLEGIBLE_TEXT",
    "NOT_THERE_TEXT",
    "PRINTED_SO",
    "ROW_REMOVED_TEXT",
    "fold",
    "standing_answers",
]


_ANSWERED = frozenset({CONFIRMED, CORRECTED, ILLEGIBLE})


def fold(
    task: ReviewTask,
    base: Record,
    answers: Sequence[Answer],
    declaration: FormDeclaration,
    settled: Mapping[str, str] = MappingProxyType({}),
) -> Correctedness:
    """``base``, the record that ``task`` was made of, with all that people said of it.

    ``answers`` may be any versions of any annotations of the task, in any order and repeated:
    the newest of each annotation counts, and of each person the newest annotation. ``settled``
    are the texts that an engineer chose for paths in disagreement, or one of the signs
    ``NOT_THERE_TEXT``, ``ILLEGIBLE_TEXT`` and ``ROW_REMOVED_TEXT``.

    A field that somebody answered has confidence 1.0, or None where it is not printed, and
    the reason ``confirmed``, ``corrected`` or ``illegible``. One that people disagree on goes
    to review and keeps what was read. The checks are run again; one that fails now, and did
    not before, sends those of its fields to review that nobody was shown, and these are the
    ``doubts`` of the result. All other fields stay as they are.
    """
    standing = standing_answers(answers)
    if not standing:
        return Correctedness(base)
    corrections = find_corrections(task, base, standing, declaration)
    decisions = decide(corrections, settled)
    changed = carry_out(base, decisions, declaration)
    checked = replace(changed, record=recheck_record(changed.record, declaration))
    decided = frozenset(decisions.standing) | {one.path for one in decisions.disagreements}
    doubtful = _find_new_doubts(base, checked, decided)
    return Correctedness(
        record=record_with_fields(checked.record, doubtful),
        corrections=corrections,
        disagreements=decisions.disagreements,
        answered=True,
        doubts=tuple(Doubt(path, field.reasons, False) for path, field in doubtful.items()),
    )


def standing_answers(answers: Iterable[Answer]) -> tuple[Answer, ...]:
    """The newest version of each annotation that was not deleted, one for each person, in the
    order of annotations. Versions of the same time are told apart by what they say."""
    newest = {answer.annotation_id: answer for answer in _in_order(answers)}
    standing = [answer for answer in newest.values() if answer.regions is not None]
    by_author = {answer.author: answer for answer in sorted(standing, key=_version_key)}
    return tuple(sorted(by_author.values(), key=lambda answer: answer.annotation_id))


def _in_order(answers: Iterable[Answer]) -> Iterator[Answer]:
    """Oldest version first."""
    for _, same_time in groupby(sorted(answers, key=_version_key), key=_version_key):
        tied = tuple(same_time)
        yield from tied if len(tied) == 1 else sorted(tied, key=_answer_digest)


def _version_key(answer: Answer) -> tuple[datetime, int]:
    return answer.updated_at, answer.annotation_id


def _answer_digest(answer: Answer) -> str:
    said = None if answer.regions is None else sorted(map(_region_key, answer.regions))
    return sha256(repr((said, answer.author, answer.seconds)).encode()).hexdigest()


def _region_key(region: AnsweredRegion) -> str:
    about = (region.region_id, region.name, region.row, region.text, region.page)
    return repr((*about, tuple(region.box), sorted(region.marks)))


def _find_new_doubts(base: Record, changed: Changed, decided: frozenset[str]) -> dict[str, Field]:
    """Fields that nobody was shown, in a check that did not fail before and does now. What
    somebody answered in an earlier task of the document was shown too."""
    failed_before = {_check_key(check, {}) for check in base.checks if check.passed is False}
    fields = {item.path: item.field for item in record_fields(changed.record)}
    doubtful: dict[str, Field] = {}
    for check in changed.record.checks:
        if check.passed is not False or _check_key(check, changed.base_paths) in failed_before:
            continue
        for path in check.fields:
            field = doubtful.get(path, fields.get(path))
            if field is None or field.source is None or changed.base_paths[path] in decided:
                continue
            if not _ANSWERED.isdisjoint(field.reasons):
                continue
            reasons = tuple(dict.fromkeys((*field.reasons, CHECK_FAILED + check.name)))
            doubtful[path] = replace(field, route="review", reasons=reasons)
    return doubtful


def _check_key(check: Check, base_paths: Mapping[str, str]) -> tuple[str, str]:
    """What tells a check from others of its name: the first field that it speaks of."""
    first = check.fields[0] if check.fields else ""
    return check.name, base_paths.get(first, first)
