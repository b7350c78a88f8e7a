"""A record as its page shows it: places on the pictures, fields, rules and tables beside them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from extraction.confidence import CHECK_FAILED
from extraction.declarations import FormDeclaration
from extraction.exports.html import table_rows
from extraction.exports.naming import (
    NO_TITLES,
    Titles,
    declaration_to_titles,
    group_columns,
    group_path,
    record_to_named_fields,
)
from extraction.exports.table_geometry import column_widths_px
from extraction.values import Box, Check, Field, PageSummary, Record, TableCell
from service.web.rule_terms import check_to_terms

Level = Literal["accept", "review", "wrong"]
Band = Literal["high", "medium", "low", "none"]
"""How sure the reading is; None of it where there is no confidence."""

_FIELD_LIMITS: Final = (0.95, 0.85)
# A cell by itself lacks what a field knows of its form: its confidence never comes near 1.
_CELL_LIMITS: Final = (0.8, 0.6)
_LEAST_EM: Final = 2.4
_MOST_EM: Final = 13.0
_PADDING_EM: Final = 1.2
# Per cent; the rest is for the numbers of the rows.
_WITHOUT_NUMBERS: Final = 95.0
_LEVELS: Final[tuple[Level, ...]] = ("accept", "review", "wrong")
_BANDS: Final[tuple[Band, ...]] = ("none", "high", "medium", "low")


@dataclass(frozen=True, slots=True)
class Mark:
    """A box on a page that stands for one cell, and for the fields that were read in it."""

    id: str
    page: int
    box: Box
    of_field: bool
    level: Level
    band: Band
    caption: str


@dataclass(frozen=True, slots=True)
class FieldView:
    """A field with its title, its place among the marks (None: stands nowhere) and its level."""

    path: str
    title: str
    field: Field
    level: Level
    band: Band
    mark: str | None


@dataclass(frozen=True, slots=True)
class GroupView:
    """A group of rows; a row has None where it lacks the column.

    ``widths`` are the shares of the columns in per cent, without that of the row numbers.
    """

    title: str
    columns: tuple[str, ...]
    widths: tuple[float, ...]
    rows: tuple[tuple[FieldView | None, ...], ...]


@dataclass(frozen=True, slots=True)
class CheckView:
    """One run of a rule: its message, and its fields, those that it puts in doubt first."""

    passed: bool | None
    message: str
    fields: tuple[FieldView, ...]


@dataclass(frozen=True, slots=True)
class RuleView:
    """A rule of the form with all its runs.

    ``kind`` and ``terms`` are the declaration's: which sentence says it, and what stands in
    it. Both are empty for a rule that is no longer declared.
    """

    name: str
    kind: str
    terms: Mapping[str, str]
    runs: tuple[CheckView, ...]

    def count(self, passed: bool | None) -> int:
        return sum(run.passed is passed for run in self.runs)

    @property
    def state(self) -> str:
        """``failed`` if any run failed, ``unknown`` if none could be run, else ``passed``."""
        if self.count(False):
            return "failed"
        return "passed" if self.count(True) else "unknown"


@dataclass(frozen=True, slots=True)
class PairView:
    key: str
    value: str
    confidence: float | None
    band: Band
    mark: str


@dataclass(frozen=True, slots=True)
class CellView:
    cell: TableCell
    band: Band
    mark: str


@dataclass(frozen=True, slots=True)
class TableView:
    """``widths`` are the shares of the columns on paper, per cent."""

    number: int
    pages: tuple[int, ...]
    row_count: int
    column_count: int
    joined_because: str | None
    widths: tuple[float, ...]
    rows: tuple[tuple[CellView, ...], ...]


@dataclass(frozen=True, slots=True)
class PageView:
    """A page with its marks, large ones first, so that small ones lie on top."""

    summary: PageSummary
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class RecordView:
    form_title: str
    fields: tuple[FieldView, ...]
    groups: tuple[GroupView, ...]
    rules: tuple[RuleView, ...]
    pairs: tuple[PairView, ...]
    tables: tuple[TableView, ...]
    pages: tuple[PageView, ...]

    @property
    def field_count(self) -> int:
        return len(self.fields) + sum(item is not None for item in self._grouped())

    @property
    def review_count(self) -> int:
        """How many fields a person should look at."""
        every = (*self.fields, *self._grouped())
        return sum(item is not None and item.level != "accept" for item in every)

    @property
    def rules_by_name(self) -> Mapping[str, RuleView]:
        return {rule.name: rule for rule in self.rules}

    def rule_count(self, state: str) -> int:
        return sum(rule.state == state for rule in self.rules)

    def _grouped(self) -> Iterator[FieldView | None]:
        return (item for group in self.groups for row in group.rows for item in row)


def record_to_view(record: Record, declarations: Iterable[FormDeclaration] = ()) -> RecordView:
    """All that the page of a document shows of its record."""
    declaration = next((d for d in declarations if d.name == record.form_type), None)
    titles = declaration_to_titles(declaration) if declaration else NO_TITLES
    marks = record_to_marks(record, titles)
    at = {(mark.page, mark.box): mark for mark in marks}
    places = {place: mark.id for place, mark in at.items()}
    views = _field_views(record, titles, places)
    return RecordView(
        form_title=titles.form,
        fields=tuple(views[name] for name in record.fields),
        groups=tuple(_group_view(record, name, titles, views) for name in record.groups),
        rules=checks_to_rules(record.checks, views, declaration),
        pairs=tuple(
            PairView(
                pair.key,
                pair.value,
                pair.confidence,
                confidence_to_band(pair.confidence),
                places[pair.source.page, pair.source.box],
            )
            for pair in record.key_values
        ),
        tables=tuple(_table_view(record, number, at) for number in range(len(record.tables))),
        pages=tuple(_page_view(page, marks) for page in record.pages),
    )


def confidence_to_band(
    confidence: float | None, limits: tuple[float, float] = _FIELD_LIMITS
) -> Band:
    """``limits`` are the least of ``high`` and the least of ``medium``."""
    if confidence is None:
        return "none"
    high, medium = limits
    if confidence >= high:
        return "high"
    return "medium" if confidence >= medium else "low"


def field_to_band(field: Field) -> Band:
    """No field that a person is asked about counts as sure, strict as the promise may be."""
    band = confidence_to_band(field.confidence)
    return "medium" if band == "high" and field.route == "review" else band


def record_to_marks(record: Record, titles: Titles = NO_TITLES) -> tuple[Mark, ...]:
    """One mark for every distinct box: a field's where there is one, else the cell's."""
    marks: dict[tuple[int, Box], Mark] = {}
    for named in record_to_named_fields(record, titles):
        if (source := named.field.source) is None:
            continue
        band = field_to_band(named.field)
        caption = f"{named.title}：{named.field.text}"
        mark = Mark("", source.page, source.box, True, _field_level(named.field), band, caption)
        place = (source.page, source.box)
        marks[place] = _joined(marks[place], mark) if place in marks else mark
    for pair in record.key_values:
        place = (pair.source.page, pair.source.box)
        band = confidence_to_band(pair.confidence)
        marks.setdefault(place, Mark("", *place, True, "accept", band, f"{pair.key}：{pair.value}"))
    for table in record.tables:
        for cell in table.cells:
            band = confidence_to_band(cell.confidence, _CELL_LIMITS)
            place = (cell.page, cell.box)
            marks.setdefault(place, Mark("", *place, False, "accept", band, cell.text))
    return tuple(replace(mark, id=f"m{number}") for number, mark in enumerate(marks.values()))


def checks_to_rules(
    checks: Sequence[Check],
    views: Mapping[str, FieldView],
    declaration: FormDeclaration | None = None,
) -> tuple[RuleView, ...]:
    """The runs of each rule together, the failed rules first and then the unknown ones."""
    declared = {check.name: check for check in declaration.checks} if declaration else {}
    runs: dict[str, list[CheckView]] = {}
    for check in checks:
        named = (views[path] for path in check.fields if path in views)
        fields = tuple(sorted(named, key=lambda item: -_LEVELS.index(item.level)))
        runs.setdefault(check.name, []).append(CheckView(check.passed, check.message, fields))
    order = ("failed", "unknown", "passed")
    rules = []
    for name, found in runs.items():
        rule = declared.get(name)
        terms = check_to_terms(declaration, rule) if declaration and rule else {}
        rules.append(RuleView(name, rule.kind if rule else "", terms, tuple(found)))
    return tuple(sorted(rules, key=lambda rule: order.index(rule.state)))


def _field_level(field: Field) -> Level:
    if any(reason.startswith(CHECK_FAILED) for reason in field.reasons):
        return "wrong"
    return field.route


def _joined(first: Mark, second: Mark) -> Mark:
    return replace(
        first,
        level=max(first.level, second.level, key=_LEVELS.index),
        band=max(first.band, second.band, key=_BANDS.index),
        caption=f"{first.caption}\n{second.caption}",
    )


def _field_views(
    record: Record, titles: Titles, places: Mapping[tuple[int, Box], str]
) -> dict[str, FieldView]:
    return {
        named.path: FieldView(
            named.path,
            named.title,
            named.field,
            _field_level(named.field),
            field_to_band(named.field),
            None if (source := named.field.source) is None else places[source.page, source.box],
        )
        for named in record_to_named_fields(record, titles)
    }


def _group_view(
    record: Record, name: str, titles: Titles, views: Mapping[str, FieldView]
) -> GroupView:
    rows = record.groups[name]
    columns = group_columns(rows)
    names = tuple(titles.of_column(name, column) for column in columns)
    return GroupView(
        titles.of_group(name),
        names,
        _column_shares(rows, columns, names),
        tuple(
            tuple(views.get(group_path(name, number, column)) for column in columns)
            for number in range(len(rows))
        ),
    )


def _column_shares(
    rows: Sequence[Mapping[str, Field]], columns: Sequence[str], titles: Sequence[str]
) -> tuple[float, ...]:
    """Widths after what the columns hold: the longest text of each, within bounds."""
    wanted = [
        min(
            max(
                _LEAST_EM,
                text_width_em(title) / 2,
                *(text_width_em(row[column].text) for row in rows if column in row),
            ),
            _MOST_EM,
        )
        + _PADDING_EM
        for column, title in zip(columns, titles, strict=True)
    ]
    return tuple(_WITHOUT_NUMBERS * width / sum(wanted) for width in wanted)


def text_width_em(text: str) -> float:
    """How wide a text is printed on one line; Chinese characters are 1 em wide."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return wide + 0.62 * (len(text) - wide)


def _table_view(record: Record, number: int, at: Mapping[tuple[int, Box], Mark]) -> TableView:
    table = record.tables[number]
    widths = column_widths_px(table)
    total = sum(widths) or 1.0
    return TableView(
        number + 1,
        table.pages,
        table.rows,
        table.columns,
        table.joined_because,
        tuple(100 * width / total for width in widths),
        tuple(
            tuple(
                CellView(cell, at[cell.page, cell.box].band, at[cell.page, cell.box].id)
                for cell in row
            )
            for row in table_rows(record, number)
        ),
    )


def _page_view(page: PageSummary, marks: Sequence[Mark]) -> PageView:
    here = (mark for mark in marks if mark.page == page.number)
    return PageView(page, tuple(sorted(here, key=lambda mark: -mark.box.area)))
