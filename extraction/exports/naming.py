"""What the exports call things: a path and a title for every field of a record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from extraction.confidence import (
    CHECK_FAILED,
    FORM_TYPE_UNSURE,
    LOW_CONFIDENCE,
    MISSING_REQUIRED,
)
from extraction.declarations import FormDeclaration
from extraction.lexicon import REPAIRED
from extraction.record import UNKNOWN
from extraction.values import Field, Record


@dataclass(frozen=True, slots=True)
class Titles:
    """The printed names of a form type's parts; a part without one keeps its own name."""

    form: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def of_field(self, name: str) -> str:
        return self.fields.get(name, name)

    def of_group(self, name: str) -> str:
        return self.groups.get(name, name)

    def of_column(self, group: str, column: str) -> str:
        return self.columns.get(group, {}).get(column, column)


NO_TITLES = Titles()

ROUTES = {"accept": "采纳", "review": "待核"}
PASSED = {True: "通过", False: "不符", None: "未能核对"}

_REASONS = {
    LOW_CONFIDENCE: "置信度低于阈值",
    MISSING_REQUIRED: "必填而未填",
    FORM_TYPE_UNSURE: "表单类型不确定",
}


def declaration_to_titles(declaration: FormDeclaration) -> Titles:
    return Titles(
        form=declaration.title,
        fields={item.name: item.title for item in declaration.fields},
        groups={group.name: group.title for group in declaration.groups},
        columns={
            group.name: {column.name: column.title for column in group.columns}
            for group in declaration.groups
        },
    )


def find_titles(form_type: str, declarations: Iterable[FormDeclaration]) -> Titles:
    """The titles of a form type; none where no declaration has its name."""
    found = (item for item in declarations if item.name == form_type)
    return next((declaration_to_titles(item) for item in found), NO_TITLES)


@dataclass(frozen=True, slots=True)
class NamedField:
    """A field with its path in the record, like ``name`` or ``group[2].column``."""

    path: str
    title: str
    field: Field


def record_to_named_fields(record: Record, titles: Titles = NO_TITLES) -> Iterator[NamedField]:
    """Every field of the record in its order: single ones first, then row after row."""
    for name, value in record.fields.items():
        yield NamedField(name, titles.of_field(name), value)
    for group, rows in record.groups.items():
        for number, row in enumerate(rows):
            for column, value in row.items():
                title = f"{titles.of_group(group)} {number + 1} · {titles.of_column(group, column)}"
                yield NamedField(group_path(group, number, column), title, value)


def group_path(group: str, row: int, column: str) -> str:
    return f"{group}[{row}].{column}"


def group_columns(rows: tuple[Mapping[str, Field], ...]) -> tuple[str, ...]:
    """The columns of a group in the order in which its rows first show them."""
    return tuple(dict.fromkeys(column for row in rows for column in row))


def form_title(record: Record, titles: Titles) -> str:
    """How a reader knows the form type."""
    if record.form_type == UNKNOWN:
        return "未知表单"
    return titles.form or record.form_type


def reasons_to_words(reasons: Iterable[str]) -> str:
    """Why a field goes to review, as a reader says it; a reason without words stays as it is."""
    return "；".join(map(_reason_to_words, reasons))


def _reason_to_words(reason: str) -> str:
    if reason.startswith(CHECK_FAILED):
        return f"核对不符：{reason.removeprefix(CHECK_FAILED)}"
    if reason.startswith(REPAIRED):
        return f"按词库改正，原读作：{reason.removeprefix(REPAIRED)}"
    return _REASONS.get(reason, reason)


def key_value_path(number: int) -> str:
    return f"key_values[{number}]"
