"""Values and checks of a record whose texts were changed after it was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from extraction.checks import run_checks
from extraction.declarations import (
    ColumnDeclaration,
    FieldDeclaration,
    FormDeclaration,
    ValueKind,
)
from extraction.fields.drafts import Drafts, FieldDraft
from extraction.normalise import Value, text_to_value
from extraction.values import Field, Record

_NOT_PRINTED = FieldDraft()
_Declared = FieldDeclaration | ColumnDeclaration


def recheck_record(record: Record, declaration: FormDeclaration) -> Record:
    """The record with its values taken from its texts again, and its checks run again.

    Texts, places, confidences and routes stay as they are.
    """
    with_values = replace(
        record,
        fields={
            name: _with_value(field, _find(declaration.fields, name))
            for name, field in record.fields.items()
        },
        groups={
            name: tuple(_row_with_values(row, declaration, name) for row in rows)
            for name, rows in record.groups.items()
        },
    )
    return replace(
        with_values, checks=run_checks(declaration, record_to_drafts(record, declaration))
    )


def record_to_drafts(record: Record, declaration: FormDeclaration) -> Drafts:
    """The record's fields as drafts, all that is declared present; no evidence is known."""
    return Drafts(
        fields={
            item.name: _to_draft(record.fields.get(item.name), item) for item in declaration.fields
        },
        groups={
            group.name: tuple(
                {column.name: _to_draft(row.get(column.name), column) for column in group.columns}
                for row in record.groups.get(group.name, ())
            )
            for group in declaration.groups
        },
    )


def _to_draft(field: Field | None, declared: _Declared) -> FieldDraft:
    if field is None:
        return _NOT_PRINTED
    value = _to_value(field.text, declared.kind, declared.choices)
    return FieldDraft(text=field.text, value=value, source=field.source)


@lru_cache(maxsize=4096)
def _to_value(text: str, kind: ValueKind, choices: tuple[str, ...]) -> Value:
    """Asked for twice of each field, and most fields say the same at the next time."""
    return text_to_value(text, kind, choices)


def _row_with_values(
    row: Mapping[str, Field], declaration: FormDeclaration, group: str
) -> Mapping[str, Field]:
    columns = next((item.columns for item in declaration.groups if item.name == group), ())
    return {name: _with_value(field, _find(columns, name)) for name, field in row.items()}


def _find(
    declared: tuple[FieldDeclaration, ...] | tuple[ColumnDeclaration, ...], name: str
) -> FieldDeclaration | ColumnDeclaration | None:
    return next((item for item in declared if item.name == name), None)


def _with_value(field: Field, declared: FieldDeclaration | ColumnDeclaration | None) -> Field:
    """A field that is no longer declared keeps its value."""
    if declared is None:
        return field
    return replace(field, value=_to_value(field.text, declared.kind, declared.choices))
