"""Which fields of a record a person should see, and why."""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping
from dataclasses import replace

from annotation.paths import PlacedField, record_fields, record_with_fields
from annotation.policy import ReviewPolicy
from annotation.values import Doubt, Routing
from extraction.confidence import (
    CHECK_FAILED,
    FORM_TYPE_UNSURE,
    MISSING_REQUIRED,
    route,
)
from extraction.declarations import FormDeclaration, GroupDeclaration
from extraction.fields.key_match import bare, comparable
from extraction.lexicon import repair_notes
from extraction.values import Field, Record

ALWAYS_REVIEW = "always_review"
UNKNOWN_ROW = "unknown_row"
AUDIT = "audit"

Shared = tuple[str, object]
"""A declared name and where its text stands: what a person sees as one box."""


def route_record(
    record: Record, declaration: FormDeclaration | None, policy: ReviewPolicy, seed: bytes
) -> Routing:
    """The record with its routes by ``policy``, and the fields to show.

    Doubtful is what the form prints, or should print and does not; fields that it leaves out
    are accepted. Fields that share one cell share their reasons, since a person sees one box.
    ``seed`` is secret: from it and the document alone follows what is drawn for the audit. An
    audited field stays accepted. A form of no declared type keeps its routes and has no doubts.
    """
    if declaration is None:
        return Routing(record, ())
    placed = tuple(record_fields(record))
    unknown = frozenset(_unknown_rows(record, declaration))
    reasons = _shared_reasons(
        placed, {item.path: _reasons(item, policy, unknown) for item in placed}
    )
    routed = {item.path: _routed(item.field, reasons[item.path]) for item in placed}
    accepted = [item for item in placed if not reasons[item.path]]
    audited = frozenset(_draw_audit(record, accepted, policy, seed))
    doubts = tuple(
        Doubt(
            item.path,
            (reasons[item.path] or (AUDIT,)) + repair_notes(item.field.reasons),
            item.path in audited,
        )
        for item in placed
        if reasons[item.path] or item.path in audited
    )
    return Routing(record_with_fields(record, routed), doubts)


def _reasons(item: PlacedField, policy: ReviewPolicy, unknown: frozenset[str]) -> tuple[str, ...]:
    """Those of the record, with the policy's threshold in place of the one it was made with."""
    field = item.field
    missing = MISSING_REQUIRED in field.reasons
    if field.source is None:
        return (MISSING_REQUIRED,) if missing else ()
    failed = (
        reason.removeprefix(CHECK_FAILED)
        for reason in field.reasons
        if reason.startswith(CHECK_FAILED)
    )
    _, reasons = route(
        field.confidence,
        policy.threshold,
        failed,
        missing_required=missing,
        form_type_unsure=FORM_TYPE_UNSURE in field.reasons,
    )
    if item.path in unknown:
        reasons = (*reasons, UNKNOWN_ROW)
    if item.name in policy.always_review:
        reasons = (*reasons, ALWAYS_REVIEW)
    return reasons


def _shared_reasons(
    placed: tuple[PlacedField, ...], reasons: Mapping[str, tuple[str, ...]]
) -> Mapping[str, tuple[str, ...]]:
    together: dict[Shared, dict[str, None]] = {}
    for item in placed:
        together.setdefault(_shared(item), {}).update(dict.fromkeys(reasons[item.path]))
    return {item.path: tuple(together[_shared(item)]) for item in placed}


def _shared(item: PlacedField) -> Shared:
    """A field that stands nowhere shares nothing."""
    return item.name, item.path if item.field.source is None else item.field.source


def _routed(field: Field, reasons: tuple[str, ...]) -> Field:
    told = reasons + repair_notes(field.reasons)
    return replace(field, route="review" if reasons else "accept", reasons=told)


def _unknown_rows(record: Record, declaration: FormDeclaration) -> Iterator[str]:
    """Paths of the row names that are none of the declared ones.

    Only columns whose declared choices checks tell rows by are looked at: elsewhere the
    choices are what is usual, and another text is no sign of an error.
    """
    telling = _telling_columns(declaration)
    for group in declaration.groups:
        for column in group.columns:
            if (group.name, column.name) not in telling:
                continue
            known = {form for choice in column.choices for form in _forms(choice)}
            for number, row in enumerate(record.groups.get(group.name, ())):
                field = row.get(column.name)
                if field is None or not _row_prints(row, group):
                    continue
                if not _forms(field.text) & known:
                    yield f"{group.name}[{number}].{column.name}"


def _telling_columns(declaration: FormDeclaration) -> frozenset[tuple[str, str]]:
    return frozenset(
        (check.group, check.key_column)
        for check in declaration.checks
        if check.kind == "sum_of_parts"
        and declaration.group(check.group).column(check.key_column).choices
    )


def _row_prints(row: Mapping[str, Field], group: GroupDeclaration) -> bool:
    return any(field.text.strip() for name, field in row.items() if name not in group.row_by[:1])


def _forms(text: str) -> set[str]:
    full = comparable(text)
    return {full, bare(full)}


def _draw_audit(
    record: Record, accepted: list[PlacedField], policy: ReviewPolicy, seed: bytes
) -> Iterator[str]:
    """Paths drawn in two stages: the document, then each accepted cell of it.

    A cell that stands for several rows is drawn as one, so that every field has the same
    chance.
    """
    if _draw(seed, record.sha256, "") >= policy.audit_documents:
        return
    first: dict[Shared, str] = {}
    for item in accepted:
        if item.field.source is not None:
            path = first.setdefault(_shared(item), item.path)
            if _draw(seed, record.sha256, path) < policy.audit_fields:
                yield item.path


def _draw(seed: bytes, sha256: str, path: str) -> float:
    """A number in 0..1 that only the holder of ``seed`` can foretell."""
    drawn = hmac.digest(seed, f"{sha256}\0{path}".encode(), "sha256")
    return int.from_bytes(drawn[:8], "big") / 2**64
